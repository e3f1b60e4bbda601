"""Lowers a study to one list of scalar operations: draws, shocks, years and outcomes of one path under one policy."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import jax
import numpy as np

from engine.draws.sampling import SAMPLERS
from engine.draws.shock_draws import ShockDraws
from engine.program.lowering.operations import Array, Operation, Operations, Source, single
from engine.program.lowering.passes import OF_LIST, OF_STAGES, walked
from engine.program.lowering.scalars import Scalars
from engine.program.lowering.stages import SHARED, Aim, Listing, Place, Rows, Stage, State, words_of
from engine.program.tracing import drawing
from engine.program.tracing.equations import Axis
from engine.program.tracing.rules import Rules
from engine.study.study import Study

PATH_YEAR = Axis.PATH | Axis.YEAR


def listed(study: Study, rules: Rules, inputs: Any) -> Listing:
    """The list of a study as `before_passes` gives it, after the passes `OF_LIST`.

    Raises:
      NoScalarForm: as `before_passes`.
    """
    return walked(OF_LIST, before_passes(study, rules, inputs), Aim({}, {}))


def before_passes(study: Study, rules: Rules, inputs: Any) -> Listing:
    """The list of a study as it was traced.

    Args:
      rules: the traced methods of the study's model.
      inputs: as `arguments.of` gives them; only their shapes and types are used.

    Raises:
      NoScalarForm: the model, or the law of a draw, holds an operation that cannot be written in scalars.
    """
    scalars, dtype = Scalars(), rules.dtype
    with jax.enable_x64(dtype == np.float64):
        rest, arguments = uniform(inputs)
        fed = jax.tree.unflatten(jax.tree.structure(rest), _inputs(scalars, "argument", arguments, repeat(Axis.NONE)))
        levers = [jax.ShapeDtypeStruct((), leaf.dtype) for leaf in jax.tree.leaves(inputs["levers"])]

        scores = _row(scalars, dtype, "score", len(inputs["factor_keys"]), Axis.PATH)
        rows: Array = np.empty((0, 1), object)
        if study.inputs:
            rows = _traced(scalars, lambda s, f: drawing.stacked(study, drawing.factors(study, s, f)), scores, fed)
        draws = list(rows[:, 0])
        drawn = [*map(single, draws)]
        first = _inputs(scalars, "lever", levers, repeat(Axis.POLICY))
        if not study.is_path_model:
            outcomes = _as_floats(scalars, dtype, scalars.rule(rules.of_paths(), [*drawn, *first]))
            return _finished(scalars, dtype, [], outcomes=outcomes, cells=[], draws=draws, shocks=[])
        written = rules.of_years
        is_first = scalars.input(Source("is first"), bool, Axis.YEAR)
        words = {law: _row(scalars, dtype, law, keys.shape[1], PATH_YEAR) for law, keys in inputs["shock_keys"].items()}
        given = words, fed["shocks"], single(is_first), drawing.by_run(study, rows)
        states, shocks = _shocks(scalars, study.shock_draws, dtype, *given)
        this = _inputs(scalars, "lever of year", levers, repeat(Axis.POLICY | Axis.YEAR))
        leaves = jax.tree.leaves(written.state)
        held = _inputs(scalars, "state", leaves, written.axes)
        last = _inputs(scalars, "last", leaves, [(axes & ~Axis.YEAR) | Axis.END for axes in written.axes])
        begun = scalars.rule(written.begin, [*drawn, *first])
        calendar = single(scalars.input(Source("year"), np.int32, Axis.YEAR))
        results = scalars.rule(written.year, [*held, calendar, *drawn, *map(single, shocks), *this])
        for leaf, *of_each in zip(leaves, begun, held, results[: len(leaves)], last, strict=True):
            for b, n, a, end in zip(*(part.flat for part in of_each), strict=True):
                b, a = (scalars.each("convert_element_type", one, dtype=leaf.dtype) for one in (b, a))
                states.append(State(b, n, a, end))
        outcomes = _as_floats(scalars, dtype, scalars.rule(written.end, last))
        cells = _as_floats(scalars, dtype, results[len(leaves) :])
        return _finished(scalars, dtype, states, outcomes=outcomes, cells=cells, draws=draws, shocks=shocks)


@functools.cache
def words(sampler_name: str, law: str, dtype: type) -> Listing:
    """The list that computes the random numbers of one group of paths from one stream.

    Its results "numbers" are one for each path of the group, in path order.

    Args:
      sampler_name: a key of `SAMPLERS`.
      law: "normal" or "uniform".
      dtype: of the numbers.
    """
    sampler, scalars = SAMPLERS[sampler_name], Scalars()

    def numbers(key: Any, *first: Any) -> Any:
        return drawing.numbers(sampler, law, key, first, sampler.group, dtype)

    of_key = jax.ShapeDtypeStruct((2 + sampler.directions,), np.uint32)
    keys = _inputs(scalars, "key", [of_key], [Axis.YEAR])
    low = scalars.input(Source("counter"), np.uint32, Axis.PATH)
    high = scalars.input(Source("high"), np.uint32, Axis.NONE)
    with jax.enable_x64(dtype == np.float64):
        given = _traced(scalars, numbers, *keys, single(low), single(high))
    made = _finished(scalars, dtype, [], numbers=list(given[np.argsort(sampler.offsets)]))
    return walked(OF_LIST, made, Aim({}, {}))


def words_stage(study: Study, law: str, dtype: type, step: int, counter: str, numbers: Rows) -> Stage:
    """The stage that computes the random numbers of one group of paths, with one stream in each round of its loop.

    Args:
      law: of the streams, "normal" or "uniform".
      dtype: of the numbers.
      step: 32-bit words from the key of a stream to that of the next round's.
      counter: name of the pointer to the number of the group.
      numbers: where the numbers are written.
    """
    inputs = {
        "key": Place("keys", 0, step, False), "counter": Place(counter, 0), "high": Place("high", 0, 0, False),
    }  # fmt: skip
    aim = Aim(inputs, {"numbers": numbers}, lambda _: SHARED)
    return walked(OF_STAGES, words(study.sampler, law, dtype), aim).stages[SHARED]


def uniform(inputs: Any) -> tuple[Any, list[np.ndarray]]:
    """The arguments that are the same for all paths, years and policies: (as a tree, as a list of its leaves)."""
    rest = {name: value for name, value in inputs.items() if name not in ("factor_keys", "shock_keys", "levers")}
    return rest, [np.asarray(leaf) for leaf in jax.tree.leaves(rest)]


def _finished(scalars: Scalars, dtype: type, states: Sequence[State], **results: Operations) -> Listing:
    given = {kind: tuple(ones) for kind, ones in results.items()}
    return Listing(dtype, tuple(scalars.operations), tuple(states), given)


def _as_floats(scalars: Scalars, dtype: type, values: Sequence[Array]) -> list[Operation]:
    return [scalars.each("convert_element_type", value.item(), dtype=dtype) for value in values]


def _inputs(scalars: Scalars, kind: str, leaves: Iterable[Any], axes: Iterable[Axis]) -> list[Array]:
    """Arrays of input operations for leaves that lie one behind the other in memory.

    Args:
      leaves: with their shapes and types.
      axes: for each leaf, the axes along which it varies.
    """
    made, place = [], 0
    for leaf, differs in zip(leaves, axes, strict=False):
        array = np.empty(leaf.shape, object)
        for at in np.ndindex(leaf.shape):
            array[at] = scalars.input(Source(kind, place), leaf.dtype, differs)
            place += words_of(leaf.dtype)
        made.append(array)
    return made


def _row(scalars: Scalars, dtype: type, kind: str, count: int, axes: Axis) -> Array:
    """Input operations for the random numbers of one path, [stream, 1]."""
    return _inputs(scalars, kind, [jax.ShapeDtypeStruct((count, 1), dtype)], [axes])[0]


def _traced(scalars: Scalars, function: Any, *given: Any) -> Any:
    """Traces a function of arrays and lowers it; gives its result as a tree of arrays of operations."""
    examples = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.flat[0].dtype if leaf.size else np.float32), given
    )
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*examples)
    results = scalars.traced(closed, jax.tree.leaves(given))
    return jax.tree.unflatten(jax.tree.structure(shape), results)


def _shocks(
    scalars: Scalars, laws: ShockDraws, dtype: type, words: Any, fed: Any, is_first: Array, draws: Any
) -> tuple[list[State], list[Operation]]:
    """The states of the shocks, and the shocks of a year by stream."""
    past, structure = jax.tree.flatten(laws.before(1, dtype))
    leaves = [*map(np.asarray, past)]
    held = _inputs(scalars, "past", leaves, repeat(PATH_YEAR))
    remembered = jax.tree.unflatten(structure, held)
    tables, after = _traced(scalars, laws.of_year, words, fed, remembered, is_first, draws)
    parts = zip(leaves, held, jax.tree.leaves(after), strict=True)
    states = [
        State(scalars.constant(before), now, after, now)
        for of_each in parts
        for before, now, after in zip(*(part.flat for part in of_each), strict=True)
    ]
    return states, [row[0, 0] for table in tables for row in table]
