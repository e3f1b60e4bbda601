"""Outcomes of a study on the same paths with some inputs drawn again: one program, fed with other random keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice

import numpy as np
from jaxtyping import Float, Int

from engine.errors import Problem, UserError
from engine.lanes import compilation_cache
from engine.program import devices, drawing
from engine.program.contract import FactorDraws, Program, Scores, Shocks
from engine.program.cpu_program import CpuProgram
from engine.questions import variants
from engine.questions.independent_inputs import independent_inputs, replicates
from engine.questions.variables import LEVEL, MEAN, SHORTFALL, Mask, Paths, Values, measured, outcomes_of, under
from engine.risk.estimation.exclusion import most_excluded
from engine.risk.estimation.intervals import Units, as_units, dots
from engine.study.components import Change
from engine.study.study import BLOCK, Block, Study

PATHS = BLOCK
"""Default number of paths."""
Observer = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and how much there is."""
ROUNDINGS = 16
"""Allowance for rounding errors in an outcome [eps]: about what a sum over some decades gathers."""
AT_ONCE = 1 << 15
"""Paths whose random numbers are in memory at a time."""
IN_FULL = 1 << 10
"""Paths whose yearly values are in memory at a time."""
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

    @property
    def policies(self) -> tuple[str, ...]:
        """The policy, and the one that is deducted if there is one."""
        return (self.policy, self.against) if self.against else (self.policy,)


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


def unobserved(stage: str, done: int, total: int) -> None:
    """The observer that shows nothing."""


class Futures:
    """Simulates outcomes of a study on its paths, and on the same paths with inputs drawn again, held or changed.

    Args:
      study: with the paths to be simulated.
      names: outcomes that are returned.
      device: "cpu" or "gpu"; the GPUs if there are any.
    """

    def __init__(self, study: Study, names: Sequence[str], device: str | None = None):
        compilation_cache.keep_programs()
        self.study, self.names, self.device = study, tuple(names), device
        self.replicate = 0
        self._held: tuple[int, Values] | None = None
        self.program: Program = devices.program(study, device)
        self._at = study.places(names)

    def mixed(self, mixes: Iterable[Mix], paths: int | None = None) -> Iterator[Values]:
        """The outcomes by name [policy, path] under each mix, one after the other.

        An empty mix gives the outcomes of these futures themselves.

        Args:
          paths: how many, from the first on; all of the study's if not given.
        """
        numbered = ({stream: self.replicate + by for stream, by in mix.items()} for mix in mixes)
        return self.of_programs((variants.redrawn(self.program, mix) for mix in numbered), paths)

    def anew(self, by: int = 1) -> Futures:
        """As many futures with every input drawn again, independent of these.

        `by` numbers such sets, and 0 gives these futures again.
        """
        other = copy(self)
        other.replicate = self.replicate + by
        streams = replicates(independent_inputs(self.study), other.replicate)
        other.program, other._held = variants.redrawn(self.program, streams), None
        return other

    def first(self, paths: int) -> Values:
        """The outcomes by name [policy, path] as stated, on the first `paths` paths."""
        return next(self.of_programs([self.program], paths))

    def changed(self, changes: Sequence[Change], paths: int) -> Iterator[Values]:
        """The outcomes by name [policy, path] under one change after the other, on the first `paths` paths.

        If only levers are changed, the changed policies are simulated side by side on futures that are drawn once, and
        all other policies keep their outcomes. All of these are in memory at once, so changes or paths must be few.
        """
        levers = bool(changes) and all(one.levers and not (one.factors or one.groups) for one in changes)
        if not (levers and isinstance(self.program, CpuProgram)):
            yield from self.of_programs((variants.fed(self.program, one) for one in changes), paths)
            return
        program, moved = variants.beside_each_other(self.program, changes)
        others = next(self.of_programs([program], paths)) if moved else {}
        own: Values = {}
        policies = range(self.program.policies)
        if len(moved) < len(changes) * len(policies):
            if self._held is None or self._held[0] != paths:
                self._held = paths, self.first(paths)
            own = self._held[1]
        for k in range(len(changes)):
            at = {row: place for place, (of, row) in enumerate(moved) if of == k}
            yield {
                name: np.stack([others[name][at[row]] if row in at else own[name][row] for row in policies])
                for name in self.names
            }

    def of_programs(self, programs: Iterable[Program], paths: int | None = None) -> Iterator[Values]:
        """The outcomes by name [policy, path] by each of some forms of the program.

        Args:
          paths: how many, from the first on; all of the study's if not given.
        """
        study = self.study if paths is None else replace(self.study, paths=paths)
        blocks = study.blocks()
        every = variants.results(enumerate(programs), blocks)
        while parts := [outcomes[:, self._at] for _, outcomes in islice(every, len(blocks))]:
            whole = np.concatenate(parts, axis=-1)
            yield {name: whole[:, k] for k, name in enumerate(self.names)}

    def numbers(self, paths: int) -> Scores:
        """The normal scores that the first `paths` paths are drawn from, in the program's precision [row, path]."""
        return self.program.scores(Block(0, 0, paths))

    def scores(self, paths: Int[np.ndarray, "path"]) -> Scores:
        """The normal scores that some paths are drawn from [row, path].

        Args:
          paths: their numbers, ascending; at least one.
        """
        parts, owner = [], paths // AT_ONCE
        for k in np.unique(owner).tolist():
            first = k * AT_ONCE
            block = Block(0, first, min(AT_ONCE, self.study.paths - first))
            parts.append(self.program.scores(block)[:, paths[owner == k] - first])
        return np.concatenate(parts, axis=1)

    def of_scores(self, scores: Scores) -> Values:
        """The outcomes by name [policy, path] of futures drawn from given normal scores."""
        outcomes = self.program.outcomes_of(scores)
        return {name: outcomes[:, at] for name, at in zip(self.names, self._at, strict=True)}

    def drawn(self, scores: Scores) -> tuple[FactorDraws, Shocks | None]:
        """Factors [factor, path] and shocks [year, stream, path], None without any, of futures with given scores."""
        parts = (scores[:, first : first + IN_FULL] for first in range(0, scores.shape[1], IN_FULL))
        traces = ((one.draws, one.shocks) for one in map(self.program.trace_of, parts))
        draws, shocks = zip(*traces, strict=True)
        return np.concatenate(draws, -1), None if shocks[0] is None else np.concatenate(shocks, -1)

    def joint(self, scores: Scores) -> Float[np.ndarray, "factor path"]:
        """The normal scores of the factors after dependence, of futures with given scores."""
        once = scores[: len(self.study.streams[0])]
        return np.asarray(drawing.joint_scores(self.study, once, self.program.inputs))

    def of_policy(self, policy: str) -> Futures:
        """The same futures under one policy alone, if its outcomes then keep their bits; else these futures."""
        study = self.study
        if len(study.policies) < 2 or not isinstance(self.program, CpuProgram):
            return self
        alone = replace(study, policies=(study.policies[study.row(policy)],), baseline=policy)
        return Futures(alone, self.names, self.device)


def sound(values: Iterable[Values]) -> Mask:
    """Mask of the paths on which all outcomes of all sets are finite."""
    return np.logical_and.reduce([np.isfinite(x).all(axis=0) for one in values for x in one.values()])


def units_of(study: Study, good: Mask) -> Units:
    """The independent units of the paths of a mask."""
    return as_units(len(good), study.unit).take(good)


def refuse_too_many(study: Study, good: Mask, finite: Mask | None = None) -> None:
    """Raises a UserError if more paths are not finite than the study allows.

    Args:
      good: paths that are kept.
      finite: paths whose own values are finite; `good` if not given.
    """
    count, most = int((~good).sum()), most_excluded(study)
    if count > most:
        first = int(np.argmin(good if finite is None else finite))
        text = f"values are not finite on {count:,} of {study.paths:,} paths, the first of them {first}"
        remedy = "Correct the model, or state the share of paths that may be excluded, such as 0.0001"
        raise UserError(
            f"model {study.model_name}", [Problem("run.nonfinite", f"{text}; expected at most {most:,}. {remedy}.")]
        )


class Numbers:
    """Computes quantities from outcomes, with VaR fixed at that of the study's own futures.

    Args:
      own: the outcomes of these futures.
    """

    def __init__(self, study: Study, quantities: Sequence[Quantity], own: Values):
        self.study, self.quantities = study, quantities
        sides = {(one.variable, policy) for one in quantities if one.measure == SHORTFALL for policy in one.policies}
        losses = {side: _losses(study, own, *side) for side in sides}
        self._var = {side: float(np.quantile(of, LEVEL, method="inverted_cdf")) for side, of in losses.items()}

    def table(self, quantities: Sequence[Quantity], outcomes: Values) -> Float[np.ndarray, "quantity path"]:
        """The values of some quantities on every path; parts that several of them share are computed once."""
        of = cache(partial(self._under, outcomes))
        with np.errstate(invalid="ignore"):  # infinite less infinite
            sides = [[of(one.variable, one.measure, policy) for policy in one.policies] for one in quantities]
            return np.array([own - other[0] if other else own for own, *other in sides])

    def _under(self, outcomes: Values, variable: str, measure: str, policy: str) -> Paths:
        if measure != SHORTFALL:
            return under(self.study, variable, policy, outcomes).astype(np.float64)
        losses = _losses(self.study, outcomes, variable, policy)
        excess = np.maximum(losses - self._var[variable, policy], 0.0) / (1 - LEVEL)
        return excess if self.study.is_loss(variable) else -excess


def differs(study: Study, x: Values, y: Values, good: Mask, one: Quantity) -> bool:
    """Whether a quantity differs between two sets of futures, on the paths of a mask, by more than rounding.

    It does not if the mean square of the gap between the outcomes that it depends on is at most (`ROUNDINGS` eps)^2
    times the mean square of these outcomes, with eps that of their type. For a mean that is a difference of two
    policies, the gap is that of the difference, in which what both policies have in common cancels up to rounding.
    """
    rows = [study.row(policy) for policy in one.policies]
    sides = [rows] if one.measure == MEAN else [[row] for row in rows]

    def exceeds(name: str, side: list[int]) -> bool:
        own, other = (values[name][side][:, good].astype(np.float64) for values in (x, y))
        gap = np.subtract.reduce(own - other)
        rounding = ROUNDINGS * float(np.finfo(x[name].dtype).eps)
        return float(dots(gap, gap)) > rounding**2 * float(dots(own, own).sum())

    return any(exceeds(name, side) for name in outcomes_of(study, [one.variable]) for side in sides)


def _losses(study: Study, values: Values, variable: str, policy: str) -> Paths:
    """The values of an outcome under a policy, with their sign such that high is worse."""
    row = values[variable][study.row(policy)].astype(np.float64)
    return row if study.is_loss(variable) else -row
