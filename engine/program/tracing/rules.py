"""A model's methods as functions of flat scalars, for one path and policy; and the traces of these functions."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.modelling import code_digests
from engine.modelling.cells import Cells
from engine.modelling.folds import Fold
from engine.modelling.records import Factor, Model, Shock, Yearly, factor_names, shock_streams
from engine.modelling.state_types import as_kept, widened
from engine.program.tracing import arguments
from engine.program.tracing.equations import Axis, Rule, differences, written_out
from engine.study.study import Study


@dataclass(frozen=True)
class Argument:
    """One argument of a rule.

    Args:
      example: a tree of shapes and types, scalars but for the state.
      axes: the axes along which each leaf varies.
    """

    example: Any
    axes: tuple[Axis, ...]

    @staticmethod
    def alike(example: Any, axes: Axis) -> Argument:
        """An argument whose leaves all vary along the same axes."""
        return Argument(example, (axes,) * len(jax.tree.leaves(example)))


@dataclass(frozen=True)
class Years:
    """The traced rules of a path model; the state includes that of the folds.

    Args:
      begin: (factor draws, policy) -> state before the first year.
      year: `year_takes` -> the state a year later, then the cells of all yearly variables.
      year_takes: arguments of `year`: state, calendar year, factor draws, shocks, policy.
      end: state after the last year -> outcomes.
    """

    begin: Rule
    year: Rule
    year_takes: tuple[Argument, ...]
    end: Rule


@dataclass(frozen=True, eq=False)
class Rules:
    """The methods of a study's model for one path and one policy, with all floating-point numbers in one type."""

    study: Study
    dtype: type

    def of_paths(self) -> Rule:
        """Traces a static model: (factor draws, policy) -> outcomes."""
        return written_out(self.evaluate, self.draws.example, self.policies(Axis.POLICY).example)

    @cached_property
    def of_years(self) -> Years:
        """The traced rules of a path model; kept, as tracing takes longer than compiling a small model.

        Types of the state are widened until a year gives back the types that it takes.
        """
        first = self.draws, self.policies(Axis.POLICY)
        begin = written_out(self.begin, *(argument.example for argument in first))
        calendar = Argument.alike(jax.ShapeDtypeStruct((), np.int32), Axis.YEAR)
        rest = (calendar, self.draws, self.shocks, self.policies(Axis.POLICY | Axis.YEAR))
        kinds = [atom.dtype for atom in begin.outputs]
        kinds = widened(kinds, kinds, self.dtype)
        while True:
            parts = zip(begin.outputs, kinds, strict=True)
            leaves = [jax.ShapeDtypeStruct(atom.shape, kind) for atom, kind in parts]
            state = jax.tree.unflatten(begin.form, leaves)
            year = written_out(self.one_year, state, *(argument.example for argument in rest))
            after = [atom.dtype for atom in year.outputs[: len(kinds)]]
            wider = widened(kinds, after, self.dtype)
            if wider == kinds:
                break
            kinds = wider
        carried = _carried(state, begin, first, year, rest)
        return Years(begin, year, (carried, *rest), written_out(self.end, state))

    def scalar(self) -> jax.ShapeDtypeStruct:
        """Shape and type of one floating-point number."""
        return jax.ShapeDtypeStruct((), self.dtype)

    @property
    def draws(self) -> Argument:
        """The argument of factor draws, in the order of the study."""
        return Argument.alike(tuple(self.scalar() for _ in self.study.inputs), Axis.PATH)

    @property
    def shocks(self) -> Argument:
        """The argument of a year's shocks, a tuple of streams for each shock in the order of the model."""
        streams = shock_streams(self.study.model)
        example = [tuple(self.scalar() for _ in parts) for parts in streams.values()]
        return Argument.alike(example, Axis.PATH | Axis.YEAR)

    def policies(self, axes: Axis) -> Argument:
        """The argument of a policy's levers in one year, varying along `axes`."""
        levers = arguments.lever_arrays(self.study, self.dtype)
        return Argument.alike(jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((), leaf.dtype), levers), axes)

    @property
    def folded(self) -> dict[str, Fold]:
        """The outcomes that are folds over the years, by name."""
        outcomes = self.study.model.outcomes.items()
        return {name: outcome.fold for name, outcome in outcomes if isinstance(outcome.fold, Fold)}

    def evaluate(self, draw: Sequence[Any], policy: Any) -> list[Any]:
        """Outcomes of a static model, in the order of the model, from factor draws and levers."""
        model: Any = self.study.model
        results = model.evaluate(self._factors(draw), self._levers(policy, None, draw))
        return [jnp.asarray(results[name], self.dtype) for name in model.outcomes]

    def begin(self, draw: Sequence[Any], policy: Any) -> Any:
        """(state of the model, state of the folds by outcome) before the first year."""
        model: Any = self.study.model
        levers = self._levers(policy, np.int32(self.study.years[0]), draw)
        kept = {name: fold.init() for name, fold in self.folded.items()}
        return as_kept((model.init(self._factors(draw), levers), kept), self.dtype)

    def one_year(self, carry: Any, year: Any, draw: Any, shock: Any, policy: Any) -> Any:
        """(the state a year later, as `begin` gives it; the cells of all yearly variables in the order of the
        model)."""
        model: Any = self.study.model
        state, kept = carry
        levers = self._levers(policy, year, draw)
        state, values = model.step(state, year, self._factors(draw), _namespace(model, model.shocks, shock), levers)
        kept = {name: fold.update(kept[name], year, values) for name, fold in self.folded.items()}
        yearly: Mapping[str, Yearly] = model.yearly
        cells = [cell for name in yearly for cell in _cells_of(yearly[name], values[name])]
        return as_kept((_in_order_of(carry[0], state), kept), self.dtype), self._as_floats(cells)

    def end(self, carry: Any) -> list[Any]:
        """Outcomes in the order of the model, from the state after the last year."""
        state, kept = carry
        own: Any = {name: outcome.fold for name, outcome in self.study.model.outcomes.items()}
        return self._as_floats([rule.finish(kept[name]) if name in kept else rule(state) for name, rule in own.items()])

    def _by_name(self, draw: Sequence[Any]) -> dict[str, Any]:
        return {item.name: value for item, value in zip(self.study.inputs, draw, strict=True)}

    def _factors(self, draw: Sequence[Any]) -> SimpleNamespace:
        named, model = self._by_name(draw), self.study.model
        values = [[named[part] for part in parts] for parts in factor_names(model).values()]
        known = {name: jnp.asarray(one.value, self.dtype) for name, one in model.constants.items()}
        return SimpleNamespace(**known, **vars(_namespace(model, model.factors, values)))

    def _as_floats(self, tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, self.dtype), tree)

    def _levers(self, policy: Any, year: Any, draw: Sequence[Any]) -> SimpleNamespace:
        """This year's levers in force on this path: before + implementation x (policy - before) from the start on."""
        share, named = policy["implementation"], self._by_name(draw)
        for name, chosen in policy["by_factor"].items():
            share = jnp.where(chosen, named[name], share)

        def blend(before: Any, after: Any) -> Any:
            # exact at both ends and where nothing changes
            return jnp.where(share == 1.0, after, before + share * (after - before))

        def cells(side: str, name: str) -> Sequence[Any]:
            values = policy[side][name]
            for factor, weights in policy["drawn"][side].get(name, {}).items():
                # exact where a weight is 0 or 1
                values = [value + weight * named[factor] for value, weight in zip(values, weights, strict=True)]
            return values

        started = True if year is None else year >= policy["start"]
        levers: dict[str, Any] = {"start": jnp.where(started, policy["start"], policy["before_start"])}
        for name, lever in self.study.model.levers.items():
            in_force = [
                jnp.where(started, blend(before, after), before)
                for before, after in zip(cells("before", name), cells("levers", name), strict=True)
            ]
            labels = {dim: tuple(self.study.model.dims[dim]) for dim in lever.dims}
            levers[name] = Cells(labels, in_force) if labels else in_force[0]
        return SimpleNamespace(**levers)


_TRACED: MutableMapping[tuple[int, type, str | None], Rules] = weakref.WeakValueDictionary()
_TRACING = threading.Lock()


def traced(study: Study, dtype: type) -> Rules:
    """The rules of a study, traced once and shared while a caller holds them and the model's code is the same."""
    with _TRACING:
        key = id(study), dtype, code_digests.code_of(study.model, __name__)
        rules = _TRACED.get(key) or Rules(study, dtype)
        if study.is_path_model:
            with jax.enable_x64(True) if dtype == np.float64 else nullcontext():
                rules.of_years  # noqa: B018
        _TRACED[key] = rules
    return rules


def _carried(
    state: Any, begin: Rule, begin_takes: Sequence[Argument], year: Rule, rest: Sequence[Argument]
) -> Argument:
    """The argument of the state, whose leaves vary along policies only where a policy influences them.

    Args:
      begin: the rule that gives the state before the first year, from `begin_takes`.
      year: the rule whose first argument, and first outputs, are the state; `rest` are its other arguments.
    """
    own = _by_policy(begin, begin_takes, len(begin.outputs))
    while True:
        carried = Argument(state, tuple(axis | Axis.PATH | Axis.YEAR for axis in own))
        after = _by_policy(year, [carried, *rest], len(own))
        wider = [one | other for one, other in zip(own, after, strict=True)]
        if wider == own:
            return carried
        own = wider


def _by_policy(rule: Rule, takes: Sequence[Argument], count: int) -> list[Axis]:
    """`Axis.POLICY` for each of the first `count` outputs of a rule that varies along policies, `Axis.NONE` for the
    others.
    """
    differs = differences(rule, [axis for argument in takes for axis in argument.axes])
    return [differs.get(atom, Axis.NONE) & Axis.POLICY for atom in rule.outputs[:count]]


def _is_cells(part: Any) -> bool:
    return isinstance(part, Cells)


def _cells_of(variable: Yearly, value: Any) -> tuple[Any, ...]:
    return value.in_order(variable.dims).values if _is_cells(value) else (value,)


def _in_order_of(before: Any, after: Any) -> Any:
    """The state with the dimensions of its tables in their former order, which arithmetic may have changed."""
    return jax.tree.map(
        lambda old, new: new.in_order(old.dims) if _is_cells(old) and _is_cells(new) else new,
        before,
        after,
        is_leaf=_is_cells,
    )


def _namespace(model: Model, parts: Mapping[str, Factor | Shock], drawn: Sequence[Sequence[Any]]) -> SimpleNamespace:
    named: dict[str, Any] = {}
    for (name, part), values in zip(parts.items(), drawn, strict=True):
        labels = {dim: tuple(model.dims[dim]) for dim in part.dims}
        named[name] = Cells(labels, values) if labels else values[0]
    return SimpleNamespace(**named)
