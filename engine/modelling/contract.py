"""Checks that a model's methods give what it declares, by calling each once on abstract scalars before anything
runs."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.errors import Problems, UserError, did_you_mean, refusal
from engine.modelling.cells import Cells, Labels
from engine.modelling.folds import Fold
from engine.modelling.purity import Traced, refuse_impure, watched
from engine.modelling.records import Factor, Lever, Model, PathModel, Shock
from engine.modelling.state_types import as_kept, widened

_NOT_KNOWN_YET = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
_LONGEST = 300


def refuse_broken(model: Model, name: str) -> None:
    """Refuses a model whose methods do not give what it declares: missing values, wrong dimensions, no scalars,
    exceptions.

    A method that is not a pure function of its arguments is refused too (`purity.refuse_impure`).

    Args:
      name: name of the model in messages.

    Raises:
      UserError: with all problems, at places such as `model.step`.
    """
    problems = Problems()
    traced = _traced(model, problems)
    if not problems:
        refuse_impure(model, traced, lambda: _traced(model, problems), problems)
    problems.refuse(f"model {name}")


def _traced(model: Model, problems: Problems) -> Traced:
    """A trace of the model's methods on abstract numbers; faults of their results are added to the problems."""
    check = _check_path_model if isinstance(model, PathModel) else _check_static_model
    places: list[str] = []

    def trace(year: Any, *tables: dict[str, Any]) -> list[Any]:
        given: list[Any] = []
        with problems.within(""):
            for place, value in check(model, problems, year, *(SimpleNamespace(**table) for table in tables)):
                leaves = jax.tree.leaves(value)
                given += leaves
                places.extend([place] * len(leaves))
        return [] if problems else given

    return Traced(jax.make_jaxpr(trace)(*_abstract(model)), places)


def _abstract(model: Model) -> tuple[Any, ...]:
    """An abstract year (int32); then factors, shocks and levers by name, as float32 scalars or `Cells` of them."""
    scalar, year = (jax.ShapeDtypeStruct((), kind) for kind in (jnp.float32, jnp.int32))

    def abstract(parts: Mapping[str, Factor | Shock | Lever]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, part in parts.items():
            labels = {dim: tuple(model.dims[dim]) for dim in part.dims}
            given[name] = Cells(labels, [scalar] * math.prod(map(len, labels.values()))) if labels else scalar
        return given

    factors = dict.fromkeys(model.constants, scalar) | abstract(model.factors)
    return year, factors, abstract(model.shocks), abstract(model.levers) | {"start": year}


def _check_static_model(
    model: Any, problems: Problems, year: Any, factors: Any, shocks: Any, levers: Any
) -> Iterator[tuple[str, Any]]:
    results = _call(model, "model.evaluate", model.evaluate, factors, levers)
    if not isinstance(results, Mapping):
        raise refusal("model.evaluate", f"expected outcomes by name, got {_kind(results)}.")
    for name in model.outcomes:
        with problems.within(f"model.outcomes.{name}"):
            if name not in results:
                raise refusal("", f"evaluate does not return it.{did_you_mean(name, results)}")
            _check_scalar(results[name])
            yield "model.evaluate", results[name]


def _check_path_model(
    model: Any, problems: Problems, year: Any, factors: Any, shocks: Any, levers: Any
) -> Iterator[tuple[str, Any]]:
    state = _call(model, "model.init", model.init, factors, levers)
    _check_state("model.init", state, problems)
    if problems:
        return
    state = as_kept(state, jnp.float32)
    while True:
        result = _call(model, "model.step", model.step, state, year, factors, shocks, levers)
        if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], Mapping)):
            raise refusal("model.step", f"expected (state, yearly values by name), got {_kind(result)}.")
        after, values = result
        _check_state("model.step", after, problems)
        _check_same_structure(state, after, problems)
        if problems:
            break
        leaves, structure = jax.tree.flatten(state)
        kinds = [leaf.dtype for leaf in leaves]
        wider = widened(kinds, [*map(jnp.result_type, jax.tree.leaves(after))], jnp.float32)
        if wider == kinds:
            break
        # an integer became a float: step is given a float from the first year on
        state = jax.tree.unflatten(structure, map(jnp.asarray, leaves, wider))
    last = None if problems else after
    _check_yearly(model, values, problems)
    _check_outcomes(model, year, values, last, problems)
    yield "model.init", state
    yield "model.step", after
    yield "model.step", {name: values[name] for name in model.yearly if name in values}


def _check_state(place: str, state: Any, problems: Problems) -> None:
    """Adds a problem for each part of the state that is no real number, or array of them outside of `Cells`."""
    for path, part in _parts(state):
        for below, leaf in jax.tree_util.tree_flatten_with_path(part)[0]:
            name = f"state{jax.tree_util.keystr(path + below)}: "
            with problems.within(place):
                if isinstance(leaf, np.ndarray | jax.Array) and leaf.ndim and not isinstance(part, Cells):
                    _check_real(leaf.dtype, name)
                else:
                    _check_scalar(leaf, name)


def _parts(state: Any) -> list[tuple[Any, Any]]:
    """Parts of the state, a table whole, each with its path."""
    return jax.tree_util.tree_flatten_with_path(state, is_leaf=lambda part: isinstance(part, Cells))[0]


def _check_same_structure(before: Any, after: Any, problems: Problems) -> None:
    """Adds a problem where the state that `step` returns has another structure than the state that it was given."""
    old, new = ({jax.tree_util.keystr(path): leaf for path, leaf in _parts(state)} for state in (before, after))
    place = "model.step"
    for name in old:
        if name not in new:
            problems.add(place, f"state{name}: init gives it, and step does not return it.")
    for name in new:
        if name not in old:
            problems.add(place, f"state{name}: step returns it, and init does not give it.")
    for name in filter(new.__contains__, old):
        was, now = _labels(old[name]), _labels(new[name])
        if was != now:
            problems.add(place, f"state{name}: expected {_over(was)}, as init gives it, got {_over(now)}.")
        elif not was and jnp.shape(old[name]) != jnp.shape(new[name]):
            shapes = f"expected shape {jnp.shape(old[name])}, as init gives it, got {jnp.shape(new[name])}"
            problems.add(place, f"state{name}: {shapes}.")
    if old.keys() == new.keys() and type(before) is not type(after):
        problems.add(place, f"state: expected {_kind(before)}, as init gives it, got {_kind(after)}.")


def _check_yearly(model: PathModel, values: Mapping[str, Any], problems: Problems) -> None:
    for name, variable in model.yearly.items():
        place = f"model.yearly.{name}"
        with problems.within(place):
            if name not in values:
                raise refusal("", f"step does not return it.{did_you_mean(name, set(values) - set(model.yearly))}")
            value = values[name]
            wanted = {dim: tuple(model.dims[dim]) for dim in variable.dims}
            if _labels(value) != wanted:
                raise refusal("", f"expected {_over(wanted)}, got {_over(_labels(value))}.")
            for cell in value.values if isinstance(value, Cells) else (value,):
                with problems.within(place):
                    _check_scalar(cell)


def _check_outcomes(model: PathModel, year: Any, values: Mapping[str, Any], state: Any, problems: Problems) -> None:
    """Adds a problem for each outcome that is no scalar; without a state, functions of the last state are skipped."""
    for name, outcome in model.outcomes.items():
        place, fold = f"model.outcomes.{name}", outcome.fold
        if isinstance(fold, Fold):
            missing = [term.variable for term in fold.terms if term.variable not in values]
            for variable in missing:
                if variable not in model.yearly:  # else `_check_yearly` has added a problem
                    problems.add(place, f"step does not return '{variable}'.{did_you_mean(variable, values)}")
            if missing:
                continue
            value = _call(model, place, lambda fold=fold: fold.finish(fold.update(fold.init(), year, values)))
        elif state is None:
            continue
        else:
            value = _call(model, place, fold, state)  # type: ignore[arg-type]
        with problems.within(place):
            _check_scalar(value)


def _call(model: Model, place: str, method: Callable[..., Any], *args: Any) -> Any:
    try:
        with watched(model, place, method):
            return method(*args)
    except UserError:
        raise
    except (Exception, SystemExit, GeneratorExit) as error:
        raise refusal(place, f"raised {_described(error, model)}") from error


def _described(error: BaseException, model: Model) -> str:
    """An exception in words, such as `ValueError: what it says (my_model.py, line 7)`."""
    text = " ".join(str(error).split("\n\n")[0].split())[:_LONGEST]
    if isinstance(error, _NOT_KNOWN_YET):
        text = (
            "an `if`, float() or NumPy reads a value that only the run knows. "
            "Choose with jnp.where (engine.modelling.cells.where for tables), compute with jax.numpy, and index "
            "jnp.array(...), not a list or a NumPy array"
        )
    # by its methods, as the class of a notebook is in no file that Python knows
    own = {one.__code__.co_filename for one in vars(type(model)).values() if isinstance(one, FunctionType)}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text}{where}"


def _check_scalar(value: Any, name: str = "") -> None:
    """Refuses a value that is no real scalar; the message begins with the name."""
    if isinstance(value, Cells):
        raise refusal("", f"{name}expected a scalar, got {_over(value.labels)}.")
    try:
        shape, dtype = jnp.shape(value), jnp.result_type(value)
    except TypeError:
        raise refusal("", f"{name}expected a scalar, got {_kind(value)}.") from None
    if shape:
        remedy = "Give one number per label with engine.modelling.cells.Cells."
        raise refusal("", f"{name}expected a scalar, got an array of shape {shape}. {remedy}")
    _check_real(dtype, name)


def _check_real(dtype: Any, name: str = "") -> None:
    if not any(jnp.issubdtype(dtype, kind) for kind in (jnp.bool_, jnp.integer, jnp.floating)):
        got = "a complex one" if jnp.issubdtype(dtype, jnp.complexfloating) else f"one of type {dtype}"
        raise refusal("", f"{name}expected a real number, got {got}.")


def _labels(value: Any) -> Labels:
    return value.labels if isinstance(value, Cells) else {}


def _over(labels: Labels) -> str:
    if not labels:
        return "one scalar"
    return "cells over " + " x ".join(f"{dim} ({', '.join(names)})" for dim, names in labels.items())


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}" if not isinstance(value, jax.core.Tracer) else "a number"
