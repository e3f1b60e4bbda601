"""Observed figures, stated in a study or in a CSV file beside it: their rows, checked against the model."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError

from engine.errors import Problem, Problems, UserError, look_up, refusal, unknown
from engine.formatting import shown
from engine.modelling.records import Model, Outcome, PathModel, Yearly
from engine.modelling.units import conversion
from engine.study.data_files import is_number, named, rows_of
from engine.study.entries import Single, expected
from engine.study.tables.record import Table, in_words
from engine.study.values import Tables, as_number, leaving_out

FOLDED: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "": lambda values: values[-1],
    "total": lambda values: values.sum(axis=0),
    "mean": lambda values: values.mean(axis=0),
    "peak": lambda values: values.max(axis=0),
    "lowest": lambda values: values.min(axis=0),
    "change": lambda values: values[-1] - values[0],
    "ratio": lambda values: values[-1] / values[0],
}
"""Name of a fold -> the function from values [year, path] to one number per path."""


def _labels(text: Any) -> Any:
    """The labels that a text such as `region=north; sector=coal` states, by dimension."""
    if not isinstance(text, str):
        return text
    at: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        dim, sign, label = map(str.strip, part.partition("="))
        if not sign:
            raise ValueError(f"expected DIMENSION=LABEL; ..., got {shown(part)}.")
        if dim in at:
            raise ValueError(f"names '{dim}' twice.")
        at[dim] = label
    return at


def _number(value: Any) -> Any:
    """The number that a text states, whole if it can be; any other value as it is."""
    value = float(value) if isinstance(value, str) and is_number(value) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Text = Annotated[str, Field(min_length=1), expected("text")]
_Year = Annotated[int, expected("a whole year"), BeforeValidator(_number)]
_Number = Annotated[Single, BeforeValidator(_number)]


class Observation(Table):
    """One observed figure: a row of a study, or of a CSV file whose columns are the keys.

    Args:
      series: name of the series of figures that it belongs to.
      time, first: the year that it is of; or the last and the first year, where it is of several.
      variable: yearly variable; outcome of a model without years.
      at: dimension -> label; the cells of all other dimensions are combined by `across`.
      across: how they are combined; "" where there is one cell.
      fold: how several years become one number, one of `FOLDED`; "" for a single year.
      value, standard_error: in `unit`; an error of 0 means that it is not known.
      source: where it was published.
      confidence: how it is known.
      known_break: a break of the series at this figure, in words.
      seen: the part of the study that was made with knowledge of it; "" for none.
      reading: name of the reading, where a figure can be read in several ways ("as reported"); "" where it has one.
    """

    series: _Text
    time: _Year
    first: _Year = Field(0, alias="from")
    variable: _Text
    at: Annotated[dict[str, str], BeforeValidator(_labels)] = Field({})
    across: Literal["", "sum", "mean", "peak", "lowest"] = ""
    fold: Literal["", "total", "mean", "peak", "lowest", "change", "ratio"] = ""
    value: _Number
    unit: _Text
    standard_error: _Number = 0.0
    source: _Text
    confidence: Literal["read", "remembered", "derived"]
    known_break: str = Field("", alias="break")
    seen: Literal["", "priors", "equations"] = ""
    reading: str = ""

    def __hash__(self) -> int:
        return hash((self.name, self.reading))

    @property
    def name(self) -> str:
        """Series and year or years, such as `Steel output 2018`."""
        years = str(self.time) if self.first == self.time else f"{self.first}-{self.time}"
        return f"{self.series} {years}"

    @property
    def line(self) -> tuple[Any, ...]:
        """What all figures of a series have in common: variable, labels, `across` and `fold`."""
        return self.variable, sorted(self.at.items()), self.across, self.fold

    def checked(self, model: Model) -> Observation:
        """The figure in the unit of the model, with its first year.

        Raises:
          UserError: with all that does not fit the model.
        """
        known, problems = observable(model), Problems()
        first = self.first if "first" in self.model_fields_set else self.time
        if not problems.knows("variable", "yearly variable" if model.yearly else "outcome", self.variable, known):
            problems.refuse()
        if self.standard_error < 0:
            problems.add("standard_error", f"expected at least 0, got {self.standard_error:g}.")
        if first > self.time:
            problems.add("from", f"expected a year up to {self.time}, got {first}.")
        elif (first < self.time) != bool(self.fold) or (self.fold and not isinstance(model, PathModel)):
            problems.add("fold", "needs several years of a model with years. Give both 'from' and 'fold', or neither.")
        dims = model.yearly[self.variable].dims if self.variable in model.yearly else ()
        free = [dim for dim in dims if dim not in self.at]
        if strangers := [dim for dim in self.at if dim not in dims]:
            text = f"'{self.variable}' has no dimensions. Remove 'at'."
            problems.add("at", unknown(f"dimension of '{self.variable}'", strangers[0], dims) if dims else text)
        elif self.across and not free:
            problems.add("across", f"'{self.across}' needs several numbers. Remove it.")
        elif free and not self.across:
            count = math.prod(len(model.dims[dim]) for dim in free)
            problems.add(
                "across",
                f"is missing: {' and '.join(free)} leave {count} numbers. "
                "Name a label, or state sum, mean, peak or lowest.",
            )
        for dim in {*self.at} & {*dims}:
            problems.knows("at", "label", self.at[dim], model.dims[dim])
        unit = "1" if self.fold == "ratio" else known[self.variable].unit
        if (factor := conversion(self.unit, unit)) is None:
            problems.add(
                "unit",
                f"expected what converts to '{unit}', got '{self.unit}'. Currencies, indices and base years do not.",
            )
        problems.refuse()
        assert factor is not None
        numbers = {"value": self.value * factor, "standard_error": self.standard_error * factor}
        return self.model_copy(update={"first": first, "unit": unit, **numbers})


class _Judged(Table):
    policy: str = ""
    """policy closest to what was done"""
    seen: list[Literal["priors", "equations"]] = ["priors", "equations"]
    """parts of the study that used the figures so marked: priors, equations"""
    discrepancy: dict[str, Any] = {}
    """by variable, standard deviation of what the model omits"""
    correlation: float = Field(0.0, ge=0, lt=1)
    """correlation of the errors of any two figures of a series"""


class ObservedTable(_Judged):
    """Observed figures that `rustbelt backtest` scores the study on: in a CSV file, or row by row."""

    file: str = ""
    """CSV file with a row a figure, beside the study or beside its model"""
    rows: list[dict[str, Any]] = []
    """the same rows here, by the columns of the file"""


class Observed(_Judged):
    """The observed figures that a study is scored by, in their order, and what is stated of them."""

    rows: list[Observation] = []
    """the figures"""

    @property
    def readings(self) -> tuple[str, ...]:
        """Names of the readings that figures have; `("",)` where every figure has just one."""
        return tuple(dict.fromkeys(row.reading for row in self.rows if row.reading)) or ("",)

    def error(self, row: Observation) -> float:
        """Standard deviation of a figure about the model's value [its unit]: sqrt(standard_error^2 + discrepancy^2)."""
        return math.hypot(row.standard_error, as_number(self.discrepancy.get(row.variable, 0.0), abs(row.value)))


def read(text: Tables, model: Model, problems: Problems) -> Observed:
    """The observations in a study's tables; invalid rows are left out, and their problems added."""
    table = text["observed"]
    stated: Iterable[tuple[str, Tables]] = ((f"rows.{line}", row) for line, row in enumerate(table["rows"]))
    if table["file"]:
        if table["rows"]:
            problems.add("observed.file", "cannot be combined with rows. Keep one of the two.")
        stated = _rows_of(Path(table["file"]), model, problems)
    rows = dict[str, Observation]()
    with problems.within("observed.file"):
        for place, row in stated:
            with problems.within(f"observed.{place}"):
                rows[place] = _observation(row).checked(model)
    _refuse_contradictions(rows, problems)
    if table["policy"]:
        problems.knows("observed.policy", "policy", table["policy"], text["policies"])
    for name, size in table["discrepancy"].items():
        with problems.within(f"observed.discrepancy.{name}"):
            look_up("yearly variable" if model.yearly else "outcome", name, observable(model))
            if not as_number(size, 1.0) > 0:
                raise refusal("", f"expected more than 0, got {shown(size)}. Remove it if the model has no error.")
    return Observed(**leaving_out(table, ("file", "rows")), rows=[*rows.values()])


def _rows_of(path: Path, model: Model, problems: Problems) -> Iterator[tuple[str, Tables]]:
    """Rows of a CSV file, each with its place; a file that is not there is looked for beside the model.

    Rows with another number of cells than the first line are left out, and their problems added.
    """
    beside = Path(inspect.getfile(type(model))).parent / path.name
    path = beside if not path.exists() and beside.exists() else path
    with named(path):
        names, rows = rows_of(path)
        wrong = Problems()
        wrong.knows_each("", "column", names, COLUMNS)
        for name, column in COLUMNS.items():
            if column.is_required() and name not in names:
                wrong.add("", f"lacks the column '{name}'.")
        wrong.refuse()
        for line, row, fault in rows:
            if fault:
                problems.add(f"observed.file.line {line}", fault)
            elif any(row):
                yield f"file.line {line}", dict(zip(names, row, strict=True))


def _observation(row: Tables) -> Observation:
    """The figure that a row states.

    Raises:
      UserError: with all problems of its types.
    """
    try:
        return Observation.model_validate({name: value for name, value in row.items() if value != ""})
    except ValidationError as error:
        faults = [(str(fault["loc"][0]), fault) for fault in error.errors()]
        told = [Problem(name, in_words(fault, unknown("column", name, COLUMNS))) for name, fault in faults]
        raise UserError("", told) from None


COLUMNS = {field.alias or name: field for name, field in Observation.model_fields.items()}
"""Columns of a file of figures, with their fields."""


def observable(model: Model) -> Mapping[str, Yearly | Outcome]:
    """Variables that can be observed: yearly variables of a path model, outcomes of a static one."""
    return model.yearly if isinstance(model, PathModel) else model.outcomes


def _refuse_contradictions(rows: Mapping[str, Observation], problems: Problems) -> None:
    """Adds a problem for each row that repeats a figure, or differs from its series in `Observation.line`."""
    figures, series = dict[str, str](), dict[str, str]()
    for place, one in rows.items():
        first = figures.setdefault(f"{one.line} {one.first}-{one.time} {one.reading}", place)
        if first != place:
            other = rows[first]
            same = "says the same" if other.value == one.value else f"states {other.value:g} {other.unit}"
            problems.add(
                f"observed.{place}", f"'{one.name}': {first} {same}. Remove one of them, or give each a 'reading'."
            )
        other = rows[series.setdefault(one.series, place)]
        if other.line != one.line:
            problems.add(
                f"observed.{place}",
                f"'{one.series}' is of '{other.variable}' in {series[one.series]}, in the same place and fold."
                " Give it another name.",
            )
