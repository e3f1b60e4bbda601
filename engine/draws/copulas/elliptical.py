"""Gaussian and Student t copulas, with one correlation for all pairs of members or with a correlation matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from engine.draws import polynomials
from engine.draws.copulas import matrices, rank_correlations
from engine.draws.copulas.contract import Copula, Implied, Matrix, Scores, Shared
from engine.draws.limits import FARTHEST
from engine.draws.random_words import horner

DF = (1.0, 1000.0)
"""Range of the degrees of freedom of a t copula."""

_REACH = 7.0  # q at the farthest score is 6.34 for many degrees of freedom and 6.6 for one


def lowest_correlation(n_members: int) -> float:
    """The lowest correlation that n equicorrelated scores can have: -1 / (n - 1)."""
    return -1.0 / max(n_members - 1, 1)


@dataclass(frozen=True)
class Equicorrelated(Copula):
    """Gaussian copula with one correlation: z_i = sqrt(r+) G + sqrt(1 - r) e_i + b sum_j e_j.

    b = 0 for r >= 0, the one-factor form: adding, removing or moving a member changes no other. For r < 0 there is no
    common factor, and each score depends negatively on the sum of the others: b = (-a + sqrt(a^2 + n r)) / n with a =
    sqrt(1 - r).

    Args:
      correlation: of any two members on the same side; its negative for two on different sides.
      against: members on the other side, whose scores are multiplied by `side`.
      side: -1; or 1 to leave the scores of a program compiled with sides unchanged.
    """

    correlation: float
    against: tuple[str, ...] = ()
    side: float = -1.0

    family = "gaussian"
    latents = ("",)

    def parameters(self, dtype: type) -> Any:
        side = {"side": dtype(self.side)} if self.against else {}
        return {"correlation": dtype(self.correlation), **side}

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        r, n = parameters["correlation"], len(own)
        single = jnp.sqrt(1.0 - r)
        leaning = (jnp.sqrt(jnp.maximum(1.0 + (n - 1) * r, 0.0)) - single) * (1.0 / n)
        common, total = jnp.sqrt(jnp.maximum(r, 0.0)), jnp.where(r < 0, leaning, 0.0)
        first, *others = own.values()
        everyone = sum(others, start=first)
        terms = {name: [single * z, common * shared[0], total * everyone] for name, z in own.items()}
        # fenced: which of the products becomes part of a fused multiply-add differs between programs, and so would the
        # last bit
        fenced = jax.lax.optimization_barrier(terms)
        joint = {name: sum(parts[1:], start=parts[0]) for name, parts in fenced.items()}
        return {name: parameters["side"] * z if name in self.against else z for name, z in joint.items()}

    def implied(self, members: Sequence[str]) -> Implied:
        return _implied(self.matrix(members), None)

    def describe(self) -> str:
        opposed = f", against them {', '.join(self.against)}" if self.against and self.side < 0 else ""
        return f"correlation {self.correlation:g}{opposed}"

    def matrix(self, members: Sequence[str]) -> Matrix:
        """Correlations of the normal scores."""
        side = np.array([self.side if name in self.against else 1.0 for name in members])
        return np.where(np.eye(len(members)), 1.0, self.correlation * np.outer(side, side))


@dataclass(frozen=True)
class Correlated(Copula):
    """Gaussian copula with a correlation matrix: z = L e, with L the lower Cholesky factor.

    So appending a member changes no other.

    Args:
      members: in the order of the matrix.
      correlation: of the normal scores.
    """

    members: tuple[str, ...]
    correlation: tuple[tuple[float, ...], ...]

    family = "gaussian"
    latents = ()

    def parameters(self, dtype: type) -> Any:
        return {"root": matrices.lower_root(np.array(self.correlation)).astype(dtype)}

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        root, first = parameters["root"], own[self.members[0]]
        # the first product is fenced, so each sum has one product only: no choice of which one joins a fused
        # multiply-add
        joint = jax.lax.optimization_barrier({name: root[i, 0] * first for i, name in enumerate(self.members)})
        for i, name in enumerate(self.members):
            for j in range(1, i + 1):
                joint[name] = joint[name] + root[i, j] * own[self.members[j]]
        return jax.lax.optimization_barrier(joint)

    def implied(self, members: Sequence[str]) -> Implied:
        return _implied(self.matrix(members), None)

    def matrix(self, members: Sequence[str]) -> Matrix:
        """Correlations of the normal scores."""
        order = [self.members.index(name) for name in members]
        return np.array(self.correlation)[np.ix_(order, order)]


@dataclass(frozen=True)
class StudentT(Copula):
    """Student t copula: score_i = Phi^-1(T_df(x_i)), x_i = z_i / sqrt(W), W = chi^2_df / df shared by all members.

    z comes from the Gaussian copula `normal`. W is a quantile at a shared normal score, and the log of 1 / sqrt(W) is
    approximated by two polynomials. Phi^-1(T_df(x)) = q R(q) with q = sqrt(df log(1 + x^2 / df)) and R a polynomial:
    Wallace's transformation (Bounds on normal approximations to Student's and the chi-square distributions, Ann. Math.
    Statist. 30, 1959, doi:10.1214/aoms/1177706100) with R as its correction. McNeil, Frey and Embrechts: Quantitative
    Risk Management, 2nd ed. 2015, section 7.3.
    """

    normal: Equicorrelated | Correlated
    df: float

    family = "t"

    @property
    def latents(self) -> tuple[str, ...]:
        return (*self.normal.latents, "/mixing")

    def parameters(self, dtype: type) -> Any:
        df = self.df
        scale = polynomials.fit(lambda z: -0.5 * rank_correlations.log_chi2_quantile(z, df))
        ratio = polynomials.fit(lambda q: _score_over_q(np.abs(q), df), reach=_REACH)[1]
        return {
            "normal": self.normal.parameters(dtype),
            "df": dtype(df),
            "scale": scale.astype(dtype),
            "ratio": ratio.astype(dtype),
        }

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        df, ratio = parameters["df"], parameters["ratio"]
        normal = self.normal.scores(own, shared[:-1], parameters["normal"])
        scale = jnp.exp(polynomials.value(parameters["scale"], shared[-1]))
        normal, scale = jax.lax.optimization_barrier((normal, scale))
        joint = {}
        for name, z in normal.items():
            x = z * scale
            q = jnp.minimum(jnp.sqrt(df * jnp.log1p(x * x / df)), _REACH)
            size = jnp.minimum(q * horner([*ratio], q * (2.0 / _REACH) - 1.0), FARTHEST)
            joint[name] = jnp.where(x < 0, -size, size)
        return jax.lax.optimization_barrier(joint)

    def implied(self, members: Sequence[str]) -> Implied:
        return _implied(self.normal.matrix(members), self.df)

    def describe(self) -> str:
        return ", ".join(part for part in (self.normal.describe(), f"df {self.df:g}") if part)


def _score_over_q(q: np.ndarray, df: float) -> np.ndarray:
    """Phi^-1(T_df(x)) / q at q = sqrt(df log(1 + x^2 / df)); at 0 its limit, the ratio of the two densities there."""
    safe = np.maximum(q, 1e-3)
    x = np.sqrt(df * np.expm1(safe * safe / df))
    at_zero = np.exp(special.gammaln(0.5 * df + 0.5) - special.gammaln(0.5 * df)) * np.sqrt(2.0 / df)
    return np.where(q < 1e-3, at_zero, -special.ndtri(special.stdtr(df, -x)) / safe)


def _implied(r: Matrix, df: float | None) -> Implied:
    """Implied dependence; a t copula has tail dependence 2 T_{df + 1}(-sqrt((df + 1) (1 - r) / (1 + r))).

    McNeil, Frey and Embrechts 2015, (7.38).
    """
    if df is None:
        tail = np.where(r >= 1.0, 1.0, 0.0)
    else:
        with np.errstate(divide="ignore"):
            tail = 2.0 * special.stdtr(df + 1.0, -np.sqrt((df + 1.0) * (1.0 - r) / (1.0 + r)))
    return Implied(rank_correlations.kendall_of_pearson(r), rank_correlations.spearman_of_pearson(r, df), tail, tail)
