"""A study as one list of scalar operations: its draws, its shocks, the years and the outcomes of one path under one policy."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from engine.draws import random_words
from engine.draws.sampling import SAMPLERS
from engine.program import drawing
from engine.program.equations import Axis
from engine.program.operations import Array, Operation, contracted, needed, single
from engine.program.rules import Rules
from engine.program.scalars import Scalars
from engine.program.stages import State, words_of
from engine.study.study import Study

PATH_YEAR = Axis.PATH | Axis.YEAR


@dataclass(frozen=True)
class Listing:
    """What is computed of one path under one policy.

    Args:
      dtype: of all numbers that go in and out.
      operations: all of them, in an order in which they can be computed.
      states: what goes from year to year.
      outcomes: in the order of the model.
      cells: of all yearly variables, in the order of the model.
      draws: of the factors, in the order of the study.
      shocks: of the year, streams in the order of the model.
    """

    dtype: type
    operations: tuple[Operation, ...]
    states: tuple[State, ...]
    outcomes: tuple[Operation, ...]
    cells: tuple[Operation, ...]
    draws: tuple[Operation, ...]
    shocks: tuple[Operation, ...]

    def of_future(self, policies: int, years: int) -> int:
        """How many of them a future takes under all policies, those of a year in each; its random numbers aside."""
        counts = (
            (policies if one.axes & Axis.POLICY else 1) * (years if one.axes & Axis.YEAR else 1)
            for one in self.operations
            if one.axes & Axis.PATH
        )
        return sum(counts)


def listed(study: Study, rules: Rules, inputs: Any) -> Listing:
    """The list of a study.

    Args:
      inputs: as `arguments.of` gives them; their shapes count alone.

    Raises:
      NoScalarForm: the model, or what it draws, holds an operation that is not written out.
    """
    with jax.enable_x64(rules.dtype == np.float64):
        return _listed(study, rules, inputs)


def _listed(study: Study, rules: Rules, inputs: Any) -> Listing:
    scalars, dtype = Scalars(), rules.dtype
    fed = _arguments(scalars, uniform(inputs)[0])
    levers = jax.tree.leaves(inputs["levers"])

    scores = _row(scalars, dtype, "score", len(inputs["factor_keys"]), Axis.PATH)
    draws: list[Operation] = []
    if study.inputs:
        drawn = _traced(
            scalars, lambda s, f: drawing.stacked(study, drawing.factors(study, s, f)), scores, fed
        )
        draws = list(drawn[:, 0])
    if not study.is_path_model:
        rule, _ = rules.of_paths()
        chosen = [
            single(scalars.input(("lever", k), leaf.dtype, Axis.POLICY)) for k, leaf in enumerate(levers)
        ]
        outcomes = _as_floats(scalars, dtype, scalars.rule(rule, [*map(single, draws), *chosen]))
        return _finished(scalars, dtype, [], outcomes, [], draws, [])
    written = rules.of_years
    is_first = scalars.input(("is first",), bool, Axis.YEAR)
    words = {
        law: _row(scalars, dtype, law, keys.shape[1], PATH_YEAR) for law, keys in inputs["shock_keys"].items()
    }
    before, now, after, tables = _shocks(scalars, study, dtype, words, fed, is_first, draws)
    shocks = [row[0, 0] for table in tables for row in table]
    drawn, struck = [*map(single, draws)], [*map(single, shocks)]
    first = [single(scalars.input(("lever", k), leaf.dtype, Axis.POLICY)) for k, leaf in enumerate(levers)]
    this = [
        single(scalars.input(("lever of year", k), leaf.dtype, Axis.POLICY | Axis.YEAR))
        for k, leaf in enumerate(levers)
    ]
    carried = written.year_takes[0]
    leaves = list(zip(jax.tree.leaves(carried.example), carried.axes, strict=True))
    held = [_inputs(scalars, ("state", k), leaf, axes) for k, (leaf, axes) in enumerate(leaves)]
    last = [
        _inputs(scalars, ("last", k), leaf, (axes & ~Axis.YEAR) | Axis.END)
        for k, (leaf, axes) in enumerate(leaves)
    ]
    begun = scalars.rule(written.begin, [*drawn, *first])
    calendar = single(scalars.input(("year",), np.int32, Axis.YEAR))
    results = scalars.rule(written.year, [*held, calendar, *drawn, *struck, *this])
    states = [State(b, n, a, n) for b, n, a in zip(before, now, after, strict=True)]
    for (leaf, _), *of_each in zip(leaves, begun, held, results[: len(leaves)], last, strict=True):
        for b, n, a, end in zip(*(part.flat for part in of_each), strict=True):
            kind = leaf.dtype
            b, a = (scalars.each("convert_element_type", one, dtype=kind) for one in (b, a))
            states.append(State(b, n, a, end))
    outcomes = _as_floats(scalars, dtype, scalars.rule(written.end, last))
    cells = _as_floats(scalars, dtype, results[len(leaves) :])
    return _finished(scalars, dtype, states, outcomes, cells, draws, shocks)


def _inputs(scalars: Scalars, detail: tuple[Any, ...], leaf: Any, axes: Axis) -> Array:
    """An array that is handed in, number by number."""
    made = np.empty(leaf.shape, object)
    for at in np.ndindex(leaf.shape):
        made[at] = scalars.input((*detail, *at), leaf.dtype, axes)
    return made


@dataclass(frozen=True)
class Words:
    """What is computed of one group of paths and one random stream: the numbers of all paths of the group, in their order."""

    operations: tuple[Operation, ...]
    numbers: tuple[Operation, ...]


@functools.cache
def words(sampler_name: str, law: str, dtype: type) -> Words:
    """The list of a sampler, for streams of one law: "normal" or "uniform"."""
    sampler, scalars = SAMPLERS[sampler_name], Scalars()

    def numbers(key: Any, low: Any, high: Any) -> Any:
        if law == "normal":
            return sampler.normals(key, (low, high), sampler.group, dtype)
        return random_words.uniform(sampler.words(key, (low, high), sampler.group), dtype)

    of_key = jax.ShapeDtypeStruct((2 + sampler.directions,), np.uint32)
    key = _inputs(scalars, ("key",), of_key, Axis.YEAR)
    low = scalars.input(("counter",), np.uint32, Axis.PATH)
    high = scalars.input(("high",), np.uint32, Axis.NONE)
    with jax.enable_x64(dtype == np.float64):
        word = jax.ShapeDtypeStruct((), np.uint32)
        closed = jax.make_jaxpr(numbers)(of_key, word, word)
    (given,) = scalars.traced(closed, [key, single(low), single(high)])
    done = _finished(scalars, dtype, [], list(given[np.argsort(sampler.offsets)]), [], [], [])
    return Words(done.operations, done.outcomes)


def uniform(inputs: Any) -> tuple[Any, list[np.ndarray]]:
    """The arguments that are the same for all paths, years and policies, and these as arrays in the order of their places."""
    rest = {
        name: value for name, value in inputs.items() if name not in ("factor_keys", "shock_keys", "levers")
    }
    return rest, [np.asarray(leaf) for leaf in jax.tree.leaves(rest)]


def _finished(
    scalars: Scalars,
    dtype: type,
    states: Sequence[State],
    outcomes: Sequence[Operation],
    cells: Sequence[Operation],
    draws: Sequence[Operation],
    shocks: Sequence[Operation],
) -> Listing:
    """The list with products and sums that are one operation."""
    ends = [one for state in states for one in (state.before, state.after)]
    outputs = [*ends, *outcomes, *cells, *draws, *shocks]
    # what nobody reads has no say in what is one operation
    read = needed(outputs, {})
    operations = [one for one in scalars.operations if one in read]
    fused = contracted(operations, outputs)
    # operations are replaced in place, so that whoever reads one reads what stands for it
    for operation, other in fused.items():
        operation.name, operation.operands, operation.detail = other.name, other.operands, other.detail
    return Listing(
        dtype,
        tuple(operations),
        tuple(states),
        tuple(outcomes),
        tuple(cells),
        tuple(draws),
        tuple(shocks),
    )


def _as_floats(scalars: Scalars, dtype: type, values: Sequence[Array]) -> list[Operation]:
    return [scalars.each("convert_element_type", value[()], dtype=dtype) for value in values]


def _arguments(scalars: Scalars, fed: Any) -> Any:
    """Arguments as inputs, each with the place of its first word."""
    place = 0

    def inputs(leaf: Any) -> Array:
        nonlocal place
        values = np.asarray(leaf)
        made = np.empty(values.shape, object)
        for at in np.ndindex(values.shape):
            made[at] = scalars.input(("argument", place), values.dtype, Axis.NONE)
            place += words_of(values.dtype)
        return made

    return jax.tree.map(inputs, fed)


def _row(scalars: Scalars, dtype: type, kind: str, count: int, axes: Axis) -> Array:
    """Random numbers of one path, [stream, 1]."""
    made = np.empty((count, 1), object)
    for at in range(count):
        made[at, 0] = scalars.input((kind, at), dtype, axes)
    return made


def _examples(tree: Any) -> Any:
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.flat[0].dtype if leaf.size else np.float32), tree
    )


def _traced(scalars: Scalars, function: Any, *given: Any) -> Any:
    """What a function of arrays gives, as trees of operations."""
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*(_examples(tree) for tree in given))
    results = scalars.traced(closed, [leaf for tree in given for leaf in jax.tree.leaves(tree)])
    return jax.tree.unflatten(jax.tree.structure(shape), results)


def _shocks(
    scalars: Scalars,
    study: Study,
    dtype: type,
    words: Any,
    fed: Any,
    is_first: Operation,
    draws: Sequence[Operation],
) -> tuple[list[Operation], list[Operation], list[Operation], list[Array]]:
    """What is remembered before the first year, in a year and after it; and the shocks of the year as tables [stream, 1, 1]."""
    past = study.shock_draws.before(1, dtype)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(past)]
    before = [scalars.constant(leaf[at]) for leaf in leaves for at in np.ndindex(leaf.shape)]
    held, count = [], 0
    for leaf in leaves:
        made = np.empty(leaf.shape, object)
        for at in np.ndindex(leaf.shape):
            made[at] = scalars.input(("past", count), leaf.dtype, PATH_YEAR)
            count += 1
        held.append(made)
    remembered = jax.tree.unflatten(jax.tree.structure(past), held)
    rows: Array = np.empty((len(draws), 1), object)
    rows[:, 0] = draws
    by_run = drawing.by_run(study, rows)

    def of_year(words: Any, fed: Any, past: Any, first: Any, factors: Any) -> Any:
        return study.shock_draws.of_year(words, fed, past, first, factors)

    tables, after = _traced(scalars, of_year, words, fed["shocks"], remembered, single(is_first), by_run)
    flat = [part for leaf in jax.tree.leaves(after) for part in leaf.flat]
    return before, [part for leaf in held for part in leaf.flat], flat, tables
