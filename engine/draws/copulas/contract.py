"""What a copula is to the engine, and the dependence that one implies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Float

Matrix = Float[np.ndarray, "member member"]


@dataclass(frozen=True)
class Implied:
    """Dependence between any two members, in the order of their names as given.

    Args:
      kendall: Kendall's tau.
      spearman: Spearman's rho.
      lower: lower tail dependence, lim P(V < q | U < q) for q to 0.
      upper: upper tail dependence, lim P(V > q | U > q) for q to 1.
      about: how it is known, where that is not a formula of the copula.
    """

    kendall: Matrix
    spearman: Matrix
    lower: Matrix
    upper: Matrix
    about: str = ""


class Copula(Protocol):
    """How the members of a group move together: independent normal scores -> normal scores that do.

    The record is frozen. What is compiled depends on its type and its members, and not on its numbers, which the program is
    fed. A member's score rises with its own.
    """

    family: ClassVar[str]
    """Its name in a study file."""

    @property
    def latents(self) -> tuple[str, ...]:
        """Normal scores that the members share, by the suffix to the name of the group's random stream."""

    def parameters(self, dtype: type) -> Any:
        """Its numbers as arrays: what the compiled program is fed."""

    def scores(self, own: Mapping[str, Any], shared: Sequence[Any], parameters: Any) -> dict[str, Any]:
        """Normal scores by member, traced.

        Args:
          own: member -> its own independent normal score [..., lane].
          shared: independent normal scores in the order of `latents`.
          parameters: as `parameters` gives them, traced or not.
        """

    def implied(self, members: Sequence[str]) -> Implied:
        """Rank correlations and tail dependence between these members."""

    def describe(self) -> str:
        """Its parameter in words: `theta 2`; empty where it has too many."""


def exchangeable(n: int, kendall: float, spearman: float, lower: float, upper: float) -> Implied:
    """The same dependence between any two of n members."""
    tau, rho, low, high = (equal_entries(n, value) for value in (kendall, spearman, lower, upper))
    return Implied(tau, rho, low, high)


def equal_entries(n: int, value: float) -> Matrix:
    """The matrix with a value between any two of n members, and 1 of each with itself."""
    matrix = np.full((n, n), value)
    np.fill_diagonal(matrix, 1.0)
    return matrix
