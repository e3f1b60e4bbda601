"""The effect of one factor held low or high, everything else drawn as it is (tornado)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import islice

import numpy as np

from engine.analyses.futures import Futures, Quantity, refuse_too_many, sound
from engine.analyses.indices import Row
from engine.analyses.variables import LEVEL, PROBABILITY, Values, under
from engine.analyses.variants import Observer
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import difference, probability_difference
from engine.risk.estimation.tables import THREADS
from engine.study.study import Study

MOST_PATHS = 1 << 16
"""Most paths that swings are computed from."""
ENDS = (0.05, 0.95)
"""Probabilities of the prior's quantiles that a factor is held at."""


def swings(futures: Futures, wanted: Sequence[Quantity], observe: Observer) -> list[Row]:
    """Rows of the effect of each factor that is not fixed on each quantity under a single policy.

    A row has the two values that the factor is held at, and for each the quantity with the factor held there less that
    with the factor drawn.
    """
    study = futures.study
    alone = [one for one in wanted if not one.against]
    paths = min(study.paths, MOST_PATHS) // study.unit * study.unit
    (own,) = futures.mixed([{}], paths)
    refuse_too_many(study, sound((own,)))
    ends = {item.name: tuple(map(float, item.marginal.quantile(np.array(ENDS)))) for item in study.inputs}
    ends = {name: values for name, values in ends.items() if values[0] < values[1]}
    changes = {(one.variable, one.policy): _changes(study, one.variable, one.policy, own) for one in alone}
    held = futures.with_fixed(({name: value} for name, values in ends.items() for value in values), paths)
    rows = []
    with ThreadPoolExecutor(THREADS) as threads:
        for k, (name, values) in enumerate(ends.items()):
            low, high = (
                dict(zip(changes, threads.map(lambda of, now=now: of(now), changes.values()), strict=True))
                for now in islice(held, len(values))
            )
            for one in alone:
                side, unit = (one.variable, one.policy), study.unit_of(one.variable)
                rows.append(
                    {
                        "quantity": f"{one.measure} of {one.variable} under {one.policy}", "factor": name,
                        "variable": one.variable, "measure": one.measure, "policy": one.policy,
                        "unit": "points" if one.measure == PROBABILITY else unit,
                        "low_value": values[0], "low": low[side][one.measure],
                        "high_value": values[1], "high": high[side][one.measure],
                    }
                )  # fmt: skip
            observe("factors", k + 1, len(ends))
    return rows


def _changes(study: Study, variable: str, policy: str, own: Values) -> Callable[[Values], Mapping[str, Estimate]]:
    """A function from outcomes to the difference of a variable's measures from those of the drawn outcomes.

    It is computed once for all outcomes that have every bit of the drawn ones.
    """
    drawn = under(study, variable, policy, own)

    def less(values: np.ndarray) -> Mapping[str, Estimate]:
        if variable in study.events_by_name:
            return {PROBABILITY: probability_difference(values, drawn, study.unit)}
        return difference(values, drawn, study.unit, study.is_loss(variable), (LEVEL,))

    unmoved = cache(lambda: less(drawn))

    def changes(now: Values) -> Mapping[str, Estimate]:
        values = under(study, variable, policy, now)
        return unmoved() if np.array_equal(values, drawn) else less(values)

    return changes
