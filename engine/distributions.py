"""Marginals: one record per family, from a standard normal score to a draw, and fitted to quantiles or parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from engine.errors import Problem, UserError, unknown

QUANTILES = {"p05": 0.05, "p50": 0.5, "p95": 0.95}
"""Keys of a study's quantiles and their probabilities."""

_LARGEST = float(np.finfo(np.float32).max)
_FARTHEST = 6.34  # size of the largest normal score that a random word gives
_ROOT_HALF = math.sqrt(0.5)


@dataclass(frozen=True)
class Family:
    """One law: how it is drawn, inverted and given.

    Args:
      parameters: names of its parameters, in the order in which a `Marginal` stores them.
      draw: (normal score, *parameters) -> draw, elementwise jnp, parameters may be traced.
      quantile: (probability, *parameters) -> float64.
      mean: (*parameters) -> expectation.
      check: (*parameters) -> (parameter, what is wrong with it), or None.
      fit: quantiles (probability -> value) -> parameters; raises `UserError` where no member has them.
      spellings: other sets of parameters that it can be given by, each with its conversion.
    """

    parameters: tuple[str, ...]
    draw: Callable[..., Any]
    quantile: Callable[..., Any]
    mean: Callable[..., float]
    check: Callable[..., tuple[str, str] | None]
    fit: Callable[[Mapping[float, float]], tuple[float, ...]] | None = None
    spellings: Mapping[tuple[str, ...], Callable[..., tuple[float, ...]]] | None = None


@dataclass(frozen=True)
class Marginal:
    """The law of one factor: a family's name and its parameters, in the family's order."""

    family: str
    parameters: tuple[float, ...]

    def from_normal(self, z: Any, parameters: Any = None) -> Any:
        """The draw of a standard normal score: quantile(Phi(z)), in the dtype of z.

        Args:
          z: normal score, any shape.
          parameters: stand in for the stored ones where given (traced scalars: a changed prior compiles nothing new).
        """
        chosen = self.parameters if parameters is None else tuple(parameters)
        return FAMILIES[self.family].draw(z, *chosen)

    def quantile(self, u: Any) -> Any:
        """The u-quantile, float64, on the host."""
        return FAMILIES[self.family].quantile(np.asarray(u, dtype=np.float64), *self.parameters)

    def mean(self) -> float:
        """Expectation."""
        return float(FAMILIES[self.family].mean(*self.parameters))

    def named(self) -> dict[str, float]:
        """Parameters by name."""
        return dict(zip(FAMILIES[self.family].parameters, self.parameters, strict=True))


def marginal(family: str, given: Mapping[str, float]) -> Marginal:
    """The law that a study gives by its parameters, or by two or three of p05, p50 and p95.

    Two-parameter laws are fitted by least squares on the scale on which they are a location and a scale (value, log
    or logit against the normal score; for the uniform, value against probability). A triangular law needs all three
    quantiles and meets them exactly.

    Raises:
      UserError: with one `Problem` per fault, its place the key at fault ("family" or a parameter, "" for all).
    """
    if family not in FAMILIES:
        raise _refused("family", unknown("family", family, FAMILIES))
    law = FAMILIES[family]
    beyond = [key for key, value in given.items() if not abs(value) <= _LARGEST]
    if beyond:
        raise UserError(
            "prior", [Problem(key, f"expected a finite number, got {given[key]:g}.") for key in beyond]
        )
    if given and set(given) <= set(QUANTILES):
        parameters = _fitted(family, law, {key: given[key] for key in QUANTILES if key in given})
    else:
        parameters = _spelled(family, law, given)
    wrong = law.check(*parameters)
    if wrong:
        raise _refused(wrong[0], wrong[1])
    made = Marginal(family, tuple(float(value) for value in parameters))
    with np.errstate(over="ignore"):
        ends = made.quantile(special.ndtr([-_FARTHEST, _FARTHEST]))
    if not np.all(np.abs(ends) <= _LARGEST):
        raise _refused("", f"its far draws ({ends[0]:.3g} to {ends[1]:.3g}) are beyond single precision.")
    return made


def _refused(key: str, message: str) -> UserError:
    return UserError("prior", [Problem(key, message)])


def ways_to_give(family: str) -> str:
    """What a study may write for a family: `median and sigma, or mean and sd, or two or three of p05, p50, p95`."""
    law = FAMILIES[family]
    ways = [" and ".join(keys) for keys in (law.parameters, *(law.spellings or {}))]
    if law.fit is not None:
        ways.append("all of p05, p50, p95" if family == "triangular" else "two or three of p05, p50, p95")
    return ", or ".join(ways)


def _spelled(family: str, law: Family, given: Mapping[str, float]) -> tuple[float, ...]:
    if set(given) == set(law.parameters):
        return tuple(given[key] for key in law.parameters)
    for keys, convert in (law.spellings or {}).items():
        if set(given) == set(keys):
            for key in keys:
                if given[key] <= 0:
                    raise _refused(key, f"expected more than 0, got {given[key]:g}.")
            return convert(*(given[key] for key in keys))
    got = " and ".join(given) if given else "nothing"
    raise _refused("", f"family '{family}' is given by {ways_to_give(family)}; got {got}.")


def _fitted(family: str, law: Family, given: Mapping[str, float]) -> tuple[float, ...]:
    if law.fit is None or len(given) < (3 if family == "triangular" else 2):
        raise _refused(
            "", f"family '{family}' is given by {ways_to_give(family)}; got {' and '.join(given)}."
        )
    keys = list(given)
    rising = [
        Problem(high, f"expected more than {low} = {given[low]:g}, got {given[high]:g}.")
        for low, high in itertools.pairwise(keys)
        if not given[high] > given[low]
    ]
    if rising:
        raise UserError("prior", rising)
    return law.fit({QUANTILES[key]: value for key, value in given.items()})


def _key(probability: float) -> str:
    return next(key for key, value in QUANTILES.items() if value == probability)


def _line(points: Mapping[float, float]) -> tuple[float, float]:
    """Intercept and slope of the least-squares line through points (abscissa -> ordinate)."""
    x, y = np.array(list(points)), np.array(list(points.values()))
    slope = float(np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2))
    return float(y.mean()) - slope * float(x.mean()), slope


def _line_of_scores(
    asked: Mapping[float, float], scale: Callable[[float], float], low: float, high: float
) -> tuple[float, float]:
    """Location and scale of the normal law that the values follow on another scale; refuses values outside (low, high)."""
    outside = [
        Problem(_key(p), f"expected a value above {low:g}" + (f" and below {high:g}" if high < math.inf else "") + f", got {x:g}.")
        for p, x in asked.items()
        if not low < x < high
    ]  # fmt: skip
    if outside:
        raise UserError("prior", outside)
    return _line({float(special.ndtri(p)): scale(x) for p, x in asked.items()})


def _fit_uniform(asked: Mapping[float, float]) -> tuple[float, ...]:
    low, width = _line(asked)
    return low, low + width


def _fit_lognormal(asked: Mapping[float, float]) -> tuple[float, ...]:
    location, sigma = _line_of_scores(asked, math.log, 0.0, math.inf)
    return math.exp(location), sigma


def _fit_logit_normal(asked: Mapping[float, float]) -> tuple[float, ...]:
    location, sigma = _line_of_scores(asked, lambda x: math.log(x / (1 - x)), 0.0, 1.0)
    return float(special.expit(location)), sigma


def _fit_triangular(asked: Mapping[float, float]) -> tuple[float, ...]:
    p, q = np.array(list(asked)), np.array(list(asked.values()))
    target = (q[2] - q[1]) / (q[1] - q[0])

    def skew(mode: float) -> float:
        unit = _triangular_quantile(p, 0.0, mode, 1.0)
        return float((unit[2] - unit[1]) / (unit[1] - unit[0]))

    flattest, steepest = skew(1.0), skew(0.0)
    if not flattest <= target <= steepest:
        text = (
            f"no triangular law has these quantiles: (p95 - p50) / (p50 - p05) is {target:.3g}, "
            f"expected {flattest:.3g} to {steepest:.3g}. Use 'lognormal' or 'normal', or move p50."
        )
        raise _refused("p50", text)
    from scipy import optimize  # a tenth of a second, and few studies need it

    mode = float(optimize.brentq(lambda mode: skew(mode) - target, 0.0, 1.0, xtol=1e-15))
    unit = _triangular_quantile(p, 0.0, mode, 1.0)
    width = float((q[2] - q[0]) / (unit[2] - unit[0]))
    low = float(q[0] - width * unit[0])
    return low, low + width * mode, low + width


def _phi_centred(z: Any) -> Any:
    """2 Phi(z) - 1."""
    return jax.lax.erf(z * _ROOT_HALF)


def _triangular_draw(z: Any, low: Any, mode: Any, high: Any) -> Any:
    # the tail probability itself, not one minus it: its root is what counts near the ends
    tail = 0.5 * jax.lax.erfc(jnp.abs(z) * _ROOT_HALF)
    below = jnp.where(z < 0, tail, 1.0 - tail)
    above = jnp.where(z < 0, 1.0 - tail, tail)
    width = high - low
    rising = low + _root(width * (mode - low)) * jnp.sqrt(below)
    falling = high - _root(width * (high - mode)) * jnp.sqrt(above)
    return jnp.where(below * width < mode - low, rising, falling)


def _root(value: Any) -> Any:
    return math.sqrt(value) if isinstance(value, float) else jnp.sqrt(value)


def _triangular_quantile(u: Any, low: float, mode: float, high: float) -> Any:
    width = high - low
    rising = low + np.sqrt(u * width * (mode - low))
    falling = high - np.sqrt((1 - u) * width * (high - mode))
    return np.where(u * width < mode - low, rising, falling)


def _logit_normal_mean(median: float, sigma: float) -> float:
    """Expectation by quadrature over the normal score (there is no closed form)."""
    from scipy import integrate

    location = special.logit(median)

    def weighted(z: float) -> float:
        return float(special.expit(location + sigma * z)) * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)

    return float(
        integrate.quad(weighted, -12.0, 12.0, points=[0.0, float(np.clip(-location / sigma, -12, 12))])[0]
    )


def _from_mean_and_sd(mean: float, sd: float) -> tuple[float, ...]:
    spread = 1.0 + (sd / mean) ** 2
    return mean / math.sqrt(spread), math.sqrt(math.log(spread))


def _positive(name: str, value: float) -> tuple[str, str] | None:
    if value > 0:
        return None
    remedy = " For no spread use family 'fixed'." if value == 0 and name in ("sd", "sigma") else ""
    return name, f"expected more than 0, got {value:g}.{remedy}"


def _check_uniform(low: float, high: float) -> tuple[str, str] | None:
    return None if high > low else ("high", f"expected more than low = {low:g}, got {high:g}.")


def _check_logit_normal(median: float, sigma: float) -> tuple[str, str] | None:
    if not 0 < median < 1:
        return "median", f"expected a value above 0 and below 1, got {median:g}."
    return _positive("sigma", sigma)


def _check_triangular(low: float, mode: float, high: float) -> tuple[str, str] | None:
    if not low < high:
        return "high", f"expected more than low = {low:g}, got {high:g}."
    if not low <= mode <= high:
        return "mode", f"expected a value from low = {low:g} to high = {high:g}, got {mode:g}."
    return None


FAMILIES: dict[str, Family] = {
    "fixed": Family(
        ("value",),
        draw=lambda z, value: jnp.zeros_like(z) + value,
        quantile=lambda u, value: np.full(np.shape(u), value),
        mean=lambda value: value,
        check=lambda value: None,
    ),
    "uniform": Family(
        ("low", "high"),
        draw=lambda z, low, high: 0.5 * (low + high) + 0.5 * (high - low) * _phi_centred(z),
        quantile=lambda u, low, high: low + (high - low) * u,
        mean=lambda low, high: 0.5 * (low + high),
        check=_check_uniform,
        fit=_fit_uniform,
    ),
    "normal": Family(
        ("mean", "sd"),
        draw=lambda z, mean, sd: mean + sd * z,
        quantile=lambda u, mean, sd: mean + sd * special.ndtri(u),
        mean=lambda mean, sd: mean,
        check=lambda mean, sd: _positive("sd", sd),
        fit=lambda asked: _line_of_scores(asked, float, -math.inf, math.inf),
    ),
    "lognormal": Family(
        ("median", "sigma"),
        draw=lambda z, median, sigma: median * jnp.exp(sigma * z),
        quantile=lambda u, median, sigma: median * np.exp(sigma * special.ndtri(u)),
        mean=lambda median, sigma: median * math.exp(0.5 * sigma * sigma),
        check=lambda median, sigma: _positive("median", median) or _positive("sigma", sigma),
        fit=_fit_lognormal,
        spellings={("mean", "sd"): _from_mean_and_sd},
    ),
    # m / (m + (1 - m) exp(-sigma z)): no logarithm of a parameter, and no overflow that matters
    "logit-normal": Family(
        ("median", "sigma"),
        draw=lambda z, median, sigma: median / (median + (1.0 - median) * jnp.exp(-sigma * z)),
        quantile=lambda u, median, sigma: special.expit(special.logit(median) + sigma * special.ndtri(u)),
        mean=_logit_normal_mean,
        check=_check_logit_normal,
        fit=_fit_logit_normal,
    ),
    "triangular": Family(
        ("low", "mode", "high"),
        draw=_triangular_draw,
        quantile=_triangular_quantile,
        mean=lambda low, mode, high: (low + mode + high) / 3.0,
        check=_check_triangular,
        fit=_fit_triangular,
    ),
}
"""Family name -> law."""

LAW_KEYS = (*dict.fromkeys(name for law in FAMILIES.values() for name in law.parameters), *QUANTILES)
"""Every key that a study may give a law by."""
