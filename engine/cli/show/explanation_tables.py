"""What the worst futures have in common: the finding, then tables of inputs, places, priors, the likeliest future and the worst paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.analyses.explanation_records import finding, label, lowest_and_highest, shocks_of, unusual
from engine.cli.show.replay_tables import number
from engine.cli.show.risk_tables import print_flags
from engine.cli.show.rows import Column, print_rows
from engine.cli.show.screen import print_command, print_title, print_words
from engine.formatting import rounded
from engine.risk.as_text import Cell, cell, shown_in
from engine.risk.tables import Record, record

if TYPE_CHECKING:
    from rich.console import Console

    from engine.analyses.explanation import Explanation
    from engine.analyses.reverse_stress import FailurePoint
    from engine.risk.intervals import Estimate

SHOWN = 12
"""Rows of a table, unless all are asked for."""


def print_explanation(console: Console, given: Explanation, folder: Path, full: bool) -> None:
    """All of it.

    Args:
      folder: of the run, for the commands that replay its paths.
      full: every factor and every shock, in place of those that stand farthest from their priors.
    """
    print_words(console, finding(given), "bold")
    _print_head(console, given)
    most = None if full else SHOWN
    marks, flagged = _print_drivers(console, given, most)
    for print_part in (_print_places, _print_slopes, _print_levers, _print_mechanisms, _print_reverse):
        more, records = print_part(console, given, most)
        marks, flagged = marks | more, [*flagged, *records]
    _print_worst(console, given, folder)
    print_flags(console, marks, flagged, ())


def _print_head(console: Console, given: Explanation) -> None:
    what, study = given.watched, given.study
    scale, unit = shown_in(given.measure, given.unit)
    said = [
        f"{name} {one.estimate} {one.interval} {unit}"
        for name, one in (
            (name, cell(_record(given, name, of), scale)) for name, of in given.measured.items()
        )
    ]
    out = f", {given.futures.excluded:,} left out" if given.futures.excluded else ""
    paths = f"{given.tail_count:,} of {study.paths:,} paths{out}"
    print_words(console, f"{study.name}: {what.variable} under {what.policy}, {', '.join(said)}; {paths}.")
    console.print()


def _print_drivers(console: Console, given: Explanation, most: int | None) -> tuple[set[str], list[Record]]:
    if not given.drivers:
        return set(), []
    rows = given.ranked[:most]
    shifts = [_record(given, "shift", one.shift, label(one)) for one in rows]
    distances = [_record(given, "distance", one.distance, label(one)) for one in rows]
    cells, away = [cell(one) for one in shifts], [cell(one) for one in distances]
    ends = [lowest_and_highest(one) for one in rows]
    columns = [
        Column("distance", _aligned(away), left=True),
        Column("shift [sd]", _aligned(cells), left=True),
        Column("lowest tenth", [_percent(low) for low, _ in ends]),
        Column("highest tenth", [_percent(high) for _, high in ends]),
        Column("mean there", [number(one.mean.estimate) for one in rows], group="units"),
        Column("prior's", [number(one.prior[0]) for one in rows], group="units"),
        Column("unit", [one.unit for one in rows], left=True, group="units"),
    ]
    of = f"{len(rows)} of {len(given.drivers)}" if len(rows) < len(given.drivers) else "all"
    print_title(console, f"Farthest from their priors ({of})", "factors, and shocks of a year")
    print_rows(console, "", Column("", [label(one) for one in rows], left=True), columns)
    print_words(
        console,
        "distance: how unevenly the worst futures lie over the tenths of the prior, 0 where they are as the prior has them, 9 where all are in one "
        "tenth. shift: their mean less the prior's, in its standard deviations. Tenths: their share in the lowest and the highest tenth "
        "of the prior, 10 % where they are as the prior has them. Brackets: 95 % intervals, each by itself: of many inputs that do "
        "nothing, one in twenty lies beyond.",
        "dim",
    )
    console.print()
    return {one.mark for one in (*away, *cells) if one.mark}, [*distances, *shifts]


def _print_places(console: Console, given: Explanation, _: int | None) -> tuple[set[str], list[Record]]:
    marks: set[str] = set()
    records: list[Record] = []
    what = f"mean of {given.watched.outcome} there" if given.watched.event else given.measure
    for dim in dict.fromkeys(one.dim for one in given.places):
        of = [one for one in given.places if one.dim == dim]
        whole = sum(one.part.estimate for one in of)
        rows = [_record(given, f"part of {given.measure}", one.part, one.label) for one in of]
        cells = [cell(one) for one in rows]
        shares = [f"{100 * one.part.estimate / whole:.1f}" if whole else "" for one in of]
        columns = [Column(f"part [{_outcome_unit(given)}]", _aligned(cells), left=True), Column("%", shares)]
        print_title(console, f"By {dim}", f"parts that add up to the {what}, {number(whole)}")
        print_rows(console, "", Column("", [one.label for one in of], left=True), columns)
        marks |= {one.mark for one in cells if one.mark}
        records += rows
    if given.without_places:
        print_words(console, f"No parts of places: {given.without_places}.", "dim")
        console.print()
    return marks, records


def _print_slopes(console: Console, given: Explanation, most: int | None) -> tuple[set[str], list[Record]]:
    if not given.slopes:
        return set(), []
    ranked = sorted(given.slopes, key=lambda one: -abs(one.location.estimate))[:most]
    scale, unit = shown_in(f"difference_{given.measure}", given.unit)
    records = [
        [_record(given, f"slope_{name}", getattr(one, name), one.factor) for one in ranked]
        for name in ("location", "scale")
    ]
    cells = [[cell(one, scale) for one in rows] for rows in records]
    columns = [
        Column(head, _aligned(of), left=True)
        for head, of in zip(("of its mean", "of its spread"), cells, strict=True)
    ]
    of = f"{len(ranked)} of {len(given.slopes)}" if len(ranked) < len(given.slopes) else "all"
    title = f"What a prior does to {given.measure} [{unit}] ({of})"
    print_title(console, title, "for one standard deviation more")
    print_rows(console, "", Column("", [one.factor for one in ranked], left=True), columns)
    left_out = f" Left out: {', '.join(given.without_slope)}, --json says why." if given.without_slope else ""
    print_words(
        console,
        "Rates of change at the priors as they are, each by its normal score and all else alike: they hold for small changes."
        + left_out,
        "dim",
    )
    console.print()
    return {one.mark for rows in cells for one in rows if one.mark}, [one for rows in records for one in rows]


def _print_levers(console: Console, given: Explanation, most: int | None) -> tuple[set[str], list[Record]]:
    scale, unit = shown_in(f"difference_{given.measure}", given.unit)
    ranked = sorted(given.levers, key=lambda one: -abs(one.effect.estimate))[:most]
    records = [_record(given, f"lever for {given.measure}", one.effect, one.lever) for one in ranked]
    cells = [cell(one, scale) for one in records]
    columns = [
        Column("change", _aligned(cells), left=True),
        Column("from", [number(one.value[0]) for one in ranked], group="value"),
        Column("to", [number(one.value[1]) for one in ranked], group="value"),
        Column("unit", [one.unit for one in ranked], left=True, group="value"),
    ]
    if ranked:
        print_title(
            console,
            f"What a lever does to {given.measure} [{unit}]",
            "each a tenth more, on the same futures",
        )
        print_rows(console, "", Column("", [one.lever for one in ranked], left=True), columns)
    return {one.mark for one in cells if one.mark}, records


def _print_mechanisms(console: Console, given: Explanation, _: int | None) -> tuple[set[str], list[Record]]:
    of = given.mechanisms
    if of is None:
        return set(), []
    scale, unit = shown_in(f"difference_{given.measure}", given.unit)
    rows = sorted(zip(of.names, of.shares, strict=True), key=lambda one: -abs(one[1].estimate))
    records = [_record(given, f"share of {given.measure}", one, name) for name, one in rows]
    cells = [cell(one, scale) for one in records]
    whole = cell(_record(given, given.measure, of.whole), scale)
    about = f"as stated less all off: {whole.estimate} {whole.interval}; {of.coalitions} combinations on {of.paths:,} paths"
    print_title(console, f"What assumptions make up of {given.measure} [{unit}]", about)
    print_rows(
        console, "", Column("", [name for name, _ in rows], left=True),
        [Column("Shapley share", _aligned(cells), left=True)],
    )  # fmt: skip
    return {one.mark for one in cells if one.mark}, records


def _print_reverse(console: Console, given: Explanation, most: int | None) -> tuple[set[str], list[Record]]:
    points, what = given.reverse.points, given.watched
    passed = "happens" if what.event else f"passes {[*given.measured][1]}"
    if not points:
        print_words(
            console, f"No future near the worst ones was seen in which {what.variable} {passed}.", "dim"
        )
        return set(), []
    if not points[0].distance:
        print_words(
            console, f"{what.variable} {passed} in the middle future already, in which every score is 0."
        )
        console.print()
        return set(), []
    distance = f"{rounded(points[0].distance, 2)} standard deviations from the middle one"
    marks, records = set[str](), list[Record]()
    if len(points) > 1:
        print_title(
            console,
            f"The likeliest futures in which {what.variable} {passed}",
            f"{len(points)} about as near",
        )
        marks, records = _print_points(console, given)
    shown = points if most is None else points[:1]
    for at, point in enumerate(shown, 1):
        title = f"The likeliest future in which {what.variable} {passed}"
        if len(points) > 1:
            title, distance = f"Likeliest future {at}", "in full" if at == 1 else ""
        print_title(console, title, distance)
        _print_point(console, given, point, most)
    others = "; the other ones in full: --full" if len(shown) < len(points) else ""
    print_words(
        console,
        f"Found from {len(given.reverse.of_starts):,} of the worst paths, {given.reverse.slid} points slid along the event's edge: none seen lies nearer{others}. "
        "Score: that of a normal law, 0 in the middle of the prior.",
        "dim",
    )
    console.print()
    return marks, records


def _print_points(console: Console, given: Explanation) -> tuple[set[str], list[Record]]:
    """A row for each of several likeliest futures."""
    points = given.reverse.points
    records = [_record(given, "share nearest", one.nearest, str(k)) for k, one in enumerate(points, 1)]
    cells = [cell(one, 100.0) for one in records]
    columns = [
        Column("sd from the middle", [rounded(one.distance, 2) for one in points]),
        Column("% of these futures", _aligned(cells), left=True),
        Column("what is unusual in it", [unusual(one) for one in points], left=True),
    ]
    print_rows(console, "", Column("", [str(k) for k in range(1, len(points) + 1)]), columns)
    print_words(
        console,
        "Each is nearer to the middle than the edge around it, which between two of them lies a tenth farther out. Listed are those seen whose "
        "probability beyond a plane at their distance is at least a tenth of the nearest one's. % of these futures: those that no other "
        "of them is nearer to. Then what is unusual: the score of a factor, and its part in the squared distance.",
        "dim",
    )
    console.print()
    return {one.mark for one in cells if one.mark}, records


def _print_point(console: Console, given: Explanation, point: FailurePoint, most: int | None) -> None:
    shares = sorted(point.share.items(), key=lambda one: -one[1])[:most]
    shares = [(name, share) for name, share in shares if share >= 0.005]
    print_rows(
        console, "", Column("what is unusual in it", [name for name, _ in shares], left=True),
        [Column("% of the squared distance", [f"{100 * share:.0f}" for _, share in shares])],
    )  # fmt: skip
    inputs = {item.name: (k, item) for k, item in enumerate(given.study.inputs)}
    drawn = {one.name for one in given.drivers}
    farthest = sorted((n for n in point.scores if n in drawn), key=lambda name: -abs(point.scores[name]))
    rows = [inputs[name] for name in farthest[:most]]
    columns = [
        Column("score", [rounded(point.scores[item.name], 2) for _, item in rows]),
        Column("draw", [number(float(point.trace.draws[k, 0])) for k, _ in rows]),
        Column("unit", [item.unit for _, item in rows], left=True),
    ]
    print_rows(console, "", Column("factor", [item.name for _, item in rows], left=True), columns)
    _print_years(console, given, point, most)


def _print_years(console: Console, given: Explanation, point: FailurePoint, most: int | None) -> None:
    """Shocks of a likeliest future that are farthest from their priors, year by year."""
    priors = {(one.name, one.year): one.prior for one in given.drivers if one.year is not None}
    shocks = [
        (name, year, value, (value - priors[name, year][0]) / priors[name, year][1])
        for name, year, value in shocks_of(given, point)
        if (name, year) in priors
    ]
    far = sorted(shocks, key=lambda one: -abs(one[3]))[:most]
    far = sorted((one for one in far if abs(one[3]) >= 0.05), key=lambda one: (one[1], one[0]))
    columns = [
        Column("shock", [name for name, *_ in far], left=True),
        Column("value", [rounded(value, 2) for _, _, value, _ in far]),
        Column("sd from its prior", [rounded(away, 2) for *_, away in far]),
    ]
    print_rows(console, "", Column("year", [str(year) for _, year, *_ in far]), columns)


def _print_worst(console: Console, given: Explanation, folder: Path) -> None:
    print_title(console, "The worst paths", "worst first")
    names = list(given.worst_values)
    columns = [Column(name, [number(float(value)) for value in given.worst_values[name]]) for name in names]
    print_rows(console, "", Column("path", [str(path) for path in given.worst]), columns)
    for path in given.worst:
        print_command(console, f"path {path}", "replay", folder, "--path", path, model=given.study.model_spec)
    console.print()


def _aligned(cells: Sequence[Cell]) -> list[str]:
    """Estimates under each other, and intervals."""
    width = max((len(one.estimate) for one in cells), default=0)
    return [f"{one.estimate:>{width}}{one.mark or ' '} {one.interval}".rstrip() for one in cells]


def _percent(one: Estimate) -> str:
    return "" if math.isnan(one.estimate) else f"{100 * max(one.estimate, 0.0):.0f} %"


def _outcome_unit(given: Explanation) -> str:
    name = given.watched.outcome
    return given.study.model.outcomes[name].unit if name else "1"


def _record(given: Explanation, measure: str, one: Estimate, place: str = "") -> Record:
    what = given.watched
    return record(measure, what.policy, place or what.variable, one)
