"""Factors and events before and given the facts, and ranks of a calibration, as figures and the report draw them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.answers.answer import Answer
from engine.answers.rankings import PROBABILITY
from engine.answers.wording import amounts
from engine.risk.estimation.intervals import Estimate

MOST = 12
"""Most factors that are drawn: those whose mean the facts shift most."""
BAND = "range that each bin leaves with a chance of 5 % at most, if every factor is calibrated"
"""Explanation of the band of the ranks, for notes."""
MEANING = (
    "Higher at both ends: factors are told too surely; in the middle: too vaguely; at one end: too low or too high."
)
"""What it means if ranks leave their band, for notes."""


@dataclass(frozen=True)
class Learnt:
    """A factor before and given the facts.

    Args:
      mean, sd: posterior mean and standard deviation, in standard deviations of the prior from the prior's mean.
      before, given: prior mean (a number) and posterior mean (with its unit) as text.
      sds: prior and posterior standard deviation, in the factor's unit.
    """

    name: str
    mean: Estimate
    sd: float
    before: str
    given: str
    sds: tuple[float, float]
    unit: str

    @property
    def means(self) -> str:
        """Prior and posterior mean as text, such as `−2.5 → 1.9 % a year`."""
        return f"{self.before.removesuffix(' %')} → {self.given}"


@dataclass(frozen=True)
class Chance:
    """Probability of an event under a policy, before and given the facts."""

    event: str
    policy: str
    before: Estimate
    given: Estimate


@dataclass(frozen=True)
class Ranks:
    """Histogram of the ranks of true values among posterior futures (simulation-based calibration), over all factors.

    Args:
      edges: of the bins, from 0 to 1.
      count: number of ranks in each bin.
      expected: number where the posterior is calibrated; `low` and `high` bound the band around it, bin by bin.
    """

    edges: Float[np.ndarray, "edge"]
    count: Float[np.ndarray, "bin"]
    expected: Float[np.ndarray, "bin"]
    low: Float[np.ndarray, "bin"]
    high: Float[np.ndarray, "bin"]

    @property
    def finding(self) -> str:
        """In how many bins the ranks lie inside the band of a calibrated posterior, in a sentence."""
        inside = np.sum((self.count >= self.low) & (self.count <= self.high))
        ranks = f"{self.count.sum():,.0f} ranks of the truth, all factors together"
        return f"{ranks}, lie inside the band in {inside} of {len(self.count)} bins"


def learnt(answer: Answer, most: int = MOST) -> tuple[Learnt, ...]:
    """The `most` factors whose mean the facts shift most, in prior standard deviations; none that never varies."""
    rows = [row for row in answer["factors"].rows() if row["shift"] is not None] if "factors" in answer else []
    found = []
    for row in sorted(rows, key=lambda row: -abs(row["shift"]))[:most]:
        middle, sd, given = row["mean_before"], row["sd_before"], row["mean_given"]
        low, high = ((end - middle) / sd for end in (given.low, given.high))
        mean = Estimate(row["shift"], given.standard_error / sd, low, high)
        now, before = (_minus(text) for text in amounts(row["unit"], given, middle))
        found.append(Learnt(row["factor"], mean, row["sd_given"] / sd, before, now, (sd, row["sd_given"]), row["unit"]))
    return tuple(found)


def _minus(text: str) -> str:
    return re.sub(r"(?<!\w)-(?=[\d.])", "−", text)


def chances(answer: Answer, most: int) -> tuple[Chance, ...]:
    """Probabilities of events by policy, the events that moved most first; about `most` rows, at least one event."""
    by_event: dict[str, list[Chance]] = {}
    for row in answer["risk"].where(measure=PROBABILITY) if "risk" in answer else ():
        if isinstance(row["before"], Estimate) and isinstance(row["given"], Estimate):
            one = Chance(row["variable"], row["policy"], row["before"], row["given"])
            by_event.setdefault(one.event, []).append(one)
    order = sorted(by_event, key=lambda event: -max(map(_move, by_event[event])))
    events = max(most // max(map(len, by_event.values()), default=1), 1)
    return tuple(one for event in order[:events] for one in by_event[event])


def _move(one: Chance) -> float:
    return float(np.nan_to_num(abs(one.given.estimate - one.before.estimate), nan=-1.0))


def ranks_of(answer: Answer) -> Ranks | None:
    """The ranks of an answer; None where it has no calibration, or one by an earlier version, which gave no band."""
    if "ranks" not in answer or "low" not in answer["ranks"].by_name:
        return None
    table = answer["ranks"]
    columns = (np.array(table[name], np.float64) for name in ("count", "expected", "low", "high"))
    return Ranks(np.linspace(0, 1, len(table) + 1), *columns)
