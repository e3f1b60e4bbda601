"""The first sheet of a run's workbook: estimates of each policy, and its differences from the baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from engine.answers.workbook import Front, Number
from engine.risk.estimation.as_text import cell, places_of
from engine.risk.estimation.tables import Record, against_baseline
from engine.study.study import Study

_VERDICTS = {"same": "not distinguishable"}
_HEADS = ("outcome or event", "measure", "unit")


def policy_sheet(study: Study, of: Sequence[Record]) -> Front | None:
    """One row per headline outcome and measure, then one per event; None without records.

    If the records have no outcome of the headline, every outcome that they have takes its place.
    """
    records = {(r.measure, r.policy, r.variable): r for r in of if r.year is None}
    single = [
        measure for measure, _, _ in records if measure not in ("worse", "regret", "share") and "_" not in measure
    ]
    there = dict.fromkeys(name for measure, _, name in records if measure in single)
    outcomes = [name for name in study.headline if name in there] or [
        name for name in there if name in study.model.outcomes
    ]
    names = [*outcomes, *(name for name in study.events_by_name if name in there)]
    measures = _measures([*dict.fromkeys(single)])
    rows = [
        _row(study, records, name, measure)
        for name in names
        for measure in measures
        if any((measure, policy, name) in records for policy in study.policy_names)
    ]
    if not rows:
        return None
    base, others = study.baseline, [name for name in study.policy_names if name != study.baseline]
    own = [(f"{name} (baseline)" if name == base else name, 3) for name in study.policy_names]
    basis = f"{study.futures}; low and high: 95 % intervals of the Monte Carlo error"
    return Front(
        "policies",
        f"{study.name}: {study.question}",
        basis,
        [("", len(_HEADS)), *own, *((f"{name} - {base}", 4) for name in others), ("", 2)],
        [
            *_HEADS,
            *("estimate", "low", "high") * len(own),
            *("difference", "low", "high", "verdict") * len(others),
            "flags",
            "about",
        ],
        rows,
        _notes(measures),
        len(_HEADS),
    )


def _measures(there: Sequence[str]) -> Sequence[str]:
    """Mean, ES99 (or the ES of the highest level) and probability.

    All measures if there is no mean, as with records of one level.
    """
    tails = [name for name in there if name.startswith("ES")]
    main = ("mean", "ES99" if "ES99" in tails else tails[-1] if tails else "", "probability")
    return [name for name in there if name in main] if "mean" in there else there


def _row(study: Study, records: Mapping[tuple[str, str, str], Record], name: str, measure: str) -> list[str | Number]:
    outcome = study.model.outcomes.get(name)
    loss = study.loss_of(name)
    own = [records.get((measure, policy, name)) for policy in study.policy_names]
    others = [policy for policy in study.policy_names if policy != study.baseline]
    gaps = [records.get((against_baseline(measure), policy, name)) for policy in others]
    values: list[str | Number] = [study.title("outcomes" if outcome else "events", name), measure]
    values.append(outcome.unit if outcome else "share")
    for one in own:
        values += _numbers(one, "%" if not outcome else "")
    for one in gaps:
        verdict = cell(one, loss=loss).verdict or ("no interval" if one else "")
        values += [*_numbers(one, "points" if not outcome else ""), _VERDICTS.get(verdict, verdict)]
    flags = {one.flag: None for one in own if one and one.flag}
    flags |= {f"difference: {one.flag}": None for one in gaps if one and one.flag}
    about = outcome.about if outcome else study.events_by_name[name].about
    return [*values, "; ".join(flags), "; ".join(filter(None, (about, study.worse_side(name))))]


def _numbers(one: Record | None, shown: Literal["", "%", "points"]) -> list[Number]:
    if one is None:
        return [Number(math.nan, None)] * 3
    places = places_of(one)
    return [Number(value, places, shown) for value in (one.estimate, one.low, one.high)]


def _notes(measures: Sequence[str]) -> list[str]:
    levels = {measure.removeprefix("ES") for measure in measures if measure.startswith("ES")}
    return [
        *(f"ES{level}: the mean of the worst {100 - float(level):.3g} % of futures." for level in sorted(levels)),
        "better, worse: the interval of the difference leaves out zero; not distinguishable: it does not.",
        "Without low and high there is no interval that could be trusted: the column of flags says why.",
        (
            "Cells hold all digits and show those that the standard error bears; the sheets behind have every outcome"
            " and measure."
        ),
    ]
