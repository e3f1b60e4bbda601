"""Frailties: the variable V that the members of an Archimedean copula share, as log V at normal scores.

Marshall and Olkin: Families of multivariate distributions, J. Amer. Statist. Assoc. 83, 1988,
doi:10.1080/01621459.1988.10478671; how V is drawn: Hofert, Sampling Archimedean copulas, Comput. Statist. Data Anal.
52, 2008, doi:10.1016/j.csda.2008.05.019, and Efficiently sampling nested Archimedean copulas, 55, 2011,
doi:10.1016/j.csda.2010.04.025. A V without a short formula is approximated as a function of one normal score by two
polynomials (`engine.draws.polynomials`), whose coefficients are arguments of the program.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from engine.draws.copulas.rank_correlations import log_gamma_quantile
from engine.draws.random_words import tails

_TINY = 1e-37


def gamma(z: np.ndarray, theta: float) -> np.ndarray:
    """Clayton: log V at a normal score, for V ~ Gamma(1 / theta, 1)."""
    return log_gamma_quantile(z, 1.0 / theta)


def stable(z: Any, log_exponential: Any, theta: Any) -> Any:
    """Gumbel: log(V) / theta from z and log E, V positive stable with Laplace transform exp(-t^(1 / theta)); traced.

    Kanter's form (Stable densities under change of scale and total variation inequalities, Ann. Probab. 3, 1975,
    doi:10.1214/aop/1176996309): V = sin(a f) / sin(f)^(1/a) (sin((1 - a) f) / E)^((1 - a) / a), with a = 1 / theta and
    f = pi Phi(z).
    """
    lower, upper = (np.pi * part for part in tails(z))
    a = 1.0 / theta
    b = (theta - 1.0) * a
    # for z >= 0 the angle is computed from the upper tail, to keep its digits near pi
    sine = jnp.sin(jnp.where(z < 0, a * lower, np.pi * b + a * upper))
    # 0 for theta = 1, where its logarithm is multiplied by b = 0
    other = jnp.maximum(jnp.sin(b * lower), _TINY)
    products = (a * jnp.log(sine), b * jnp.log(other), b * log_exponential)
    last = jnp.log(jnp.sin(jnp.minimum(lower, upper)))
    first, second, third = jax.lax.optimization_barrier(products)
    return first - last + second - third


def log_series(z: Any, theta: Any) -> Any:
    """Frank: log(-log Q) at a normal score; V is geometric given Q, P(V > k) = Q^k, Q = 1 - exp(-theta Phi(z)); traced.

    Kemp's algorithm LK (Efficient generation of logarithmically distributed pseudo-random variables, Appl. Statist. 30,
    1981, doi:10.2307/2346348), for the parameter 1 - exp(-theta).
    """
    u = theta * tails(z)[0]
    near = -jnp.log(-jnp.expm1(-jnp.minimum(u, 0.7)))
    far = -jnp.log1p(-jnp.exp(-jnp.clip(u, 0.7, _far(u))))
    return jnp.where(u > _far(u), -u, jnp.log(jnp.where(u < 0.7, near, far)))


def sibuya(z: np.ndarray, theta: float) -> np.ndarray:
    """Joe: log(-log Q) at a normal score; V is geometric given Q, P(V > k) = Q^k.

    With a = 1 / theta, 1 - Q ~ Beta(a, 1 - a), so that P(V > k) = E Q^k = prod_{j <= k} (1 - a / j): Sibuya's
    distribution.
    """
    if theta == 1.0:
        return np.full_like(z, 50.0)  # Q = 0: V is always one
    a, b = 1.0 / theta, (theta - 1.0) / theta
    tail = special.ndtr(-np.abs(z))
    log_beta = special.betaln(a, b)
    with np.errstate(divide="ignore"):
        low = np.where(z < 0, special.betaincinv(a, b, tail), special.betainccinv(a, b, tail))  # 1 - Q
        log_q = np.log(np.where(z < 0, special.betainccinv(b, a, tail), special.betaincinv(b, a, tail)))
        log_low = np.log(low)
    # where either underflows, the first term of its series
    log_low = np.where(low < 1e-200, (special.log_ndtr(z) + np.log(a) + log_beta) / a, log_low)
    log_q = np.where(log_q < -400.0, (special.log_ndtr(-z) + np.log(b) + log_beta) / b, log_q)
    exact = np.log(np.where(low < 0.5, -np.log1p(-np.clip(low, 1e-12, 0.5)), -log_q))
    return np.where(low < 1e-12, log_low, exact)


def log_geometric(log_exponential: Any, log_rate: Any) -> Any:
    """log V of the geometric V = 1 + floor(E / -log Q), from log E and log(-log Q); traced.

    The floor is left out where the ratio is so large that it is below rounding error.
    """
    ratio = log_exponential - log_rate
    far = _far(ratio)
    return jnp.where(ratio < far, jnp.log1p(jnp.floor(jnp.exp(jnp.minimum(ratio, far)))), ratio)


def _far(x: Any) -> float:
    """x beyond which 1 + exp(-x) rounds to 1."""
    return 16.0 if x.dtype == np.float32 else 36.0
