"""Checks of a model's declaration, before anything is traced: names, units, dimensions and folds."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from engine.errors import Problems, refusal, unknown
from engine.modelling.folds import ACROSS, Term
from engine.modelling.records import Constant, Factor, Lever, Model, Outcome, PathModel, Shock, StaticModel, Yearly

RESERVED = (
    "policy", "path", "year", "measure", "level", "stat", "quantile", "moment", "bin", "edge", "outcome",
    "reason", "reasons", "detail", "event", "rule", "bound", "bounds",
    "yearly", "worse", "regret", "outcomes",
)  # fmt: skip
"""Names of dimensions, coordinates and groups that the cube itself uses; no dimension of a model may have one."""
BESIDE: Mapping[str, tuple[str, ...]] = {
    "outcomes": ("policy", "path", "measure", "level", "stat", "bin", "edge", "yearly", "worse", "regret", "reasons"),
    "yearly": ("policy", "year", "measure", "level", "stat", "quantile", "moment", "bound", "outcomes", "reasons",
               "bounds"),
    "factors": ("path",),
}  # fmt: skip
"""Those of them that stand in the groups of the cube in which the parts of a table are variables."""


_RECORDS: dict[str, type] = {
    "factors": Factor,
    "constants": Constant,
    "shocks": Shock,
    "levers": Lever,
    "yearly": Yearly,
    "outcomes": Outcome,
}
"""The record that the entries of each table are; those of `dims` are no records."""

POLICY_KEYS = ("label", "about", "like", "before", "start", "implementation", "when")
"""Keys of a policy's table that are not levers."""


def check_name(name: Any) -> None:
    """Raises a `UserError` where this cannot be the name of a policy, factor, group, event or part of a model."""
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w-]{0,99}", name):
        raise refusal("", f"expected a name of letters, digits, '_' and '-' (at most 100), got {name!r}.")


def check_free(name: str, table: str) -> None:
    """Raises a `UserError` where the cube itself uses the name beside the parts of this table."""
    if name in BESIDE.get(table, RESERVED):
        raise refusal("", f"'{name}' is a name that the cube uses. Choose another.")


def check_tables(model: Model) -> None:
    """Refuses a model whose tables are no mappings, or hold entries of another type than `Factor`, `Lever` and so on.

    Raises:
      UserError: with places such as `model.factors.load`.
    """
    problems = Problems()
    for table, kind in {"dims": object, **_RECORDS}.items():
        place = f"model.{table}"
        with problems.within(place):
            try:
                held = getattr(model, table)
            except Exception as error:
                raise refusal("", f"raised {type(error).__name__}: {error}") from error
            if not isinstance(held, Mapping):
                raise refusal("", f"expected a table by name, got {held!r:.60}.")
            for name, entry in held.items():
                if not isinstance(entry, kind):
                    problems.add(f"{place}.{name}", f"expected a {kind.__name__}, got {entry!r:.60}.")
    problems.refuse(f"model {type(model).__name__}")


def check_declaration(model: Model, years: Sequence[int]) -> None:
    """Refuses a model whose declaration is wrong; all problems at once, in the order of its tables.

    Args:
      years: calendar years of the study, empty for a static model or where they are not known.

    Raises:
      UserError: with places such as `model.outcomes.damage`.
    """
    check_tables(model)
    problems = Problems()
    for table in ("dims", *_RECORDS):
        for name, entry in getattr(model, table).items():
            place = f"model.{table}.{name}"
            with problems.within(place):
                check_name(name)
                check_free(name, table)
                if table != "dims":
                    _check_attribute(name, model)
            for fault in _faults_of_labels(entry) if table == "dims" else _faults(model, name, entry, years):
                problems.add(place, fault)
    if not model.outcomes:
        problems.add("model.outcomes", "expected at least one outcome, got none.")
    for name in model.imposable:
        problems.knows("model.imposable", "yearly variable", name, model.yearly)
    if isinstance(model.limits, str) or not all(isinstance(one, str) and one.strip() for one in model.limits):
        problems.add("model.limits", f"expected a tuple of sentences, got {model.limits!r}.")
    written = (PathModel.init, PathModel.step) if isinstance(model, PathModel) else (StaticModel.evaluate,)
    for method in ("init", "step", "evaluate"):
        if getattr(type(model), method, None) in written:
            problems.add(f"model.{method}", "is not written.")
    problems.refuse(f"model {type(model).__name__}")


def _check_attribute(name: str, model: Model) -> None:
    if not name.isidentifier():
        raise refusal("", "expected a Python name, as the model reads it as an attribute.")
    if name in model.dims:
        raise refusal("", "is the name of a dimension. Choose another.")


def _faults_of_labels(labels: Any) -> Iterator[str]:
    if isinstance(labels, str) or not labels or not all(isinstance(label, str) and label for label in labels):
        yield f"expected a tuple of labels, got {labels!r}."
    elif len(set(labels)) < len(labels):
        yield "names a label twice."


def _faults(model: Model, name: str, entry: Any, years: Sequence[int]) -> Iterator[str]:
    """Yields what is wrong with an entry of a table, apart from its name."""
    if not isinstance(entry.unit, str) or not entry.unit.strip():
        yield 'expected a unit, got nothing. Write "1" where there is none.'
    if isinstance(entry, Factor) and entry.dims:
        yield "factors with dimensions were removed. Declare one factor for each label."
        return
    for dim in getattr(entry, "dims", ()):
        yield from _unknown("dimension", dim, model.dims)
    match entry:
        case Shock() | Yearly() if isinstance(model, StaticModel):
            remedy = "Make a shock a factor; a yearly variable an outcome; or the model a PathModel."
            yield f"a static model has no years. {remedy}"
        case Shock():
            yield from _unknown("law", entry.law, ("normal", "uniform"))
        case Yearly(low=low, high=high):
            if not (_is_number(low) and _is_number(high) and low < high):
                yield f"expected bounds of which low is below high, got {low!r} and {high!r}."
        case Lever(default=default, low=low, high=high):
            if name in POLICY_KEYS:
                yield "is a key of policies. Choose another name."
            if not (_is_number(default) and math.isfinite(default) and low <= default <= high):
                yield f"expected a default of {entry.bounds or 'a finite number'}, got {default!r}."
        case Constant(value=value):
            if name in model.factors:
                yield "is a factor too; keep one of the two."
            yield from _unknown("confidence", entry.confidence, ("F", "M", "D"))
            if not (_is_number(value) and math.isfinite(value)):
                yield f"expected a finite number, got {value!r}."
        case Outcome():
            if name.removesuffix("_edges") in {*model.outcomes} - {name}:
                yield "is a name that the cube uses for bins of another outcome. Choose another."
            if isinstance(model, PathModel):
                yield from _faults_of_fold(model, entry, years)
            elif entry.terms:
                yield "a static model has no years to fold; leave the fold out."


def _faults_of_fold(model: PathModel, outcome: Outcome, years: Sequence[int]) -> Iterator[str]:
    if not outcome.terms and not callable(outcome.fold):
        yield "expected a fold over a yearly variable or a function of the last state, got nothing."
    units = {}
    for term in outcome.terms:
        yield from _faults_of_term(model, term, years)
        if term.variable in model.yearly:
            units[f"{term.kind.name} of {term.variable}"] = term.kind.unit(str(model.yearly[term.variable].unit))
    if len(set(units.values())) > 1:
        got = ", ".join(f"{what} [{unit}]" for what, unit in units.items())
        yield f"expected terms of one unit, got {got}. Let step return what is to be added in one unit."


def _faults_of_term(model: PathModel, term: Term, years: Sequence[int]) -> Iterator[str]:
    # `step` may return more than what is recorded, so an unknown variable is left to the trace
    dims = model.yearly[term.variable].dims if term.variable in model.yearly else model.dims
    labels = {dim: model.dims[dim] for dim in dims if dim in model.dims}
    yield from _unknown("way across cells", term.across, ACROSS)
    for dim, chosen in term.over:
        yield from _unknown("dimension", dim, labels)
        if not chosen:
            yield f"expected at least one label of '{dim}', got none."
        for label in chosen if dim in labels else ():
            yield from _unknown(f"label of '{dim}'", label, labels[dim])
    if not math.isfinite(term.scale):
        yield f"expected a finite scale, got {term.scale!r}."
    counted, spell = term.years(years), term.kind.spell
    if years and not counted:
        yield f"until {term.until} is before the first year, {years[0]}."
    for year in term.kind.calendar:
        if counted and year not in counted:
            yield f"year {year} is outside the horizon {counted[0]}-{counted[-1]}."
    if not 1 <= spell <= (len(counted) or spell):
        yield f"expected a spell of 1 to {len(counted) or 'all'} years, got {spell}."


def _unknown(kind: str, name: Any, known: Collection[str]) -> Iterator[str]:
    if name not in known:
        yield unknown(kind, str(name), known)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
