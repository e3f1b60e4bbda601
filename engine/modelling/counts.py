"""Random counts whose law depends on the state: quantile functions that a model evaluates at its uniform shocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from engine.modelling.cells import Scalar, each

_REACH = 6.0
"""Standard deviations on each side of the mean within which counts are searched; 1e-9 of a law lies beyond."""


@each
def poisson(u: Scalar, rate: Scalar, most: int = 10_000) -> Scalar:
    """Number of events of a Poisson law, drawn by inversion: the least k with F(k) >= u.

    F(k) = sum over j up to k of exp(-rate) rate^j / j!. The terms are summed from the lower tail
    (Devroye, Non-Uniform Random Variate Generation, 1986, section X.3), so that the draw is exact but for rounding: u
    is moved by at most 6e-6 in single precision, 2e-12 in double.

    Args:
      u: a uniform shock, within (0, 1).
      rate: expected number, from 0 to `most`; NaN is drawn for other rates, which ends the run.
      most: greatest rate, a constant; a draw takes time in proportion to its square root.
    """
    first = jnp.floor(jnp.maximum(rate - _REACH * jnp.sqrt(rate), 0.0))
    count = _count(u, first, lambda k: rate / (k + 1.0), most)
    return jnp.where((rate >= 0.0) & (rate <= most), count, jnp.nan)


@each
def binomial(u: Scalar, n: Scalar, p: Scalar, most: int = 10_000) -> Scalar:
    """Number of successes in n trials, drawn by inversion: the least k with F(k) >= u.

    F(k) = sum over j up to k of n! / (j! (n - j)!) p^j (1 - p)^(n - j); for p above 1/2 the failures are drawn, at
    1 - u. Method, accuracy and time are those of `poisson`.

    Args:
      u: a uniform shock, within (0, 1).
      n: trials, a whole number from 0 to `most`.
      p: probability of success, from 0 to 1; NaN is drawn for other n and p, which ends the run.
      most: greatest n, a constant.
    """
    often = p > 0.5
    rarer = jnp.where(often, 1.0 - p, p)
    mean = n * rarer
    first = jnp.floor(jnp.maximum(mean - _REACH * jnp.sqrt(mean * (1.0 - rarer)), 0.0))
    odds = rarer / (1.0 - rarer)
    count = _count(jnp.where(often, 1.0 - u, u), first, lambda k: (n - k) / (k + 1.0) * odds, most / 4)
    allowed = (n >= 0.0) & (n <= most) & (n == jnp.floor(n)) & (p >= 0.0) & (p <= 1.0)
    return jnp.where(allowed, jnp.where(often, n - count, count), jnp.nan)


def _count(u: Scalar, first: Scalar, ratio: Callable[[Scalar], Scalar], variance: float) -> Scalar:
    """The least count k with F(k) >= u.

    Args:
      first: the least count that is considered.
      ratio: P(k + 1) / P(k) by k.
      variance: greatest variance of the law.
    """
    turns = math.ceil(2 * _REACH * math.sqrt(variance)) + 8

    def sums(below: Scalar) -> Any:
        """The sum of all terms, with that of `first` as unit, and the number of partial sums less than `below`."""

        def turn(carried: Any, _: None) -> Any:
            count, term, total, fewer = carried
            total = total + term
            return (count + 1.0, term * ratio(count), total, fewer + jnp.where(total < below, 1.0, 0.0)), None

        zero = 0.0 * first
        _, _, total, fewer = jax.lax.scan(turn, (first, zero + 1.0, zero, zero), None, turns)[0]
        return total, fewer

    total, _ = sums(0.0)
    return first + sums(u * total)[1]
