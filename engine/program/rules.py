"""A model's methods for one path and one policy, on scalars without labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.modelling.cells import Cells, each, filled, where
from engine.modelling.folds import Fold
from engine.modelling.records import Lever, Shock, Yearly
from engine.modelling.state_types import as_kept
from engine.study.study import Study
from engine.study.tables.triggers import WHEN, Trigger

Draws = Mapping[str, Any]
"""Factor draws by name."""


@dataclass(frozen=True)
class Rules:
    """The methods of a study's model, with all floating-point numbers in one type.

    Levers are those of a policy in one year, in the form of `arguments.lever_arrays`.
    """

    study: Study
    dtype: type

    def evaluate(self, draws: Draws, levers: Any) -> Any:
        """Outcomes [outcome] of a static model."""
        model: Any = self.study.model
        results = model.evaluate(self._factors(draws), self._in_force(levers, None, draws))
        return self._row([results[name] for name in model.outcomes])

    def begin(self, draws: Draws, levers: Any) -> Any:
        """(state of the model, of the folds by outcome and of the triggers by name) before the first year."""
        model: Any = self.study.model
        in_force = self._in_force(levers, np.int32(self.study.years[0]), draws)
        folds = {name: fold.init() for name, fold in self._folds.items()}
        counts = {
            name: filled(self._labels(model.yearly[one.reads]), lambda at: 0) for name, one in self._triggers.items()
        }
        return as_kept((model.init(self._factors(draws), in_force), folds, counts), self.dtype)

    def one_year(self, state: Any, year: Any, draws: Draws, shocks: Any, levers: Any) -> tuple[Any, Any]:
        """(state a year later, in the form that `begin` gives; cells of all yearly variables in the model's order).

        Args:
          shocks: [stream], streams in the order of the model.
        """
        model: Any = self.study.model
        before, folds, counts = state
        in_force = self._in_force(levers, year, draws, counts)
        after, values = model.step(before, year, self._factors(draws), self._by_name(model.shocks, shocks), in_force)
        folds = {name: fold.update(folds[name], year, values) for name, fold in self._folds.items()}
        cells = [cell for name, variable in model.yearly.items() for cell in _cells_of(variable, values[name])]
        for name, trigger in self._triggers.items():
            value, keys = values[trigger.reads], (trigger.side, trigger.until, "for")
            given = (getattr(in_force, f"{name}.{key}") for key in keys)
            sign = 1.0 if trigger.side == "below" else -1.0
            counts = {**counts, name: _counted(counts[name], value, sign, *given)}
        return as_kept((_in_order_of(before, after), folds, counts), self.dtype), self._row(cells)

    def end(self, state: Any) -> Any:
        """Outcomes [outcome] from the state after the last year."""
        last, folds, _ = state
        own: Any = {name: outcome.fold for name, outcome in self.study.model.outcomes.items()}
        return self._row([rule.finish(folds[name]) if name in folds else rule(last) for name, rule in own.items()])

    @property
    def _folds(self) -> dict[str, Fold]:
        """The outcomes that are folds over the years, by name."""
        outcomes = self.study.model.outcomes.items()
        return {name: outcome.fold for name, outcome in outcomes if isinstance(outcome.fold, Fold)}

    @property
    def _triggers(self) -> dict[str, Trigger]:
        """The triggers that set a lever under some policy, by name."""
        return {name: one for name, one in self.study.triggers.items() if one.levers}

    def _row(self, values: Sequence[Any]) -> Any:
        """Values as one array of floating-point numbers."""
        return jnp.stack([jnp.asarray(value, self.dtype) for value in values]) if values else jnp.zeros(0, self.dtype)

    def _factors(self, draws: Draws) -> SimpleNamespace:
        model = self.study.model
        known = {name: jnp.asarray(one.value, self.dtype) for name, one in model.constants.items()}
        return SimpleNamespace(**known, **{name: draws[name] for name in model.factors})

    def _in_force(
        self, levers: Any, year: Any, draws: Draws, counts: Mapping[str, Any] | None = None
    ) -> SimpleNamespace:
        """This year's levers on this path: before + implementation x (policy - before) from the start on.

        Args:
          counts: the state of the triggers, by name; none acts if not given.
        """
        known = self.study.model.levers
        share = levers["implementation"]
        for name, chosen in levers["by_factor"].items():
            share = jnp.where(chosen, draws[name], share)

        def blend(before: Any, after: Any) -> Any:
            # exact at both ends and where nothing changes
            return jnp.where(share == 1.0, after, before + share * (after - before))

        def stated(side: str, name: str) -> Sequence[Any]:
            values = levers[side][name]
            for factor, weights in levers["drawn"][side].get(name, {}).items():
                # exact where a weight is 0 or 1
                values = [value + weight * draws[factor] for value, weight in zip(values, weights, strict=True)]
            return values

        def acts(trigger: str) -> Any:
            (years,), (delay,) = (stated("levers", f"{trigger}.{key}") for key in ("for", "delay"))
            return (counts or {})[trigger] >= years + delay

        def cells(side: str, name: str) -> Sequence[Any]:
            values = stated(side, name)
            for trigger in counts or {}:
                if name in self.study.triggers[trigger].levers:
                    pair = (stated(side, f"{WHEN}{trigger}.{name}"), values)
                    sides = (getattr(self._by_name({name: known[name]}, one), name) for one in pair)
                    values = _cells_of(known[name], where(acts(trigger), *sides))
            return values

        started = True if year is None else year >= levers["start"]
        in_force = [
            jnp.where(started, blend(before, after), before)
            for name in known
            for before, after in zip(cells("before", name), cells("levers", name), strict=True)
        ]
        start = jnp.where(started, levers["start"], levers["before_start"])
        return SimpleNamespace(start=start, **vars(self._by_name(known, in_force)))

    def _by_name(self, parts: Mapping[str, Shock | Lever], values: Iterable[Any]) -> SimpleNamespace:
        """The values as a model takes them: labelled cells, or one number where a part has no dimensions."""
        rest, given = iter(values), {}
        for name, part in parts.items():
            labels = self._labels(part)
            given[name] = Cells(labels, [*islice(rest, prod(map(len, labels.values())))]) if labels else next(rest)
        return SimpleNamespace(**given)

    def _labels(self, part: Shock | Lever | Yearly) -> dict[str, tuple[str, ...]]:
        return {dim: tuple(self.study.model.dims[dim]) for dim in part.dims}


@each
def _counted(count: Any, value: Any, sign: float, threshold: Any, until: Any, years: Any) -> Any:
    """The state of a trigger after a year: years in a row beyond the threshold, then years since, until it ends.

    From `years` on it acts, after its delay.

    Args:
      sign: 1 if it begins below the threshold, -1 if above.
    """
    goes_on = jnp.where(count >= years, ~(sign * value > sign * until), sign * value < sign * threshold)
    return jnp.where(goes_on, count + 1, 0)


def _is_cells(part: Any) -> bool:
    return isinstance(part, Cells)


def _cells_of(variable: Yearly | Lever, value: Any) -> tuple[Any, ...]:
    return value.in_order(variable.dims).values if _is_cells(value) else (value,)


def _in_order_of(before: Any, after: Any) -> Any:
    """The state with the dimensions of its tables in their former order, which arithmetic may have changed."""
    return jax.tree.map(
        lambda old, new: new.in_order(old.dims) if _is_cells(old) and _is_cells(new) else new,
        before,
        after,
        is_leaf=_is_cells,
    )
