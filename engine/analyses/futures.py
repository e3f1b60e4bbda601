"""Outcomes of a study on the same paths with some inputs drawn again: one program, fed with other random keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from jaxtyping import Bool, Float

from engine.analyses import variants
from engine.analyses.independent_inputs import IndependentInput, independent_inputs, replicates
from engine.analyses.variables import LEVEL, MEAN, SHORTFALL, Values, measured, outcomes_of, under
from engine.errors import Problem, UserError
from engine.lanes import compilation_cache
from engine.program import devices
from engine.program.contract import FactorDraws, Program, Scores
from engine.program.cpu_program import CpuProgram
from engine.risk.estimation.exclusion import most_excluded
from engine.risk.estimation.intervals import dots
from engine.study.components import Change
from engine.study.study import Block, Study

ROUNDINGS = 16
"""Allowance for rounding errors in an outcome [eps]: about what a sum over some decades gathers."""
Mix = Mapping[str, int]
"""Random stream -> number of the replicate that is drawn from it; other streams are as in the study."""


@dataclass(frozen=True)
class Quantity:
    """A quantity that has a value on every path, whose mean is estimated or whose variance is decomposed.

    Args:
      variable: an outcome or an event.
      measure: `MEAN` for the outcome itself, `SHORTFALL` for a path's excess over VaR, divided by 1 - level,
        `PROBABILITY` for whether the event happens.
      policy: the policy that it is under.
      against: the policy that is deducted; "" for none.
    """

    variable: str
    measure: str
    policy: str
    against: str = ""


def quantities(study: Study, variables: Sequence[str] | None) -> tuple[Quantity, ...]:
    """Quantities for mean and ES of outcomes and probability of events.

    Each under every policy, then for every policy less the baseline.

    Args:
      variables: outcomes and events; the headline and all events if not given.

    Raises:
      UserError: no such outcome or event.
    """
    sides = [(policy, "") for policy in study.policy_names]
    sides += [(policy, study.baseline) for policy in study.policy_names if policy != study.baseline]
    return tuple(Quantity(*one, policy, against) for one in measured(study, variables) for policy, against in sides)


def of_paths(study: Study, paths: int | None, most: int, units: int = 1) -> Study:
    """The study with `paths` paths; if not given, with its own number, at most `most`, in whole units.

    Args:
      units: least number of independent units.

    Raises:
      UserError: there are fewer units, or the number of paths is not a number of whole units.
    """
    count = min(study.paths, most) // study.unit * study.unit if paths is None else paths
    if count < units * study.unit or count % study.unit:
        expected = f"expected at least {units * study.unit}, in whole units of {study.unit}; got {count}."
        raise UserError(study.source, [Problem("paths", expected)])
    return replace(study, paths=count)


class Futures:
    """Simulates outcomes of a study on its paths, and on the same paths with inputs drawn again, held or changed.

    Args:
      study: with the paths to be simulated.
      names: outcomes that are returned.
      device: "cpu" or "gpu"; the GPUs if there are any.
    """

    def __init__(self, study: Study, names: Sequence[str], device: str | None = None):
        compilation_cache.keep_programs()
        self.study, self.names = study, tuple(names)
        self.replicate = 0
        self._held: tuple[int, Values] | None = None
        self.program: Program = devices.program(study, device)
        self._at = study.places(names)
        self._keys = variants.Keys(study)

    def mixed(self, mixes: Iterable[Mix], paths: int | None = None) -> Iterator[Values]:
        """The outcomes by name [policy, path] under each mix, one after the other.

        An empty mix gives the outcomes of these futures themselves.

        Args:
          paths: how many, from the first on; all of the study's if not given.
        """
        numbered = ({stream: self.replicate + by for stream, by in mix.items()} for mix in mixes)
        return self._gathered((self._keys.fed(self.program, mix) for mix in numbered), paths)

    def with_fixed(self, values: Iterable[Mapping[str, float]], paths: int | None = None) -> Iterator[Values]:
        """The outcomes by name [policy, path] with some factors fixed, for one set of values after the other."""
        return self._gathered((variants.with_fixed(self.program, one) for one in values), paths)

    def anew(self, by: int = 1) -> Futures:
        """As many futures with every input drawn again, independent of these.

        `by` numbers such sets, and 0 gives these futures again.
        """
        other = copy(self)
        other.replicate = self.replicate + by
        streams = replicates(independent_inputs(self.study), other.replicate)
        other.program, other._held = self._keys.fed(self.program, streams), None
        return other

    def first(self, paths: int) -> Values:
        """The outcomes by name [policy, path] as stated, on the first `paths` paths."""
        return next(self._gathered([self.program], paths))

    def changed(self, changes: Sequence[Change], paths: int) -> Iterator[Values]:
        """The outcomes by name [policy, path] under one change after the other, on the first `paths` paths.

        If only levers are changed, the changed policies are simulated side by side on futures that are drawn once, and
        all other policies keep their outcomes. All of these are in memory at once, so changes or paths must be few.
        """
        levers = bool(changes) and all(one.levers and not (one.factors or one.groups) for one in changes)
        if not (levers and isinstance(self.program, CpuProgram)):
            yield from self._gathered((variants.fed(self.program, one) for one in changes), paths)
            return
        program, moved = variants.beside_each_other(self.program, changes)
        if self._held is None or self._held[0] != paths:
            self._held = paths, self.first(paths)
        own, others = self._held[1], next(self._gathered([program], paths)) if moved else {}
        for k in range(len(changes)):
            values = {name: rows.copy() for name, rows in own.items()}
            for at, (of, row) in enumerate(moved):
                if of == k:
                    for name, rows in values.items():
                        rows[row] = others[name][at]
            yield values

    def draws(self) -> FactorDraws:
        """Factor draws of all paths [factor, path]."""
        return np.concatenate([self.program.draws(block) for block in self.study.blocks()], axis=-1)

    def numbers(self, paths: int) -> Scores:
        """The normal scores that the first `paths` paths are drawn from, in the program's precision [row, path]."""
        return self.program.scores(Block(0, 0, paths))

    def of_scores(self, scores: Scores) -> Values:
        """The outcomes by name [policy, path] of futures drawn from given normal scores."""
        outcomes = self.program.outcomes_of(scores)
        return {name: outcomes[:, at] for name, at in zip(self.names, self._at, strict=True)}

    def _gathered(self, programs: Iterable[Program], paths: int | None) -> Iterator[Values]:
        study = self.study if paths is None else replace(self.study, paths=paths)
        blocks, parts = study.blocks(), []
        for _, outcomes in variants.results(enumerate(programs), blocks):
            parts.append([np.ascontiguousarray(outcomes[:, k]) for k in self._at])
            if len(parts) == len(blocks):
                whole = parts[0] if len(blocks) == 1 else [np.concatenate(of, -1) for of in zip(*parts, strict=True)]
                yield dict(zip(self.names, whole, strict=True))
                parts = []


def mix(inputs: Iterable[IndependentInput], base: Mapping[str, int], replicate: int) -> Mix:
    """The mix `base` with some inputs drawn from another replicate."""
    return {**base, **replicates(tuple(inputs), replicate)}


def sound(values: Iterable[Values]) -> Bool[np.ndarray, "path"]:
    """Mask of the paths on which all outcomes of all sets are finite."""
    return np.logical_and.reduce([np.isfinite(x).all(axis=0) for one in values for x in one.values()])


def finite(
    a: Float[np.ndarray, "*cells path"], b: Float[np.ndarray, "*cells path"], middle: float | np.ndarray
) -> tuple[Float[np.ndarray, "*cells path"], Float[np.ndarray, "*cells path"]]:
    """Two quantities of every path less `middle`.

    Both are 0 where either is not finite, so that such a path adds nothing to products.
    """
    if np.isfinite(a.sum()) and np.isfinite(b.sum()):
        return a - middle, b - middle
    good = np.isfinite(a) & np.isfinite(b)
    return np.where(good, a, middle) - middle, np.where(good, b, middle) - middle


def refuse_too_many(study: Study, good: Bool[np.ndarray, "path"]) -> None:
    """Raises a UserError if more paths are not finite than the study allows."""
    count, most = int((~good).sum()), most_excluded(study)
    if count > most:
        text = f"values are not finite on {count:,} of {study.paths:,} paths, the first of them {int(np.argmin(good))}"
        remedy = "Mend the model, or say which share may be kept out of all numbers, such as 0.0001"
        raise UserError(
            f"model {study.model_name}", [Problem("run.nonfinite", f"{text}; expected at most {most:,}. {remedy}.")]
        )


@dataclass(frozen=True)
class Numbers:
    """Computes quantities from outcomes, with VaR fixed at that of the study's own futures."""

    study: Study
    quantities: tuple[Quantity, ...]
    var: Mapping[tuple[str, str], float]

    @staticmethod
    def of(study: Study, wanted: Sequence[Quantity], own: Values) -> Numbers:
        """The computation of some quantities, with VaR taken from the outcomes `own`."""
        var = {}
        for one in wanted:
            for policy in filter(None, (one.policy, one.against)):
                if one.measure == SHORTFALL:
                    losses = _losses(study, own, one.variable, policy)
                    var[one.variable, policy] = float(np.quantile(losses, LEVEL, method="inverted_cdf"))
        return Numbers(study, tuple(wanted), var)

    def values(self, one: Quantity, outcomes: Values) -> Float[np.ndarray, "path"]:
        """The values of a quantity on every path."""
        (values,) = self.some([one]).table(outcomes)
        return values

    def table(self, outcomes: Values) -> Float[np.ndarray, "quantity path"]:
        """The values of all quantities on every path; parts that several of them share are computed once."""
        of = cache(partial(self._under, outcomes))
        paths = next(iter(outcomes.values())).shape[-1]
        given: np.ndarray = np.empty((len(self.quantities), paths))
        with np.errstate(invalid="ignore"):  # infinite less infinite
            for row, one in zip(given, self.quantities, strict=True):
                row[:] = of(one.variable, one.measure, one.policy)
                if one.against:
                    row -= of(one.variable, one.measure, one.against)
        return given

    def some(self, quantities: Sequence[Quantity]) -> Numbers:
        """The computation of some of the quantities."""
        return Numbers(self.study, tuple(quantities), self.var)

    def _under(self, outcomes: Values, variable: str, measure: str, policy: str) -> Float[np.ndarray, "path"]:
        if measure != SHORTFALL:
            return under(self.study, variable, policy, outcomes).astype(np.float64)
        losses = _losses(self.study, outcomes, variable, policy)
        excess = np.maximum(losses - self.var[variable, policy], 0.0) / (1 - LEVEL)
        return excess if self.study.is_loss(variable) else -excess


class Rows:
    """Outcomes under each policy on selected paths, in double precision; each row is made when it is first asked for.

    Args:
      values: outcomes by name.
      good: mask of the paths that are compared.
    """

    def __init__(self, values: Values, good: Bool[np.ndarray, "path"]):
        self._values, self._good, self._whole = values, good, bool(good.all())
        self._held: dict[tuple[str, int], np.ndarray] = {}
        self._squares: dict[tuple[str, int], float] = {}

    def row(self, name: str, row: int) -> Float[np.ndarray, "path"]:
        """The values of an outcome under the policy at index `row`."""
        if (name, row) not in self._held:
            values = self._values[name][row]
            self._held[name, row] = (values if self._whole else values[self._good]).astype(np.float64)
        return self._held[name, row]

    def square(self, name: str, row: int) -> float:
        """The sum of squares of these values."""
        if (name, row) not in self._squares:
            values = self.row(name, row)
            self._squares[name, row] = float(dots(values, values))
        return self._squares[name, row]

    def rounding(self, name: str) -> float:
        """An upper bound on the share of a sum of squares that rounding alone accounts for: (`ROUNDINGS` eps)^2."""
        return (ROUNDINGS * float(np.finfo(self._values[name].dtype).eps)) ** 2


class Apart:
    """Compares two sets of futures outcome by outcome; each outcome once, however many quantities depend on it."""

    def __init__(self, study: Study, x: Rows, y: Rows):
        self._study, self._x, self._y = study, x, y
        self._moved: dict[tuple[str, int], bool] = {}

    def differs(self, one: Quantity) -> bool:
        """Whether a quantity differs by more than rounding.

        It does not if the mean square of the gap between the outcomes that it depends on is at most (`ROUNDINGS` eps)^2
        times the mean square of these outcomes, with eps that of their type. For a mean that is a difference of two
        policies, the gap is that of the difference, in which what both policies have in common cancels up to rounding.
        """
        study = self._study
        rows = [study.row(policy) for policy in (one.policy, one.against) if policy]
        if one.measure == MEAN and one.against:
            own, other = (self._gap(one.variable, row) for row in rows)
            own -= other
            size, more = (self._size(one.variable, row) for row in rows)
            return float(dots(own, own)) > size + more
        return any(self._is_apart(name, row) for name in outcomes_of(study, [one.variable]) for row in rows)

    def _gap(self, name: str, row: int) -> Float[np.ndarray, "path"]:
        return self._x.row(name, row) - self._y.row(name, row)

    def _size(self, name: str, row: int) -> float:
        return self._x.rounding(name) * self._x.square(name, row)

    def _is_apart(self, name: str, row: int) -> bool:
        if (name, row) not in self._moved:
            gap = self._gap(name, row)
            self._moved[name, row] = float(dots(gap, gap)) > self._size(name, row)
        return self._moved[name, row]


def _losses(study: Study, values: Values, variable: str, policy: str) -> Float[np.ndarray, "path"]:
    """The values of an outcome under a policy, with their sign such that high is worse."""
    row = values[variable][study.row(policy)].astype(np.float64)
    return row if study.is_loss(variable) else -row
