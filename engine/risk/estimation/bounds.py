"""Bounds at which a model clips its yearly values: how often values equal a bound, and which lie beyond it.

A value on a bound tells only that the future reaches it. Where many values are on a bound, the tails of the outcomes
are determined by it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from engine.modelling.cell_axis import cell_layout, split_cells
from engine.modelling.records import Model
from engine.risk.estimation.events import ByName
from engine.study.study import Study

SIDES = ("low", "high")
ROUNDINGS = 4
"""Distance from a bound, in spacings of floating-point numbers, within which a value counts as equal to it.

A clipped value may still be converted to another unit, which rounds it.
"""
TOLD, MANY = 0.001, 0.02
"""Shares of paths and years above which a bound is reported, and above which it is marked as reached too often."""

Limits = Float[np.ndarray, "side cell"]


@dataclass(frozen=True)
class OnBound:
    """How often a yearly variable equals one of its bounds under a policy.

    Args:
      variable: name of the yearly variable.
      side: "low" or "high".
      limit: the bound, in the variable's unit.
      policy: name of the policy.
      share: share of all paths, years and cells whose value equals the bound.
    """

    variable: str
    side: str
    limit: float
    policy: str
    share: float

    def in_words(self, study: Study) -> str:
        """The finding as a clause: `values of height under old equal the upper bound, 0.9 m, in 3 % of paths ...`."""
        what, policy = study.phrase("yearly", self.variable), study.phrase("policies", self.policy)
        unit, which = study.model.yearly[self.variable].unit, "lower" if self.side == "low" else "upper"
        limit = f"{self.limit:g}" + f" {unit}" * (unit != "1" and "=" not in unit)
        often = f"{100 * self.share:.3g} % of paths and years"
        return f"values of {what} under {policy} equal the {which} bound, {limit}, in {often}"


def limits_of(model: Model) -> Limits:
    """Lower and upper bound of every yearly cell [side, cell]; infinite where there is none."""
    limits = [(variable.low, variable.high) for variable in model.yearly.values()]
    return by_cell(model, np.reshape(limits, (-1, len(SIDES))))


def by_cell(model: Model, numbers: Any) -> Float[np.ndarray, "*row cell"]:
    """A number, or a row of numbers, of each yearly variable in all of its cells."""
    counts = [columns.count for columns in cell_layout(model).values()]
    return np.repeat(np.asarray(numbers, np.float64), counts, axis=0).T


def bounded(model: Model) -> tuple[str, ...]:
    """Names of the yearly variables with a bound."""
    return tuple(name for name, entry in model.yearly.items() if entry.bounds)


def shares_on(values: Float[np.ndarray, "*policy cell path"], limits: Limits) -> Float[np.ndarray, "*policy side cell"]:
    """Share of the paths on which each cell equals each of its bounds."""
    shares = np.zeros((*values.shape[:-2], *limits.shape))
    held = np.isfinite(limits).any(axis=0)
    some = values[..., None, held, :]
    first, last = _around(limits[:, held], values.dtype)
    shares[..., held] = ((some >= first) & (some <= last)).mean(axis=-1)
    return shares


def beyond(values: Float[np.ndarray, "policy cell path"], limits: Limits) -> Bool[np.ndarray, "policy cell path"]:
    """Which finite values lie outside their bounds."""
    first, last = _around(limits, values.dtype)
    return np.isfinite(values) & ((values < first[0]) | (values > last[1]))


def _around(limits: Limits, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest values that count as each bound, [side, cell, 1] each."""
    at = limits.astype(dtype)[..., None]
    finite = np.isfinite(at)
    room = np.where(finite, ROUNDINGS * np.spacing(np.where(finite, np.abs(at), 0)), 0).astype(dtype)
    return at - room, at + room


def by_year(
    model: Model, yearly: Float[np.ndarray, "policy year cell path"]
) -> dict[str, Float[np.ndarray, "policy side year *dims"]]:
    """Shares of the paths on each bound, by name of the yearly variables with a bound [policy, side, year, *dims]."""
    parts = split_cells(model, shares_on(yearly, limits_of(model)).swapaxes(1, 2))
    return {name: parts[name] for name in bounded(model)}


def standings(study: Study, shares: ByName) -> tuple[OnBound, ...]:
    """How often each variable equals each of its finite bounds under each policy, the most frequent first.

    Args:
      shares: shares on each bound, by variable [policy, side, ...].
    """
    found = []
    for name, array in shares.items():
        limits = study.model.yearly[name].low, study.model.yearly[name].high
        for policy, by_side in zip(study.policy_names, array, strict=True):
            for side, limit, on in zip(SIDES, limits, by_side, strict=True):
                if math.isfinite(limit):
                    found.append(OnBound(name, side, float(limit), policy, float(on.mean())))
    return tuple(sorted(found, key=lambda one: -one.share))
