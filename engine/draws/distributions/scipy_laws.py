"""Distributions of `scipy.stats` by SciPy's names and parameters, with quantiles far out in the tails."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.law import Law, Steps
from engine.draws.distributions.scipy_catalogue import defaults, discrete_names, generic, parameter_names, quietly
from engine.draws.limits import FARTHEST, reach
from engine.errors import UserError, refusal

MOST_STEPS = 1 << 16
"""Greatest number of values of a discrete distribution on a device."""
MOST_TRIED = 1 << 17
"""Greatest number of values that SciPy may try one by one for a quantile."""
_HUGE = 1e300
_SLOW = ("gausshyper", "genhyperbolic", "geninvgauss", "irwinhall", "ksone", "kstwo", "norminvgauss")
"""Distributions whose quantiles take SciPy milliseconds each; far quantiles are extrapolated instead of computed."""
_SEARCHED = ("genhyperbolic", "geninvgauss")
"""Distributions whose quantiles SciPy's own search finds faster, as each probability is an integral."""
_CHECKED = np.array([-3.0, -2.0, -1.0, -0.1, 0.1, 1.0, 2.0, 3.0])
"""Scores at which SciPy's quantiles are held against its probabilities."""
_ANCHORS = np.array([1e-8, 1e-10, 1e-12])
"""Tail probabilities from whose quantiles farther ones are extrapolated where SciPy's are wrong."""


@dataclass(frozen=True)
class Named(Law):
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
    def is_discrete(self) -> bool:
        """Whether it is a distribution of integers."""
        return self.name in discrete_names()

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        if self.name == "levy_l":  # SciPy's own loses the digits of its heavy tail
            *_, loc, scale = self.parameters
            return loc - Named("levy", (0.0, scale)).at_score(-z)
        if self.is_discrete:  # no draw is farther, and SciPy's quantile there is NaN or infinite
            z = np.clip(z, -FARTHEST, FARTHEST)
            return self._scipys(special.ndtr(-np.abs(z)), z >= 0)
        tail, upper = special.ndtr(-np.abs(z)), z >= 0
        far, x = tail < _ANCHORS[-1], np.full(z.shape, math.nan)
        for at in (~far, far & (self.name not in _SLOW)):
            if at.any():
                x[at] = self._scipys(tail[at], upper[at])
        for side in (True, False):
            at = far & (upper == side)
            if at.any():
                x[at] = self._far(x[at], tail[at], side)
        return x

    def _scipys(self, tail: np.ndarray, upper: np.ndarray) -> np.ndarray:
        """Quantiles at lower or upper tail probabilities, by SciPy's functions or by bisection of its probabilities."""
        x = np.full(tail.shape, math.nan)
        with quietly():
            if not self.is_discrete and _inverts(self.name):
                low, high = (np.full(tail.shape, np.clip(end, -_HUGE, _HUGE)) for end in self.support)
                return self.lowest(tail, upper, low, high)
            for side, quantile in ((~upper, self._frozen.ppf), (upper, self._frozen.isf)):
                with suppress(OverflowError, RuntimeError, ValueError):  # SciPy's searches raise where they find none
                    x[side] = quantile(tail[side])
        return x

    def _far(self, x: np.ndarray, tail: np.ndarray, upper: bool) -> np.ndarray:
        """Quantiles beyond the last anchor: SciPy's if they agree with its tail, else from a generalised Pareto tail.

        For many distributions SciPy has 1 - cdf as the upper tail, which is rounding error below 1e-16.
        """
        with quietly():  # scores beyond 38 have no tail in double precision
            known = np.isfinite(x) & (np.abs((self.sf(x) if upper else self.cdf(x)) / tail - 1.0) < 0.01)
        if known.all():
            return x
        first, second, last = self._scipys(_ANCHORS, np.full(3, upper))
        before, after = second - first, last - second
        with np.errstate(all="ignore"):
            count = np.log(_ANCHORS[-1] / tail) / math.log(100.0)
            growth = after / before
            near_end = not abs(before) > 1e-8 * abs(last) or not growth > 0
            steps = count if abs(growth - 1) < 1e-6 else growth * (growth**count - 1) / (growth - 1)
            continued = np.full(x.shape, last) if near_end else last + after * steps
        return np.clip(np.where(known, x, continued), *self.support)

    def cdf(self, x: Any) -> np.ndarray:
        with quietly():
            return np.asarray(self._frozen.cdf(self._reached(x)), np.float64)

    def sf(self, x: Any) -> np.ndarray:
        with quietly():
            return np.asarray(self._frozen.sf(self._reached(x)), np.float64)

    def _reached(self, x: Any) -> np.ndarray:
        """Highest possible value that is at most x, as some of SciPy's distributions accept integers only."""
        x = np.asarray(x, np.float64)
        return np.floor(x - self.parameters[-1]) + self.parameters[-1] if self.is_discrete else x

    @property
    def support(self) -> tuple[float, float]:
        low, high = self._frozen.support()
        return float(low), float(high)

    @property
    def steps(self) -> Steps | None:
        if not self.is_discrete:
            return None
        first, last = reach(self)
        if not last - first < MOST_STEPS:
            raise refusal(
                "",
                f"takes {last - first + 1:.3g} values, expected at most {MOST_STEPS}. "
                "For such numbers use a continuous law, such as 'normal' or 'gamma'.",
            )
        return self.stepping(np.arange(first, last + 1))

    def mean(self) -> float:
        with quietly():
            mean = float(self._frozen.mean())
        if self.is_discrete:
            return mean
        # SciPy may apply its formula where it does not hold, and returns NaN where it has no formula
        return self.endless(lambda x: x) or (super().mean() if math.isnan(mean) else mean)

    def sd(self) -> float:
        with quietly():
            sd = float(self._frozen.std())
        if self.is_discrete:
            return sd
        if not math.isfinite(self.mean()):
            return math.nan
        return self.endless(np.square) or (super().sd() if math.isnan(sd) else sd)

    def density(self, x: Any) -> np.ndarray:
        """Density of a continuous distribution."""
        with quietly():
            return np.asarray(self._frozen.pdf(x), np.float64)


def named(name: str, given: Mapping[str, float]) -> Named:
    """Distribution with this name and these parameters; those with a default may be left out.

    Raises:
      UserError: for a missing parameter, or parameters with which SciPy has no such distribution.
    """
    wanted = parameter_names(name)
    filled = defaults(name) | dict(given)
    missing = [key for key in wanted if key not in filled]
    if missing:
        raise refusal(
            "", f"'{name}' needs {', '.join(wanted)} (loc and scale may be left out); {', '.join(missing)} missing."
        )
    law = Named(name, tuple(float(filled[key]) for key in wanted))
    if not is_valid(law):
        raise _out_of_range(name, {key: filled[key] for key in wanted})
    return law


def is_valid(law: Named) -> bool:
    """Whether SciPy has a distribution with these parameters."""
    if not all(math.isfinite(value) for value in law.parameters):
        return False
    with quietly():
        try:
            # NaN where a parameter is out of range; quantiles of discrete distributions can take very long
            middle = float(law._frozen.cdf(0.0) if law.is_discrete else law._frozen.ppf(0.5))
        except (ValueError, ArithmeticError):
            return False
    return math.isfinite(middle)


def _out_of_range(name: str, filled: Mapping[str, float]) -> UserError:
    """Refusal of the first parameter that is out of its range; of all together if each is within its own range."""
    if "scale" in filled and not filled["scale"] > 0:
        return refusal("scale", f"expected more than 0, got {filled['scale']:g}.")
    for info in getattr(generic(name), "_shape_info", list)():
        value, (low, high) = filled[info.name], info.domain
        closed_low, closed_high = info.inclusive
        if 0 < low < 1e-300:  # SciPy's way to say "more than 0"
            low, closed_low = 0.0, False
        if info.integrality and value != round(value):
            return refusal(info.name, f"expected a whole number, got {value:g}.")
        if value < low or (value == low and not closed_low):
            least = "at least" if closed_low else "more than"
            return refusal(info.name, f"expected {least} {low:g}, got {value:g}.")
        if value > high or (value == high and not closed_high):
            most = "at most" if closed_high else "less than"
            return refusal(info.name, f"expected {most} {high:g}, got {value:g}.")
    parameters = ", ".join(f"{key} = {value:g}" for key, value in filled.items())
    return refusal("", f"'{name}' has no law with {parameters}.")


def refuse_wrong(law: Named) -> None:
    """Raises a refusal for a continuous distribution whose quantiles by SciPy do not have their probabilities.

    Where a formula overflows or underflows at extreme shapes, SciPy gives an end of the support instead.
    """
    if law.is_discrete:
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
            f"SciPy's formulas fail here: the quantile at {wanted[wrong][0]:.3g} would be {x[wrong][0]:.3g} (at loc 0"
            " and scale 1). Take other parameters, or another family.",
        )


def refuse_endless(law: Named) -> None:
    """Raises a refusal for a discrete distribution whose far quantiles SciPy would search among millions of values.

    That is, values within the reach of draws are farther than `MOST_TRIED` from where the search begins.
    """
    low, high = law.support
    # each probability of these is a sum or an integral
    slow = law.name in ("nchypergeom_fisher", "nchypergeom_wallenius")
    limit = MOST_TRIED >> 5 if slow else MOST_TRIED << 7
    wide = limit < high - low < math.inf
    if not law.is_discrete or not _is_searched(law.name, math.isfinite(high - low) and not wide):
        return
    if wide:
        far = True
    elif math.isfinite(low):
        most = MOST_TRIED if math.isfinite(high) else MOST_TRIED >> 3
        far = high - low > most and float(law.sf(low + most)) > float(special.ndtr(-FARTHEST))
    else:
        far = not abs(law.mean() - law.parameters[-1]) + FARTHEST * law.sd() < MOST_TRIED
    if far:
        raise refusal(
            "",
            f"takes too many values, far apart; expected at most {MOST_TRIED >> 3} (SciPy tries one after the other). "
            "For such numbers use a continuous law, such as 'normal' or 'gamma'.",
        )


@functools.cache
def _is_searched(name: str, ends: bool) -> bool:
    """Whether SciPy searches the quantiles of a discrete distribution value by value."""
    kind, plain = type(generic(name)), generic("rv_discrete")
    return kind._ppf is plain._ppf and (kind._cdf is plain._cdf or not ends)


@functools.cache
def _inverts(name: str) -> bool:
    """Whether SciPy has a formula for the probabilities, but finds quantiles by a search one at a time."""
    kind, plain = type(generic(name)), generic("rv_continuous")  # the latter has the default methods
    return kind._ppf is plain._ppf and kind._cdf is not plain._cdf and name not in _SEARCHED
