"""Observed figures, stated in a study or in a CSV file beside it: their rows, checked against the model."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import Problems, UserError, look_up, refusal
from engine.formatting import shown
from engine.modelling.records import Model, Outcome, PathModel, Yearly
from engine.modelling.units import conversion
from engine.study.data_files import is_number, named, rows_of
from engine.study.values import Tables, multiple_of, number

ACROSS = ("sum", "mean", "peak", "lowest")
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
CONFIDENCES = ("read", "remembered", "derived")
SEEN = ("priors", "equations")
_WORDS = {"fold": (*FOLDED,), "confidence": CONFIDENCES, "seen": ("", *SEEN)}
NEEDED = ("series", "time", "variable", "value", "unit", "source", "confidence")
_NUMBERS = ("time", "from", "value", "standard_error")
COLUMNS = {"first": "from", "known_break": "break"}
"""Fields of `Observation` whose column has another name: field -> column."""


@dataclass(frozen=True)
class Observation:
    """One observed figure.

    Args:
      series: name of the series of figures that it belongs to.
      time, first: the year that it is of; or the last and the first year, where it is of several.
      at: dimension -> label; the cells of all other dimensions are made one number by `across`.
      across: how they are: one of `ACROSS`; "" where there is one cell.
      fold: how several years become one number, one of `FOLDED`; "" for a single year.
      value, standard_error: in `unit`; an error of 0 means that it is not known.
      confidence: one of `CONFIDENCES`.
      known_break: a break of the series at this figure, in words.
      seen: the part of the study that was made with knowledge of it, "priors" or "equations"; "" for none.
      reading: name of the reading, where a figure can be read in several ways ("as reported"); "" where it has one.
    """

    series: str
    time: int
    first: int
    variable: str
    at: Mapping[str, str] = field(hash=False)
    across: str
    fold: str
    value: float
    unit: str
    standard_error: float
    source: str
    confidence: str
    known_break: str = ""
    seen: str = ""
    reading: str = ""

    @property
    def name(self) -> str:
        """Series and year or years, such as `Steel output 2018`."""
        years = str(self.time) if self.first == self.time else f"{self.first}-{self.time}"
        return f"{self.series} {years}"

    @property
    def line(self) -> tuple[Any, ...]:
        """What all figures of a series have in common: variable, labels, `across` and `fold`."""
        return self.variable, tuple(sorted(self.at.items())), self.across, self.fold

    def row(self) -> Tables:
        """The figure as a row of a study file, without empty entries."""
        held = asdict(self) | {"at": "; ".join(f"{dim}={label}" for dim, label in self.at.items())}
        return {COLUMNS.get(name, name): value for name, value in held.items() if value != ""}


@dataclass(frozen=True)
class Observed:
    """The observed figures that a study is scored by.

    Args:
      policy: the policy that came nearest to what was done; "" where none is named.
      seen: marks ("priors", "equations") of figures that are not scored, as the study was made with knowledge of them.
      discrepancy: by variable, the model's own error as a standard deviation: in the variable's unit, or "0.1x" of a
        figure.
      rows: the figures, in their order.
    """

    policy: str = ""
    seen: tuple[str, ...] = SEEN
    discrepancy: Mapping[str, float | str] = field(default_factory=dict)
    rows: tuple[Observation, ...] = ()

    @property
    def readings(self) -> tuple[str, ...]:
        """Names of the readings that figures have; `("",)` where every figure has just one."""
        return tuple(dict.fromkeys(row.reading for row in self.rows if row.reading)) or ("",)

    def error(self, row: Observation) -> float:
        """Standard deviation of a figure about the model's value [its unit]: sqrt(standard_error^2 + discrepancy^2)."""
        size = self.discrepancy.get(row.variable, 0.0)
        share = multiple_of(size)
        return math.hypot(row.standard_error, float(size) if share is None else share * abs(row.value))


def read(text: Tables, model: Model, problems: Problems) -> Observed:
    """The observations in a study's tables; invalid rows are left out, and their problems added."""
    table = text["observed"]
    rows = _Rows(model, problems)
    for line, row in enumerate(table["rows"]):
        rows.add(f"rows.{line}", row)
    with problems.within("observed.file"):
        if table["file"] and table["rows"]:
            raise refusal("", "does not go with rows. Keep one of the two.")
        if table["file"]:
            for line, row in _rows_of(Path(table["file"]), model):
                rows.add(f"file.line {line}", row)
    if table["policy"]:
        problems.knows("observed.policy", "policy", table["policy"], text["policies"])
    for word in table["seen"]:
        problems.knows("observed.seen", "mark", word, SEEN)
    for name, size in table["discrepancy"].items():
        with problems.within(f"observed.discrepancy.{name}"):
            look_up("yearly variable" if model.yearly else "outcome", name, observable(model))
            share = multiple_of(size)
            if not (number(size) if share is None else share) > 0:
                raise refusal(
                    "", f"expected more than 0, got {shown(size)}. Leave it out where the model is taken for true."
                )
    return Observed(table["policy"], tuple(table["seen"]), dict(table["discrepancy"]), (*rows.read,))


def table_of(observed: Observed, policies: Sequence[str]) -> Tables:
    """The section of a study file that states these observations; empty where there are none.

    Args:
      policies: the only policies that it may name.
    """
    if not observed.rows:
        return {}
    policy = observed.policy if observed.policy in policies else ""
    more = {"policy": policy, "discrepancy": dict(observed.discrepancy)}
    stated = {key: value for key, value in more.items() if value}
    return {**stated, "seen": [*observed.seen], "rows": [row.row() for row in observed.rows]}


def _rows_of(path: Path, model: Model) -> Iterator[tuple[int, Tables]]:
    """Rows of a CSV file, each with its line; a file that is not there is looked for beside the model."""
    beside = Path(inspect.getfile(type(model))).parent / path.name
    path = beside if not path.exists() and beside.exists() else path
    with named(path):
        held = rows_of(path)
        names, problems = [cell.strip() for cell in next(held, (0, []))[1]], Problems()
    problems.knows_each("", "column", names, ROW)
    wrong = [f" lacks the column '{name}'." for name in NEEDED if name not in names]
    wrong += [f": {one.message}" for one in problems]
    if wrong:
        raise UserError("", [f"{path.name!r}{what}" for what in wrong])
    with named(path):
        for line, row in held:
            if len(row) != len(names):
                text = f"expected {len(names)} cells as in the first line. A comma in a text? Put it in quotes."
                problems.add(f"line {line}", text)
            elif given := {name: cell.strip() for name, cell in zip(names, row, strict=True) if cell.strip()}:
                yield line, given
    problems.refuse()


_FIELDS = [one.name for one in fields(Observation)]
ROW = [COLUMNS.get(name, name) for name in _FIELDS]


def _observation(row: Tables, model: Model) -> Observation:
    problems, given = Problems(), dict(row)
    for name, value in given.items():
        if problems.knows(name, "column", name, ROW) and name not in _NUMBERS and not isinstance(value, str):
            problems.add(name, f"expected text, got {shown(value)}.")
    for name in NEEDED:
        if given.get(name, "") == "":
            problems.add(name, "is missing.")
    for name in filter(given.__contains__, _NUMBERS):
        with problems.within(name):
            given[name] = _number(given[name])
            if name in ("time", "from") and given[name] != int(given[name]):
                raise refusal("", f"expected a whole year, got {given[name]:g}.")
    given = {"standard_error": 0.0, "from": given.get("time"), **given}
    for name, words in _WORDS.items():
        if isinstance(value := given.get(name, words[0]), str) and value not in words:
            problems.add(name, f"expected {' or '.join(filter(None, words))}, got {shown(value)}.")
    problems.refuse()
    variable, known = given["variable"], observable(model)
    problems.knows("variable", "yearly variable" if model.yearly else "outcome", variable, known)
    problems.refuse()
    if given["standard_error"] < 0:
        problems.add("standard_error", f"expected at least 0, got {given['standard_error']:g}.")
    if given["from"] > given["time"]:
        problems.add("from", f"expected a year up to {given['time']:.0f}, got {given['from']:.0f}.")
    elif not isinstance(model, PathModel) and (given.get("fold") or given["from"] != given["time"]):
        problems.add("fold", "is of several years, and the model has none. Leave 'from' and 'fold' out.")
    elif (given["from"] < given["time"]) != bool(given.get("fold")):
        problems.add("fold", "goes with several years: give both 'from' and 'fold', or neither.")
    dims = model.yearly[variable].dims if variable in model.yearly else ()
    with problems.within("at"):
        given["at"] = at = _labels(given.get("at", ""), variable, dims, model)
        with problems.within("across"):
            _refuse_across(given.get("across", ""), [dim for dim in dims if dim not in at], model)
    unit = "1" if given.get("fold") == "ratio" else known[variable].unit
    factor = conversion(given["unit"], unit)
    if factor is None:
        remedy = "Currencies, indices and base years do not."
        problems.add("unit", f"expected what converts to '{unit}', got '{given['unit']}'. {remedy}")
    problems.refuse()
    assert factor is not None
    given |= {"unit": unit, **{name: int(given[name]) for name in ("time", "from")}}
    given |= {name: float(given[name]) * factor for name in ("value", "standard_error")}
    return Observation(**{field: given.get(COLUMNS.get(field, field), "") for field in _FIELDS})


def observable(model: Model) -> Mapping[str, Yearly | Outcome]:
    """Variables that can be observed: yearly variables of a path model, outcomes of a static one."""
    return model.yearly if isinstance(model, PathModel) else model.outcomes


def _number(value: Any) -> float:
    if isinstance(value, str):
        if not is_number(value):
            raise refusal("", f"expected a number, got {shown(value)}.")
        value = float(value)
    return float(number(value))


def _labels(text: str, variable: str, dims: Sequence[str], model: Model) -> dict[str, str]:
    problems, at = Problems(), {}
    for part in filter(None, map(str.strip, text.split(";"))):
        dim, sign, label = map(str.strip, part.partition("="))
        if not sign:
            problems.add("", f"expected DIMENSION=LABEL; ..., got {shown(part)}.")
        elif dim not in dims:
            problems.add("", f"'{variable}' has no dimension '{dim}'. It has: {', '.join(dims) or 'none'}.")
        elif problems.knows("", "label", label, model.dims[dim]) and dim in at:
            problems.add("", f"names '{dim}' twice.")
        at[dim] = label
    problems.refuse()
    return at


def _refuse_across(across: str, free: Sequence[str], model: Model) -> None:
    if across:
        look_up("rule", across, ACROSS)
        if not free:
            raise refusal("", f"'{across}' of one number. Leave it out.")
    elif free:
        count = math.prod(len(model.dims[dim]) for dim in free)
        remedy = f"Name a label, or say {', '.join(ACROSS)}."
        raise refusal("", f"is missing: {' and '.join(free)} leave {count} numbers. {remedy}")


class _Rows:
    """The observations of a study, read row by row; those of invalid rows are left out, and their problems added."""

    def __init__(self, model: Model, problems: Problems):
        self.read: list[Observation] = []
        self._model, self._problems = model, problems
        self._first = dict[Any, tuple[str, Observation]]()

    def add(self, at: str, row: Tables) -> None:
        """Reads a row at a place below `observed`."""
        with self._problems.within(f"observed.{at}"):
            one = _observation(row, self._model)
            if not self._contradicts(at, one):
                self.read.append(one)

    def _contradicts(self, at: str, one: Observation) -> bool:
        """Whether a row repeats a figure, or differs from its series in `Observation.line`; adds a problem if so."""
        texts = []
        place, other = self._first.setdefault((one.line, one.first, one.time, one.reading), (at, one))
        if other is not one:
            same = "says the same" if other.value == one.value else f"says {other.value:g} {other.unit}"
            texts.append(f"'{one.name}': {place} {same}. Leave one of them out, or give each a 'reading'.")
        place, other = self._first.setdefault(one.series, (at, one))
        if other.line != one.line:
            text = f"'{one.series}' is of '{other.variable}' in {place}, in the same place and fold."
            texts.append(f"{text} Give it another name.")
        for text in texts:
            self._problems.add(f"observed.{at}", text)
        return bool(texts)
