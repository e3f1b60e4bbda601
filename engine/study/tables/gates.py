"""Gates: facts that the numbers of a policy should reproduce; no number of a run depends on them."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, Literal

from engine.errors import Problems, did_you_mean
from engine.modelling.records import Model
from engine.study.entries import Places
from engine.study.tables.record import Field, Table

ASKED = ("median_above", "median_below", "median_within", "inside_90")


class Gate(Table):
    """A fact that the numbers of a study should reproduce, checked by `rustbelt gates STUDY`."""

    about: str = ""
    """meaning of the gate"""
    source: str = ""
    """source of the fact"""
    policy: str = ""
    """policy under which the fact is checked"""
    variable: str = ""
    """yearly variable, or outcome"""
    at: dict[str, Places] = {}
    """label of each dimension, or several"""
    year: int | None = None
    """year of a yearly variable"""
    years: list[int] = Field([], min_length=1)
    """several of them, in place of one"""
    across: Literal["sum", "mean"] | None = None
    """how several years and places are combined, sum or mean"""
    median_above: float | None = None
    """lower bound of the median"""
    median_below: float | None = None
    """upper bound of the median"""
    median_within: list[float] | None = None
    """lower and upper bound of the median"""
    inside_90: float | None = None
    """number that the 90 % interval of the paths should contain"""

    @property
    def all_years(self) -> list[int]:
        """The years of a yearly variable; none for an outcome."""
        return self.years if self.year is None else [self.year]

    @property
    def stated(self) -> list[str]:
        """Keys of `ASKED` that are stated: one, where there is no problem."""
        return [key for key in ASKED if getattr(self, key) is not None]

    @property
    def limits(self) -> list[float]:
        """The number that is asked for, or two."""
        value: Any = getattr(self, self.stated[0])
        return value if isinstance(value, list) else [value]

    def check(self, policies: Collection[str], model: Model, problems: Problems) -> None:
        """Adds its problems. Its years may lie beyond the horizon, as a study on top of another may have a shorter one.

        Args:
          policies: names of all policies of the study file.
        """
        problems.knows("policy", "policy", self.policy, policies)
        if self.year is not None and self.years:
            problems.add("year", "cannot be combined with years. Remove one of them.")
        if len({*self.all_years}) < len(self.all_years):
            problems.add("years", "states a year twice.")
        variables = model.yearly if self.all_years else model.outcomes
        if problems.knows("variable", "variable", self.variable, [*model.yearly, *model.outcomes]):
            if self.variable in variables:
                self._check_cells(model, problems)
            elif self.all_years:
                problems.add("variable", f"'{self.variable}' is an outcome, which has no year. Remove the year.")
            else:
                problems.add("variable", f"'{self.variable}' is a yearly variable. State the year: year = 2020.")
        if len(self.stated) != 1:
            problems.add("", f"expected one of {', '.join(ASKED)}, got {' and '.join(self.stated) or 'none'}.")
        if (pair := self.median_within) is not None and (len(pair) != 2 or not pair[0] < pair[1]):
            problems.add("median_within", f"expected two numbers, the lower one first, got {pair}.")

    def _check_cells(self, model: Model, problems: Problems) -> None:
        dims = model.yearly[self.variable].dims if self.all_years else ()
        for dim, labels in self.at.items():
            if dim in dims:
                problems.knows_each(f"at.{dim}", "label", labels, model.dims[dim])
            else:
                has = did_you_mean(dim, dims) if dims else " It has none."
                problems.add(f"at.{dim}", f"'{self.variable}' has no dimension '{dim}'.{has}")
        count = math.prod([max(1, len(self.all_years)), *(len(self.at.get(dim, model.dims[dim])) for dim in dims)])
        if count > 1 and not self.across:
            free = [dim for dim in dims if dim not in self.at]
            remedy = f"Name a label of {' and '.join(free)}, or say" if free else "Say"
            problems.add("across", f"is missing: it asks for {count} numbers. {remedy} 'sum' or 'mean'.")
