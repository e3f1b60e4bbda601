"""Two runs side by side: their headline numbers, with the differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.rows import BRIEF, table
from engine.errors import UserError
from engine.execution import results
from engine.risk.estimation.influences import single
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tails import combined_difference
from engine.run_folder import cube
from engine.run_folder.finding import find_run
from engine.study.loading import own_model
from engine.study.study import Study

READING = (
    "differs: the 95 % intervals of both runs do not overlap. The interval of a difference, the second run less the"
    " first, holds for any dependence of the two runs."
)
TABLES = {"outcomes_of_runs": "Headline outcomes of both runs", "events_of_runs": "Probability of events in both runs"}


def answer(of: Asked, other: str, variables: Sequence[str]) -> Answer:
    """The headline outcomes and the events of a run beside those of another run, matched by their labels.

    Args:
      other: the place of the other run.
      variables: outcomes and events in place of the headline and all events.

    Raises:
      UserError: there is no other run, or its place is the name of a variable; or the runs have no policy, or no
        outcome or event, in common.
    """
    study = of.study
    try:
        folder = find_run(other, own_model(study))
    except UserError as error:
        if other not in (*study.variables, *study.model.yearly):
            raise
        remedy = f'Name it as an option: --outcome {other}, in Python outcome="{other}".'
        raise UserError(other, [f"expected another run, got the name of a variable. {remedy}"]) from error
    second = results.of_run(folder, partial=cube.was_finished(folder.path))
    names = {
        name
        for name in variables or (*study.headline, *study.events_by_name)
        if (meaning := _meaning(study, name)) and meaning == _meaning(second.study, name)
    }
    first, others = (
        {(one.variable, one.policy, one.measure): one.alone for one in estimates.risk}
        for estimates in (of.tables(names), second.tables(names))
    )
    rows = [
        dict(zip(("variable", "policy", "measure"), labels, strict=True))
        | {"unit": study.unit_of(labels[0])}
        | _compared(one, others[labels], labels[2])
        for labels, one in first.items()
        if labels in others
    ]
    if not rows:
        lacking = " and ".join(variables) or "policy, outcome or event"
        raise UserError(f"{of.folder} {folder.path}", [f"have no {lacking} in common."])
    tables = (
        table(
            name,
            title,
            [row for row in rows if (row["variable"] in study.events_by_name) == is_event],
            *("variable", "policy", "measure"),
            brief=("first", "second", "difference", "differs"),
        )
        for is_event, (name, title) in enumerate(TABLES.items())
    )
    count = sum(bool(row["differs"]) for row in rows)
    overlap = ", whose 95 % intervals do not overlap" * bool(count)
    finding = f"The two runs differ clearly in {count or 'none'} of {len(rows)} headline numbers{overlap}."
    basis = f"{study.paths:,} paths in {of.folder} against {second.study.paths:,} in {folder.path}"
    return Answer(Subject.of(study), (finding,), tuple(filter(len, tables)), basis, READING)


def _compared(first: Estimate, second: Estimate, measure: str) -> dict[str, Any]:
    """The columns of a number of both runs: the two estimates, their difference, and whether they differ."""
    error, flags = first.standard_error + second.standard_error, dict.fromkeys((*second.flags, *first.flags))
    gap = single(combined_difference(second.column, first.column, error, -1.0))
    differs = bool(gap.low > 0 or gap.high < 0) if math.isfinite(gap.high - gap.low) else None
    return {
        "first": first,
        "second": second,
        "difference": replace(gap, flags=tuple(flags)),
        "differs": differs,
        BRIEF: bool(differs) and measure in ("mean", "ES99", "probability"),
    }


def _meaning(study: Study, name: str) -> list[Any]:
    """The unit of an outcome, or the rule of an event and those of the events in it; empty for another name."""
    if name in study.model.outcomes:
        return [study.unit_of(name)]
    event = study.events_by_name.get(name)
    return [event.model_copy(update={"about": ""}), *(_meaning(study, part) for part in event.parts)] if event else []
