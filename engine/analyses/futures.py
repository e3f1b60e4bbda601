"""Numbers of a study on the same path numbers with some of its inputs drawn anew: one compiled program, fed with other keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.analyses import variants
from engine.analyses.independent_inputs import IndependentInput, independent_inputs, replicates
from engine.analyses.variables import LEVEL, MEAN, SHORTFALL, Values, measured, outcomes_of, under
from engine.errors import Problem, UserError
from engine.program.running import compilation_cache, devices
from engine.program.running.contract import FactorDraws, Program, Scores
from engine.program.running.native import LoopProgram
from engine.risk.estimation.exclusion import most_excluded
from engine.risk.estimation.intervals import dots
from engine.study.study import Block, Change, Study

ROUNDINGS = 16
"""Roundings that an outcome carries, at most as many as a sum over some decades of years gathers."""
Mix = Mapping[str, int]
"""Random stream -> the replicate that is read of it."""


@dataclass(frozen=True)
class Quantity:
    """A number of every path.

    Args:
      variable: an outcome or an event.
      measure: `MEAN` for the outcome itself, `SHORTFALL` for what a path adds to ES, `PROBABILITY` for whether the event happens.
      policy: under which.
      against: the policy that is deducted; "" for none.
    """

    variable: str
    measure: str
    policy: str
    against: str = ""


def quantities(study: Study, variables: Sequence[str] | None) -> tuple[Quantity, ...]:
    """Mean and ES of outcomes and probabilities of events, under each policy, then of each policy less the baseline.

    Args:
      variables: the headline and all events if not given.

    Raises:
      UserError: no such outcome or event.
    """
    sides = [(policy, "") for policy in study.policy_names]
    sides += [(policy, study.baseline) for policy in study.policy_names if policy != study.baseline]
    return tuple(
        Quantity(*one, policy, against) for one in measured(study, variables) for policy, against in sides
    )


def of_paths(study: Study, paths: int | None, most: int, units: int = 1) -> Study:
    """The study with so many paths, in whole units; its own, at most `most`, if none are asked for.

    Args:
      units: fewest independent units.

    Raises:
      UserError: there are fewer, or a unit is not whole.
    """
    count = min(study.paths, most) // study.unit * study.unit if paths is None else paths
    if count < units * study.unit or count % study.unit:
        expected = f"expected at least {units * study.unit}, in whole units of {study.unit}; got {count}."
        raise UserError(study.source, [Problem("paths", expected)])
    return replace(study, paths=count)


class Futures:
    """Outcomes of a study on its paths, and on the same path numbers with inputs drawn anew.

    Args:
      study: with the paths that are looked at.
      names: outcomes that are read.
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
        """The outcomes by name under each mix, one after the other; of these futures themselves under an empty one.

        Args:
          paths: from the first on; all of the study's if not given.
        """
        numbered = ({stream: self.replicate + by for stream, by in mix.items()} for mix in mixes)
        return self._gathered((self._keys.fed(self.program, mix) for mix in numbered), paths)

    def held(self, values: Iterable[Mapping[str, float]], paths: int | None = None) -> Iterator[Values]:
        """The outcomes by name with some factors held at values, one after the other."""
        return self._gathered((variants.held(self.program, one) for one in values), paths)

    def anew(self, by: int = 1) -> Futures:
        """As many futures of the study with every input drawn anew: independent of these. Of 0, these; of each other number, others."""
        other = copy(self)
        other.replicate = self.replicate + by
        streams = replicates(independent_inputs(self.study), other.replicate)
        other.program, other._held = self._keys.fed(self.program, streams), None
        return other

    def stated(self, paths: int) -> Values:
        """The outcomes by name on the first so many paths."""
        return next(self._gathered([self.program], paths))

    def changed(self, changes: Sequence[Change], paths: int) -> Iterator[Values]:
        """The outcomes by name of the study with each of some changes, on the first so many paths, one after the other.

        Where levers alone are changed, the policies that have others are computed beside each other, on futures that are drawn once; all
        other policies have the outcomes that they had. All are in memory at a time: of a few changes, or of few paths.
        """
        levers = bool(changes) and all(one.levers and not (one.factors or one.groups) for one in changes)
        if not (levers and isinstance(self.program, LoopProgram)):
            yield from self._gathered((variants.fed(self.program, one) for one in changes), paths)
            return
        program, moved = variants.beside_each_other(self.program, changes)
        if self._held is None or self._held[0] != paths:
            self._held = paths, self.stated(paths)
        own, others = self._held[1], next(self._gathered([program], paths)) if moved else {}
        for k in range(len(changes)):
            values = {name: rows.copy() for name, rows in own.items()}
            for at, (of, row) in enumerate(moved):
                if of == k:
                    for name, rows in values.items():
                        rows[row] = others[name][at]
            yield values

    def draws(self) -> FactorDraws:
        """Factor draws of all paths."""
        return np.concatenate([self.program.draws(block) for block in self.study.blocks()], axis=-1)

    def scores(self, first: int, paths: int) -> Scores:
        """The random numbers that some paths are made of, in double precision."""
        return self.program.scores(Block(0, first, paths)).astype(np.float64)

    def numbers(self, paths: int) -> Scores:
        """The random numbers that the first so many paths are made of, as the program has them."""
        return self.program.scores(Block(0, 0, paths))

    def made(self, scores: Scores) -> Values:
        """The outcomes by name of futures made of random numbers."""
        outcomes = self.program.outcomes_of(scores)
        return {name: outcomes[:, at] for name, at in zip(self.names, self._at, strict=True)}

    def _gathered(self, programs: Iterable[Program], paths: int | None) -> Iterator[Values]:
        study = self.study if paths is None else replace(self.study, paths=paths)
        blocks, parts = study.blocks(), []
        for _, result in variants.results(enumerate(programs), blocks):
            parts.append([np.ascontiguousarray(result.outcomes[:, k]) for k in self._at])
            if len(parts) == len(blocks):
                whole = (
                    parts[0]
                    if len(blocks) == 1
                    else [np.concatenate(of, -1) for of in zip(*parts, strict=True)]
                )
                yield dict(zip(self.names, whole, strict=True))
                parts = []


def mix(inputs: Iterable[IndependentInput], base: Mapping[str, int], replicate: int) -> Mix:
    """A mix in which some inputs are read from another replicate than the rest."""
    return {**base, **replicates(tuple(inputs), replicate)}


def sound(values: Iterable[Values]) -> Bool[np.ndarray, "path"]:
    """Paths on which everything is finite."""
    return np.logical_and.reduce([np.isfinite(x).all(axis=0) for one in values for x in one.values()])


def finite(
    a: Float[np.ndarray, "*cells path"], b: Float[np.ndarray, "*cells path"], middle: float | np.ndarray
) -> tuple[Float[np.ndarray, "*cells path"], Float[np.ndarray, "*cells path"]]:
    """Two numbers of every path less their middle; 0 both where either is not finite, so that such a path adds nothing to their products."""
    if np.isfinite(a.sum()) and np.isfinite(b.sum()):
        return a - middle, b - middle
    good = np.isfinite(a) & np.isfinite(b)
    return np.where(good, a, middle) - middle, np.where(good, b, middle) - middle


def refuse_too_many(study: Study, good: Bool[np.ndarray, "path"]) -> None:
    """Raises a UserError where more paths are not finite than the study allows."""
    count, most = int((~good).sum()), most_excluded(study)
    if count > most:
        text = f"values are not finite on {count:,} of {study.paths:,} paths, the first of them {int(np.argmin(good))}"
        remedy = "Mend the model, or say which share may be kept out of all numbers, such as 0.0001"
        raise UserError(
            f"model {study.model_name}",
            [Problem("run.nonfinite", f"{text}; expected at most {most:,}. {remedy}.")],
        )


@dataclass(frozen=True)
class Numbers:
    """How quantities are made of outcomes; VaR is that of the study's own futures, for all mixes."""

    study: Study
    quantities: tuple[Quantity, ...]
    var: Mapping[tuple[str, str], float]

    @staticmethod
    def of(study: Study, wanted: Sequence[Quantity], own: Values) -> Numbers:
        """The quantities with the VaR that the study's own futures give."""
        var = {}
        for one in wanted:
            for policy in filter(None, (one.policy, one.against)):
                if one.measure == SHORTFALL:
                    losses = _losses(study, own, one.variable, policy)
                    var[one.variable, policy] = float(np.quantile(losses, LEVEL, method="inverted_cdf"))
        return Numbers(study, tuple(wanted), var)

    def values(self, one: Quantity, outcomes: Values) -> Float[np.ndarray, "path"]:
        """A quantity on every path."""
        own = self._under(one, one.policy, outcomes)
        with np.errstate(invalid="ignore"):  # infinite under both
            return own - self._under(one, one.against, outcomes) if one.against else own

    def table(self, outcomes: Values) -> Float[np.ndarray, "quantity path"]:
        """All quantities on every path; what several of them are made of is computed once."""
        held: dict[tuple[str, str, str], np.ndarray] = {}

        def of(one: Quantity, policy: str) -> np.ndarray:
            key = one.variable, one.measure, policy
            if key not in held:
                held[key] = self._under(one, policy, outcomes)
            return held[key]

        paths = next(iter(outcomes.values())).shape[-1]
        given: np.ndarray = np.empty((len(self.quantities), paths))
        with np.errstate(invalid="ignore"):  # infinite under both
            for row, one in zip(given, self.quantities, strict=True):
                if one.against:
                    np.subtract(of(one, one.policy), of(one, one.against), out=row)
                else:
                    row[:] = of(one, one.policy)
        return given

    def some(self, quantities: Sequence[Quantity]) -> Numbers:
        """The same of some of the quantities."""
        return Numbers(self.study, tuple(quantities), self.var)

    def moved(self, one: Quantity, x: Values, y: Values, good: Bool[np.ndarray, "path"]) -> bool:
        """Whether a quantity differs between two sets of futures by more than rounding: `Apart.moved`.

        Args:
          good: the paths that are looked at.
        """
        return Apart(self.study, Rows(x, good), Rows(y, good)).moved(one)

    def _under(self, one: Quantity, policy: str, outcomes: Values) -> Float[np.ndarray, "path"]:
        if one.measure != SHORTFALL:
            return under(self.study, one.variable, policy, outcomes).astype(np.float64)
        losses = _losses(self.study, outcomes, one.variable, policy)
        excess = np.maximum(losses - self.var[one.variable, policy], 0.0) / (1 - LEVEL)
        return excess if self.study.is_loss(one.variable) else -excess


class Rows:
    """Outcomes under each policy on the paths that are looked at, in double precision, each made when it is asked for.

    Args:
      values: outcomes by name.
      good: the paths that are looked at.
    """

    def __init__(self, values: Values, good: Bool[np.ndarray, "path"]):
        self._values, self._good, self._whole = values, good, bool(good.all())
        self._held: dict[tuple[str, int], np.ndarray] = {}
        self._squares: dict[tuple[str, int], float] = {}

    def row(self, name: str, row: int) -> Float[np.ndarray, "path"]:
        """An outcome under a policy."""
        if (name, row) not in self._held:
            values = self._values[name][row]
            self._held[name, row] = (values if self._whole else values[self._good]).astype(np.float64)
        return self._held[name, row]

    def square(self, name: str, row: int) -> float:
        """The sum of its squares."""
        if (name, row) not in self._squares:
            values = self.row(name, row)
            self._squares[name, row] = float(dots(values, values))
        return self._squares[name, row]

    def rounding(self, name: str) -> float:
        """The share of the sum of squares that rounding alone makes up, at most."""
        return (ROUNDINGS * float(np.finfo(self._values[name].dtype).eps)) ** 2


class Apart:
    """How far two sets of futures are apart, outcome by outcome; each is looked at once, however many quantities are made of it."""

    def __init__(self, study: Study, x: Rows, y: Rows):
        self._study, self._x, self._y = study, x, y
        self._moved: dict[tuple[str, int], bool] = {}

    def moved(self, one: Quantity) -> bool:
        """Whether a quantity differs by more than rounding.

        It does not where the mean square of the gap between the outcomes that it is made of is at most (`ROUNDINGS` eps)^2 times the mean
        square of these outcomes, with eps that of their type. Of a mean that is a difference of two policies the gap is that of the
        difference: what both have alike cancels but for its rounding.
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
    """An outcome under a policy, high being worse."""
    row = values[variable][study.row(policy)].astype(np.float64)
    return row if study.is_loss(variable) else -row
