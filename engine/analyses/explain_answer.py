"""What the worst futures of a run have in common, as an answer: its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from engine.analyses.columns import fields, labelled
from engine.analyses.explain_sentences import findings, ranked, unusual
from engine.analyses.explanation import Explanation, explain
from engine.analyses.prior_scores import BINS
from engine.analyses.reverse_stress import FailurePoint
from engine.analyses.tail_drivers import Driver, scaled
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Table, counts, estimates, numbers, texts
from engine.formatting import command_line, words
from engine.risk.estimation.as_text import shown_in
from engine.risk.estimation.evidence import stated_level
from engine.risk.estimation.wording import worst_share

SHOWN = 12
"""Most rows that a brief table shows."""
LEAST, AWAY = 0.005, 0.05
"""Least share of the squared distance, and least distance of a shock from its prior [sd], that a brief table shows."""
READING = (
    "distance: how unevenly the worst futures lie over the tenths of the prior, 0 where they are as the prior has them,"
    " 9 where all are in one tenth. shift: their mean less the prior's, in its standard deviations. Tenths: their share"
    " in the lowest and the highest tenth of the prior, 10 % where they are as the prior has them. Brackets: 95 %"
    " intervals, each by itself: of many inputs that do nothing, one in twenty lies beyond. What priors do are rates of"
    " change at the priors as they are, each by its normal score and all else alike: they hold for small changes."
    " Likeliest future: the nearest to the middle that was seen. Score: that of a normal law, 0 in the middle of the"
    " prior."
)


def answer(of: Asked, variable: str, policy: str | None, level: str | float | None, numbers: bool = False) -> Answer:
    """The answer to `explain`: what the worst futures of a run have in common.

    Raises:
      UserError: as `engine.analyses.explanation.explain`.
    """
    given = explain(of.study, variable, policy, stated_level(level), of.first_outcomes, of.device, of.observe)
    return of_explanation(given, of.folder, numbers)


def of_explanation(given: Explanation, folder: Path, numbers: bool = False) -> Answer:
    """The explanation of a run as an answer; `numbers` leaves out words for how likely something is."""
    study, what, out = given.study, given.watched, given.futures.excluded
    where = "where it happens" if what.level is None else worst_share(what.level)
    left_out = f", {out:,} left out" if out else ""
    basis = (
        f"{study.name}: {words(what.variable)} under {words(what.policy)}, {where},"
        f" {given.tail_count:,} of {study.futures}{left_out}."
    )
    of = [*_inputs(ranked(given)), _measured(given), _slopes(given), *_likeliest(given)]
    of += [*_worst(given, folder), _left_out(given), _counts(given)]
    shown_first = sorted((table for table in of if len(table)), key=lambda one: bool(one.brief) and not any(one.brief))
    return Answer(Subject.of(study), tuple(findings(given, numbers)), tuple(shown_first), basis, READING, given)


def _first(rows: Sequence[Any]) -> list[bool]:
    return [k < SHOWN for k in range(len(rows))]


def _measured(given: Explanation) -> Table:
    what, names = given.watched, [*given.measured]
    of = [what] * len(names)
    columns = (
        texts("measure", names, "measure on all paths"),
        *fields(texts, of, {"variable": "outcome or event", "policy": "policy"}, brief=False),
        *fields(numbers, of, {"level": "level of the measure, whose worst futures are looked at"}, brief=False),
        estimates(
            "value", [*given.measured.values()], "measure of the variable under the policy", given.unit,
            shown=shown_in(given.measure, "")[1],
        ),
    )  # fmt: skip
    return Table("measured", f"{words(what.variable)} under {words(what.policy)}", columns, ("measure",))


def _inputs(rows: Sequence[Driver]) -> list[Table]:
    names = [one.name if one.year is None else f"{one.name} in {one.year}" for one in rows]
    lowest, highest = ([scaled(one.density[k], 1 / BINS) for one in rows] for k in (0, -1))
    tenth, distance = (
        "share of the worst futures in the {} tenth of the prior",
        "variance of the density by tenths over the prior's, less what chance adds",
    )
    shift = "mean of the worst futures less the prior's, in its standard deviations"
    p_value = "p value that the worst futures are as the prior has them, each by itself"
    columns = (
        texts("input", names, "factor, or shock in a year"),
        *fields(texts, rows, {"kind": "factor or shock", "name": "name of the factor or shock"}, brief=False),
        *fields(numbers, rows, {"year": "calendar year of a shock"}, unit="year", brief=False),
        *fields(estimates, rows, {"mean": "mean of the worst futures, in the input's unit"}, head="mean there"),
        numbers("prior_mean", [one.prior[0] for one in rows], "mean of the prior", head="prior's"),
        *fields(texts, rows, {"unit": "unit of the input"}),
        estimates("lowest", lowest, tenth.format("lowest"), head="lowest tenth", shown="%"),
        estimates("highest", highest, tenth.format("highest"), head="highest tenth", shown="%"),
        *fields(estimates, rows, {"distance": distance}),
        *fields(estimates, rows, {"shift": shift}, head="shift [sd]"),
        *fields(numbers, rows, {"p_value": p_value}, brief=False),
        numbers("prior_sd", [one.prior[1] for one in rows], "standard deviation of the prior", brief=False),
    )
    cells = [one for driver in rows for one in driver.density]
    density = (
        texts("input", [name for name in names for _ in range(BINS)], "factor, or shock in a year"),
        counts("tenth", [*range(1, BINS + 1)] * len(rows), "tenth of the prior, from the lowest on"),
        estimates("density", cells, "share of the worst futures in the tenth of the prior, over a tenth"),
    )
    title = "How the worst futures lie over each prior"
    return [
        Table("inputs", "Farthest from their priors", columns, ("input",), _first(rows)),
        Table("densities", title, density, ("input", "tenth"), [False] * len(cells)),
    ]


_SLOPES = {
    "location": ("of its mean", "a standard deviation by which the prior's mean is moved"),
    "scale": ("of its spread", "a standard deviation that is added to the prior's own"),
    "location_per_unit": ("", "a unit of the factor by which the prior's mean is moved"),
    "scale_per_unit": ("", "a unit of the factor that is added to the prior's standard deviation"),
}
"""By kind of slope: its heading, "" if the brief table leaves it out, and the change of a prior that it is for."""


def _slopes(given: Explanation) -> Table:
    rows = sorted(given.slopes, key=lambda one: -abs(one.location.estimate))
    shown = {"unit": given.unit, "shown": shown_in(f"difference_{given.measure}", "")[1]}
    columns = [
        column
        for name, (head, per) in _SLOPES.items()
        for column in fields(
            estimates, rows, {name: f"change of {given.measure} for {per}"}, head=head, brief=bool(head), **shown
        )
    ]
    factors = fields(texts, rows, {"factor": "factor"})
    unit = fields(texts, rows, {"unit": "unit of the factor"}, brief=False)
    title = f"What one standard deviation more of a prior does to {given.measure}"
    return Table("slopes", title, (*factors, *columns, *unit), ("factor",), _first(rows))


def _likeliest(given: Explanation) -> Iterator[Table]:
    """The tables of the likeliest future; none if none was found."""
    point, what, study = given.likeliest, given.watched, given.study
    if point is None:
        return
    passed = "happens" if what.event else f"passes {[*given.measured][1]}"
    whole = (
        texts("passed", [f"{what.variable} {passed}"], "what happens in it"),
        numbers(
            "distance", [point.distance], "from the middle, in standard deviations of a normal score",
            head="sd from the middle",
        ),
        texts(
            "unusual", [unusual(point)], "score of what is unusual in it, and its part in the squared distance",
            head="what is unusual in it",
        ),
    )  # fmt: skip
    yield Table("point", "The likeliest future that was seen", whole, ("passed",))
    parts = sorted(point.share.items(), key=lambda one: -one[1])
    shares = (
        texts("input", [name for name, _ in parts], "group, factor or shock that is drawn apart"),
        numbers("share", [part for _, part in parts], "share of the squared distance", shown="%"),
    )
    brief = [k < SHOWN and part >= LEAST for k, (_, part) in enumerate(parts)]
    yield Table("point_shares", "What makes up its squared distance", shares, ("input",), brief)
    yield _point_factors(given, point)
    if point.trace.shocks is not None:
        yield _point_shocks(given, point, point.trace.shocks[..., 0])
    outcomes = study.model.outcomes
    values = (
        texts("outcome", [*outcomes], "outcome"),
        numbers("value", point.trace.outcomes[what.at, :, 0].tolist(), "outcome, in its unit"),
        texts("unit", [one.unit for one in outcomes.values()], "unit of the outcome"),
    )
    yield Table("point_outcomes", "Outcomes of it", values, ("outcome",), [False] * len(outcomes))
    if point.trace.yearly is not None:
        yield _point_years(given, point.trace.yearly[what.at, :, :, 0])


def _point_factors(given: Explanation, point: FailurePoint) -> Table:
    drawn = {one.name for one in given.drivers}
    rows = sorted(
        zip(given.study.inputs, point.trace.draws[:, 0], strict=True),
        key=lambda row: (row[0].name not in drawn, -abs(point.scores[row[0].name])),
    )
    factors = [item for item, _ in rows]
    columns = (
        texts("factor", [item.name for item in factors], "factor"),
        numbers("score", [point.scores[item.name] for item in factors], "normal score of the draw"),
        numbers("draw", [draw for _, draw in rows], "draw, in the factor's unit"),
        texts("unit", [item.unit for item in factors], "unit of the factor"),
    )
    brief = [k < SHOWN and item.name in drawn for k, item in enumerate(factors)]
    return Table("point_factors", "Factors of it", columns, ("factor",), brief)


def _point_shocks(given: Explanation, point: FailurePoint, values: np.ndarray) -> Table:
    """The shocks [year, stream] of the likeliest future."""
    study = given.study
    labels = [*product(study.years, (stream for of in study.shock_streams.values() for stream in of))]
    priors = {(one.year, one.name): one.prior for one in given.drivers}
    mean, sd = np.array([priors.get(of, (np.nan, np.nan)) for of in labels], np.float64).reshape(-1, 2).T
    away = (values.ravel() - mean) / sd
    size = np.nan_to_num(np.abs(away))
    brief = np.zeros(len(away), bool)
    brief[np.argsort(-size, kind="stable")[:SHOWN]] = True
    columns = (
        counts("year", [year for year, _ in labels], "calendar year", "year"),
        texts("shock", [stream for _, stream in labels], "shock"),
        numbers("value", values.ravel().tolist(), "shock of the year"),
        numbers(
            "away", away.tolist(), "its distance from the prior's mean, in standard deviations of the prior",
            head="sd from its prior",
        ),
    )  # fmt: skip
    return Table("point_shocks", "Shocks of it", columns, ("year", "shock"), (brief & (size >= AWAY)).tolist())


def _point_years(given: Explanation, values: np.ndarray) -> Table:
    """The yearly values [year, cell] of the likeliest future."""
    study, variables = given.study, given.study.model.yearly
    places = [(name, of) for name, one in variables.items() for of in product(*(study.model.dims[d] for d in one.dims))]
    cells = [f"{name}[{', '.join(of)}]" if of else name for name, of in places]
    labels = [*product(cells, study.years)]
    units = np.repeat([variables[name].unit for name, _ in places], len(study.years))
    columns = (
        texts("cell", [cell for cell, _ in labels], "yearly variable, and its place"),
        counts("year", [year for _, year in labels], "calendar year", "year"),
        numbers("value", values.T.ravel().tolist(), "yearly value, in its unit"),
        texts("unit", units.tolist(), "unit of the yearly variable", over=("cell",)),
    )
    return Table("point_years", "Years of it", columns, ("cell", "year"), [False] * values.size)


def _worst(given: Explanation, folder: Path) -> list[Table]:
    study, paths, outcomes = given.study, given.worst, given.worst_values
    cells = [(path, name) for path in paths for name in outcomes]
    worst = (
        *labelled(cells, path="number of the future", outcome="outcome that is looked at"),
        numbers("value", np.stack([*outcomes.values()], axis=1).ravel().tolist(), "its value on the path"),
        texts(
            "unit", [study.unit_of(name) for _, name in cells], "unit of the outcome", over=("outcome",), brief=False
        ),
    )
    replay = command_line("replay", folder, "--path", "PATH", model=study.model_spec)
    command = (
        texts("path", ["PATH"], "stands for the number of a future, such as one of those above"),
        texts("command", [replay], "what shows the path in full"),
    )
    return [
        Table("worst", "The worst paths, worst first", worst, ("path", "outcome"), across="outcome"),
        Table("replays", "One of them in full", command, ("path",)),
    ]


def _left_out(given: Explanation) -> Table:
    rows = [*given.without_slope.items()]
    columns = labelled(rows, factor="factor whose prior has no slope", why="why it is left out")
    return Table("left_out", "Left out", columns, ("factor",), [False] * len(rows))


def _counts(given: Explanation) -> Table:
    rows = [("worst futures", given.tail_count), ("paths left out, not finite", given.futures.excluded)]
    if given.likeliest is not None:
        rows.append(("futures drawn in towards the middle", given.likeliest.starts))
        rows.append(("futures slid along the edge", given.likeliest.slid))
    columns = labelled(rows, what="what was looked at", number="how many")
    return Table("counts", "What was looked at", columns, ("what",), [False] * len(rows))
