"""The effect of one factor held low or high, everything else drawn as it is (tornado)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import islice

import numpy as np

from engine.questions.futures import Futures, Quantity, refuse_too_many, sound
from engine.questions.indices import Row
from engine.questions.variables import LEVEL, PROBABILITY, Values, under
from engine.questions.variants import Observer
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import difference, probability_difference
from engine.risk.estimation.tables import THREADS
from engine.study.components import Change

MOST_PATHS = 1 << 16
"""Most paths that swings are computed from."""
ENDS = (0.05, 0.95)
"""Probabilities of the prior's quantiles that a factor is held at."""


def swings(futures: Futures, wanted: Sequence[Quantity], observe: Observer) -> list[Row]:
    """Rows of the effect of each factor that is not fixed on each quantity under a single policy.

    A row has the two values that the factor is held at, and for each the quantity with the factor held there less that
    with the factor drawn.
    """
    study, rows = futures.study, list[Row]()
    alone = [one for one in wanted if not one.against]
    paths = min(study.paths, MOST_PATHS) // study.unit * study.unit
    own = futures.first(paths)
    refuse_too_many(study, sound((own,)))
    drawn = {(one.variable, one.policy): under(study, one.variable, one.policy, own) for one in alone}

    def less(side: tuple[str, str], values: np.ndarray) -> Mapping[str, Estimate]:
        if side[0] in study.events_by_name:
            return {PROBABILITY: probability_difference(values, drawn[side], study.unit)}
        return difference(values, drawn[side], study.unit, study.is_loss(side[0]), (LEVEL,))

    # computed once for all outcomes that have every bit of the drawn ones
    unmoved = cache(lambda side: less(side, drawn[side]))

    def effect(now: Values, side: tuple[str, str]) -> Mapping[str, Estimate]:
        values = under(study, *side, now)
        return unmoved(side) if np.array_equal(values, drawn[side]) else less(side, values)

    quantiles = {item.name: item.marginal.quantile(np.array(ENDS)) for item in study.inputs}
    ends = {name: (float(low), float(high)) for name, (low, high) in quantiles.items() if low < high}
    fixed = [Change(factors={name: (0.0, value)}) for name, values in ends.items() for value in values]
    held = futures.changed(fixed, paths)
    with ThreadPoolExecutor(THREADS) as threads:
        for k, (name, values) in enumerate(ends.items()):
            low, high = (
                dict(zip(drawn, threads.map(partial(effect, now), drawn), strict=True))
                for now in islice(held, len(values))
            )
            rows += [
                {
                    "quantity": f"{one.measure} of {one.variable} under {one.policy}", "factor": name,
                    "variable": one.variable, "measure": one.measure, "policy": one.policy,
                    "unit": "points" if one.measure == PROBABILITY else study.unit_of(one.variable),
                    "low_value": values[0], "low": low[one.variable, one.policy][one.measure],
                    "high_value": values[1], "high": high[one.variable, one.policy][one.measure],
                }
                for one in alone
            ]  # fmt: skip
            observe("factors", k + 1, len(ends))
    return rows
