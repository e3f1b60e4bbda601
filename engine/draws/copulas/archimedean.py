"""Clayton, Gumbel and Frank copulas, by Marshall and Olkin: U_i = psi(E_i / V), V shared by all members.

E_i is exponential and falls as the member's own score rises, so that the member's score rises with it. Only the group's
shared scores and a member's own score enter, so that adding, removing or moving a member changes no other. log E and
log V are computed separately and subtracted, so that neither overflows.

Marshall and Olkin: Families of multivariate distributions, J. Amer. Statist. Assoc. 83, 1988,
doi:10.1080/01621459.1988.10478671. Formulas: McNeil, Frey and Embrechts: Quantitative Risk Management, 2nd ed. 2015,
section 7.4; Nelsen: An Introduction to Copulas, 2nd ed. 2006, table 4.1 and section 5.1. How V is drawn: Hofert,
Sampling Archimedean copulas, Comput. Statist. Data Anal. 52, 2008, doi:10.1016/j.csda.2008.05.019.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import roots_sh_legendre

from engine.draws import polynomials
from engine.draws.copulas import scores
from engine.draws.copulas.contract import Copula, Implied, Scores, Shared, equal_entries
from engine.draws.copulas.rank_correlations import log_gamma_quantile
from engine.draws.random_words import tails

Measures = tuple[float, float, float, float]
"""Kendall's tau, Spearman's rho, and lower and upper tail dependence."""
_DEGREE = 21
"""Degree of the polynomials for V, evaluated only once per group, so that higher terms cost little."""
_RATIO, _WEIGHTS = roots_sh_legendre(160)
"""Nodes and weights of Gauss' quadrature on (0, 1)."""
_U = _RATIO[:, None]
_V = _U * _RATIO


@dataclass(frozen=True)
class Archimedean(Copula):
    """A copula with one parameter, exchangeable in its members; the program takes its size.

    Args:
      theta: the parameter.
    """

    theta: float

    latents: ClassVar[tuple[str, ...]] = ("", "/exponential")
    limits: ClassVar[tuple[float, float]]
    """Range of theta, as far as float32 is accurate (Kendall's tau of 0.92 to 0.95)."""

    def parameters(self, dtype: type) -> Any:
        return {"theta": dtype(abs(self.theta))}

    @abstractmethod
    def measures(self) -> Measures:
        """The measures of dependence, of theta with its sign."""

    def implied(self, members: Sequence[str]) -> Implied:
        tau, rho, lower, upper = (equal_entries(len(members), value) for value in self.measures())
        return Implied(tau, rho, lower, upper)

    def describe(self) -> str:
        return f"theta {self.theta:.6g}"


class Clayton(Archimedean):
    """Clayton copula: psi(t) = (1 + t)^(-1 / theta), V ~ Gamma(1 / theta). Lower tail dependence 2^(-1 / theta).

    log V is approximated as a function of the shared score by two polynomials.
    """

    family = "clayton"
    latents = ("",)
    limits = (0.001, 40.0)

    def parameters(self, dtype: type) -> Any:
        frailty = polynomials.fit(lambda z: log_gamma_quantile(z, 1.0 / self.theta) / self.theta, _DEGREE)
        return super().parameters(dtype) | {"frailty": frailty.astype(dtype)}

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        theta = parameters["theta"]
        frailty = theta * polynomials.value(parameters["frailty"], shared[0])
        return _joint(_logs(own), frailty, lambda ratio: _less(jnp.logaddexp(ratio, jnp.zeros_like(ratio)) / theta))

    def measures(self) -> Measures:
        theta = self.theta
        joint = _V * (_RATIO**theta + 1.0 - _V**theta) ** (-1.0 / theta)
        return theta / (theta + 2.0), _spearman(joint), 2.0 ** (-1.0 / theta), 0.0


class Gumbel(Archimedean):
    """Gumbel copula: psi(t) = exp(-t^(1 / theta)), V positive stable. Upper tail dependence 2 - 2^(1 / theta).

    V in Kanter's form (Stable densities under change of scale and total variation inequalities, Ann. Probab. 3, 1975,
    doi:10.1214/aop/1176996309): V = sin(a f) / sin(f)^(1/a) (sin((1 - a) f) / E)^((1 - a) / a), with a = 1 / theta and
    f = pi Phi(z).
    """

    family = "gumbel"
    limits = (1.0, 20.0)

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        theta, z = parameters["theta"], shared[0]
        lower, upper = (np.pi * part for part in tails(z))
        a = 1.0 / theta
        b = (theta - 1.0) * a
        # for z >= 0 the angle is computed from the upper tail, to keep its digits near pi
        sine = jnp.sin(jnp.where(z < 0, a * lower, np.pi * b + a * upper))
        # 0 for theta = 1, where its logarithm is multiplied by b = 0
        other = jnp.maximum(jnp.sin(b * lower), 1e-37)
        products = (a * jnp.log(sine), b * jnp.log(other), b * _exponential(shared))
        last = jnp.log(jnp.sin(jnp.minimum(lower, upper)))
        first, second, third = jax.lax.optimization_barrier(products)
        logs = {name: log / theta for name, log in _logs(own).items()}
        return _joint(logs, first - last + second - third, lambda ratio: _less(jnp.exp(ratio)))

    def measures(self) -> Measures:
        theta, far = self.theta, -np.log(_V)
        joint = np.exp(-far * (1.0 + (-np.log(_U) / far) ** theta) ** (1.0 / theta))
        return 1.0 - 1.0 / theta, _spearman(joint), 0.0, 2.0 - 2.0 ** (1.0 / theta)


@dataclass(frozen=True)
class Frank(Archimedean):
    """Frank copula: psi(t) = -log(1 - (1 - exp(-theta)) exp(-t)) / theta, V log-series. No tail dependence.

    V is geometric given Q, P(V > k) = Q^k, with Q = 1 - exp(-theta Phi(z)): Kemp's algorithm LK (Efficient generation
    of logarithmically distributed pseudo-random variables, Appl. Statist. 30, 1981, doi:10.2307/2346348).

    A group of two may have a negative theta: this is the copula of -theta with the score of `mirrored` negated.

    Args:
      theta: not zero.
      mirrored: the member with the negated score; None for a positive theta.
    """

    mirrored: str | None = None

    family = "frank"
    limits = (0.001, 50.0)

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        theta = parameters["theta"]
        u = theta * tails(shared[0])[0]
        end = 16.0 if u.dtype == np.float32 else 36.0  # x beyond which 1 + exp(-x) rounds to 1
        near = -jnp.log(-jnp.expm1(-jnp.minimum(u, 0.7)))
        far = -jnp.log1p(-jnp.exp(-jnp.clip(u, 0.7, end)))
        rate = jnp.where(u > end, -u, jnp.log(jnp.where(u < 0.7, near, far)))  # log(-log Q)
        excess = _exponential(shared) - jax.lax.optimization_barrier(rate)
        # V = 1 + floor(E / -log Q); the floor is left out where it is below rounding error
        frailty = jnp.where(excess < end, jnp.log1p(jnp.floor(jnp.exp(jnp.minimum(excess, end)))), excess)

        def probabilities(ratio: Any) -> tuple[Any, Any]:
            t = jnp.exp(ratio)
            rest, left = -jnp.expm1(-t), jnp.exp(-t)
            upper = jnp.log1p(jnp.expm1(theta) * rest) / theta
            # 1 - (1 - exp(-theta)) exp(-t), where it is small as the sum of two positive terms
            some = -jnp.expm1(-theta) * left
            small = jax.lax.optimization_barrier(jnp.exp(-theta) * left) + rest
            log = jnp.where(some < 0.5, jnp.log1p(-jnp.minimum(some, 0.5)), jnp.log(small))
            return -log / theta, upper

        return self._turned(_joint(_logs(self._turned(own)), frailty, probabilities))

    def _turned(self, scores: Scores) -> Scores:
        return {name: -z if name == self.mirrored else z for name, z in scores.items()}

    def measures(self) -> Measures:
        theta = self.theta
        # Debye's functions of order 1 and 2
        one, two = (n * theta * _WEIGHTS @ (_RATIO**n / np.expm1(theta * _RATIO)) for n in (1, 2))
        return float(1.0 - 4.0 / theta * (1.0 - one)), float(1.0 - 12.0 / theta * (one - two)), 0.0, 0.0


def _spearman(joint: np.ndarray) -> float:
    """Spearman's rho, 12 times the integral of C, less 3, from the values of C at (_U, _V): half of the square.

    To twelve decimals, so that independent members have exactly 0.
    """
    return round(float(24.0 * (_WEIGHTS * _RATIO) @ joint @ _WEIGHTS - 3.0), 12)


def _logs(own: Scores) -> Scores:
    return {name: scores.log_exponential(z) for name, z in own.items()}


def _exponential(shared: Shared) -> Any:
    return jax.lax.optimization_barrier(scores.log_exponential(shared[1]))


def _less(loss: Any) -> tuple[Any, Any]:
    """U and 1 - U from -log U."""
    return jnp.exp(-loss), -jnp.expm1(-loss)


def _joint(logs: Scores, log_frailty: Any, probabilities: Callable[[Any], tuple[Any, Any]]) -> Scores:
    """Scores by member; `probabilities` gives (U, 1 - U) of log(E / V)."""
    logs, log_frailty = jax.lax.optimization_barrier((logs, log_frailty))
    joint = {name: scores.score(*probabilities(log - log_frailty)) for name, log in logs.items()}
    return jax.lax.optimization_barrier(joint)


FAMILIES = {kind.family: kind for kind in (Clayton, Gumbel, Frank)}


def with_theta(family: str, theta: float, members: Sequence[str]) -> Copula:
    """Copula of a family with parameter theta, for these members."""
    return Frank(theta, max(members, default=None)) if theta < 0 else FAMILIES[family](theta)
