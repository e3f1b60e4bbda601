"""Clayton, Gumbel, Frank and Joe copulas, by Marshall and Olkin: U_i = psi(E_i / V), V shared by all members.

E_i is exponential and falls as the member's own score rises, so that the member's score rises with it. Only the group's
shared scores and a member's own score enter, so that adding, removing or moving a member changes no other. log E and
log V are computed separately and subtracted, so that neither overflows. Formulas: McNeil, Frey and Embrechts:
Quantitative Risk Management, 2nd ed. 2015, section 7.4; Hofert, Comput. Statist. Data Anal. 52, 2008,
doi:10.1016/j.csda.2008.05.019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from engine.draws import polynomials
from engine.draws.copulas import concordance, frailties, scores
from engine.draws.copulas.contract import Copula, Implied, Scores, Shared, equal_entries

_DEGREE = 21
"""Degree of the polynomials for V, evaluated only once per group, so that higher terms cost little."""


@dataclass(frozen=True)
class _Archimedean(Copula):
    """A copula with one parameter, exchangeable in its members."""

    theta: float

    latents: ClassVar[tuple[str, ...]] = ("", "/exponential")
    limits: ClassVar[tuple[float, float]]
    frailty: ClassVar[Callable[..., np.ndarray] | None] = None
    """log V, or log(-log Q), as a function of the group's normal score and theta, where it is approximated."""

    def parameters(self, dtype: type) -> Any:
        frailty, numbers = type(self).frailty, {"theta": dtype(abs(self.theta))}
        if frailty is not None:
            fitted = polynomials.fit(lambda z: frailty(z, self.theta) / self.theta, _DEGREE)
            numbers["frailty"] = fitted.astype(dtype)
        return numbers

    @property
    def tails(self) -> tuple[float, float]:
        """Lower and upper tail dependence."""
        return 0.0, 2.0 - 2.0 ** (1.0 / self.theta)

    def implied(self, members: Sequence[str]) -> Implied:
        tau, rho = (of(self.family, self.theta) for of in (concordance.kendall, concordance.spearman))
        kendall, spearman, lower, upper = (equal_entries(len(members), value) for value in (tau, rho, *self.tails))
        return Implied(kendall, spearman, lower, upper)

    def describe(self) -> str:
        return f"theta {self.theta:.6g}"


@dataclass(frozen=True)
class Clayton(_Archimedean):
    """Clayton copula: psi(t) = (1 + t)^(-1 / theta), V ~ Gamma(1 / theta). Lower tail dependence 2^(-1 / theta)."""

    family = "clayton"
    latents = ("",)
    limits = (0.001, 40.0)
    frailty = staticmethod(frailties.gamma)

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        theta = parameters["theta"]

        def probabilities(ratio: Any) -> tuple[Any, Any]:
            loss = jnp.logaddexp(ratio, jnp.zeros_like(ratio)) / theta  # -log U
            return jnp.exp(-loss), -jnp.expm1(-loss)

        frailty = theta * polynomials.value(parameters["frailty"], shared[0])
        return _members(own, frailty, probabilities)

    @property
    def tails(self) -> tuple[float, float]:
        return 2.0 ** (-1.0 / self.theta), 0.0


@dataclass(frozen=True)
class Gumbel(_Archimedean):
    """Gumbel copula: psi(t) = exp(-t^(1 / theta)), V positive stable. Upper tail dependence 2 - 2^(1 / theta)."""

    family = "gumbel"
    limits = (1.0, 20.0)

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        theta = parameters["theta"]
        log_e = _log_exponential(shared)
        frailty = jax.lax.optimization_barrier(frailties.stable(shared[0], log_e, theta))
        logs = jax.lax.optimization_barrier({name: scores.log_exponential(z) / theta for name, z in own.items()})
        joint = {}
        for name, log in logs.items():
            loss = jnp.exp(log - frailty)  # -log U
            joint[name] = scores.score(jnp.exp(-loss), -jnp.expm1(-loss))
        return jax.lax.optimization_barrier(joint)


@dataclass(frozen=True)
class Frank(_Archimedean):
    """Frank copula: psi(t) = -log(1 - (1 - exp(-theta)) exp(-t)) / theta, V log-series. No tail dependence.

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

        def probabilities(ratio: Any) -> tuple[Any, Any]:
            t = jnp.exp(ratio)
            rest, left = -jnp.expm1(-t), jnp.exp(-t)
            upper = jnp.log1p(jnp.expm1(theta) * rest) / theta
            # 1 - (1 - exp(-theta)) exp(-t), where it is small as the sum of two positive terms
            some = -jnp.expm1(-theta) * left
            small = jax.lax.optimization_barrier(jnp.exp(-theta) * left) + rest
            log = jnp.where(some < 0.5, jnp.log1p(-jnp.minimum(some, 0.5)), jnp.log(small))
            return -log / theta, upper

        log_e = _log_exponential(shared)
        rate = jax.lax.optimization_barrier(frailties.log_series(shared[0], theta))
        turned = {name: -z if name == self.mirrored else z for name, z in own.items()}
        joint = _members(turned, frailties.log_geometric(log_e, rate), probabilities)
        return {name: -z if name == self.mirrored else z for name, z in joint.items()}

    @property
    def tails(self) -> tuple[float, float]:
        return 0.0, 0.0


@dataclass(frozen=True)
class Joe(_Archimedean):
    """Joe copula: psi(t) = 1 - (1 - exp(-t))^(1 / theta), V Sibuya. Upper tail dependence 2 - 2^(1 / theta)."""

    family = "joe"
    limits = (1.0, 30.0)
    frailty = staticmethod(frailties.sibuya)

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        theta = parameters["theta"]

        def probabilities(ratio: Any) -> tuple[Any, Any]:
            t = jnp.exp(ratio)
            near = jnp.log(-jnp.expm1(-jnp.clip(t, 1e-7, 0.7)))
            log = jnp.where(t < 0.7, near, jnp.log1p(-jnp.exp(-jnp.maximum(t, 0.7))))
            log = jnp.where(ratio < -16.0, ratio, log) / theta  # log(1 - U)
            return -jnp.expm1(log), jnp.exp(log)

        log_e = _log_exponential(shared)
        rate = jax.lax.optimization_barrier(theta * polynomials.value(parameters["frailty"], shared[0]))
        return _members(own, frailties.log_geometric(log_e, rate), probabilities)


def _log_exponential(shared: Shared) -> Any:
    return jax.lax.optimization_barrier(scores.log_exponential(shared[1]))


def _members(own: Scores, log_frailty: Any, probabilities: Callable[[Any], tuple[Any, Any]]) -> Scores:
    """Scores by member; `probabilities` gives (U, 1 - U) of log(E / V)."""
    logs = {name: scores.log_exponential(z) for name, z in own.items()}
    logs, log_frailty = jax.lax.optimization_barrier((logs, log_frailty))
    joint = {name: scores.score(*probabilities(log - log_frailty)) for name, log in logs.items()}
    return jax.lax.optimization_barrier(joint)


FAMILIES = {kind.family: kind for kind in (Clayton, Gumbel, Frank, Joe)}


def limits(family: str, n_members: int) -> tuple[float, float]:
    """Range of theta for a number of members, as far as float32 is accurate (Kendall's tau of 0.92 to 0.95)."""
    low, high = FAMILIES[family].limits
    return (-high if family == "frank" and n_members <= 2 else low), high


def with_theta(family: str, theta: float, members: Sequence[str]) -> Copula:
    """Copula of a family with parameter theta, for these members."""
    return Frank(theta, max(members, default=None)) if theta < 0 else FAMILIES[family](theta)
