"""What the worst futures have in common, as one sentence and as plain records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.analyses.explanation import Explanation
from engine.analyses.prior_scores import BINS
from engine.analyses.reverse_stress import FailurePoint
from engine.analyses.tail_drivers import SHOCK, Driver
from engine.risk.farthest import Standing, sentence
from engine.risk.intervals import Estimate
from engine.risk.tables import Record, record


def label(driver: Driver) -> str:
    """`price_response`, or `growth_noise in 2020`."""
    return driver.name if driver.year is None else f"{driver.name} in {driver.year}"


def where(given: Explanation) -> str:
    """`In the worst 1 % of futures of cost under reform`, or `Where ruin happens under reform`."""
    what = given.watched
    if what.level is None:
        return f"Where {what.variable} happens under {what.policy}"
    return f"In the worst {100 * (1 - what.level):.6g} % of futures of {what.variable} under {what.policy}"


def finding(given: Explanation) -> str:
    """One sentence: which input stands farthest from its prior and how, or which may; it claims no more than the intervals."""
    standings = [
        Standing(label(one), one.shift, one.density, one.distance, one.p_value) for one in given.drivers
    ]
    return sentence(where(given), standings)


def records(given: Explanation) -> list[Record]:
    """Every estimate, what it is of in its place."""
    what = given.watched

    def one(
        measure: str, estimate: Estimate, place: Mapping[str, str] | None = None, year: int | None = None
    ) -> Record:
        return record(measure, what.policy, what.variable, estimate, place, year)

    found = [one(measure, estimate) for measure, estimate in given.measured.items()]
    for driver in given.drivers:
        place = {"shock" if driver.kind == SHOCK else "factor": driver.name}
        found += [
            one("distance", driver.distance, place, driver.year),
            one("shift", driver.shift, place, driver.year),
            one("tail_mean", driver.mean, place, driver.year),
        ]
        found += [
            one("density", estimate, {**place, "tenth": str(k + 1)}, driver.year)
            for k, estimate in enumerate(driver.density)
        ]
    for slope in given.slopes:
        place = {"factor": slope.factor}
        found += [
            one(f"slope_{name}", getattr(slope, name), place)
            for name in ("location", "scale", "location_per_unit", "scale_per_unit")
        ]
    found += [one("lever", pull.effect, {"lever": pull.lever}) for pull in given.levers]
    if given.mechanisms is not None:
        found.append(one("mechanisms", given.mechanisms.whole))
        found += [
            one("mechanism", share, {"assumption": name})
            for name, share in zip(given.mechanisms.names, given.mechanisms.shares, strict=True)
        ]
    return found + [one("part", part.part, {part.dim: part.label}) for part in given.places]


def plain(given: Explanation, run: Path) -> Iterator[dict[str, Any]]:
    """All of it as plain data for JSON: the finding, the estimates, the likeliest futures, the worst paths with their commands."""
    what, study = given.watched, given.study
    head = {"policy": what.policy, "variable": what.variable}
    yield {
        "measure": "finding", **head, "level": what.level, "text": finding(given), "paths": study.paths,
        "worst_paths": given.tail_count, "excluded_paths": given.futures.excluded,
    }  # fmt: skip
    dims = ("factor", "shock", "tenth", "lever", "assumption", *study.model.dims)
    priors = {(one.name, one.year): one for one in given.drivers}
    for entry in records(given):
        row = entry.as_dict(dims)
        name = row["factor"] or row["shock"]
        if name is not None and (driver := priors.get((name, row["year"]))):
            row |= {"unit": driver.unit, "prior_mean": driver.prior[0], "prior_sd": driver.prior[1]}
            row |= {"p_value": driver.p_value} if entry.measure == "distance" else {}
        yield row
    for name, reason in given.without_slope.items():
        yield {"measure": "slope", **head, "factor": name, "left_out": reason}
    for name, reason in given.without_lever.items():
        yield {"measure": "lever", **head, "lever": name, "left_out": reason}
    if given.without_places:
        yield {"measure": "part", **head, "left_out": given.without_places}
    yield from _reverse(given, head)
    for rank, path in enumerate(given.worst):
        values = {name: float(of[rank]) for name, of in given.worst_values.items()}
        yield {
            "measure": "worst_path", **head, "rank": rank + 1, "path": path, "values": values,
            "command": given.replay_command(run, path),
        }  # fmt: skip


def _reverse(given: Explanation, head: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The likeliest futures, each by its number from 1; no number where none was seen."""
    reverse = given.reverse
    size = {"starts": len(reverse.of_starts), "slid": reverse.slid}
    if not reverse.points:
        yield {"measure": "reverse_stress", **head, "point": None, "distance": None, **size}
    for number, point in enumerate(reverse.points, 1):
        of_point = {"measure": "reverse_stress", **head, "point": number}
        yield {**of_point, "distance": point.distance, **size, "share_of_squared_distance": point.share}
        nearest = record("nearest", head["policy"], head["variable"], point.nearest).as_dict(())
        yield {**nearest, **of_point, "what": "share of the worst futures that no other point is nearer to"}
        yield from ({**of_point, **row} for row in _future(given, point))


def _future(given: Explanation, point: FailurePoint) -> Iterator[dict[str, Any]]:
    study = given.study
    for k, item in enumerate(study.inputs):
        value, score = float(point.trace.draws[k, 0]), point.scores[item.name]
        yield {"factor": item.name, "unit": item.unit, "value": value, "score": score}
    for name, year, value in shocks_of(given, point):
        yield {"shock": name, "year": year, "value": value}
    outcomes = point.trace.outcomes[given.watched.at, :, 0]
    for name, value in zip(study.model.outcomes, outcomes, strict=True):
        yield {"outcome": name, "value": float(value) if np.isfinite(value) else None}


def shocks_of(given: Explanation, point: FailurePoint) -> list[tuple[str, int, float]]:
    """Shocks of a likeliest future: stream, year, value."""
    shocks, study = point.trace.shocks, given.study
    if shocks is None:
        return []
    streams = [stream for of in study.shock_streams.values() for stream in of]
    return [
        (stream, year, float(shocks[y, k, 0]))
        for k, stream in enumerate(streams)
        for y, year in enumerate(study.years)
    ]


def unusual(point: FailurePoint) -> str:
    """`x2 +2.50 (100 %)`: what makes most of a likeliest future's distance, the largest part first."""
    parts = sorted(point.share.items(), key=lambda one: -one[1])
    large = [(name, part) for name, part in parts if part >= 0.05][:3] or parts[:1]
    return ", ".join(
        f"{name} {point.scores[name]:+.2f} ({100 * part:.0f} %)"
        if name in point.scores
        else f"{name} ({100 * part:.0f} %)"
        for name, part in large
    )


def lowest_and_highest(driver: Driver) -> tuple[Estimate, Estimate]:
    """Shares of the worst futures in the lowest and in the highest tenth of its prior."""
    return tuple(_tenth(one) for one in (driver.density[0], driver.density[-1]))  # type: ignore[return-value]


def _tenth(one: Estimate) -> Estimate:
    return Estimate(
        one.estimate / BINS, one.standard_error / BINS, one.low / BINS, one.high / BINS, one.flags
    )
