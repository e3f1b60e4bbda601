"""Two runs side by side: what their studies state differently, and their headline numbers with the differences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.rows import BRIEF, table
from engine.answers.wording import amount, quantity, share
from engine.errors import UserError
from engine.execution import results
from engine.formatting import shown
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.shares import combined_interval
from engine.run_folder import cube
from engine.run_folder.finding import find_run
from engine.study.loading import own_model
from engine.study.study import Study

READING = (
    "differs: the 95 % intervals of both runs do not overlap. The interval of a difference, the second run less the"
    " first, holds for any dependence of the two runs."
)


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
        name for name in variables or (*study.headline, *study.events_by_name) if _alike(study, second.study, name)
    }
    first, others = (
        {(one.variable, one.policy, one.measure): one.alone for one in estimates.risk}
        for estimates in (of.tables(names), second.tables(names))
    )
    rows = [_row(study, labels, one, others[labels]) for labels, one in first.items() if labels in others]
    if not rows:
        lacking = " and ".join(variables) or "policy, outcome or event"
        raise UserError(f"{of.folder} {folder.path}", [f"have no {lacking} in common."])
    dims, brief = ("variable", "policy", "measure"), ("first", "second", "difference", "differs")
    tables = [
        table(
            name,
            title,
            (row for row in rows if (row["variable"] in study.events_by_name) == is_event),
            *dims,
            brief=brief,
        )
        for name, title, is_event in (
            ("outcomes_of_runs", "Headline outcomes of both runs", False),
            ("events_of_runs", "Probability of events in both runs", True),
        )
    ]
    statements = [*_statements(study, second.study)]
    tables.append(table("statements", "What their studies state differently", statements, "place"))
    count = sum(bool(row["differs"]) for row in rows)
    overlap = ", whose 95 % intervals do not overlap" * bool(count)
    findings = [f"The two runs differ clearly in {count or 'none'} of {len(rows)} headline numbers{overlap}."]
    findings += [_clearest(study, rows)] if count else []
    differ = f"differ in {len(statements)} statement{'s' * (len(statements) > 1)}" if statements else "state the same"
    findings.append(f"Their studies {differ}.")
    basis = f"{study.paths:,} paths in {of.folder} against {second.study.paths:,} in {folder.path}"
    return Answer(Subject.of(study), tuple(findings), tuple(filter(len, tables)), basis, READING)


def _row(study: Study, labels: tuple[str, str, str], first: Estimate, second: Estimate) -> dict[str, Any]:
    variable, policy, measure = labels
    upper, lower = ((one.estimate, one.low, one.high) for one in (second, first))
    low, high = combined_interval(upper, lower, -1.0)
    differs = bool(low > 0 or high < 0) if math.isfinite(high - low) else None
    error, flags = first.standard_error + second.standard_error, dict.fromkeys((*second.flags, *first.flags))
    return {
        "variable": variable,
        "policy": policy,
        "measure": measure,
        "unit": study.unit_of(variable),
        "first": first,
        "second": second,
        "difference": Estimate(second.estimate - first.estimate, error, low, high, tuple(flags)),
        "differs": differs,
        BRIEF: bool(differs) and measure in ("mean", "ES99", "probability"),
    }


def _clearest(study: Study, rows: Sequence[Mapping[str, Any]]) -> str:
    """The number that differs by most of its standard errors, in words."""
    most = max((row for row in rows if row["differs"]), key=lambda row: _clarity(row["difference"]))
    is_event, unit = most["measure"] == "probability", most["unit"]
    first, second = (share(most[run]) if is_event else amount(unit, most[run]) for run in ("first", "second"))
    what = f"{quantity(study, most['variable'], most['measure'])} under {study.phrase('policies', most['policy'])}"
    return f"Most clearly, {what} is {second} in the second run and {first} in the first."


def _clarity(gap: Estimate) -> float:
    return abs(gap.estimate) / gap.standard_error if gap.standard_error > 0 else 0.0


def _alike(first: Study, second: Study, name: str) -> bool:
    """Whether an outcome has the same unit in both studies, or an event the same rule, and so the events in it."""
    if name in first.model.outcomes:
        return name in second.model.outcomes and first.unit_of(name) == second.unit_of(name)
    one, other = first.events_by_name.get(name), second.events_by_name.get(name)
    if one is None or other is None or replace(one, about="") != replace(other, about=""):
        return False
    return all(_alike(first, second, part) for part in one.all_of)


def _statements(first: Study, second: Study) -> Iterator[dict[str, str]]:
    """Yields a row for each place of the study file at which the two state something else."""
    model = "model (SHA-256 of its source)"
    one, other = ({**_values(study.document), model: study.model_digest[:12]} for study in (first, second))
    for place in dict.fromkeys((*one, *other)):
        values = one.get(place), other.get(place)
        if values[0] != values[1]:
            texts = ("" if value is None else shown(value) for value in values)
            yield dict(zip(("place", "first", "second"), (place, *texts), strict=True))


def _values(tables: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """Every value of nested tables by its dotted place."""
    values: dict[str, Any] = {}
    for key, value in tables.items():
        values |= _values(value, f"{place}{key}.") if isinstance(value, Mapping) else {f"{place}{key}": value}
    return values
