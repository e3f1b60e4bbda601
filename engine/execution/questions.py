"""Questions to a run, as records: risk and comparison by outcome and level, by year, and where a condition holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from engine.analyses import registry
from engine.analyses.comparison import Comparison, Some, compared, comparison, refuse
from engine.analyses.discovery import PATHS as MOST_PATHS
from engine.analyses.discovery import Discovery, discovery
from engine.analyses.findings import LEVEL, Question
from engine.answers.answer import Answer
from engine.answers.question import fields
from engine.errors import UserError, unknown
from engine.execution.results import Answers
from engine.formatting import command_line
from engine.risk.conditional import condition_table, not_kept, parse_condition
from engine.risk.events import known_events
from engine.risk.tables import Record, Tables, tables_of_paths
from engine.risk.tallies import unkept
from engine.risk.where import parse_where
from engine.risk.yearly_tables import yearly_table
from engine.run_folder import answer_store
from engine.run_folder.folder import RunFolder
from engine.run_folder.reading import Paths
from engine.study.study import BLOCK, Study

NEEDED = {
    "explain": ("--outcome", "V"),
    "discover": ("--where", "CONDITION"),
}
"""What the command of a question needs besides the run, of those whose answers are drawn."""


def level_of(text: str | float | None) -> float | None:
    """The level that "99", "99%", 99 or 0.99 means, any above 50 %; None where none is asked for.

    Raises:
      UserError: it is no such level.
    """
    if text is None:
        return None
    try:
        number = float(str(text).strip().rstrip("%"))
    except ValueError:
        number = float("nan")
    percent = 100 * number if number < 1 else number
    if not 50 < percent < 100 or abs(percent - float(f"{percent:g}")) > 1e-9:
        wanted = "per cent between 50 and 100, of at most six digits, such as 97.5"
        raise UserError("level", [f"expected {wanted}; got '{text}'."])
    return round(float(f"{percent:g}") / 100, 8)


def yearly_names(study: Study, cube: xr.DataTree) -> tuple[str, ...]:
    """The yearly variables that a cube has risks of."""
    return tuple(study.model.yearly) if study.has_yearly and "yearly" in cube["risk"].children else ()


def tables_of(answers: Answers, variable: str | None, level: float | None) -> Tables:
    """Risk and comparison of one outcome or event, or of all of them; at one level, whichever it is, or at those of the study."""
    answers = answers.with_level(level)
    tables = answers.all_tables if variable is None else answers.tables({variable})
    return Tables(
        _selected(tables.risk, variable, level),
        _selected(tables.comparison, variable, level),
    )


def by_year(answers: Answers, cube: xr.DataTree, variable: str, level: float | None) -> list[Record]:
    """How risky a yearly variable is under each policy, in each year and place.

    Raises:
      UserError: the level is none of the study's: yearly values are not kept.
    """
    if level is not None and level not in answers.study.levels:
        known = ", ".join(f"{100 * known:g}" for known in answers.study.levels)
        remedy = f"Add {100 * level:g} to risk.levels in the study, and run it."
        raise UserError(
            "--level", [f"expected one of {known} for what is by year, got {100 * level:g}. {remedy}"]
        )
    return _selected(yearly_table(answers.study, cube, variable), variable, level)


def comparison_of(
    answers: Answers,
    cube: xr.DataTree,
    variables: Sequence[str] | None = None,
    policies: Sequence[str] | None = None,
    level: str | float | None = None,
    year: int | None = None,
    at: Mapping[str, str] | None = None,
    device: str | None = None,
) -> Comparison:
    """Which policy is better, by how much, how surely, in which futures not, and from when on.

    Args:
      variables: outcomes, events and yearly variables; all outcomes and events, and of what needs more the headline, if not given.
      policies: those that are compared; the first is what the others are held against where the study's baseline is not among them.
      level: at which tails are compared, such as 97.5; 99 if not given.
      year, at: of yearly variables: one year, label by dimension; all of them if not given.
      device: "cpu" or "gpu", for what is by year, whose first paths are computed anew.

    Raises:
      UserError: as `engine.analyses.comparison.comparison`.
    """
    chosen = level_of(level)
    answers = answers.with_level(chosen)
    question = Question(tuple(variables or ()), chosen or LEVEL, year, at)
    refuse(answers.study, question)
    study, rows = compared(answers.study, policies)
    if rows == list(range(len(answers.study.policies))):
        return comparison(study, answers.paths, answers.all_tables, cube, question, device)
    outcomes = Some(answers.paths, rows)
    return comparison(study, outcomes, tables_of_paths(study, outcomes), cube, question, device)


def discovery_of(answers: Answers, cube: xr.DataTree, where: str) -> Discovery:
    """In which boxes of factors futures of a kind are frequent, by the stored draws.

    Args:
      where: "POLICY worse than POLICY in OUTCOME" (or better), "EVENT under POLICY", "OUTCOME > NUMBER under POLICY"; several joined by "and".

    Raises:
      UserError: as `engine.risk.where.parse_where` and `engine.analyses.discovery.discovery`.
    """
    study = answers.study
    meant = parse_where(study, where, unkept(study))
    blocks = answers.blocks[: -(-MOST_PATHS // BLOCK)]
    return discovery(study, meant, Paths(answers.folder, blocks), draws_of(cube))


def draws_of(cube: xr.DataTree) -> dict[str, np.ndarray]:
    """Stored draws by factor, of the first paths of a cube [path]; of the factors that vary."""
    if "draws" not in cube.children:
        return {}
    group = cube.children["draws"].to_dataset(inherit=False)
    kept = int((group["path"] < group.attrs["kept"]).sum()) if group.data_vars else 0
    read = group.isel(path=slice(min(kept, MOST_PATHS))).load() if kept else xr.Dataset()
    held = {str(name): values.values for name, values in read.items()}
    return {name: values for name, values in held.items() if _varies(values[np.isfinite(values)])}


def _varies(values: np.ndarray) -> bool:
    return bool(values.size and values.min() < values.max())


def given(answers: Answers, condition: str, variable: str | None, level: float | None) -> list[Record]:
    """What holds among the paths that meet a condition such as "reemployed_share >= 0.667", and among the others.

    Raises:
      UserError: the text is no condition on outcomes that are kept path by path, or the variable is not one of them.
    """
    answers = answers.with_level(level)
    study = answers.study
    parsed = parse_condition(condition, study.keep.outcomes, unkept(study))
    kept = (*study.keep.outcomes, *(event.name for event in known_events(study, study.keep.outcomes)))
    if variable is not None and variable not in kept:
        raise UserError("variable", [not_kept(variable, kept)])
    records = condition_table(study, answers.paths.stacked(), parsed)
    return [
        r
        for r in records
        if r.measure == "share" or (variable in (None, r.variable) and level in (None, r.level))
    ]


def first_paths(answers: Answers) -> Mapping[str, np.ndarray]:
    """Outcomes that are stored of as many paths as there are, from the first on; none where blocks between are not done."""
    return answers.paths if [block.index for block in answers.blocks] == [*range(len(answers.blocks))] else {}


def answer_to(folder: RunFolder, question: str) -> Answer | xr.DataTree:
    """What a run has answered to a question, as it was last asked; labelled groups of one that is not in the registry yet.

    Args:
      question: one of `ledger.ANSWERS`.

    Raises:
      UserError: it has not been asked, or by a version whose answers have another form.
    """
    answer = answer_store.read(folder.path, question)
    if answer is None:
        command = command_line(question, folder.path, *_needed(question), model=folder.study.model_spec)
        raise UserError(str(folder.path), [f"has not been asked. Ask it: {command}"])
    return Answer.of_tree(answer) if question in registry.QUESTIONS else answer


def _needed(question: str) -> tuple[str, ...]:
    """What the command of a question needs besides the run."""
    if question in NEEDED:
        return NEEDED[question]
    needed = (one for one in fields(registry.question(question)) if one.required)
    return tuple(word for one in needed for word in (one.flag, one.option.metavar))


def refuse_unknown(variable: str | None, names: Iterable[str]) -> None:
    """Raises a UserError where a variable is none of these."""
    if variable is not None and variable not in {*names}:
        raise UserError("variable", [unknown("variable", variable, {*names})])


def _selected(records: Sequence[Record], variable: str | None, level: float | None) -> list[Record]:
    return [r for r in records if variable in (None, r.variable) and level in (None, r.level)]
