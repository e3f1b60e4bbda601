"""Whether a model states itself rightly: names, units, dimensions and folds, before anything is traced."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.errors import Problem, unknown
from engine.modelling.records import Fold, Model, PathModel, StaticModel

RESERVED = ("policy", "path", "year", "measure", "stat", "level")
"""Dimensions and coordinates of the cube, which no other thing in it can be named after."""

POLICY_KEYS = ("about", "like", "before", "start", "implementation")
"""What a policy's table says beside its levers."""

_KINDS = ("peak", "lowest", "total", "at", "worst_spell")
_ACROSS = ("sum", "mean", "peak", "lowest")


def name_problem(name: Any) -> str | None:
    """What is wrong with the name of a policy, factor, group or event, if anything."""
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w-]{0,99}", name):
        return f"expected a name of letters, digits, '_' and '-' (at most 100), got {name!r}."
    return None


def reserved_problem(name: str) -> str | None:
    """What is wrong with the name of a variable of the cube, if anything."""
    return f"'{name}' is a name of the cube's own; take another." if name in RESERVED else None


def declaration_problems(model: Model, years: Sequence[int]) -> list[Problem]:
    """All that is wrong with what a model states, in the order of its tables.

    Args:
      years: calendar years of the study, empty for a static model or where they are not known.
    """
    return list(_problems(model, years))


def _problems(model: Model, years: Sequence[int]) -> Iterator[Problem]:
    yield from _dims(model)
    for table in ("factors", "shocks", "levers", "yearly", "outcomes"):
        for name, entry in getattr(model, table, {}).items():
            place = f"model.{table}.{name}"
            wrong = name_problem(name) or reserved_problem(name)
            if wrong is None and not name.isidentifier():
                wrong = "expected a Python name, as the model reads it as an attribute."
            if wrong is None and name in model.dims:
                wrong = "is the name of a dimension; take another."
            if wrong:
                yield Problem(place, wrong)
            if not isinstance(entry.unit, str) or not entry.unit.strip():
                yield Problem(place, 'expected a unit, got nothing. Write "1" where there is none.')
            for dim in getattr(entry, "dims", ()):
                if dim not in model.dims:
                    yield Problem(place, unknown("dimension", dim, model.dims))
    for name, lever in model.levers.items():
        if name in POLICY_KEYS:
            yield Problem(f"model.levers.{name}", "is what a policy's table says itself; take another name.")
        if not _finite(lever.default):
            yield Problem(f"model.levers.{name}", f"expected a finite default, got {lever.default!r}.")
    for name, shock in getattr(model, "shocks", {}).items():
        if shock.law not in ("normal", "uniform"):
            yield Problem(f"model.shocks.{name}", unknown("law", str(shock.law), ("normal", "uniform")))
    yield from _outcomes(model, years)
    if isinstance(model, PathModel):
        missing = [
            name for name in ("init", "step") if getattr(type(model), name) is getattr(PathModel, name)
        ]
    else:
        missing = ["evaluate"] if getattr(type(model), "evaluate", None) is StaticModel.evaluate else []
    for method in missing:
        yield Problem(f"model.{method}", "is not written.")


def _dims(model: Model) -> Iterator[Problem]:
    for dim, labels in model.dims.items():
        wrong = name_problem(dim) or reserved_problem(dim)
        if wrong:
            yield Problem(f"model.dims.{dim}", wrong)
        if (
            isinstance(labels, str)
            or not labels
            or not all(isinstance(label, str) and label for label in labels)
        ):
            yield Problem(f"model.dims.{dim}", f"expected a tuple of labels, got {labels!r}.")
        elif len(set(labels)) < len(labels):
            yield Problem(f"model.dims.{dim}", "names a label twice.")


def _outcomes(model: Model, years: Sequence[int]) -> Iterator[Problem]:
    if not model.outcomes:
        yield Problem("model.outcomes", "expected at least one outcome, got none.")
    for name, outcome in model.outcomes.items():
        place = f"model.outcomes.{name}"
        if isinstance(outcome.fold, Fold):
            if isinstance(model, PathModel):
                yield from (Problem(place, text) for text in _fold_problems(model, outcome.fold, years))
            else:
                yield Problem(place, "a static model has no years to fold; leave the fold out.")
        elif isinstance(model, PathModel) and not callable(outcome.fold):
            yield Problem(
                place, "expected a fold over a yearly variable or a function of the last state, got nothing."
            )


def _fold_problems(model: PathModel, fold: Fold, years: Sequence[int]) -> Iterator[str]:
    if fold.kind not in _KINDS:
        yield unknown("fold", str(fold.kind), _KINDS)
    if fold.across not in _ACROSS:
        yield unknown("way across cells", str(fold.across), _ACROSS)
    # `step` may return more than what is recorded, so an unknown variable is left to the trace
    variable = model.yearly.get(fold.variable)
    known: Mapping[str, tuple[str, ...]] = model.dims
    if variable is not None:
        known = {dim: labels for dim, labels in model.dims.items() if dim in variable.dims}
    for dim, labels in fold.over:
        if dim not in known:
            yield unknown("dimension", dim, known)
            continue
        if not labels:
            yield f"expected at least one label of '{dim}', got none."
        for label in labels:
            if label not in known[dim]:
                yield unknown(f"label of '{dim}'", label, known[dim])
    if fold.kind == "at" and years and fold.year not in years:
        yield f"year {fold.year} is outside the horizon {years[0]}-{years[-1]}."
    if fold.kind == "worst_spell" and not 1 <= fold.years <= (len(years) or fold.years):
        yield f"expected a spell of 1 to {len(years) or 'all'} years, got {fold.years}."
    if not _finite(fold.scale):
        yield f"expected a finite scale, got {fold.scale!r}."


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
