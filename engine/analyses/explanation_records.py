"""What the worst futures have in common, as one sentence and as plain records."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.analyses.explanation import SHOCK, Driver, Explanation
from engine.analyses.prior_scores import BINS
from engine.formatting import rounded
from engine.risk.intervals import Estimate
from engine.risk.tables import Record, record

MOST_NAMED = 3


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
    head = where(given)
    ranked = given.ranked
    if not ranked:
        return f"{head}, there is nothing that is drawn."
    if all(math.isnan(one.shift.low) for one in ranked):
        return f"{head}, nothing is told: {ranked[0].shift.flag}."
    told = [one for one in ranked if _is_told(one, len(ranked))]
    if not told:
        return f"{head}, no factor and no shock of a year is told from its prior."
    first = told[0]
    least = _ends(first)[0]
    others = [one for one in ranked if one is not first and not _ends(one)[1] < least]
    said = f"{rounded(abs(first.shift.estimate), 2)} of its standard deviations {_side(first)}"
    low, high = (rounded(end, 2) for end in _ends(first))
    if not others:
        return f"{head}, {label(first)} stands farthest from its prior: {said} [{low}, {high}]."
    named = ", ".join(f"{label(one)} ({_signed(one)})" for one in [first, *others][:MOST_NAMED])
    more = len(others) + 1 - MOST_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return (
        f"{head}, the inputs farthest from their priors are among {named}{rest}, in standard deviations of the prior; "
        "which of them is farthest is not told."
    )


def _is_told(one: Driver, of: int) -> bool:
    """Whether it is told from its prior, though so many are looked at: a standard error's normal reach, Bonferroni's."""
    from scipy.special import ndtri

    if not (math.isfinite(one.shift.low) and one.shift.standard_error > 0):
        return False
    return abs(one.shift.estimate) > float(-ndtri(0.025 / of)) * one.shift.standard_error


def _ends(one: Driver) -> tuple[float, float]:
    """The interval of how far it stands from its prior, whichever side."""
    low, high = one.shift.low, one.shift.high
    if math.isnan(low):
        return 0.0, math.inf
    return max(low, -high, 0.0), max(-low, high)


def _side(one: Driver) -> str:
    return "above it" if one.shift.estimate > 0 else "below it"


def _signed(one: Driver) -> str:
    text = rounded(one.shift.estimate, 2)
    return text if text.startswith("-") else f"+{text}"


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
    return found + [one("part", part.part, {part.dim: part.label}) for part in given.places]


def plain(given: Explanation, run: Path) -> Iterator[dict[str, Any]]:
    """All of it as plain data for JSON: the finding, the estimates, the likeliest future, the worst paths with their commands."""
    what, study = given.watched, given.study
    head = {"policy": what.policy, "variable": what.variable}
    yield {
        "measure": "finding", **head, "level": what.level, "text": finding(given), "paths": study.paths,
        "worst_paths": given.tail_count, "excluded_paths": given.futures.excluded,
    }  # fmt: skip
    dims = ("factor", "shock", "tenth", *study.model.dims)
    priors = {(one.name, one.year): one for one in given.drivers}
    for entry in records(given):
        row = entry.as_dict(dims)
        name = row["factor"] or row["shock"]
        if name is not None and (driver := priors.get((name, row["year"]))):
            row |= {"unit": driver.unit, "prior_mean": driver.prior[0], "prior_sd": driver.prior[1]}
        yield row
    for name, reason in given.without_slope.items():
        yield {"measure": "slope", **head, "factor": name, "left_out": reason}
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


def names_of(rows: Sequence[Driver]) -> list[str]:
    """Their labels."""
    return [label(one) for one in rows]
