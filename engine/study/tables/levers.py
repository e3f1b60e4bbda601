"""Tables of lever values (numbers or names of factors), read to arrays by year and cell; and the inverse."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.draws.distributions.prior import Prior
from engine.draws.limits import reach
from engine.errors import Problems, UserError, look_up, refusal, unknown
from engine.formatting import shown
from engine.modelling.declaration import POLICY_KEYS
from engine.modelling.records import Lever, Model
from engine.study.components import Policy
from engine.study.study import Study
from engine.study.tables.triggers import is_value
from engine.study.values import Tables, number

BEYOND = 50
"""Years after the last that a policy may name, so that a study can be cut short and its policies stay as they are."""

UNSET = ""
"""In place of a lever's value while a trigger acts, where the trigger does not set it."""
PULSE = "at"
"""Key of a table of values in single years; the lever is 0 in all others."""


@dataclass(frozen=True)
class LeverTables:
    """Reads the values of a model's levers in policies' tables, by calendar year; a static model has no years.

    Args:
      factors: the study's tables of factors, as a lever's value may be the name of one.
      priors: by factor, without those that have problems.
    """

    model: Model
    years: tuple[int, ...]
    factors: Tables
    priors: Mapping[str, Prior]

    @cached_property
    def defaults(self) -> dict[str, np.ndarray]:
        """The default of each lever, in every year and cell: objects [year, *dims]; one row for a static model."""
        years, dims = max(1, len(self.years)), self.model.dims
        return {
            name: np.full(
                (years, *(len(dims[dim]) for dim in lever.dims)),
                UNSET if is_value(name) else float(lever.default),
                object,
            )
            for name, lever in self.model.levers.items()
        }

    def read(self, name: str, value: Any) -> np.ndarray:
        """Values of a lever, objects [year, *dims], each a number or the name of a factor.

        Args:
          value: one of these, a table by year, a table `at` of values in single years, or a table by label of these,
            level by level.

        Raises:
          UserError: with all problems, at places within the value.
        """
        look_up("lever", name, [*self.model.levers, *POLICY_KEYS])
        lever, array = self.model.levers[name], self.defaults[name].copy()
        self._fill(array, lever, lever.dims, value)
        return array

    def check_year(self, year: int | str) -> None:
        """Refuses a year before the horizon or more than `BEYOND` years after it, and any year of a static model."""
        if not self.years:
            raise refusal("", "a static model has no years. Remove it.")
        first, last = self.years[0], self.years[-1]
        if not first <= int(year) <= last + BEYOND:
            raise refusal(
                "", f"expected a year of the horizon {first}-{last}, or up to {last + BEYOND}, got {shown(int(year))}."
            )

    def _fill(self, part: np.ndarray, lever: Lever, dims: tuple[str, ...], value: Any) -> None:
        """Fills a part of a lever's array [year, *dims] with what a number, a name or a table states."""
        if not isinstance(value, Mapping):
            part[:] = self.value(lever, value)
            return
        if not value:
            raise refusal("", "expected at least one entry, got an empty table.")
        labels, problems = self.model.dims[dims[0]] if dims else (), Problems()
        if PULSE in value and PULSE not in labels:
            with problems.within(PULSE):
                self._fill_pulse(part, lever, value)
        elif all(_is_year(key) and key not in labels for key in value):
            self._fill_years(part, lever, value, problems)
        else:
            for key in value:
                with problems.within(key):
                    if dims:
                        look_up(f"label of '{dims[0]}'", key, labels)
                        self._fill(part[:, labels.index(key)], lever, dims[1:], value[key])
                    elif not _is_year(key):
                        raise refusal("", f"expected a year, got '{key}'.")
        problems.refuse()

    def _fill_years(
        self, part: np.ndarray, lever: Lever, by_year: Tables, problems: Problems, count: int | None = None
    ) -> None:
        """Fills a part with values from their years on, or for `count` years; a year after the last has no effect."""
        if not self.years:
            raise refusal("", "a static model has no years. Give a number.")
        for year in sorted(by_year, key=int):
            with problems.within(year):
                self.check_year(year)
                part[int(year) - self.years[0] :][:count] = self.value(lever, by_year[year])

    def _fill_pulse(self, part: np.ndarray, lever: Lever, table: Tables) -> None:
        """Fills a part with the values of single years, and with 0 in all other years."""
        if others := [key for key in table if key != PULSE]:
            raise refusal("", f"expected no other key beside 'at', got {', '.join(others)}. Put all years into 'at'.")
        by_year, problems = table[PULSE], Problems()
        if not isinstance(by_year, Mapping) or not by_year or not all(map(_is_year, by_year)):
            raise refusal("", f"expected a table of values by year, {{ 2020 = 60 }}, got {shown(by_year)}.")
        if not lever.low <= 0 <= lever.high:
            raise beyond(lever, "0 in all other years", "State it by year.")
        part[:] = 0.0
        self._fill_years(part, lever, by_year, problems, 1)
        problems.refuse()

    def value(self, lever: Lever, value: Any) -> float | str:
        """A number, or a factor's name, as it is stated; refused where it, or a draw, is beyond the lever's bounds."""
        if not isinstance(value, str):
            if not lever.low <= (own := number(value)) <= lever.high:
                raise beyond(lever, shown(value))
            return float(own)
        if value not in self.factors:
            hint = unknown("factor", value, self.factors)
            raise refusal("", f"expected a number, or the name of a factor; {hint}")
        if value in self.priors:  # else its prior is a problem of its own
            low, high = reach(self.priors[value].law)
            if low < lever.low - _rounding(lever.low) or high > lever.high + _rounding(lever.high):
                ends = ("low", lever.low), ("high", lever.high)
                cut = ", ".join(f"{key} = {end:g}" for key, end in ends if math.isfinite(end))
                raise beyond(
                    lever,
                    f"'{value}', which is drawn from {low:.3g} to {high:.3g}",
                    f"Cut the prior to them: truncate = {{ {cut} }}.",
                )
        return value


def beyond(lever: Lever, got: str, remedy: str = "") -> UserError:
    """The refusal of a value that is beyond the bounds of a lever."""
    bounds = lever.bounds + (f" [{lever.unit}]" if lever.unit != "1" else "")
    return refusal("", f"expected {bounds}, got {got}. These are its bounds. {remedy}".rstrip())


def _rounding(end: float) -> float:
    return 1e-9 * max(1.0, abs(end))


def taken_apart(values: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Numbers of a lever, 0 where a factor gives them, and the weight of each factor: `levers` and `drawn` of a policy.

    Args:
      values: as `LeverTables.read` gives them.
    """
    names = sorted({value for value in values.flat if isinstance(value, str)})
    drawn = {name: np.array(values == name, np.float64) for name in names}
    return np.where(sum(drawn.values()) > 0, 0.0, values).astype(np.float64), drawn


def put_together(policy: Policy, lever: str) -> np.ndarray:
    """The inverse of `taken_apart`: values of a policy's lever, objects [year, *dims], numbers or factors' names."""
    if lever in policy.when:
        return np.array(policy.when[lever], object)
    values = policy.levers[lever]
    for name, weights in policy.drawn.get(lever, {}).items():
        values = np.where(weights > 0, np.array(name, object), values)
    return values


def lever_text(study: Study, policy: Policy, lever: str) -> str:
    """The shortest table of a policy's lever in one line, each factor with its median and its 5 and 95 % quantiles.

    `2016: 0.3, 2018: {north: 0.4, south: pace 0.5 (0.2 to 0.8)}`.
    """
    named = {item.name: item.marginal for item in study.inputs}

    def text(value: float | str) -> str:
        if not isinstance(value, str):
            return f"{value:g}"
        if value == UNSET:
            return "as it is"
        low, middle, high = (f"{float(named[value].quantile(p)):.3g}" for p in (0.05, 0.5, 0.95))
        return f"{value} {middle}" + (f" ({low} to {high})" if low != high else "")

    dims = study.model.levers[lever].dims
    return in_line(lever_table(put_together(policy, lever), dims, study.model, study.years), text)


def in_line(table: Any, text: Callable[[Any], str]) -> str:
    """A table of `lever_table` in one line; `text` formats a number or a name."""
    if not isinstance(table, dict):
        return text(table)
    parts = {key: f"{{{in_line(part, text)}}}" if isinstance(part, dict) else text(part) for key, part in table.items()}
    return ", ".join(f"{key}: {part}" for key, part in parts.items())


def lever_table(values: np.ndarray, dims: Sequence[str], model: Model, years: Sequence[int]) -> Any:
    """The shortest table that reads as these values [year, *dims]: a number or a name, else by year, else by label.

    `UNSET` where no value is set; years and labels without one are left out.
    """
    if np.all(values == values.flat[0]):
        return values.item(0)
    labels = model.dims[dims[0]] if dims else ()
    series = values.reshape(len(values), -1)
    if np.all(series == series[:, :1]) and not any(_is_year(label) for label in labels):
        steps = [0, *(np.flatnonzero(series[1:, 0] != series[:-1, 0]) + 1)]
        return {str(years[k]): series.item(k, 0) for k in steps if series[k, 0] != UNSET}
    by_label = {label: lever_table(values[:, k], dims[1:], model, years) for k, label in enumerate(labels)}
    return {label: table for label, table in by_label.items() if table != UNSET}


def _is_year(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= 6
