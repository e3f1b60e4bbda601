"""What the worst futures have in common, as one sentence and as plain records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.analyses.explanation import SHOCK, Driver, Explanation
from engine.analyses.prior_scores import BINS
from engine.risk.farthest import sentence
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
    """One sentence: which input stands farthest from its prior, or which may; it claims no more than the intervals."""
    return sentence(where(given), [(label(one), one.shift) for one in given.drivers])


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
    """All of it as plain data for JSON: the finding, the estimates, the likeliest future, the worst paths with their commands."""
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
    reverse, study = given.reverse, given.study
    found = reverse.trace is not None
    yield {
        "measure": "reverse_stress", **head, "distance": reverse.distance if found else None,
        "starts": reverse.starts[0], "slid": reverse.starts[1], "share_of_squared_distance": reverse.share,
    }  # fmt: skip
    if reverse.trace is None:
        return
    for k, item in enumerate(study.inputs):
        yield {
            "measure": "reverse_stress", **head, "factor": item.name, "unit": item.unit,
            "value": float(reverse.trace.draws[k, 0]), "score": reverse.scores[item.name],
        }  # fmt: skip
    for name, year, value in shocks_of(given):
        yield {"measure": "reverse_stress", **head, "shock": name, "year": year, "value": value}
    outcomes = reverse.trace.outcomes[given.watched.at, :, 0]
    for name, value in zip(study.model.outcomes, outcomes, strict=True):
        number = float(value)
        yield {
            "measure": "reverse_stress",
            **head,
            "outcome": name,
            "value": number if np.isfinite(number) else None,
        }


def shocks_of(given: Explanation) -> list[tuple[str, int, float]]:
    """Shocks of the likeliest future: stream, year, value."""
    trace, study = given.reverse.trace, given.study
    if trace is None or trace.shocks is None:
        return []
    streams = [stream for of in study.shock_streams.values() for stream in of]
    return [
        (stream, year, float(trace.shocks[y, k, 0]))
        for k, stream in enumerate(streams)
        for y, year in enumerate(study.years)
    ]


def lowest_and_highest(driver: Driver) -> tuple[Estimate, Estimate]:
    """Shares of the worst futures in the lowest and in the highest tenth of its prior."""
    return tuple(_tenth(one) for one in (driver.density[0], driver.density[-1]))  # type: ignore[return-value]


def _tenth(one: Estimate) -> Estimate:
    return Estimate(
        one.estimate / BINS, one.standard_error / BINS, one.low / BINS, one.high / BINS, one.flags
    )
