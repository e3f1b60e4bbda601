"""Tables of lever values -> arrays by year and cell; and back to the shortest tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.draws.limits import LARGEST
from engine.errors import Problems, refusal, unknown
from engine.formatting import shown
from engine.modelling.declaration import POLICY_KEYS
from engine.modelling.records import Lever, Model


@dataclass(frozen=True)
class LeverTables:
    """Reads what policies say of a model's levers, by calendar year; there is none for a static model."""

    model: Model
    years: tuple[int, ...]

    def default(self, lever: Lever) -> np.ndarray:
        """The lever's default, in every year and cell: [year, *dims]; one row for a static model."""
        shape = [max(1, len(self.years)), *(len(self.model.dims[dim]) for dim in lever.dims)]
        return np.full(shape, float(lever.default))

    def read(self, name: str, value: Any, problems: Problems) -> np.ndarray:
        """Values of a lever [year, *dims]: a number, a table by year, or a table by label of these, level by level."""
        if name not in self.model.levers:
            problems.add(name, unknown("lever", name, [*self.model.levers, *POLICY_KEYS]))
            return np.zeros(0)
        lever = self.model.levers[name]
        array = self.default(lever)
        self._fill(array, lever, lever.dims, value, name, problems)
        return array

    def check_year(self, year: int | str) -> None:
        """Refuses a year outside the horizon."""
        if int(year) not in self.years:
            horizon = f"{self.years[0]}-{self.years[-1]}"
            raise refusal("", f"expected a year of the horizon {horizon}, got {year}.")

    def _fill(
        self,
        part: np.ndarray,
        lever: Lever,
        dims: tuple[str, ...],
        value: Any,
        place: str,
        problems: Problems,
    ) -> None:
        if not isinstance(value, Mapping):
            with problems.within(place):
                part[:] = _within(lever, value)
            return
        if not value:
            problems.add(place, "expected at least one entry, got an empty table.")
            return
        labels = self.model.dims[dims[0]] if dims else ()
        if all(_is_year(key) and key not in labels for key in value):
            self._fill_years(part, lever, value, place, problems)
            return
        for label, inner in value.items():
            if label in labels:
                own = part[:, labels.index(label)]
                self._fill(own, lever, dims[1:], inner, f"{place}.{label}", problems)
            elif dims:
                problems.add(f"{place}.{label}", unknown(f"label of '{dims[0]}'", label, labels))
            else:
                problems.add(f"{place}.{label}", f"expected a year, got '{label}'.")

    def _fill_years(
        self, part: np.ndarray, lever: Lever, value: Mapping[str, Any], place: str, problems: Problems
    ) -> None:
        if not self.years:
            problems.add(place, "a static model has no years. Give a number.")
            return
        for year in sorted(value, key=int):
            with problems.within(f"{place}.{year}"):
                self.check_year(year)
                part[int(year) - self.years[0] :] = _within(lever, value[year])


def lever_text(values: np.ndarray, dims: Sequence[str], model: Model, years: Sequence[int]) -> str:
    """`lever_table` in one line: `2016: 0.3, 2018: {north: 0.4, south: 0.5}`."""
    return _in_line(lever_table(values, dims, model, years))


def _in_line(value: Any) -> str:
    if not isinstance(value, dict):
        return f"{value:g}"
    return ", ".join(
        f"{key}: {{{_in_line(part)}}}" if isinstance(part, dict) else f"{key}: {part:g}"
        for key, part in value.items()
    )


def lever_table(values: np.ndarray, dims: Sequence[str], model: Model, years: Sequence[int]) -> Any:
    """The shortest table that reads as these values [year, *dims]: a number, else by year, else by label."""
    if np.all(values == values.flat[0]):
        return float(values.flat[0])
    labels = model.dims[dims[0]] if dims else ()
    series = values.reshape(len(values), -1)
    if np.all(series == series[:, :1]) and not any(_is_year(label) for label in labels):
        steps = [0, *(np.flatnonzero(np.diff(series[:, 0])) + 1)]
        return {str(years[k]): float(series[k, 0]) for k in steps}
    return {label: lever_table(values[:, k], dims[1:], model, years) for k, label in enumerate(labels)}


def _within(lever: Lever, value: Any) -> int | float:
    """The value, where it is a number within the lever's bounds; anything else is refused."""
    if not lever.low <= (own := number(value)) <= lever.high:
        unit = f" [{lever.unit}]" if lever.unit != "1" else ""
        remedy = "These are the model's bounds of the lever."
        raise refusal("", f"expected {lever.bounds}{unit}, got {shown(value)}. {remedy}")
    return own


def number(value: Any) -> int | float:
    """The value, where it is a finite number that single precision holds; anything else is refused."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal("", f"expected a number, got {shown(value)}.")
    if not (abs(value) <= LARGEST and math.isfinite(value)):
        raise refusal("", f"expected a finite number that single precision holds, got {shown(value)}.")
    return value


def _is_year(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= 6
