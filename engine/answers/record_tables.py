"""Records of estimates as tables of an answer, a row per variable, policy and measure; and a measure in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import isfinite, nan
from operator import attrgetter

from engine.answers.table import Table, counts, estimates, numbers, texts
from engine.formatting import begun
from engine.risk.estimation.as_text import cell, shown_in
from engine.risk.estimation.evidence import level_of
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.summaries import STATS
from engine.risk.estimation.tables import Record
from engine.risk.estimation.wording import amount, listed, measured, named
from engine.study.study import Study

MAIN = ("mean", "ES99", "probability", "share")
"""Measures that the brief tables show."""
MOST_WORDS = 25
"""Most words of a sentence that names more than one policy."""
_TITLES = {
    "risk": "Risk under each policy",
    "comparison": "Less {baseline}, on the same futures",
    "worse": "Share of futures that are worse than under {baseline}",
    "regret": "What is lacking of the best policy of the same future, in the mean",
    "share": "Share of futures that meet the condition",
    "given": "In futures that meet the condition",
    "otherwise": "In the other futures",
    "contrast": "In futures that meet the condition less in the others",
}
_NAMES = {"": "risk", "difference": "comparison"}
_OWN = {"variable", "policy", "measure", "year", "level", "unit", "flag", *STATS}
"""Names of columns of a table or its frame; a dimension of such a name is called `place_NAME`."""


def tables(study: Study, records: Iterable[Record]) -> tuple[Table, ...]:
    """Tables of records, one per kind: `risk`, `comparison`, `worse`, `regret`.

    For a condition: `share`, `given`, `otherwise`, `contrast`.

    Events, and variables by year, have tables of their own, such as `risk_events` and `comparison_yearly`.
    """
    kinds: dict[tuple[str, str], list[tuple[Record]]] = {}
    for one in records:
        if one.measure in ("worse", "regret") and study.loss_of(one.variable) is None:
            continue
        prefix, _, bare = one.measure.rpartition("_")
        name = bare if bare in _TITLES else _NAMES.get(prefix, prefix)
        of = "events" if bare == "probability" else "" if one.year is None else "yearly"
        kinds.setdefault((name, of), []).append((one,))
    about = {"estimate": "in its unit, over all futures or those that the table is of"}
    return tuple(
        table(study, "_".join(filter(None, kind)), _TITLES[kind[0]].format(baseline=study.baseline), about, rows)
        for kind, rows in sorted(kinds.items(), key=lambda kind: [*_TITLES].index(kind[0][0]))
    )


def table(study: Study, name: str, title: str, about: Mapping[str, str], rows: Sequence[tuple[Record, ...]]) -> Table:
    """A table with one column of estimates for each entry of `about`, and one row for each tuple of records.

    Args:
      about: what each column of estimates means, by its name.
      rows: one record for each of these columns, all of the same variable, policy, measure, place and year.
    """
    about_labels = {
        "variable": "outcome, event, yearly variable or condition",
        "policy": "policy",
        "measure": "measure of risk",
    }
    own = {*_OWN, *about}
    dims = {dim: f"place_{dim}" if dim in own else dim for row in rows for dim in row[0].place}
    about_labels |= dict.fromkeys(dims.values(), "place")
    about_labels |= {} if rows[0][0].year is None else {"year": "calendar year"}
    held = {
        tuple(
            (vars(row[0]) | {dims[dim]: label for dim, label in row[0].place.items()}).get(name, "")
            for name in about_labels
        ): row
        for row in rows
    }
    keys = [*product(*map(dict.fromkeys, zip(*held, strict=True)))]
    units = {row[0].variable: unit_of(study, row[0]) for row in rows}
    bare = [measure.rpartition("_")[2] for _, _, measure, *_ in keys]
    columns = (
        *(
            (counts if name == "year" else texts)(name, [key[k] for key in keys], words)
            for k, (name, words) in enumerate(about_labels.items())
        ),
        numbers("level", [*map(level_of, bare)], "of VaR and ES", over=("measure",), brief=False),
        texts("unit", [units[name] for name, *_ in keys], "unit of its numbers", over=("variable",)),
        *(
            estimates(
                column,
                [held[key][k].alone if key in held else None for key in keys],
                words,
                shown=_unit_on_screen(rows[0][k]),
            )
            for k, (column, words) in enumerate(about.items())
        ),
    )
    brief = [one in MAIN for one in bare]
    return Table(name, title, columns, tuple(about_labels), brief, "policy" if len(about) == 1 else "")


def unit_of(study: Study, of: Record) -> str:
    """The unit of a record's numbers, as the model states it; "1" for a share or a probability."""
    if _unit_on_screen(of):
        return "1"
    return study.unit_of(of.variable) if of.year is None else study.model.yearly[of.variable].unit


def sentence(study: Study, records: Sequence[Record], less: str = "") -> str:
    """One measure of a variable under as many policies as a sentence has room for.

    Over places and years it is the smallest and the largest value.

    Args:
      records: of one measure and variable.
      less: what differences are taken from, in words; the baseline if not given.
    """
    first, parts = records[0], list[str]()
    is_gap = first.measure.startswith("difference_")
    loss = study.loss_of(first.variable) if first.year is None else study.model.yearly[first.variable].loss
    for policy in dict.fromkeys(one.policy for one in records):
        own = [one for one in records if one.policy == policy]
        ends = sorted((one for one in own if isfinite(one.estimate)), key=attrgetter("estimate")) or own
        said = [_change_in_words(study, one, loss, bool(parts), len(ends) == 1) for one in ends[:: len(ends) - 1 or 1]]
        parts.append(f"{' to '.join(said)} under {study.phrase('policies', policy)}")
    of = f", against {less or study.phrase('policies', study.baseline)}" * is_gap
    head = f"{begun(_measured(study, first))}{of}: "
    for most in range(len(parts), 1, -1):
        text = head + _first(parts, most)
        if len(text.split()) <= MOST_WORDS:
            return text
    return head + _first(parts, 1)


def _first(parts: Sequence[str], most: int) -> str:
    left = len(parts) - most
    return f"{listed(parts[:most])}." if not left else f"{', '.join(parts[:most])} and {left} more."


def _measured(study: Study, of: Record) -> str:
    """What a record measures, in words; for a condition, the futures in which it holds."""
    if of.bare_measure == "share":
        known = {*study.variables, *study.model.yearly}
        names = re.sub(r"\w+", lambda one: named(study, one[0]) if one[0] in known else one[0], of.variable)
        return f"futures with {names}"
    if of.bare_measure in ("median", "sd"):
        return f"{of.bare_measure} of {named(study, of.variable)}"
    return measured(study, of.variable, of.bare_measure)


def _change_in_words(study: Study, one: Record, loss: bool | None, bare: bool, alone: bool) -> str:
    """`86.8 thousand persons more (worse)`; without unit if `bare`, and without the verdict unless `alone`."""
    is_gap = one.measure.startswith("difference_")
    scale, unit = shown_in(one.measure, unit_of(study, one))
    value = scale * (abs(one.estimate) if is_gap else one.estimate)
    held = Estimate(value, nan, scale * one.low, scale * one.high)
    text = amount(unit, held) if isfinite(value) else "none"
    if bare:
        number, _, behind = text.partition(" ")
        text = number + " %" * behind.startswith("%")
    text += (" more" if one.estimate > 0 else " less") * (is_gap and bool(one.estimate))
    called = cell(one, scale, loss if is_gap else None)
    verdict = "not distinguishable" if called.verdict == "same" else called.verdict
    verdict = verdict if called.interval else "no interval"
    about = ", ".join(filter(None, (*one.place.values(), str(one.year or ""), verdict if alone else "")))
    return text + f" ({about})" * bool(about)


def _unit_on_screen(one: Record) -> str:
    unit = shown_in(one.measure)[1]
    return "" if unit == "1" else unit
