"""Whether a model does what it states: each of its methods called once on abstract scalars, before anything runs."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp

from engine.errors import Problem, UserError, did_you_mean
from engine.modelling import folds
from engine.modelling.cells import Cells
from engine.modelling.records import Fold, Model, PathModel, cell_names

_NOT_KNOWN_YET = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
_LONGEST = 300


class _Raised(Exception):
    """The model's own code raised; holds the `Problem`."""


def refuse_broken(model: Model, name: str) -> None:
    """Raises a UserError where a model does not keep its contract; `name` is what messages call it."""
    problems = contract_problems(model)
    if problems:
        raise UserError(f"model {name}", problems)


def contract_problems(model: Model) -> list[Problem]:
    """What is wrong with what a model's methods give: missing values, wrong dimensions, no scalars, exceptions raised."""
    found: list[Problem] = []

    def look(given: dict[str, Any]) -> float:
        given = {
            name: SimpleNamespace(**part) if isinstance(part, dict) else part for name, part in given.items()
        }
        rule = _of_path_model if isinstance(model, PathModel) else _of_static_model
        try:
            found.extend(rule(model, given))
        except _Raised as raised:
            found.append(raised.args[0])
        return 0.0

    jax.eval_shape(look, _abstract(model))
    return found


def _abstract(model: Model) -> dict[str, Any]:
    """What the methods are called with: float32 scalars, and `Cells` of them where a name has dimensions."""
    scalar = jax.ShapeDtypeStruct((), jnp.float32)

    def parts(entries: Mapping[str, Any]) -> dict[str, Any]:
        return {name: one(getattr(entry, "dims", ())) for name, entry in entries.items()}

    def one(dims: tuple[str, ...]) -> Any:
        labels = {dim: tuple(model.dims[dim]) for dim in dims}
        return Cells(labels, [scalar] * len(cell_names(dims, model.dims))) if dims else scalar

    levers = parts(model.levers) | {"start": scalar}
    return {
        "factors": parts(model.factors),
        "shocks": parts(getattr(model, "shocks", {})),
        "levers": levers,
        "year": scalar,
    }


def _of_static_model(model: Any, given: dict[str, Any]) -> Iterator[Problem]:
    results = _call(model, "model.evaluate", model.evaluate, given["factors"], given["levers"])
    if not isinstance(results, Mapping):
        yield Problem("model.evaluate", f"expected outcomes by name, got {_kind(results)}.")
        return
    for name in model.outcomes:
        if name not in results:
            yield Problem(
                f"model.outcomes.{name}", f"evaluate does not return it.{did_you_mean(name, results)}"
            )
        elif wrong := _scalar_problem(results[name]):
            yield Problem(f"model.outcomes.{name}", wrong)


def _of_path_model(model: Any, given: dict[str, Any]) -> Iterator[Problem]:
    state = _call(model, "model.init", model.init, given["factors"], given["levers"])
    problems = [Problem("model.init", text) for text in _state_problems(state)]
    if problems:
        yield from problems
        return
    state = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), state)
    year, factors, shocks, levers = (given[name] for name in ("year", "factors", "shocks", "levers"))
    result = _call(model, "model.step", model.step, state, year, factors, shocks, levers)
    if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], Mapping)):
        yield Problem("model.step", f"expected (state, yearly values by name), got {_kind(result)}.")
        return
    after, values = result
    problems = [Problem("model.step", text) for text in (*_state_problems(after), *_changes(state, after))]
    yield from problems
    yield from _yearly_problems(model, values)
    yield from _outcome_problems(model, values, None if problems else after)


def _state_problems(state: Any) -> Iterator[str]:
    for path, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
        if wrong := _scalar_problem(leaf):
            yield f"state{jax.tree_util.keystr(path)}: {wrong}"


def _changes(before: Any, after: Any) -> Iterator[str]:
    """How the state that `step` returns differs in structure from the one that it was given."""

    def parts(state: Any) -> dict[str, Any]:
        flat = jax.tree_util.tree_flatten_with_path(state, is_leaf=lambda leaf: isinstance(leaf, Cells))[0]
        return {jax.tree_util.keystr(path): leaf for path, leaf in flat}

    old, new = parts(before), parts(after)
    yield from (
        f"state{name}: init gives it, and step does not return it." for name in old if name not in new
    )
    yield from (
        f"state{name}: step returns it, and init does not give it." for name in new if name not in old
    )
    for name in old.keys() & new.keys():
        was, now = _labels(old[name]), _labels(new[name])
        if was != now:
            yield f"state{name}: expected {_over(was)}, as init gives it, got {_over(now)}."
    if old.keys() == new.keys() and type(before) is not type(after):
        yield f"state: expected {_kind(before)}, as init gives it, got {_kind(after)}."


def _yearly_problems(model: PathModel, values: Mapping[str, Any]) -> Iterator[Problem]:
    for name, variable in model.yearly.items():
        place = f"model.yearly.{name}"
        if name not in values:
            yield Problem(
                place, f"step does not return it.{did_you_mean(name, set(values) - set(model.yearly))}"
            )
            continue
        wanted = {dim: tuple(model.dims[dim]) for dim in variable.dims}
        if _labels(values[name]) != wanted:
            yield Problem(place, f"expected {_over(wanted)}, got {_over(_labels(values[name]))}.")
            continue
        cells = values[name].values if isinstance(values[name], Cells) else (values[name],)
        yield from (Problem(place, wrong) for wrong in dict.fromkeys(map(_scalar_problem, cells)) if wrong)


def _outcome_problems(model: PathModel, values: Mapping[str, Any], state: Any) -> Iterator[Problem]:
    for name, outcome in model.outcomes.items():
        place = f"model.outcomes.{name}"
        if isinstance(outcome.fold, Fold):
            variable = outcome.fold.variable
            if variable not in values:
                if variable not in model.yearly:  # which is reported already
                    yield Problem(
                        place, f"step does not return '{variable}'.{did_you_mean(variable, values)}"
                    )
                continue
            fold = outcome.fold
            value = _call(model, place, lambda fold=fold: folds.of_the_year(fold, values))
        elif state is None:
            continue
        else:
            value = _call(model, place, outcome.fold, state)  # type: ignore[arg-type]
        if wrong := _scalar_problem(value):
            yield Problem(place, wrong)


def _call(model: Model, place: str, method: Callable[..., Any], *args: Any) -> Any:
    try:
        return method(*args)
    except (Exception, SystemExit) as error:
        raise _Raised(Problem(place, f"raised {_told(error, model)}")) from error


def _told(error: BaseException, model: Model) -> str:
    """`ValueError: what it says (my_model.py, line 7)`."""
    said = " ".join(str(error).split("\n\n")[0].split())[:_LONGEST]
    if isinstance(error, _NOT_KNOWN_YET):
        said = (
            "an `if`, float() or NumPy reads a value that only the run knows. "
            "Choose with jnp.where (engine.modelling.cells.where for tables), and compute with jax.numpy"
        )
    file = inspect.getsourcefile(type(model))
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" ({Path(str(file)).name}, line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {said}{where}"


def _scalar_problem(value: Any) -> str | None:
    if isinstance(value, Cells):
        return f"expected a scalar, got {_over(value.labels)}."
    try:
        shape, dtype = jnp.shape(value), jnp.result_type(value)
    except TypeError:
        return f"expected a scalar, got {_kind(value)}."
    if shape:
        return f"expected a scalar, got an array of shape {shape}. Give one number per label with engine.modelling.cells.Cells."
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return "expected a real number, got a complex one."
    return None


def _labels(value: Any) -> Mapping[str, tuple[str, ...]]:
    return value.labels if isinstance(value, Cells) else {}


def _over(labels: Mapping[str, tuple[str, ...]]) -> str:
    if not labels:
        return "one scalar"
    return "cells over " + " x ".join(f"{dim} ({', '.join(names)})" for dim, names in labels.items())


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}" if not isinstance(value, jax.core.Tracer) else "a number"
