"""One-at-a-time sensitivity (tornado): one factor held low or high, everything else drawn as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from engine.analyses.futures import Futures, Quantity, refuse_too_many, sound
from engine.analyses.variables import LEVEL, PROBABILITY, Values, under
from engine.analyses.variants import Observer
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import Variable, probability_difference
from engine.risk.estimation.tables import THREADS
from engine.study.study import Study

PATHS = 1 << 16
ENDS = (0.05, 0.95)
"""Probabilities of the prior's quantiles that a factor is held at."""


@dataclass(frozen=True)
class Swing:
    """The effect of holding a factor at two values.

    Args:
      factor: its name.
      values: the low and the high value, in the factor's unit.
      low, high: for each quantity, its value with the factor held there less that with the factor drawn.
    """

    factor: str
    values: tuple[float, float]
    low: tuple[Estimate, ...]
    high: tuple[Estimate, ...]


def swings(futures: Futures, wanted: Sequence[Quantity], observe: Observer) -> tuple[tuple[Quantity, ...], list[Swing]]:
    """The quantities under single policies among `wanted`, and their swings by every factor that is not fixed."""
    study = futures.study
    alone = tuple(one for one in wanted if not one.against)
    paths = min(study.paths, PATHS) // study.unit * study.unit
    (own,) = futures.mixed([{}], paths)
    refuse_too_many(study, sound((own,)))
    ends = {
        item.name: tuple(map(float, item.marginal.quantile(np.array(ENDS))))
        for item in study.inputs
        if item.marginal.quantile(ENDS[0]) < item.marginal.quantile(ENDS[1])
    }
    held = ({name: value} for name, values in ends.items() for value in values)
    stated = [
        _Base(study, variable, policy, own)
        for variable, policy in dict.fromkeys((one.variable, one.policy) for one in alone)
    ]
    with ThreadPoolExecutor(THREADS) as threads:
        rows = []
        for k, values in enumerate(futures.with_fixed(held, paths)):
            found = threads.map(partial(_Base.changes, now=values), stated)
            by_name = {(one.variable, one.policy): gaps for one, gaps in zip(stated, found, strict=True)}
            rows.append(tuple(by_name[one.variable, one.policy][one.measure] for one in alone))
            observe("factors", k // 2 + 1, len(ends))
    return alone, [
        Swing(name, (low, high), rows[2 * k], rows[2 * k + 1]) for k, (name, (low, high)) in enumerate(ends.items())
    ]


class _Base:
    """An outcome or event under a policy with all factors drawn, which is deducted from the same with a factor held."""

    def __init__(self, study: Study, variable: str, policy: str, own: Values):
        self.study, self.variable, self.policy = study, variable, policy
        self._own = under(study, variable, policy, own)
        self._held = Variable(self._own, study.unit, study.is_loss(variable), (LEVEL,))
        self._unmoved: Mapping[str, Estimate] | None = None

    def changes(self, now: Values) -> Mapping[str, Estimate]:
        """By measure, the difference of `now` from the drawn outcomes.

        It is computed once for all factors that leave every bit as it is.
        """
        values = under(self.study, self.variable, self.policy, now)
        if not np.array_equal(values, self._own):
            return self._less(values)
        if self._unmoved is None:
            self._unmoved = self._less(values)
        return self._unmoved

    def _less(self, values: np.ndarray) -> Mapping[str, Estimate]:
        if self.variable in self.study.events_by_name:
            return {PROBABILITY: probability_difference(values, self._own, self.study.unit)}
        return replace(self._held, values=values).less(self._held)
