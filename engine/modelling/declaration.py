"""Checks of a model's declaration, before anything is traced: names, units, dimensions and folds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import Problems, refusal
from engine.modelling.folds import Fold
from engine.modelling.records import Constant, Factor, Lever, Model, Outcome, PathModel, Shock, StaticModel, Yearly

RESERVED = (
    *("policy", "path", "year", "measure", "level", "stat", "quantile", "moment", "bin", "edge", "outcome"),
    *("reason", "reasons", "detail", "event", "rule", "bound", "bounds"),
    *("yearly", "worse", "regret", "outcomes"),
)
"""Names of dimensions, coordinates and groups that the cube itself uses; no part of a model or study may have one."""

_LABEL = r"\w[\w .-]{0,58}[\w-]|\w"

_RECORDS: dict[str, type] = {
    "factors": Factor,
    "constants": Constant,
    "shocks": Shock,
    "levers": Lever,
    "yearly": Yearly,
    "outcomes": Outcome,
}
"""The record that the entries of each table are; those of `dims` are no records."""

CONFIDENCES = ("F", "M", "D")
"""How well a constant is known: F read in its source, M remembered, D derived or judged."""

POLICY_KEYS = ("label", "about", "like", "before", "start", "implementation")
"""Keys of a policy's table that are not levers."""


def check_name(name: Any) -> None:
    """Raises a `UserError` where this cannot be the name of a policy, factor, group, event or part of a model."""
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w-]{0,99}", name):
        raise refusal("", f"expected a name of letters, digits, '_' and '-' (at most 100), got {name!r}.")


def check_free(name: str) -> None:
    """Raises a `UserError` where a name is one of `RESERVED`, which the cube uses itself."""
    if name in RESERVED:
        raise refusal("", f"'{name}' is a name of the cube's own; take another.")


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
    _check_dims(model, problems)
    for table in _RECORDS:
        for name, entry in getattr(model, table).items():
            _check_entry(model, f"model.{table}.{name}", name, entry, problems)
    for name, lever in model.levers.items():
        place = f"model.levers.{name}"
        if name in POLICY_KEYS:
            problems.add(place, "is what a policy's table says itself; take another name.")
        if not _finite(lever.default):
            problems.add(place, f"expected a finite default, got {lever.default!r}.")
        elif not lever.low <= lever.default <= lever.high:
            problems.add(place, f"expected a default of {lever.bounds}, got {lever.default:g}.")
    for name, variable in model.yearly.items():
        low, high = variable.low, variable.high
        if not (_is_number(low) and _is_number(high) and low < high):
            problems.add(
                f"model.yearly.{name}", f"expected bounds of which low is below high, got {low!r} and {high!r}."
            )
    for name in model.imposable:
        problems.knows("model.imposable", "yearly variable", name, model.yearly)
    for name, constant in model.constants.items():
        place = f"model.constants.{name}"
        if name in model.factors:
            problems.add(place, "is a factor too; keep one of the two.")
        problems.knows(place, "confidence", constant.confidence, CONFIDENCES)
        if not _finite(constant.value):
            problems.add(place, f"expected a finite number, got {constant.value!r}.")
    for name, factor in model.factors.items():
        for dim in factor.dims:
            for label in model.dims.get(dim, ()):
                # a factor's draws are in a folder `name[label]` of the cube
                if not re.fullmatch(_LABEL, str(label)):
                    wanted = "expected one of letters, digits, '_', '-', '.' and spaces (at most 60)"
                    problems.add(
                        f"model.factors.{name}", f"is drawn for each label of '{dim}': {wanted}, got {label!r}."
                    )
    if isinstance(model, StaticModel):
        for name in model.shocks:
            remedy = "Make it a factor, which is drawn once; with dims for each label: Factor(unit, dims=(...))."
            problems.add(f"model.shocks.{name}", f"a static model has no years to be shocked in. {remedy}")
        for name in model.yearly:
            remedy = "Make it an outcome, or the model a PathModel."
            problems.add(f"model.yearly.{name}", f"a static model has no years to record. {remedy}")
    for name, shock in model.shocks.items():
        problems.knows(f"model.shocks.{name}", "law", shock.law, ("normal", "uniform"))
    _check_outcomes(model, years, problems)
    if isinstance(model.limits, str) or not all(isinstance(one, str) and one.strip() for one in model.limits):
        problems.add("model.limits", f"expected a tuple of sentences, got {model.limits!r}.")
    written = (PathModel.init, PathModel.step) if isinstance(model, PathModel) else (StaticModel.evaluate,)
    for method in ("init", "step", "evaluate"):
        if getattr(type(model), method, None) in written:
            problems.add(f"model.{method}", "is not written.")
    problems.refuse(f"model {type(model).__name__}")


def _check_entry(model: Model, place: str, name: Any, entry: Any, problems: Problems) -> None:
    with problems.within(place):
        check_name(name)
        check_free(name)
        if not name.isidentifier():
            raise refusal("", "expected a Python name, as the model reads it as an attribute.")
        if name in model.dims:
            raise refusal("", "is the name of a dimension; take another.")
    if not isinstance(entry.unit, str) or not entry.unit.strip():
        problems.add(place, 'expected a unit, got nothing. Write "1" where there is none.')
    for dim in getattr(entry, "dims", ()):
        problems.knows(place, "dimension", dim, model.dims)


def _check_dims(model: Model, problems: Problems) -> None:
    for dim, labels in model.dims.items():
        place = f"model.dims.{dim}"
        with problems.within(place):
            check_name(dim)
            check_free(dim)
        whole = labels and all(isinstance(label, str) and label for label in labels)
        if isinstance(labels, str) or not whole:
            problems.add(place, f"expected a tuple of labels, got {labels!r}.")
        elif len(set(labels)) < len(labels):
            problems.add(place, "names a label twice.")


def _check_outcomes(model: Model, years: Sequence[int], problems: Problems) -> None:
    if not model.outcomes:
        problems.add("model.outcomes", "expected at least one outcome, got none.")
    for name, outcome in model.outcomes.items():
        place = f"model.outcomes.{name}"
        if name.removesuffix("_edges") in {*model.outcomes} - {name}:
            problems.add(place, "is what the cube calls the edges of another outcome's bins; take another.")
        if isinstance(outcome.fold, Fold):
            if isinstance(model, PathModel):
                _check_fold(model, place, outcome.fold, years, problems)
            else:
                problems.add(place, "a static model has no years to fold; leave the fold out.")
        elif isinstance(model, PathModel) and not callable(outcome.fold):
            problems.add(place, "expected a fold over a yearly variable or a function of the last state, got nothing.")


def _check_fold(model: PathModel, place: str, fold: Fold, years: Sequence[int], problems: Problems) -> None:
    for term in fold.terms:
        # `step` may return more than what is recorded, so an unknown variable is left to the trace
        dims = model.yearly.get(term.variable, model).dims
        with problems.within(place):
            term.check({dim: labels for dim, labels in model.dims.items() if dim in dims}, years)
    with problems.within(place):
        fold.check_units({name: str(variable.unit) for name, variable in model.yearly.items()})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)
