"""Named inputs: which prior and which group each factor has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

from engine.draws.copulas.contract import Copula
from engine.draws.distributions.law import Law
from engine.draws.distributions.prior import Target


@dataclass(frozen=True)
class Input:
    """A factor as the study resolves it.

    Args:
      name: the factor's name, which also keys its random words.
      unit: unit of the draw.
      about: what it means.
      marginal: its law.
      group: name of the group it moves with, None for none.
      source: where the prior comes from.
      targets: what the study wants of the law beside what it has, empty where the study gives its parameters.
      family: what the study calls the law.
      parameters: its parameters in a few words.
      labels: of the categories that it may be, with the value of each; empty for a number.
    """

    name: str
    unit: str
    about: str
    marginal: Law
    group: str | None = None
    source: str = ""
    targets: tuple[Target, ...] = ()
    family: str = ""
    parameters: str = ""
    labels: Mapping[str, float] = field(default_factory=dict)

    @property
    def stream(self) -> str:
        """The random stream of its own score."""
        return f"factor:{self.name}"


def gathered(inputs: Sequence[Input]) -> list[Input]:
    """One in place of those that are drawn by one law for several labels, `name[100 labels]`; the others as they are."""
    rows = []
    for _, run in groupby(inputs, lambda item: (item.name.partition("[")[0], id(item.marginal), item.group)):
        first, *others = run
        name = f"{first.name.partition('[')[0]}[{len(others) + 1} labels]"
        rows.append(replace(first, name=name) if others else first)
    return rows


@dataclass(frozen=True)
class Group:
    """Factors, in the order of the study, that move together by a copula; the name keys the random words that they share."""

    name: str
    copula: Copula
    members: tuple[str, ...]

    @property
    def gathered_members(self) -> list[str]:
        """The members in words, labels of one of them together: `name[100 labels]`."""
        words = []
        for base, run in groupby(self.members, lambda name: name.partition("[")[0]):
            first, *others = run
            words.append(f"{base}[{len(others) + 1} labels]" if others else first)
        return words

    @cached_property
    def streams(self) -> tuple[str, ...]:
        """Random streams of the scores that the members share."""
        return tuple(f"group:{self.name}{latent}" for latent in self.copula.latents)
