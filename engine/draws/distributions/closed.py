"""Families with a closed form on the device: normal score to draw, and value to score."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from engine.draws.distributions.law import Law, scores_between
from engine.draws.random_words import tails
from engine.errors import refusal

_ROOT_HALF = math.sqrt(0.5)


@dataclass(frozen=True)
class Family:
    """One family: how it is drawn, inverted and specified.

    Args:
      parameters: names of its parameters, in the order in which a `Marginal` stores them.
      draw: (normal score, *parameters) -> draw, elementwise in jnp; parameters may be traced.
      at_score: (normal score, *parameters) -> value, float64.
      score: (value inside the support, *parameters) -> normal score, float64.
      mean: (*parameters) -> expectation; None where there is no closed form.
      support: lowest and highest value; None where these are the first and the last parameter.
      mode: (*parameters) -> value of highest density; None if there is no single one.
      spellings: other sets of parameters by which it can be specified, each with its conversion.
      fewest_statements: least number of quantiles and moments from which `fits.py` finds a member; 0 if it does
        not.
    """

    parameters: tuple[str, ...]
    draw: Callable[..., Any]
    at_score: Callable[..., Any]
    score: Callable[..., Any]
    mean: Callable[..., float] | None = None
    support: tuple[float, float] | None = None
    mode: Callable[..., float] | None = None
    spellings: Mapping[tuple[str, ...], Callable[..., tuple[float, ...]]] = field(default_factory=dict)
    fewest_statements: int = 0


@dataclass(frozen=True)
class Marginal(Law):
    """A distribution with a closed form: name of its family, and parameters in the family's order."""

    family: str
    parameters: tuple[float, ...]

    def at_score(self, z: Any) -> np.ndarray:
        return np.asarray(FAMILIES[self.family].at_score(np.asarray(z, np.float64), *self.parameters))

    @property
    def support(self) -> tuple[float, float]:
        low, high = FAMILIES[self.family].support or (self.parameters[0], self.parameters[-1])
        return float(low), float(high)

    def score_of(self, x: Any) -> np.ndarray:
        x, (low, high) = np.asarray(x, np.float64), self.support
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            inside = FAMILIES[self.family].score(np.clip(x, low, high), *self.parameters)
        return np.where(x < low, -math.inf, np.where(x >= high, math.inf, inside))

    def mean(self) -> float:
        mean = FAMILIES[self.family].mean
        return float(mean(*self.parameters)) if mean else super().mean()


def open_ends(low: Any, high: Any, numbers: Any = jnp) -> tuple[Any, Any]:
    """Lowest and highest number strictly between two, in their type; next to 0 the smallest normal number.

    Args:
      numbers: `jnp`, or `numpy` for use on the host.
    """
    least = np.finfo(low.dtype).tiny
    first, last = numbers.nextafter(low, high), numbers.nextafter(high, low)
    return numbers.where(low == 0, least, first), numbers.where(high == 0, -least, last)


def _inside(value: Any, low: Any, high: Any) -> Any:
    """A draw moved strictly between the ends of its support, onto which rounding would put one in some millions."""
    first, last = open_ends(*(jnp.asarray(end, value.dtype) for end in (low, high)))
    return jnp.minimum(jnp.maximum(value, first), last)


def _uniform_draw(z: Any, low: Any, high: Any) -> Any:
    value = 0.5 * (low + high) + 0.5 * (high - low) * jax.lax.erf(z * _ROOT_HALF)
    # erf rounds to -1 below z = -5.2, where the tail probability itself is used instead
    value = jnp.where(value > low, value, low + (high - low) * tails(z)[0])
    return _inside(value, low, high)


def _logit_normal_draw(z: Any, median: Any, sigma: Any) -> Any:
    # avoids the logarithm of a parameter; an overflow of exp gives 0, which is clipped
    return _inside(median / (median + (1.0 - median) * jnp.exp(-sigma * z)), 0.0, 1.0)


def _triangular_draw(z: Any, low: Any, mode: Any, high: Any) -> Any:
    # each side uses its own tail probability, not one minus the other, as near the ends its square root matters
    below, above = tails(z)
    width = high - low
    rising = low + _root(width * (mode - low)) * jnp.sqrt(below)
    falling = high - _root(width * (high - mode)) * jnp.sqrt(above)
    return _inside(jnp.where(below * width < mode - low, rising, falling), low, high)


def _root(value: Any) -> Any:
    return math.sqrt(value) if isinstance(value, float) else jnp.sqrt(value)


def _triangular_at(z: Any, low: float, mode: float, high: float) -> Any:
    below, above, width = special.ndtr(z), special.ndtr(-z), high - low
    rising = low + np.sqrt(below * width * (mode - low))
    falling = high - np.sqrt(above * width * (high - mode))
    return np.where(below * width < mode - low, rising, falling)


def _triangular_score(x: Any, low: float, mode: float, high: float) -> Any:
    below = (x - low) ** 2 / ((high - low) * (mode - low)) if mode > low else np.zeros_like(x)
    above = (high - x) ** 2 / ((high - low) * (high - mode)) if high > mode else np.zeros_like(x)
    return np.where(x < mode, special.ndtri(below), -special.ndtri(above))


def _logit_normal_mode(median: float, sigma: float) -> float:
    from scipy import optimize

    def logit(z: Any) -> Any:
        return special.logit(median) + sigma * z

    # the density is flat where z = -sigma (1 - 2 x), so that |z| <= sigma: at one place, or at two modes if sigma^2 > 2
    low, high = -sigma, sigma
    if sigma > math.sqrt(2.0):
        z, step = np.linspace(-sigma, sigma, 4001, retstep=True)
        best = z[np.argmin(0.5 * z * z + special.log_expit(logit(z)) + special.log_expit(-logit(z)))]
        low, high = best - step, best + step
    flat = optimize.brentq(lambda z: z + sigma * (1 - 2 * special.expit(logit(z))), low, high)
    return float(special.expit(logit(flat)))


def _from_mean_and_sd(mean: float, sd: float) -> tuple[float, ...]:
    if not mean > 0:
        raise refusal("mean", f"expected more than 0, got {mean:g}.")
    spread = 1.0 + (sd / mean) ** 2
    return mean / math.sqrt(spread), math.sqrt(math.log(spread))


FAMILIES: dict[str, Family] = {
    "fixed": Family(
        ("value",),
        draw=lambda z, value: jnp.zeros_like(z) + value,
        at_score=lambda z, value: np.full(np.shape(z), value),
        score=lambda x, value: np.full(np.shape(x), math.inf),
        mean=lambda value: value,
    ),
    "uniform": Family(
        ("low", "high"),
        draw=_uniform_draw,
        at_score=lambda z, low, high: low + (high - low) * special.ndtr(z),
        score=lambda x, low, high: scores_between((x - low) / (high - low), (high - x) / (high - low)),
        mean=lambda low, high: 0.5 * (low + high),
        fewest_statements=2,
    ),
    "normal": Family(
        ("mean", "sd"),
        draw=lambda z, mean, sd: mean + sd * z,
        at_score=lambda z, mean, sd: mean + sd * z,
        score=lambda x, mean, sd: (x - mean) / sd,
        support=(-math.inf, math.inf),
        mean=lambda mean, sd: mean,
        mode=lambda mean, sd: mean,
        fewest_statements=2,
    ),
    "lognormal": Family(
        ("median", "sigma"),
        draw=lambda z, median, sigma: _inside(median * jnp.exp(sigma * z), 0.0, math.inf),
        at_score=lambda z, median, sigma: median * np.exp(sigma * z),
        score=lambda x, median, sigma: np.log(x / median) / sigma,
        support=(0.0, math.inf),
        mean=lambda median, sigma: median * math.exp(0.5 * sigma * sigma),
        mode=lambda median, sigma: median * math.exp(-sigma * sigma),
        spellings={("mean", "sd"): _from_mean_and_sd},
        fewest_statements=2,
    ),
    "logit-normal": Family(
        ("median", "sigma"),
        draw=_logit_normal_draw,
        at_score=lambda z, median, sigma: special.expit(special.logit(median) + sigma * z),
        score=lambda x, median, sigma: (special.logit(x) - special.logit(median)) / sigma,
        support=(0.0, 1.0),
        mode=_logit_normal_mode,
        fewest_statements=2,
    ),
    "triangular": Family(
        ("low", "mode", "high"),
        draw=_triangular_draw,
        at_score=_triangular_at,
        score=_triangular_score,
        mean=lambda low, mode, high: (low + mode + high) / 3.0,
        mode=lambda low, mode, high: mode,
        fewest_statements=3,
    ),
}
"""Families with a closed form, by name."""


def refuse_out_of_range(family: str, parameters: tuple[float, ...]) -> None:
    """Raises a refusal at the first parameter that a family cannot have."""
    given = dict(zip(FAMILIES[family].parameters, parameters, strict=True))
    for name in ("median", "sigma", "sd"):
        value = given.get(name, 1.0)
        if name == "median" and family == "logit-normal":
            if not 0 < value < 1:
                raise refusal("median", f"expected a value above 0 and below 1, got {value:g}.")
        elif not value > 0:
            remedy = " For no spread use family 'fixed'." if value == 0 and name != "median" else ""
            raise refusal(name, f"expected more than 0, got {value:g}.{remedy}")
    low, high = parameters[0], parameters[-1]
    if "low" in given and not low < high:
        raise refusal("high", f"expected more than low = {low:g}, got {high:g}.")
    if family == "triangular" and not low <= given["mode"] <= high:
        raise refusal("mode", f"expected a value from low = {low:g} to high = {high:g}, got {given['mode']:g}.")
