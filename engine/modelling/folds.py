"""Folds: how the years of a yearly variable become one number per path, one year at a time. A further kind is one
`Kind` here.

Folds add up: `peak("stock") - lowest("stock")`, `total("paid") + 2 * total("owed")`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from engine.modelling.cells import Cells

__all__ = ["at_year", "highest_spell", "last", "lowest", "peak", "total", "worst_spell"]

Over = Mapping[str, Sequence[str]] | None
_Combine = Callable[[Any, Any], Any]

ACROSS: Mapping[str, Callable[[Cells], Any]] = {
    "sum": Cells.over,
    "mean": Cells.mean,
    "peak": lambda cells: cells.fold(jnp.maximum),
    "lowest": lambda cells: cells.fold(jnp.minimum),
}
"""How the cells of one year become one number."""


@dataclass(frozen=True)
class Kind:
    """A kind of fold: how values of successive years become one number.

    Args:
      name: its name in messages.
      init: gives the state before the first year, a number or a tuple of numbers.
      update: state, calendar year and this year's value -> state after the year.
      finish: state after the last year -> result; the state itself if not given.
      unit: unit of the value -> unit of the result; the same unit if not given.
      calendar: calendar years that a study must have.
      spell: years in a row that a study must have.
    """

    name: str
    init: Callable[[], Any]
    update: Callable[[Any, Any, Any], Any]
    finish: Callable[[Any], Any] = lambda state: state
    unit: Callable[[str], str] = lambda unit: unit
    calendar: tuple[int, ...] = ()
    spell: int = 1

    def of(self, variable: str, over: Over = None, across: str = "sum") -> Fold:
        """The fold of this kind over a yearly variable, or over any value that `step` returns beside them.

        Args:
          over: dimension -> labels that are taken (all labels of dimensions that it does not name).
          across: how the cells of one year become one number, before the years do: sum, mean, peak, lowest.
        """
        chosen = tuple((dim, tuple(labels)) for dim, labels in (over or {}).items())
        return Fold((Term(self, variable, chosen, across),))


@dataclass(frozen=True)
class Term:
    """One term of a fold: a kind of fold of some cells of a yearly variable, times `scale`.

    Years after `until` do not count, where it is given.
    """

    kind: Kind
    variable: str
    over: tuple[tuple[str, tuple[str, ...]], ...] = ()
    across: str = "sum"
    scale: float = 1.0
    until: int | None = None

    def of_the_year(self, values: Mapping[str, Any]) -> Any:
        """This year's value of the variable, its chosen cells made one scalar."""
        value = values[self.variable]
        if not isinstance(value, Cells):
            return jnp.asarray(value)
        return ACROSS[self.across](value.sel(**dict(self.over)))

    def update(self, state: Any, year: Any, values: Mapping[str, Any]) -> Any:
        """State after a calendar year with these values by name."""
        after, last = self.kind.update(state, year, self.of_the_year(values)), self.until
        if last is None:
            return after
        return jax.tree.map(lambda new, old: jnp.where(year <= last, new, old), after, state)

    def years(self, years: Sequence[int]) -> Sequence[int]:
        """Those of a study's years that count."""
        return years if self.until is None else [year for year in years if year <= self.until]

    def finish(self, state: Any) -> Any:
        """The term's contribution to the outcome, from the state after the last year."""
        result = self.kind.finish(state)
        return result * self.scale if self.scale != 1.0 else result


@dataclass(frozen=True)
class Fold:
    """A fold: one number per path as a sum of terms, each a yearly variable folded over the years and scaled."""

    terms: tuple[Term, ...]

    def __add__(self, other: Fold) -> Fold:
        return Fold(self.terms + other.terms) if isinstance(other, Fold) else NotImplemented

    def __sub__(self, other: Fold) -> Fold:
        return self + -other

    def __neg__(self) -> Fold:
        return self * -1.0

    def __mul__(self, factor: float) -> Fold:
        return Fold(tuple(replace(term, scale=term.scale * float(factor)) for term in self.terms))

    __rmul__ = __mul__

    def until(self, year: int) -> Fold:
        """The same fold of the years up to a calendar year; of all years where a study ends before it."""
        return Fold(tuple(replace(term, until=int(year)) for term in self.terms))

    def init(self) -> tuple[Any, ...]:
        """State before the first year."""
        return tuple(term.kind.init() for term in self.terms)

    def update(self, states: Sequence[Any], year: Any, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """State after a calendar year with these values by name."""
        return tuple(term.update(state, year, values) for term, state in zip(self.terms, states, strict=True))

    def finish(self, states: Sequence[Any]) -> Any:
        """Value of the outcome, from the state after the last year."""
        parts = [term.finish(state) for term, state in zip(self.terms, states, strict=True)]
        return functools.reduce(operator.add, parts)


def summed_unit(unit: str) -> str:
    """The unit of a sum over years: "t" of "t/yr", "t yr" of "t"."""
    return unit.removesuffix("/yr") if unit.endswith("/yr") else f"{unit} yr"


peak = Kind("peak", lambda: -jnp.inf, lambda state, year, value: jnp.maximum(state, value)).of
"""Highest year of a yearly variable, in its unit; `over` and `across` as in `Kind.of`."""
lowest = Kind("lowest", lambda: jnp.inf, lambda state, year, value: jnp.minimum(state, value)).of
"""Lowest year of a yearly variable, in its unit; `over` and `across` as in `Kind.of`."""
total = Kind("total", lambda: 0.0, lambda state, year, value: state + value, unit=summed_unit).of
"""Sum over the years of a yearly variable: in "t" of one in "t/yr", in "t yr" of one in "t"; `over` and `across` as in
`Kind.of`."""
last = Kind("last", lambda: 0.0, lambda state, year, value: value).of
"""Value of a yearly variable in the last year, in its unit; `over` and `across` as in `Kind.of`."""


def at_year(variable: str, year: int, over: Over = None, across: str = "sum") -> Fold:
    """Value of a yearly variable in one calendar year, in its unit; `over` and `across` as in `Kind.of`."""
    then = int(year)

    def update(state: Any, year: Any, value: Any) -> Any:
        return jnp.where(year == then, value, state)

    return Kind("at_year", lambda: 0.0, update, calendar=(then,)).of(variable, over, across)


def worst_spell(variable: str, years: int, over: Over = None, across: str = "sum") -> Fold:
    """Lowest, over all runs of `years` years, of the best year of the run, in the variable's unit.

    Below a level c exactly where some run of that many years lies wholly below c: for two years,
    min over t of max(x[t-1], x[t]). `over` and `across` as in `Kind.of`.
    """
    return _over_runs("worst_spell", years, jnp.maximum, jnp.minimum, jnp.inf).of(variable, over, across)


def highest_spell(variable: str, years: int, over: Over = None, across: str = "sum") -> Fold:
    """Highest sum of a yearly variable over `years` years in a row: max over t of x[t-years+1] + ... + x[t].

    Its unit is that of `total`. `over` and `across` as in `Kind.of`.
    """
    return _over_runs("highest_spell", years, operator.add, jnp.maximum, -jnp.inf, summed_unit).of(
        variable, over, across
    )


def _over_runs(
    name: str,
    years: int,
    within: _Combine,
    between: _Combine,
    before: float,
    unit: Callable[[str], str] = lambda unit: unit,
) -> Kind:
    """A kind of fold that combines the values of each run of years, then the runs.

    Args:
      before: the value of each year before the first, with which no run counts.
    """
    spell = int(years)

    def update(state: Any, year: Any, value: Any) -> Any:
        # the last values of a run are kept beside the result
        result, *recent = state
        run = functools.reduce(within, recent, value)
        return (between(result, run), *[*recent[1:], value][: len(recent)])

    return Kind(name, lambda: (before,) * spell, update, operator.itemgetter(0), unit, spell=spell)
