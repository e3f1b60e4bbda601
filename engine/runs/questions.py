"""Questions to a run, as records: risk and comparison by outcome and level, by year, and where a condition holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

import xarray as xr

from engine.answers import registry
from engine.answers.answer import Answer
from engine.answers.question import fields
from engine.errors import UserError, unknown
from engine.execution.results import Answers
from engine.formatting import command_line
from engine.risk.conditional import condition_table, not_kept, parse_condition
from engine.risk.events import known_events
from engine.risk.tables import Record, Tables
from engine.risk.tallies import unkept
from engine.risk.yearly_tables import yearly_table
from engine.run_folder import answer_store, ledger
from engine.run_folder.folder import RunFolder
from engine.study.study import Study


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


def answer_to(folder: RunFolder, question: str) -> Answer:
    """What a run has answered to a question, as it was last asked.

    Raises:
      UserError: it has not been asked, or by a version whose answers have another form.
    """
    answer = answer_store.read(folder.path, question)
    if answer is None:
        command = command_line(question, folder.path, *_needed(question), model=folder.study.model_spec)
        raise UserError(str(folder.path), [f"has not been asked. Ask it: {command}"])
    return Answer.of_tree(answer)


def kept(folder: RunFolder) -> list[Answer]:
    """What a run has answered, as it was last asked; nothing of versions whose answers have another form."""
    held = []
    for question in ledger.answers(folder.path):
        answer = answer_store.read(folder.path, question)
        with suppress(UserError):
            held += [Answer.of_tree(answer)] if answer is not None else []
    return held


def _needed(question: str) -> tuple[str, ...]:
    """What the command of a question needs besides the run."""
    needed = (one for one in fields(registry.question(question)) if one.required)
    return tuple(word for one in needed for word in (one.flag, one.option.metavar))


def refuse_unknown(variable: str | None, names: Iterable[str]) -> None:
    """Raises a UserError where a variable is none of these."""
    if variable is not None and variable not in {*names}:
        raise UserError("variable", [unknown("variable", variable, {*names})])


def _selected(records: Sequence[Record], variable: str | None, level: float | None) -> list[Record]:
    return [r for r in records if variable in (None, r.variable) and level in (None, r.level)]
