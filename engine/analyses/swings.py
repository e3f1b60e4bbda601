"""What the answer would be with one factor low and with it high, everything else drawn as it is: a tornado by running again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.analyses.futures import Futures, Quantity, refuse_too_many, sound
from engine.analyses.variables import Values, gap, under
from engine.analyses.variants import Observer
from engine.risk.intervals import Estimate
from engine.risk.tables import THREADS

PATHS = 1 << 16
ENDS = (0.05, 0.95)
"""Quantiles of its prior that a factor is held at."""


@dataclass(frozen=True)
class Swing:
    """What holding a factor at two values does.

    Args:
      factor: its name.
      values: at which it is held, in its unit.
      low, high: of each quantity, how far it is from where the factor is drawn.
    """

    factor: str
    values: tuple[float, float]
    low: tuple[Estimate, ...]
    high: tuple[Estimate, ...]


def swings(
    futures: Futures, wanted: Sequence[Quantity], observe: Observer
) -> tuple[tuple[Quantity, ...], list[Swing]]:
    """The quantities of single policies among some, and the swing of each by every factor that is not fixed."""
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
    with ThreadPoolExecutor(THREADS) as threads:
        rows = []
        for k, values in enumerate(futures.held(held, paths)):
            rows.append(tuple(threads.map(partial(_moved, futures, values, own), alone)))
            observe("factors", k // 2 + 1, len(ends))
    return alone, [
        Swing(name, (low, high), rows[2 * k], rows[2 * k + 1])
        for k, (name, (low, high)) in enumerate(ends.items())
    ]


def _moved(futures: Futures, values: Values, own: Values, one: Quantity) -> Estimate:
    study = futures.study
    now, before = (under(study, one.variable, one.policy, of) for of in (values, own))
    return gap(study, one.variable, one.measure, now, before, study.unit)
