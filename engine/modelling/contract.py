"""Checks that a model's methods give what it declares, by calling each on abstract scalars before anything runs; the
same trace identifies a model of the user's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.xla_metadata import set_xla_metadata

from engine.errors import Problems, UserError, did_you_mean, refusal
from engine.modelling.cells import Cells, Labels, filled
from engine.modelling.folds import Fold
from engine.modelling.identity import Trace, as_written, difference, digest_of_trace, trace_of
from engine.modelling.imposing import PREFIX
from engine.modelling.loading import in_words, spec_of
from engine.modelling.records import Lever, Model, PathModel, Shock, Yearly
from engine.modelling.state_types import as_kept, widened

_NOT_KNOWN_YET = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)
_SCALAR = "one scalar"
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
    return digest_of_trace(_traced(model, floating, Problems()))


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
    trace = _traced(model, floating, problems)
    if known is not None and not problems:
        if written is not model:
            trace = _traced(written, floating, problems)
        if digest_of_trace(trace) != known:
            _refuse_another(trace, _traced(written, floating, problems), known, problems)
    problems.refuse(f"model {name}")


def _refuse_another(first: Trace, second: Trace, known: str, problems: Problems) -> None:
    """Adds a problem where two traces of a model differ, or agree and are not the one that is known."""
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

    def abstract(parts: Mapping[str, Shock | Lever | Yearly]) -> dict[str, Any]:
        return {name: filled(_labels(model, part), lambda at: scalar) for name, part in parts.items()}

    factors = dict.fromkeys((*model.constants, *model.factors), scalar)
    imposed = abstract({PREFIX + name: model.yearly[name] for name in model.imposable})
    return year, factors, abstract(model.shocks), imposed | abstract(model.levers) | {"start": year}


def _labels(model: Model, part: Shock | Lever | Yearly) -> Labels:
    return {dim: tuple(model.dims[dim]) for dim in part.dims}


def _check_static_model(
    model: Any, problems: Problems, year: Any, factors: Any, shocks: Any, levers: Any
) -> Iterator[tuple[str, Any]]:
    results = _call("model.evaluate", model.evaluate, factors, levers)
    if not isinstance(results, Mapping):
        raise refusal("model.evaluate", f"expected outcomes by name, got {_kind(results)}.")
    for name in model.outcomes:
        with problems.within(f"model.outcomes.{name}"):
            _require(_returned(results, name, "evaluate"), _SCALAR)
            yield "model.evaluate", results[name]


def _check_path_model(
    model: Any, problems: Problems, year: Any, factors: Any, shocks: Any, levers: Any
) -> Iterator[tuple[str, Any]]:
    state = _call("model.init", model.init, factors, levers)
    before = _forms("model.init", state, problems)
    if problems:
        return
    floating = jnp.result_type(float).type
    state = jax.lax.optimization_barrier(as_kept(state, floating))  # no number of `init` is known to `step`
    while True:
        match _call("model.step", model.step, state, year, factors, shocks, levers):
            case tuple((after, Mapping() as values)):
                pass
            case other:
                raise refusal("model.step", f"expected (state, yearly values by name), got {_kind(other)}.")
        _check_same_forms(before, _forms("model.step", after, problems), problems)
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
    for name, variable in model.yearly.items():
        with problems.within(f"model.yearly.{name}"):
            _require(_returned(values, name, "step"), _over(_labels(model, variable)))
    yield "model.init", state
    yield "model.step", after
    yield "model.step", {name: values[name] for name in model.yearly if name in values}
    for name, outcome in model.outcomes.items():
        place = f"model.outcomes.{name}"
        with problems.within(place):
            if isinstance(outcome.fold, Fold):
                value = _folded(outcome.fold, year, values)
            elif last is None:
                continue
            else:
                value = _call("", outcome.fold, last)
            _require(value, _SCALAR)
            yield place, value


def _folded(fold: Fold, year: Any, values: Mapping[str, Any]) -> Any:
    """The value of a fold after one year."""
    for term in fold.terms:
        _returned(values, term.variable, "step")
    begin = jax.lax.optimization_barrier(jax.tree.map(jnp.asarray, fold.init()))
    return _call("", lambda: fold.finish(fold.update(begin, year, values)))


def _returned(values: Mapping[str, Any], name: str, method: str) -> Any:
    """The value of a name among those that a method returned; refused where there is none."""
    if name not in values:
        raise refusal("", f"{method} does not return '{name}'.{did_you_mean(name, values)}")
    return values[name]


def _forms(place: str, state: Any, problems: Problems) -> dict[str, str]:
    """The form of each part of a state, by its place in it; adds a problem for what is not of real numbers."""
    forms = {"": _kind(state)}
    for path, part in jax.tree_util.tree_flatten_with_path(state, is_leaf=lambda part: isinstance(part, Cells))[0]:
        name = jax.tree_util.keystr(path)
        with problems.within(f"{place}: state{name}"):
            forms[name] = _form(part)
    return forms


def _check_same_forms(before: Mapping[str, str], after: Mapping[str, str], problems: Problems) -> None:
    """Adds a problem where the state that `step` returns has another structure than the state that it was given."""
    for name in {**before, **after}:
        was, now = before.get(name, "nothing"), after.get(name, "nothing")
        if was != now:
            problems.add(f"model.step: state{name}", f"expected {was}, as init gives it, got {now}.")


def _call(place: str, method: Callable[..., Any], *args: Any) -> Any:
    try:
        return method(*args)
    except UserError:
        raise
    except _NOT_KNOWN_YET as error:
        cause = "an `if`, float() or NumPy reads a value that only the run knows"
        remedy = (
            "Choose with jnp.where (engine.modelling.cells.where for tables), compute with jax.numpy, and index "
            "jnp.array(...), not a list or a NumPy array"
        )
        raise refusal(place, f"raised {in_words(error, f'{cause}. {remedy}')}") from error
    except (Exception, SystemExit, GeneratorExit) as error:
        raise refusal(place, f"raised {in_words(error)}") from error


def _require(value: Any, form: str) -> None:
    """Refuses a value of another form."""
    got = _form(value)
    if got != form:
        remedy = " Give one number per label with engine.modelling.cells.Cells." if got.startswith("an array") else ""
        raise refusal("", f"expected {form}, got {got}.{remedy}")


def _form(value: Any) -> str:
    """The form of a value in words: one scalar, cells over dimensions or an array; refuses what is no real number."""
    if isinstance(value, Cells):
        for cell in value.values:
            _require(cell, _SCALAR)
        return _over(value.labels)
    try:
        shape, dtype = jnp.shape(value), jnp.result_type(value)
        real = jnp.isdtype(dtype, ("bool", "integral", "real floating"))
    except TypeError:
        raise refusal("", f"expected a real number, got {_kind(value)}.") from None
    if not real:
        raise refusal("", f"expected a real number, got one of type {dtype}.")
    return f"an array of shape {shape}" if shape else _SCALAR


def _over(labels: Labels) -> str:
    """The form of a table with these labels, in words; the order of its dimensions is not part of it."""
    dims = " x ".join(f"{dim} ({', '.join(names)})" for dim, names in sorted(labels.items()))
    return f"cells over {dims}" if dims else _SCALAR


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}" if not isinstance(value, jax.core.Tracer) else "a number"
