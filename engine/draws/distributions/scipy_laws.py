"""Distributions of `scipy.stats` by SciPy's names and parameters, with quantiles far out in the tails."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.discrete import Discrete, changes, reached
from engine.draws.distributions.law import Function, Law, Steps, scores_between
from engine.draws.distributions.scipy_catalogue import defaults, discrete_names, generic, parameter_names, quietly
from engine.draws.limits import FARTHEST
from engine.errors import UserError, refusal

MOST_STEPS = 1 << 16
"""Greatest number of values of a discrete distribution on a device."""
_EACH_ALONE, _FEWER = ("nchypergeom_fisher", "nchypergeom_wallenius"), 1 << 12
"""Distributions whose probabilities SciPy computes one at a time, and the greatest number of values of such a one."""
_BEYOND = 2.0 * special.ndtr(-FARTHEST)
"""Greatest probability of values beyond those: that of scores beyond the farthest draws."""
_TIE = 1e-14
_HUGE, _HUGE_COUNT = 1e300, 2.0**53
_SLOW = ("gausshyper", "genhyperbolic", "geninvgauss", "irwinhall", "ksone", "kstwo", "norminvgauss")
"""Distributions whose quantiles take SciPy milliseconds each; far quantiles are extrapolated instead of computed."""
_SEARCHED = ("genhyperbolic", "geninvgauss")
"""Distributions whose quantiles SciPy's own search finds faster, as each probability is an integral."""
_CHECKED = np.array([-3.0, -2.0, -1.0, -0.1, 0.1, 1.0, 2.0, 3.0])
"""Scores at which SciPy's quantiles are compared with its probabilities."""
_ANCHORS = -special.ndtri([1e-8, 1e-10, 1e-12])
"""Scores from whose quantiles farther ones are extrapolated where SciPy's are wrong."""


@dataclass(frozen=True)
class _OfScipy(Law):
    """A distribution of SciPy.

    Args:
      name: SciPy's name.
      parameters: shapes, then loc, then scale, which discrete distributions do not have.
    """

    name: str
    parameters: tuple[float, ...]

    @functools.cached_property
    def _frozen(self) -> Any:
        return generic(self.name)(*self.parameters)

    @property
    def is_valid(self) -> bool:
        """Whether SciPy has a distribution with these parameters."""
        with quietly(), suppress(ValueError, ArithmeticError):
            return all(map(math.isfinite, self.parameters)) and math.isfinite(self._frozen.cdf(0.0))
        return False

    @property
    def support(self) -> tuple[float, float]:
        low, high = self._frozen.support()
        return float(low), float(high)


class Named(_OfScipy):
    """A continuous distribution of SciPy."""

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        if self.name == "levy_l":  # SciPy's own loses the digits of its heavy tail
            *_, loc, scale = self.parameters
            return loc - Named("levy", (0.0, scale)).at_score(-z)
        x, far = np.full(z.shape, math.nan), np.abs(z) > _ANCHORS[-1]
        x[~far] = self._scipys(z[~far])
        if self.name not in _SLOW:  # by itself, as one quantile that SciPy does not find leaves all without
            x[far] = self._scipys(z[far])
        for at in (far & (z < 0), far & (z > 0)):
            if at.any():
                x[at] = self._far(x[at], z[at])
        return x

    def _scipys(self, z: np.ndarray) -> np.ndarray:
        """Quantiles by SciPy's functions, or by bisection where SciPy finds them by a search one at a time."""
        kind, plain = type(generic(self.name)), generic("rv_continuous")  # the latter has the default methods
        x = np.full(z.shape, math.nan)
        with quietly():
            if kind._ppf is plain._ppf and kind._cdf is not plain._cdf and self.name not in _SEARCHED:
                return self.lowest(z, *np.clip(self.support, -_HUGE, _HUGE))
            for side, quantile in ((z < 0, self._frozen.ppf), (z >= 0, self._frozen.isf)):
                with suppress(OverflowError, RuntimeError, ValueError):  # SciPy's searches raise where they find none
                    x[side] = quantile(special.ndtr(-np.abs(z[side])))
        return x

    def _far(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Quantiles beyond the last anchor: SciPy's if they agree with its tail, else from a generalised Pareto tail.

        For many distributions SciPy has 1 - cdf as the upper tail, which is rounding error below 1e-16.
        """
        known = np.isfinite(x) & (np.abs(self.score_of(x) / z - 1.0) < 1e-4)
        if known.all():
            return x
        first, second, last = self._scipys(np.sign(z[0]) * _ANCHORS)
        before, after = second - first, last - second
        with np.errstate(all="ignore"):
            count = (special.log_ndtr(-_ANCHORS[-1]) - special.log_ndtr(-np.abs(z))) / math.log(100.0)
            growth = after / before
            near_end = not abs(before) > 1e-8 * abs(last) or not growth > 0
            steps = count if abs(growth - 1) < 1e-6 else growth * (growth**count - 1) / (growth - 1)
            continued = np.full(x.shape, last) if near_end else last + after * steps
        return np.clip(np.where(known, x, continued), *self.support)

    def score_of(self, x: Any) -> np.ndarray:
        with quietly():
            # they may be no probabilities: 'vonmises' counts turns, and the upper tail of 'ncf' with nc = 0 is below 0
            below, above = np.clip(self._frozen.cdf(x), 0.0, 1.0), self._frozen.sf(x)
            return scores_between(below, np.where(above >= 0, above, 1.0 - below))

    def mean(self) -> float:
        return self._moment(self._frozen.mean, super().mean, lambda x: x)

    def sd(self) -> float:
        return self._moment(self._frozen.std, super().sd, np.square) if math.isfinite(self.mean()) else math.nan

    def _moment(self, scipys: Callable[[], Any], ours: Callable[[], float], function: Function) -> float:
        """SciPy's moment; it may apply its formula where it does not hold, and has NaN where it has no formula."""
        with quietly():
            moment = float(scipys())
        return self.endless(function) or (ours() if math.isnan(moment) else moment)

    def density(self, x: Any) -> np.ndarray:
        """Its density."""
        with quietly():
            return np.asarray(self._frozen.pdf(x), np.float64)


class Counts(_OfScipy, Discrete):
    """A discrete distribution of SciPy: whole numbers, moved by loc."""

    @functools.cached_property
    def steps(self) -> Steps:
        """Steps within the reach of draws, from SciPy's probabilities of the numbers around the mean."""
        *shapes, loc = self.parameters
        unit = generic(self.name)(*shapes)  # SciPy takes a number that loc has rounded for no whole number
        low, high = unit.support()
        most = _FEWER if self.name in _EACH_ALONE else MOST_STEPS
        with quietly():
            around = np.floor(min(unit.mean(), _HUGE_COUNT)) - most // 2
            first = max(low, min(around, high - most + 1))
            counts = first + np.arange(min(high - first, most - 1) + 1)
            is_whole = counts[0] <= low and counts[-1] >= high
            weights = unit.pmf(counts)
            # SciPy sums all probabilities below, which may be many, where a law has no distribution function of its own
            if type(unit.dist)._cdf.__qualname__ == "rv_discrete._cdf":
                beyond = 1.0 - weights.sum()
            else:
                beyond = unit.cdf(counts[0] - 1) + unit.sf(counts[-1])
        if not (is_whole or beyond <= _BEYOND):
            raise refusal(
                "",
                f"takes too many values, far apart; expected at most {most}. For such numbers use a continuous law,"
                " such as 'normal' or 'gamma'.",
            )
        if not weights.sum() > 0:
            raise refusal("", "SciPy's probabilities are not finite here. Choose other parameters, or another family.")
        # moved by more than rounding, so that a number whose probability is stated exactly is its quantile
        return reached(loc + counts, changes(weights) + _TIE)

    def mean(self) -> float:
        with quietly():
            return float(self._frozen.mean())

    def sd(self) -> float:
        with quietly():
            return float(self._frozen.std())


def named(name: str, given: Mapping[str, float]) -> Named | Counts:
    """Distribution with this name and these parameters; those with a default may be left out.

    Raises:
      UserError: for a missing parameter, or parameters with which SciPy has no such distribution.
    """
    wanted, filled = parameter_names(name), defaults(name) | dict(given)
    missing = [key for key in wanted if key not in filled]
    if missing:
        raise refusal(
            "", f"'{name}' needs {', '.join(wanted)} (loc and scale may be left out); {', '.join(missing)} missing."
        )
    kind = Counts if name in discrete_names() else Named
    law = kind(name, tuple(float(filled[key]) for key in wanted))
    if not law.is_valid:
        raise _out_of_range(name, {key: filled[key] for key in wanted})
    return law


def _out_of_range(name: str, filled: Mapping[str, float]) -> UserError:
    """Refusal of the first parameter that is out of its range; of all together if each is within its own range."""
    if "scale" in filled and not filled["scale"] > 0:
        return refusal("scale", f"expected more than 0, got {filled['scale']:g}.")
    for info in generic(name)._shape_info():
        value, (low, high), (first, last) = filled[info.name], info.domain, info.endpoints
        if not low <= value <= high or (info.integrality and value != round(value)):
            kind = "whole number" if info.integrality else "number"
            ends = f"{'(['[info.inclusive[0]]}{first:g}, {last:g}{')]'[info.inclusive[1]]}"
            return refusal(info.name, f"expected a {kind} in {ends}, got {value:g}.")
    parameters = ", ".join(f"{key} = {value:g}" for key, value in filled.items())
    return refusal("", f"'{name}' has no law with {parameters}.")


def refuse_wrong(law: Law) -> None:
    """Raises a refusal for a continuous distribution whose quantiles by SciPy do not have their probabilities.

    Where a formula overflows or underflows at extreme shapes, SciPy gives an end of the support instead.
    """
    if not isinstance(law, Named):
        return
    unit = Named(law.name, (*law.parameters[:-2], 0.0, 1.0))  # numbers are densest near 0
    wanted, x = special.ndtr(_CHECKED), unit.at_score(_CHECKED)
    with quietly():
        slack, near = 0.01 * np.minimum(wanted, 1.0 - wanted), 1e-6 * (np.abs(x) + x[-3] - x[2])
        right = (unit.cdf(x - near) <= wanted + slack) & (unit.cdf(x + near) >= wanted - slack)
        wrong = ~(right | np.isinf(x))
    if wrong.any():
        raise refusal(
            "",
            f"SciPy's formulas fail here: the quantile at {wanted[wrong][0]:.3g} would be"
            f" {x[wrong][0]:.3g} (at loc 0 and scale 1). Choose other parameters, or another family.",
        )
