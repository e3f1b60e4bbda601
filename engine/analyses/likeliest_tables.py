"""The likeliest futures of an explanation, as sentences and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from engine.analyses.explanation import Explanation
from engine.analyses.independent_inputs import independent_inputs
from engine.analyses.reverse_stress import FailurePoint
from engine.answers.table import Column, Table, counts, estimates, numbers, texts
from engine.risk.estimation.wording import some

SHOWN = 12
"""Most rows that a brief table shows."""
LEAST, AWAY = 0.005, 0.05
"""Least share of the squared distance, and least distance of a shock from its prior [sd], that a brief table shows."""


def sentences(given: Explanation) -> Iterator[str]:
    """A sentence: what is unusual in the likeliest such future found, and how many others are about as likely."""
    points, study = given.reverse.points, given.study
    if not points:
        yield (
            "No likeliest way there is looked for where facts are known."
            if study.facts
            else "No likeliest way there was found."
        )
    elif not points[0].distance:
        yield "Nothing unusual is needed for it: the middle future is such a one already."
    else:
        called = {one.name: one.phrase(study) for one in independent_inputs(study)}
        names = [called[name] for name, _ in _largest(points[0])]
        others = (
            f"; {len(points) - 1} other{'s are' if len(points) > 2 else ' is'} about as likely"
            if len(points) > 1
            else ""
        )
        yield f"The likeliest way there that was seen takes an unusual {some(names)}{others}."


def _largest(point: FailurePoint) -> list[tuple[str, float]]:
    """The inputs with the largest shares of a likeliest future's squared distance, largest first, and these shares."""
    parts = sorted(point.share.items(), key=lambda one: -one[1])
    return [(name, part) for name, part in parts if part >= 0.05][:3] or parts[:1]


def unusual(point: FailurePoint) -> str:
    """`x2 +2.50 (100 %)`: inputs with their scores and shares of the squared distance, the largest first."""
    scores = {name: f" {score:+.2f}" for name, score in point.scores.items()}
    return ", ".join(f"{name}{scores.get(name, '')} ({100 * part:.0f} %)" for name, part in _largest(point))


def tables(given: Explanation) -> Iterator[Table]:
    """The tables of the likeliest futures; none if none was found."""
    points = given.reverse.points
    if not points:
        return
    names = [f"future {k + 1}" for k in range(len(points))]
    columns = (
        texts("point", names, "likeliest future, the nearest first"),
        numbers(
            "distance",
            [one.distance for one in points],
            "from the middle, in standard deviations of a normal score",
            head="sd from the middle",
        ),
        estimates(
            "nearest",
            [one.nearest for one in points],
            "share of the worst futures that no other point is nearer to",
            head="nearest to it",
            shown="%",
        ),
        texts(
            "unusual",
            [unusual(one) for one in points],
            "score of what is unusual in it, and its part in the squared distance",
            head="what is unusual in it",
        ),
    )
    yield Table("points", f"The likeliest futures in which {_passed(given)}", columns, ("point",))
    shares = sorted(points[0].share, key=lambda name: -points[0].share[name])
    by_share = [one.share[name] for one in points for name in shares]
    brief = [k < min(SHOWN, len(shares)) and part >= LEAST for k, part in enumerate(by_share)]
    yield _along(
        "point_shares",
        "What makes up their squared distance",
        names,
        {"input": shares},
        brief,
        numbers(
            "share",
            by_share,
            "share of the squared distance of the group, factor or shock that is drawn apart",
            shown="%",
        ),
    )
    yield _scores(given, names)
    if points[0].trace.shocks is not None:
        yield _shocks(given, names)
    at, outcomes = given.watched.at, given.study.model.outcomes
    values = [one.trace.outcomes[at, k, 0] for one in points for k in range(len(outcomes))]
    yield _along(
        "point_outcomes", "Outcomes of them", names, {"outcome": [*outcomes]}, [False] * len(values),
        numbers("value", values, "outcome, in its unit"),
        texts("unit", [one.unit for one in outcomes.values()] * len(names), "unit of the outcome", over=("outcome",)),
    )  # fmt: skip
    if points[0].trace.yearly is not None:
        yield _years(given, names)


def _along(
    name: str, title: str, points: Sequence[str], of: dict[str, Sequence[Any]], brief: Sequence[bool], *columns: Column
) -> Table:  # fmt: skip
    """A table of likeliest futures by other labels, with the futures as columns when it is shown."""
    dims = {"point": points, **of}
    rows = [*product(*dims.values())]
    every = [[row[k] for row in rows] for k in range(len(dims))]
    labels = [
        counts(dim, held, "calendar year", "year") if dim == "year" else texts(dim, held, _LABELS[dim])
        for dim, held in zip(dims, every, strict=True)
    ]
    return Table(name, title, (*labels, *columns), tuple(dims), brief, across="point")


_LABELS = {
    "point": "likeliest future, the nearest first",
    "input": "group, factor or shock that is drawn apart",
    "factor": "factor",
    "shock": "shock",
    "outcome": "outcome",
    "cell": "yearly variable, and its place",
}


def _scores(given: Explanation, names: Sequence[str]) -> Table:
    points, drawn = given.reverse.points, {one.name for one in given.drivers}
    inputs = {item.name: (k, item.unit) for k, item in enumerate(given.study.inputs)}
    factors = sorted(inputs, key=lambda name: (name not in drawn, -abs(points[0].scores[name])))
    shown = [k < min(SHOWN, len(drawn & {*factors})) for k in range(len(factors))]
    return _along(
        "point_factors",
        "Factors of them",
        names,
        {"factor": factors},
        [*shown, *[False] * (len(names) - 1) * len(factors)],
        numbers("score", [one.scores[name] for one in points for name in factors], "normal score of the draw"),
        numbers(
            "draw",
            [one.trace.draws[inputs[name][0], 0] for one in points for name in factors],
            "draw, in the factor's unit",
        ),
        texts("unit", [inputs[name][1] for name in factors] * len(names), "unit of the factor", over=("factor",)),
    )


def _shocks(given: Explanation, names: Sequence[str]) -> Table:
    study = given.study
    streams = [stream for of in study.shock_streams.values() for stream in of]
    labels = [*product(study.years, streams)]
    priors = {(one.year, one.name): one.prior for one in given.drivers}
    mean, sd = np.array([priors.get(of, (np.nan, np.nan)) for of in labels], np.float64).reshape(-1, 2).T
    values = np.stack([np.asarray(one.trace.shocks)[..., 0].ravel() for one in given.reverse.points])
    away = (values - mean) / sd
    first = np.nan_to_num(np.abs(away[0]))
    brief = np.zeros(values.shape, bool)
    brief[0, np.argsort(-first, kind="stable")[:SHOWN]] = True
    brief[0] &= first >= AWAY
    return _along(
        "point_shocks",
        "Shocks of them",
        names,
        {"year": study.years, "shock": streams},
        brief.ravel().tolist(),
        numbers("value", values.ravel().tolist(), "shock of the year"),
        numbers(
            "away",
            away.ravel().tolist(),
            "its distance from the prior's mean, in standard deviations of the prior",
            head="sd from its prior",
        ),
    )


def _years(given: Explanation, names: Sequence[str]) -> Table:
    study, at = given.study, given.watched.at
    dims, variables = study.model.dims, study.model.yearly
    places = [(name, of) for name, one in variables.items() for of in product(*(dims[dim] for dim in one.dims))]
    values = np.stack([one.trace.yearly[at, :, :, 0] for one in given.reverse.points])  # type: ignore[index]
    cells = [f"{name}[{', '.join(of)}]" if of else name for name, of in places]
    units = np.repeat([variables[name].unit for name, _ in places], len(study.years))
    return _along(
        "point_years", "Years of them", names, {"cell": cells, "year": study.years}, [False] * values.size,
        numbers("value", values.transpose(0, 2, 1).ravel().tolist(), "yearly value, in its unit"),
        texts("unit", [*units] * len(names), "unit of the yearly variable", over=("cell",)),
    )  # fmt: skip


def _passed(given: Explanation) -> str:
    """What happens in these futures: `cost passes VaR99`."""
    passed = "happens" if given.watched.event else f"passes {[*given.measured][1]}"
    return f"{given.watched.variable} {passed}"
