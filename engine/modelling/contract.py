"""Checks that a model's methods give what it declares, by calling each on abstract scalars before anything runs; the
same trace identifies a model of the user's own."""

from __future__ import annotations

import itertools
import math
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.xla_metadata import set_xla_metadata

from engine.errors import Problems, UserError, did_you_mean, refusal
from engine.modelling.cells import Cells, Labels
from engine.modelling.folds import Fold
from engine.modelling.identity import Trace, as_written, difference, trace_of
from engine.modelling.imposing import PREFIX
from engine.modelling.loading import spec_of
from engine.modelling.records import Factor, Lever, Model, PathModel, Shock, Yearly
from engine.modelling.state_types import as_kept, widened

_NOT_KNOWN_YET = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
_LONGEST = 300
_TRACES = itertools.count()
_LAST: dict[tuple[str, str], str] = {}
"""Module and name of a class -> digest of its model that was identified last."""


def identified(model: Model, floating: type) -> tuple[str, str | None]:
    """The digest of a model's records and trace, and the `FILE:CLASS` by which other processes can load it, or None.

    Problems of a model that breaks its contract are part of its trace.

    Args:
      floating: floating-point type in which the methods are traced, that of the study.
    """
    part = type(model)
    digest, name = _digest(model, floating), (part.__module__, part.__qualname__)
    if _LAST.get(name) != digest:
        jax.clear_caches()  # it keeps traced functions, with the numbers that these read by name as they were
        _LAST[name] = digest
    spec = spec_of(part)
    if spec and vars(model):  # perhaps made with arguments, or changed by hand
        with suppress(Exception):
            return digest, spec if _digest(part(), floating) == digest else None
        return digest, None
    return digest, spec


def _digest(model: Model, floating: type) -> str:
    return _traced(model, floating, Problems()).digest


def refuse_broken(model: Model, name: str, floating: type = np.float32, known: str | None = "") -> None:
    """Refuses a model whose methods do not give what it declares: missing values, wrong dimensions, no scalars,
    exceptions.

    A model is also refused where it is not what it was when the study was loaded, or where two traces of it differ: a
    method is traced once for all paths of a process, so that a number that it draws, counts or asks for by itself is a
    constant for all of them, and another constant in another process.

    Args:
      name: name of the model in messages.
      floating: floating-point type in which it is traced, that of the study.
      known: digest of the model as `identified` gave it when the study was loaded; "" where it is not known, None for
        a model that ships.

    Raises:
      UserError: with all problems, at places such as `model.step`.
    """
    problems, written = Problems(), as_written(model)
    first = _traced(model, floating, problems)
    if not problems and known is not None:
        if written is not model:
            first = _traced(written, floating, problems)
        if first.digest != known:
            _refuse_another(first, _traced(written, floating, problems), known, problems)
    problems.refuse(f"model {name}")


def _refuse_another(first: Trace, second: Trace, known: str, problems: Problems) -> None:
    """Adds a problem where two traces of a model differ, or agree and are not the one that is known."""
    if problems:
        return
    if differs := difference(first, second):
        place, how = differs
        cause = "All paths of a process would share what it read or drew by itself, and another process gets another."
        remedy = "A method is a function of its arguments alone; what is uncertain is a factor or a shock."
        problems.add(place, f"gives another result when it is traced again: {how}. {cause} {remedy}")
    elif known:
        remedy = "Load the study again. If that does not help, the model reads a clock or a file that changes."
        problems.add("model", f"is not what it was when the study was loaded. {remedy}")


def _traced(model: Model, floating: type, problems: Problems) -> Trace:
    """The trace of a model's methods on abstract numbers; faults of their results are added to the problems."""
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

    # JAX takes compiled functions that it has traced before as they were, but not beside other metadata
    with jax.enable_x64(True) if floating == np.float64 else nullcontext(), set_xla_metadata(trace=str(next(_TRACES))):
        return trace_of(model, jax.make_jaxpr(trace)(*_abstract(model, floating)), places, problems)


def _abstract(model: Model, floating: type) -> tuple[Any, ...]:
    """An abstract year (int32); then factors, shocks and levers by name, as scalars or `Cells` of them.

    Values that may be imposed are among the levers.
    """
    scalar, year = (jax.ShapeDtypeStruct((), kind) for kind in (floating, jnp.int32))

    def abstract(parts: Mapping[str, Factor | Shock | Lever | Yearly]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, part in parts.items():
            labels = {dim: tuple(model.dims[dim]) for dim in part.dims}
            given[name] = Cells(labels, [scalar] * math.prod(map(len, labels.values()))) if labels else scalar
        return given

    factors = dict.fromkeys(model.constants, scalar) | abstract(model.factors)
    imposed = abstract({PREFIX + name: model.yearly[name] for name in model.imposable})
    return year, factors, abstract(model.shocks), imposed | abstract(model.levers) | {"start": year}


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
    floating = jnp.result_type(float).type
    state = jax.lax.optimization_barrier(as_kept(state, floating))  # no number of `init` is known to `step`
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
        wider = widened(kinds, [*map(jnp.result_type, jax.tree.leaves(after))], floating)
        if wider == kinds:
            break
        # an integer became a float: step is given a float from the first year on
        state = jax.tree.unflatten(structure, map(jnp.asarray, leaves, wider))
    last = None if problems else after
    _check_yearly(model, values, problems)
    outcomes = _outcomes(model, year, values, last, problems)
    yield "model.init", state
    yield "model.step", after
    yield "model.step", {name: values[name] for name in model.yearly if name in values}
    yield from outcomes.items()


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


def _outcomes(model: PathModel, year: Any, values: Mapping[str, Any], state: Any, problems: Problems) -> dict[str, Any]:
    """The outcomes by place, after one year; adds a problem for each that is no scalar.

    Without a state, functions of the last state are skipped.
    """
    found: dict[str, Any] = {}
    for name, outcome in model.outcomes.items():
        place, fold = f"model.outcomes.{name}", outcome.fold
        if isinstance(fold, Fold):
            missing = [term.variable for term in fold.terms if term.variable not in values]
            for variable in missing:
                if variable not in model.yearly:  # else `_check_yearly` has added a problem
                    problems.add(place, f"step does not return '{variable}'.{did_you_mean(variable, values)}")
            if missing:
                continue
            begin = jax.lax.optimization_barrier(jax.tree.map(jnp.asarray, fold.init()))
            value = _call(model, place, lambda fold=fold, begin=begin: fold.finish(fold.update(begin, year, values)))
        elif state is None:
            continue
        else:
            value = _call(model, place, fold, state)  # type: ignore[arg-type]
        with problems.within(place):
            _check_scalar(value)
            found[place] = value
    return found


def _call(model: Model, place: str, method: Callable[..., Any], *args: Any) -> Any:
    try:
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
