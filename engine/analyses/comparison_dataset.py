"""A comparison as labelled groups: for Python, and beside the cube."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from engine.analyses.findings import PROBABILITY, Findings
from engine.risk.dominance import Verdict
from engine.risk.ranks import Front
from engine.risk.thresholds import Banded, ThresholdCurves
from engine.run_folder.cube_groups import described, labels, policies
from engine.run_folder.stored_estimates import estimates, taken_apart

BANDS = ("estimate", "low", "high", "lowest", "highest")
"""The estimate, its 95 % interval alone, and the ends that hold all levels and policies at once."""
ENDS = ("estimate", "low", "high")
VERDICTS, FRONTS = list(Verdict), list(Front)


def labelled(of: Findings, sentence: str) -> dict[str, xr.Dataset]:
    """The groups by place; those that there is something in.

    Args:
      sentence: what the numbers say together.
    """
    study = of.study
    root = {
        "title": study.name,
        "summary": sentence,
        "id": f"{study.name}-{study.fingerprint}",
        "paths": study.paths,
        "baseline": study.baseline,
        "level": of.question.level,
        "years_paths": of.years_paths,
        "comment": f"policies less '{study.baseline}' on the same paths, {study.paths} of them"
        + (f"; what is by year on the first {of.years_paths}" if of.years_paths else ""),
    }
    parts = {
        "outcomes": _outcomes(of),
        "events": _events(of),
        "dominance": _dominance(of),
        "thresholds": _thresholds(of),
        "ranks": _ranks(of),
        "ahead": _ahead(of),
        "in_the_mean": _in_the_mean(of),
        "common": _common(of),
        "by_year": _by_year(of),
    }
    groups = {"/": xr.Dataset(attrs=root)}
    for place, (variables, coords) in parts.items():
        if variables:
            groups[place] = xr.Dataset(variables, {"policy": policies(study), **coords})
    return taken_apart(groups)


Group = tuple[dict[str, Any], dict[str, Any]]
"""Variables and coordinates."""


def _outcomes(of: Findings) -> Group:
    names = [name for name in of.study.model.outcomes if any(r.variable == name for r in of.by_key.values())]
    if not names:
        return {}, {}
    every = list(dict.fromkeys(key[0] for key in of.by_key))
    gaps = [m for m in every if m.startswith("difference_") and m != f"difference_{PROBABILITY}"]
    lacks = [m for m in every if m.startswith("regret")]

    def table(measures: Sequence[str], about: str, unit: str = "1") -> xr.Variable:
        rows = [
            [[of.by_key.get((m, p, name)) for m in measures] for p in of.study.policy_names] for name in names
        ]
        return estimates(("outcome", "policy", "measure"), rows, described(about, unit))

    def single(measure: str, about: str) -> xr.Variable:
        of_one = table([measure], about)
        return xr.Variable(("outcome", "policy"), of_one.values[:, :, 0], of_one.attrs)

    gap, lack = table(gaps, "policy less the baseline, in the outcome's unit"), table(lacks, "regret")
    variables = {
        "difference": gap,
        "regret": xr.Variable(("outcome", "policy", "regret_measure"), lack.values, lack.attrs),
        "worse": single("worse", "probability of being worse than the baseline"),
        "variance_ratio": single(
            "variance_ratio", "variance under independent draws over that on common futures"
        ),
    }
    units = [of.study.model.outcomes[name].unit for name in names]
    coords = {
        "outcome": labels("outcome", names, "outcome"),
        "unit": labels("outcome", units, "unit of the outcome"),
        "measure": labels("measure", [m.removeprefix("difference_") for m in gaps], "measure of risk"),
        "regret_measure": labels("regret_measure", lacks, "mean, quantiles and largest of regret"),
    }
    return variables, coords


def _events(of: Findings) -> Group:
    names = [e.name for e in of.study.events if any(key[2] == e.name for key in of.by_key)]
    if not names:
        return {}, {}
    rows = [
        [of.by_key.get((f"difference_{PROBABILITY}", p, name)) for p in of.study.policy_names]
        for name in names
    ]
    gap = estimates(("event", "policy"), rows, described("policy less the baseline: probability", "1"))
    return {"difference": gap}, {"event": labels("event", names, "event")}


def _dominance(of: Findings) -> Group:
    names = list(dict.fromkeys(name for name, _ in of.orders))
    if not names:
        return {}, {}

    def table(get: Any, dtype: type, **attrs: Any) -> xr.Variable:
        nothing = -1 if dtype is np.int8 else np.nan
        rows = [
            [
                [get(of.orders[name, p][k]) if (name, p) in of.orders else nothing for k in (0, 1)]
                for p in of.study.policy_names
            ]
            for name in names
        ]
        return xr.Variable(("outcome", "policy", "order"), np.array(rows, dtype), attrs)

    variables = {
        "verdict": table(
            lambda one: VERDICTS.index(one.verdict), np.int8,
            **described("the policy against the baseline", "1"), **_flagged(VERDICTS),
        ),
        "better": table(lambda one: one.better, np.float64, **described("p value of dominating", "1")),
        "worse": table(lambda one: one.worse, np.float64, **described("p value of being dominated", "1")),
        "low": table(lambda one: one.low, np.float64, **described("lowest level that was looked at", "1")),
        "high": table(lambda one: one.high, np.float64, **described("highest level that was looked at", "1")),
        "at_best": table(lambda one: one.at_best, np.float64, **described("level at which it is surely better", "1")),
        "at_worst": table(lambda one: one.at_worst, np.float64, **described("level at which it is surely worse", "1")),
    }  # fmt: skip
    order = xr.Variable("order", np.array([1, 2]), described("order of dominance", "1"))
    return variables, {"outcome": labels("outcome", names, "outcome"), "order": order}


def _thresholds(of: Findings) -> Group:
    if not of.curves:
        return {}, {}
    most = max(len(one.levels) for one in of.curves.values())

    def padded(values: np.ndarray) -> np.ndarray:
        short = most - values.shape[-1]
        return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, short)], constant_values=np.nan)

    def table(get: Any, about: str) -> xr.Variable:
        def banded(one: ThresholdCurves) -> np.ndarray:
            of_one: Banded = get(one)
            return np.stack([padded(getattr(of_one, band)) for band in BANDS], axis=1)

        rows = np.stack([banded(one) for one in of.curves.values()])
        return xr.Variable(("event", "policy", "band", "point"), rows, described(about, "1"))

    events = {event.name: event for event in of.study.events}
    known = [events[name] for name in of.curves]
    thresholds = [e.above if e.above is not None else e.below for e in known]
    variables = {
        "level": xr.Variable(
            ("event", "point"), np.stack([padded(one.levels) for one in of.curves.values()]),
            described("level of the event's outcome, in its unit", "1"),
        ),
        "share": table(lambda one: one.share, "probability to pass the level"),
        "difference": table(lambda one: one.gap, "policy less the baseline: probability to pass the level"),
        "reach": xr.Variable(
            ("event", "curve"), np.array([one.reach for one in of.curves.values()]),
            described("standard errors that the wide bands reach", "1"),
        ),
    }  # fmt: skip
    coords = {
        "event": labels("event", [e.name for e in known], "event"),
        "of": labels("event", [str(e.outcome) for e in known], "outcome that the event reads"),
        "side": labels(
            "event", ["above" if e.above is not None else "below" for e in known], "side of the event"
        ),
        "threshold": xr.Variable("event", np.array(thresholds, np.float64), described("threshold", "1")),
        "band": labels("band", BANDS, "estimate, its interval alone, and the ends of all at once"),
        "curve": labels("curve", ("share", "difference"), "curve"),
    }
    return variables, coords


def _ranks(of: Findings) -> Group:
    if not of.gaps:
        return {}, {}
    measures = list(of.gaps)
    names = list(dict.fromkeys(name for by in of.gaps.values() for name in by))
    count = len(of.study.policies)
    rank = np.full((len(measures), len(names), count, len(ENDS)), np.nan)
    gap = np.full((len(measures), len(names), count, count, len(ENDS)), np.nan)
    on = np.full((len(measures), count), -1, np.int8)
    for m, measure in enumerate(measures):
        for name, one in of.gaps[measure].items():
            v = names.index(name)
            rank[m, v] = one.ranks.T
            gap[m, v] = np.stack([one.gap, one.low, one.high], axis=-1)
        on[m] = [FRONTS.index(where) for where in of.fronts[measure]]
    variables = {
        "rank": xr.Variable(("rank_measure", "variable", "policy", "end"), rank, described("rank, 1 the best", "1")),
        "gap": xr.Variable(
            ("rank_measure", "variable", "policy", "against", "end"), gap,
            described("policy less another, high being worse; the ends hold all pairs at once", "1"),
        ),
        "front": xr.Variable(
            ("rank_measure", "policy"), on,
            described("Pareto front over all variables of the measure", "1") | _flagged(FRONTS),
        ),
    }  # fmt: skip
    coords = {
        "rank_measure": labels("rank_measure", measures, "measure that is ranked by"),
        "variable": labels("variable", names, "outcome or event"),
        "against": labels("against", of.study.policy_names, "policy that is deducted"),
        "end": labels("end", ENDS, "estimate, and between which it lies"),
    }
    return variables, coords


def _ahead(of: Findings) -> Group:
    rows = of.ahead
    if not rows:
        return {}, {}
    years = np.array(of.study.years, np.int64)
    halves = [[np.nan if v is None else v for v in (a.when.median, a.when.low, a.when.high)] for a in rows]

    def table(get: Any, about: str, unit: str = "1") -> xr.Variable:
        return estimates("row", [get(a.when) for a in rows], described(about, unit))

    variables = {
        "ahead": estimates(
            ("row", "year"), [list(a.when.ahead) for a in rows],
            described("share of paths on which the policy has been ahead of the baseline", "1"),
        ),
        "years": table(lambda when: when.years, "mean number of years until it is, counted to the horizon", "year"),
        "median": xr.Variable(
            ("row", "end"), np.array(halves, np.float64),
            described("year by which it has been ahead on half of the paths; nothing where it never is", "year"),
        ),
        "never": table(lambda when: when.never, "share of paths on which it never is"),
        "lasting": table(lambda when: when.lasting, "share of paths on which it is ahead in the last year"),
    }  # fmt: skip
    coords = {
        "year": xr.Variable("year", years, described("calendar year", "year")),
        "end": labels("end", ENDS, "estimate, and between which it lies"),
        **_row((a.policy, a.variable, a.place) for a in rows),
    }
    return variables, coords


def _in_the_mean(of: Findings) -> Group:
    rows = of.in_the_mean
    if not rows:
        return {}, {}
    years = {"first": [a.year for a in rows], "clear": [a.clear for a in rows]}
    about = {
        "first": "first year in which the mean is in favour of the policy; nothing where it never is",
        "clear": "first year in which its interval says so",
    }
    variables = {
        name: xr.Variable(
            "row",
            np.array([np.nan if y is None else y for y in of_one], np.float64),
            described(about[name], "year"),
        )
        for name, of_one in years.items()
    }
    return variables, _row((a.policy, a.variable, a.place) for a in rows)


def _common(of: Findings) -> Group:
    rows = of.common
    if not rows:
        return {}, {}
    share = [one.share for one in rows]
    about = f"share of the worst {100 * (1 - of.question.level):.3g} % that two have in common"
    coords = {
        "row_policy": labels("row", [one.policy for one in rows], "policy"),
        "first": labels("row", [one.first for one in rows], "outcome or place"),
        "second": labels("row", [one.second for one in rows], "outcome or place"),
        "of": labels("row", [one.of for one in rows], "the outcome that places are of, or 'outcome'"),
    }
    return {"chi": estimates("row", share, described(about, "1"))}, coords


def _by_year(of: Findings) -> Group:
    rows = [r for r in of.records if r.year is not None]
    if not rows:
        return {}, {}
    coords = {
        **_row((r.policy, r.variable, tuple(r.place.items())) for r in rows),
        "row_measure": labels("row", [r.measure for r in rows], "measure"),
        "row_year": xr.Variable("row", np.array([r.year for r in rows]), described("calendar year", "year")),
    }
    value = estimates("row", rows, described("policy less the baseline", "1"))
    return {"value": value}, coords


def _row(rows: Any) -> dict[str, Any]:
    listed: list[tuple[str, str, tuple]] = list(rows)
    return {
        "row_policy": labels("row", [policy for policy, _, _ in listed], "policy"),
        "row_variable": labels("row", [variable for _, variable, _ in listed], "outcome or yearly variable"),
        "row_place": labels(
            "row", [", ".join(label for _, label in place) for _, _, place in listed], "place"
        ),
    }


def _flagged(meanings: Sequence[str]) -> dict[str, Any]:
    """What codes mean, as CF has it; -1 for nothing."""
    return {
        "flag_values": list(range(len(meanings))),
        "flag_meanings": " ".join(str(one).replace(" ", "_").replace(",", "") for one in meanings),
    }
