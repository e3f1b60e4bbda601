"""Interface of a copula, and the dependence that one implies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Float

Matrix = Float[np.ndarray, "member member"]
Scores = Mapping[str, Any]
"""Normal score of each member [..., lane]."""
Shared = Sequence[Any]
"""Normal scores that the members of a group share [..., lane]."""


@dataclass(frozen=True)
class Implied:
    """Dependence between all pairs of members, in the order of the members.

    Args:
      kendall: Kendall's tau.
      spearman: Spearman's rho.
      lower: lower tail dependence, lim P(V < q | U < q) for q to 0.
      upper: upper tail dependence, lim P(V > q | U > q) for q to 1.
      about: how these were found, where not by a formula of the copula.
    """

    kendall: Matrix
    spearman: Matrix
    lower: Matrix
    upper: Matrix
    about: str = ""


class Copula(Protocol):
    """Dependence within a group: independent normal scores -> dependent normal scores.

    The record is frozen. The compiled code depends on its type and its members, not on its numbers, which are arguments
    of the program. A member's score increases with its own independent score.
    """

    family: ClassVar[str]
    """Its name in a study file."""

    @property
    def latents(self) -> tuple[str, ...]:
        """Names of the normal scores that the members share, as suffixes to the name of the group's random stream."""

    def parameters(self, dtype: type) -> Any:
        """Its numbers as arrays, the arguments of the compiled program."""

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        """Dependent normal scores by member, traced.

        Args:
          own: independent normal score of each member [..., lane].
          shared: independent normal scores in the order of `latents`.
          parameters: from `parameters`, traced or not.
        """

    def implied(self, members: Sequence[str]) -> Implied:
        """Rank correlations and tail dependence between the members."""

    def describe(self) -> str:
        """Its parameters as text, such as `df 4`; empty where there are too many."""
        return ""
