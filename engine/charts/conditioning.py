"""Factors and events before and given the facts, as figures draw them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from engine.answers.answer import Answer
from engine.answers.rankings import PROBABILITY
from engine.answers.wording import amounts
from engine.risk.estimation.intervals import Estimate

MOST = 12
"""Most factors that are drawn: those whose mean the facts shift most."""


@dataclass(frozen=True)
class Learnt:
    """A factor before and given the facts.

    Args:
      mean, sd: posterior mean and standard deviation, in standard deviations of the prior from the prior's mean.
      before, given: prior mean (a number) and posterior mean (with its unit) as text.
    """

    name: str
    mean: Estimate
    sd: float
    before: str
    given: str

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


def learnt(answer: Answer, most: int = MOST) -> tuple[Learnt, ...]:
    """The `most` factors whose mean the facts shift most, in prior standard deviations; none that never varies."""
    rows = [row for row in answer["factors"].rows() if row["shift"] is not None] if "factors" in answer else []
    found = []
    for row in sorted(rows, key=lambda row: -abs(row["shift"]))[:most]:
        middle, sd, given = row["mean_before"], row["sd_before"], row["mean_given"]
        low, high = ((end - middle) / sd for end in (given.low, given.high))
        mean = Estimate(row["shift"], given.standard_error / sd, low, high)
        now, before = (_minus(text) for text in amounts(row["unit"], given, middle))
        found.append(Learnt(row["factor"], mean, row["sd_given"] / sd, before, now))
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
