"""Parts of a study: policies, events, assumptions and their changes, and what is stored by path."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, product
from typing import Any, TypeVar

import numpy as np

from engine.errors import Problems, unknown
from engine.modelling.records import Model
from engine.study.tables.record import Field, Labelled
from engine.study.values import Tables, number


@dataclass(frozen=True)
class Policy:
    """A named set of lever values, phased in from `start`.

    Args:
      name: its name.
      about: what it stands for.
      levers: lever name -> values by year, float64 array [year, *dims of the lever]; one row for a static model.
        Where a factor gives the value, `drawn` is added to the number here.
      start: calendar year from which it is in force; 0 for a static model.
      before: the policy that is in force before `start` and that a partial implementation starts from; it need not be
        among those that run. None where nothing is phased in, as the policy is in force fully from the first year on.
      implementation: share of the way from `before` to this policy that is reached: a number, or the name of a factor.
      drawn: lever name -> factor -> weights, shaped as the lever's values, which on a path are levers + sum of weight x
        draw: 0 beside a weight of 1 where the study names a factor. Levers without a factor are not in it.
      when: lever that holds another's values while a trigger acts -> these values as stated, lists [year, *dims], ""
        where the trigger sets nothing. In `levers` and `drawn` it has the change of the other lever, 0 elsewhere.
    """

    name: str
    about: str
    levers: Mapping[str, np.ndarray]
    start: int
    before: Policy | None = None
    implementation: float | str = 1.0
    drawn: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    when: Mapping[str, list[Any]] = field(default_factory=dict)

    @property
    def factors(self) -> set[str]:
        """Names of the factors that its own levers and its implementation depend on."""
        share = {self.implementation} if isinstance(self.implementation, str) else set()
        return share.union(*self.drawn.values())


One = TypeVar("One")
Clauses = tuple[tuple[One, ...], ...]
"""Statements of which, in each clause, at least one must hold."""


class EventTable(Labelled):
    """A threshold on an outcome, or several events of which all, or at least one, must happen."""

    about: str | None = None
    """what it means"""
    outcome: str | None = None
    """outcome that the threshold is on"""
    above: float | None = None
    """threshold that the outcome exceeds"""
    below: float | None = None
    """threshold that the outcome falls below"""
    all: list[str] | None = Field(None, min_length=1)
    """events that must all happen on one path, in place of a threshold"""
    any: list[str] | None = Field(None, min_length=1)
    """events of which at least one must happen on a path, in place of a threshold"""


class Event(EventTable):
    """An event with its name.

    Exactly one of (`above`, `below`, `all`, `any`) is set; `outcome` goes with the first two.
    """

    name: str
    about: str = ""

    @property
    def parts(self) -> list[str]:
        """Names of the events that it combines; none for a threshold."""
        return self.all or self.any or []

    def combined(self, parts: Iterable[Clauses[One]]) -> Clauses[One]:
        """Its clauses from those of its parts: all of these, or one for each choice of a clause of every part."""
        return tuple(tuple(chain(*clauses)) for clauses in product(*parts)) if self.any else tuple(chain(*parts))

    @property
    def threshold(self) -> float:
        """What its outcome has to be above or below; NaN for a combination of events."""
        return next((one for one in (self.above, self.below) if one is not None), math.nan)

    def check(self, events: Tables, model: Model, problems: Problems) -> None:
        """Adds its problems.

        Args:
          events: the tables of all events of the study.
        """
        if self.name in {*model.outcomes, *model.dims}:
            problems.add(
                "", f"is the name of {'an outcome' if self.name in model.outcomes else 'a dimension'}; take another."
            )
        keys = [key for key in ("all", "any", "above", "below") if getattr(self, key) is not None]
        if self.parts:
            if keys[1:] or self.outcome:
                problems.add(
                    "",
                    f"expected `{keys[0]}` alone, got {' and '.join(['outcome'] * bool(self.outcome) + keys[1:])} too.",
                )
            for other in self.parts:
                if other not in events:
                    problems.add(keys[0], unknown("event", other, {*events} - {self.name}))
                elif {"all", "any"} & {*events[other]}:
                    problems.add(keys[0], f"expected events with a threshold of their own; '{other}' has none.")
            return
        if self.outcome:
            problems.knows("outcome", "outcome", self.outcome, model.outcomes)
        else:
            problems.add("", 'has no outcome. Add outcome = "..." and above or below.')
        if len(keys) == 1:
            with problems.within(keys[0]):
                number(self.threshold)
        else:
            problems.add("", f"expected a threshold, above or below, got {'both' if keys else 'none'}.")


@dataclass(frozen=True)
class Change:
    """A change of a study: factors, levers and groups that differ from what it states; all else is unchanged.

    Args:
      factors: factor -> (scale, shift): its draw x scale + shift.
      levers: policy -> lever -> its new value, in the format of a policy's table.
      groups: name -> the numbers of its new dependence: field of the copula -> value.
    """

    factors: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    levers: Tables = field(default_factory=dict)
    groups: Tables = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.factors or self.levers or self.groups)


@dataclass(frozen=True)
class Assumption:
    """Something that the study assumes, and the study's change without it ("off") or with twice of it ("doubled").

    Args:
      about: what is assumed.
      doubled: None where doubling has no meaning.
      table: its table in the study file.
    """

    name: str
    about: str
    off: Change
    doubled: Change | None
    table: Tables = field(default_factory=dict)

    def change(self, kind: str) -> Change:
        """The change where it is "off" or "doubled"; an empty one where doubling has no meaning."""
        return self.off if kind == "off" else self.doubled or Change()


@dataclass(frozen=True)
class Keep:
    """What is stored path by path.

    Args:
      outcomes: names of the outcomes kept per path for every policy.
      draws: number of first paths whose factor draws are kept.
      yearly: number of first paths that the yearly distributions come from.
    """

    outcomes: tuple[str, ...]
    draws: int
    yearly: int
