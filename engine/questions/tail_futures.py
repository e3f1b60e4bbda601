"""The worst futures of a run, or those in which an event happens, simulated again: their draws and yearly shocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from engine.answers.question import Asked
from engine.errors import Problems, UserError
from engine.questions.futures import Futures, units_of
from engine.questions.variables import LEVEL, Paths, outcomes_of, under
from engine.risk.drivers.worst_share import NEAR, WorstShare, of_event, of_outcome
from engine.risk.estimation.events import thresholds
from engine.risk.estimation.exclusion import with_units
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import probability, summary
from engine.study.study import Study

MOST = 1 << 17
"""Most worst futures that are held; if a run has more, fewer of its paths are used."""


@dataclass(frozen=True)
class TailFutures:
    """The worst futures under a policy, and those around VaR that its standard error needs; both together are "held".

    Args:
      futures: of the outcomes that the variable depends on, on the paths that are used.
      study: with the paths that are used.
      variable: an outcome, or an event.
      level: beyond which an outcome is looked at; None for an event.
      numbers: numbers of the paths on which these outcomes are finite.
      values: these outcomes by name, on the paths of `numbers`.
      share: which of these paths are the worst, their weights, and the independent units.
      tail, near: indices among the held paths of the worst ones, and of those around VaR.
      scores: normal scores of the held paths [stream, held].
      draws: their factors [factor, held].
      shocks: their shocks [year, stream, held]; None if the model has none.
    """

    futures: Futures
    study: Study
    variable: str
    policy: str
    level: float | None
    numbers: Int[np.ndarray, "path"]
    values: Mapping[str, Paths]
    share: WorstShare
    tail: Int[np.ndarray, "tail"]
    near: Int[np.ndarray, "near"]
    scores: Float[np.ndarray, "stream held"]
    draws: Float[np.ndarray, "factor held"]
    shocks: Float[np.ndarray, "year stream held"] | None

    @cached_property
    def measures(self) -> dict[str, Estimate]:
        """ES and VaR of the outcome, or the probability of the event."""
        units = self.share.units
        if self.level is None:
            return {"probability": probability(np.isin(np.arange(units.paths), self.share.path), units)}
        of = summary(self.values[self.variable], units, self.study.is_loss(self.variable), (self.level,))
        return {name: of[name] for name in (f"ES{100 * self.level:g}", f"VaR{100 * self.level:g}")}

    @property
    def side(self) -> str:
        """What the futures are called: "lowest" if neither high nor low values are worse, else "worst"."""
        return "lowest" if self.study.loss_of(self.variable) is None else "worst"

    @property
    def worst_first(self) -> Int[np.ndarray, "tail"]:
        """Indices of the worst paths among those of `numbers`, worst first."""
        margins = self.margins(self.values)[self.share.path]
        return self.share.path[np.argsort(-margins, kind="stable")]

    def margins(self, values: Mapping[str, np.ndarray]) -> Paths:
        """How far futures are beyond the thresholds that worst futures pass [standard deviations].

        The least over clauses of thresholds of the most within each; negative where one that is needed is not passed.
        """
        most = [
            np.max([sign * (values[of].astype(float) - at) / sd for of, sign, at, sd in clause], 0)
            for clause in self._limits
        ]
        least: np.ndarray = np.min(most, 0)
        return least

    @cached_property
    def _limits(self) -> list[list[tuple[str, float, float, float]]]:
        """Outcome, 1 if it must be above and -1 if below, the threshold, and the outcome's standard deviation.

        They are in clauses; worst futures pass at least one threshold of every clause.
        """
        if self.level is None:
            event = self.study.events_by_name[self.variable]
            passed = [
                [(term.name, 1.0 if term.sign == ">" else -1.0, term.number) for term in clause]
                for clause in thresholds(self.study, event)
            ]
        else:
            sign = self.share.sign
            worst = sign * self.values[self.variable][self.share.path].astype(np.float64)
            passed = [[(self.variable, sign, sign * float(worst.min()))]]
        sds = {name: float(of.std(dtype=np.float64)) or 1.0 for name, of in self.values.items()}
        return [[(name, sign, at, sds[name]) for name, sign, at in clause] for clause in passed]


def tail_futures(of: Asked, variable: str, policy: str | None = None, level: float | None = None) -> TailFutures:
    """The worst 1 - level share of an outcome's futures, or those in which an event happens.

    Outcomes that the run has not stored are simulated again.

    Args:
      policy: the baseline if not given.
      level: 0.99 if not given; must not be given for an event.

    Raises:
      UserError: no such outcome, event or policy; a level for an event; the event happens on no path, or no path is
        left; all problems at once.
    """
    study, policy = of.study, policy or of.study.baseline
    _refuse_unknown(study, variable, policy, level)
    study.refuse_broken_model()
    level = None if variable in study.events_by_name else level or LEVEL
    of.observe("compiling", 0, study.paths)
    names = outcomes_of(study, [variable])
    futures = Futures(study, names, of.device)
    of.observe("simulating", 0, study.paths)
    stored = of.first_outcomes
    source = stored if {*names} <= stored.keys() else futures.first(study.paths)
    outcomes = {name: source[name] for name in names}
    own = under(study, variable, policy, outcomes)
    held = (1 + NEAR) * (1 - level) * study.paths if level else float(own.sum())
    if held > MOST:
        study = replace(study, paths=max(int(study.paths * MOST / held) // study.unit, 1) * study.unit)
    values = {name: of_name[study.row(policy), : study.paths] for name, of_name in outcomes.items()}
    good = ~with_units(study, ~np.all([np.isfinite(one) for one in values.values()], axis=0))
    numbers, units = np.flatnonzero(good), units_of(study, good)
    if not len(numbers):
        raise UserError(study.source, [f"'{variable}' is finite on no path."])
    own, values = own[numbers], {name: one[numbers] for name, one in values.items()}
    share = of_outcome(own, units, level, study.is_loss(variable)) if level else of_event(own, units)
    if not len(share.path):
        text = (
            f"'{variable}' happens under '{policy}' on none of {len(numbers):,} paths, so there is nothing to explain."
            " Run more paths, or ask for an outcome."
        )
        raise UserError(study.source, [text])
    paths = np.union1d(share.path, share.near)
    tail, near = np.searchsorted(paths, share.path), np.searchsorted(paths, share.near)
    scores = futures.scores(numbers[paths])
    return TailFutures(
        futures, study, variable, policy, level, numbers, values, share, tail, near, scores, *futures.drawn(scores)
    )


def _refuse_unknown(study: Study, variable: str, policy: str, level: float | None) -> None:
    problems = Problems()
    problems.knows("--outcome", "outcome or event", variable, study.variables)
    problems.knows("--policy", "policy", policy, study.policy_names)
    if variable in study.events_by_name and level is not None:
        text = f"is of outcomes; the event '{variable}' has its own threshold. Remove --level."
        problems.add("--level", text)
    problems.refuse(study.source)
