"""Records of estimates as tables of an answer, a row per variable, policy and measure; and a measure in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite, nan
from operator import attrgetter
from typing import Any

from engine.answers.as_text import amount, cell, listed, named, quantity, short, shown_in
from engine.answers.table import BRIEF, Table, table
from engine.formatting import begun
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.summaries import STATS
from engine.risk.estimation.tables import Record
from engine.study.study import Study

MAIN = ("mean", "ES99", "probability", "share")
"""Measures that the brief tables show."""
_TITLES = {
    "risk": "Risk under each policy",
    "comparison": "Difference from {baseline} on the same futures",
    "worse": "Share of futures that are worse than under {baseline}",
    "regret": "Mean distance from the best policy of the same future",
    "share": "Share of futures that meet the condition",
    "given": "Estimates over the futures that meet the condition",
    "otherwise": "Estimates over the other futures",
    "contrast": "Difference of the futures that meet the condition from the others",
}
_NAMES = {"": "risk", "difference": "comparison"}
_OWN = {"variable", "policy", "measure", "year", "level", "unit", "flag", *STATS}
"""Names of columns of a table or its frame; a dimension of such a name is called `place_NAME`."""


def tables(study: Study, records: Iterable[Record]) -> tuple[Table, ...]:
    """Tables of records, one per kind: `risk`, `comparison`, `worse`, `regret`.

    For a condition: `share`, `given`, `otherwise`, `contrast`.

    Events, and variables by year, have tables of their own, such as `risk_events` and `comparison_yearly`.
    """
    kinds: dict[tuple[str, str], list[Record]] = {}
    for one in records:
        if one.measure in ("worse", "regret") and study.loss_of(one.variable) is None:
            continue
        prefix, _, bare = one.measure.rpartition("_")
        name = bare if bare in _TITLES else _NAMES.get(prefix, prefix)
        of = "events" if bare == "probability" else "" if one.year is None else "yearly"
        kinds.setdefault((name, of), []).append(one)
    ordered = sorted(kinds.items(), key=lambda kind: [*_TITLES].index(kind[0][0]))
    return tuple(_table(study, *kind, own) for kind, own in ordered)


def _table(study: Study, name: str, of: str, records: Sequence[Record]) -> Table:
    """The table of one kind of records, a row for each."""
    dims = {dim: f"place_{dim}" if dim in _OWN else dim for one in records for dim in one.place}
    given = []
    for one in records:
        labels: dict[str, Any] = {"variable": one.variable, "policy": one.policy, "measure": one.measure}
        labels |= {called: one.place.get(dim, "") for dim, called in dims.items()}
        labels |= {} if one.year is None else {"year": one.year}
        facts = {"level": one.level, "unit": unit_of(study, one), "estimate": one.alone}
        given.append(labels | facts | {BRIEF: one.measure.rpartition("_")[2] in MAIN})
    title, shown = _TITLES[name].format(baseline=study.baseline), {"estimate": _unit_on_screen(records[0])}
    called = "_".join(filter(None, (name, of)))
    return table(called, title, given, *labels, brief=("unit", "estimate"), across="policy", shown=shown)


def unit_of(study: Study, of: Record) -> str:
    """The unit of a record's numbers, as the model states it; "1" for a share or a probability."""
    if _unit_on_screen(of):
        return "1"
    return study.unit_of(of.variable) if of.year is None else study.model.yearly[of.variable].unit


def _unit_on_screen(one: Record) -> str:
    unit = shown_in(one.measure)[1]
    return "" if unit == "1" else unit


def sentence(study: Study, records: Sequence[Record], what: str = "") -> str:
    """One measure of a variable under as many policies as a sentence has room for.

    Over places and years it is the smallest and the largest value.

    Args:
      records: of one measure and variable.
      what: what is measured, in words, if it is not an outcome, an event or a yearly variable.
    """
    first, parts = records[0], list[str]()
    loss = study.loss_of(first.variable) if first.year is None else study.model.yearly[first.variable].loss
    for policy in dict.fromkeys(one.policy for one in records):
        own = [one for one in records if one.policy == policy]
        ends = sorted((one for one in own if isfinite(one.estimate)), key=attrgetter("estimate")) or own
        values = [_in_words(study, one, loss, bool(parts), len(ends) == 1) for one in ends[:: len(ends) - 1 or 1]]
        several = "between " * (len(values) > 1)
        parts.append(f"{several}{' and '.join(values)} under {study.phrase('policies', policy)}")
    than = f"compared with {study.phrase('policies', study.baseline)}, " * _is_gap(first)
    head = begun(f"{than}{what or _measured(study, first)} is ")
    return short(*(head + _first(parts, most) for most in range(len(parts), 0, -1)), f"{head}{parts[0]}.")


def _first(parts: Sequence[str], most: int) -> str:
    left = len(parts) - most
    more = f" The tables show {left} more polic{'y' if left == 1 else 'ies'}." * bool(left)
    return f"{listed(parts[:most])}.{more}"


def _is_gap(of: Record) -> bool:
    return of.measure.startswith("difference_")


def _measured(study: Study, of: Record) -> str:
    spread = {"median": "median", "sd": "standard deviation"}.get(of.bare_measure)
    return f"the {spread} of {named(study, of.variable)}" if spread else quantity(study, of.variable, of.bare_measure)


def _in_words(study: Study, one: Record, loss: bool | None, bare: bool, alone: bool) -> str:
    """`86.8 thousand persons higher (worse)`; without unit if `bare`, and without the verdict unless `alone`."""
    scale, unit = shown_in(one.measure, unit_of(study, one))
    value = scale * (abs(one.estimate) if _is_gap(one) else one.estimate)
    text = amount(unit, Estimate(value, nan, scale * one.low, scale * one.high)) if isfinite(value) else "unknown"
    if bare:
        number, _, behind = text.partition(" ")
        text = number + " %" * behind.startswith("%")
    text += (" higher" if one.estimate > 0 else " lower") * (_is_gap(one) and isfinite(value) and value != 0)
    shown = cell(one, scale, loss if _is_gap(one) else None)
    verdict = {"same": "not significant"}.get(shown.verdict, shown.verdict) if shown.interval else "no interval"
    about = ", ".join(filter(None, (*one.place.values(), str(one.year or ""), verdict if alone else "")))
    return text + f" ({about})" * bool(about)
