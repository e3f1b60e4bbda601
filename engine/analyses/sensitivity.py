"""Global sensitivity: Sobol' indices, Shapley effects, value of information, and swings of single factors.

The value of information is what it is worth to know an input before the policy is chosen (EVPI, EVPPI). A swing is the
effect of one factor held low or high, everything else drawn as it is (tornado).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.analyses.futures import Futures, Quantity, of_paths, quantities, refuse_too_many, sound
from engine.analyses.independent_inputs import IndependentInput
from engine.analyses.indices import Shares, indices
from engine.analyses.variables import LEVEL, MEAN, PROBABILITY, SHORTFALL, Values, outcomes_of, under
from engine.analyses.variants import PATHS, Observer, unobserved
from engine.risk.drivers.indices import NOTHING
from engine.risk.drivers.information import Decision, gains, normal_scores
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.measures import difference, probability_difference
from engine.risk.estimation.tables import THREADS
from engine.study.study import Study

SWUNG = 1 << 16
"""Most paths that swings are computed from."""
ENDS = (0.05, 0.95)
"""Probabilities of the prior's quantiles that a factor is held at."""


@dataclass(frozen=True)
class Worth:
    """The value of information for the choice of the policy with the least of a measure (the most where low is worse).

    Args:
      outcome, measure: what policies are chosen by.
      choice: the policy that is chosen without information.
      everything: value of perfect information about the whole path, shocks included (EVPI), in the unit of the outcome.
      known: value of knowing all factors.
      inputs: value of knowing each input (EVPPI); None for shocks and regimes, which cannot be known in advance.
    """

    outcome: str
    measure: str
    choice: str
    everything: Estimate
    known: Estimate
    inputs: tuple[Estimate | None, ...]


@dataclass(frozen=True)
class Swing:
    """The effect of holding a factor at two values.

    Args:
      factor: its name.
      values: the low and the high value, in the factor's unit.
      low, high: for each quantity, its value with the factor held there less that with the factor drawn.
    """

    factor: str
    values: tuple[float, float]
    low: tuple[Estimate, ...]
    high: tuple[Estimate, ...]


@dataclass(frozen=True)
class SensitivityResult:
    """The result of `sensitivity`.

    Args:
      study: with the paths that were simulated.
      inputs: the independent inputs: groups of factors, factors, shocks, regimes.
      shares: for every quantity, the shares of its variance by input.
      worths: for every outcome, the value of knowing inputs.
      swung: the quantities that `swings` are of.
      swings: for every factor, the effect of holding it low and high.
    """

    study: Study
    inputs: tuple[IndependentInput, ...]
    shares: tuple[Shares, ...]
    worths: tuple[Worth, ...]
    swung: tuple[Quantity, ...]
    swings: tuple[Swing, ...]


def sensitivity(
    study: Study,
    variables: Sequence[str] | None = None,
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> SensitivityResult:
    """The sensitivity of outcomes, events and tails to each input, by policy and less the baseline.

    Inputs are those drawn independently (`independent_inputs`). One compiled program draws each again, all others held.

    Args:
      study: the resolved study.
      variables: outcomes and events; the headline and all events if not given.
      paths: how many, from the first on; the study's, at most 131,072, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the stage, how much is done, and how much there is.

    Raises:
      UserError: no such outcome or event; `paths` is not a number of whole units; values that are not finite on
        more paths than the study allows.
    """
    study.refuse_broken_model()
    study = of_paths(study, paths, PATHS, units=2)
    wanted = quantities(study, variables)
    names = [one.variable for one in wanted]
    futures = Futures(study, outcomes_of(study, names), device)
    inputs, shares = indices(futures, wanted, observe)
    outcomes = [*dict.fromkeys(name for name in names if name in study.model.outcomes)]
    (own,) = futures.mixed([{}])
    worth = worths(futures, inputs, outcomes, own, sound((own,)))
    observe("knowledge", 1, 1)
    swung, of_factors = swings(futures, wanted, observe)
    return SensitivityResult(study, inputs, tuple(shares), tuple(worth), swung, tuple(of_factors))


def worths(
    futures: Futures, inputs: Sequence[IndependentInput], outcomes: Sequence[str], own: Values, good: np.ndarray
) -> list[Worth]:
    """The value of information for the choice by mean and by ES of each outcome; empty if only one policy runs.

    Args:
      own: the outcomes on the study's paths [policy, path].
      good: mask of the paths that are used.
    """
    study = futures.study
    if len(study.policies) < 2 or not outcomes:
        return []
    units = as_units(study.paths, study.unit).take(good)
    drawn = futures.draws()[:, good]
    row = {item.name: k for k, item in enumerate(study.inputs)}
    known = [one for one in inputs if one.is_known_in_advance]
    scores = {one.name: [normal_scores(drawn[row[member]]) for member in one.members] for one in known}
    losses = {name: own[name][:, good].astype(np.float64) * (1 if study.is_loss(name) else -1) for name in outcomes}
    decisions = [Decision(losses[name], units, level) for name in outcomes for level in (None, LEVEL)]

    of_known = gains([x for some in scores.values() for x in some], decisions) if scores else []
    with ThreadPoolExecutor(THREADS) as threads:
        of_each = dict(zip(scores, threads.map(lambda some: gains(some, decisions), scores.values()), strict=True))
    return [
        Worth(
            name,
            MEAN if of.level is None else SHORTFALL,
            study.policy_names[of.unread],
            of.gain(of.losses.min(axis=0)),  # of perfect information: the best policy on every path
            of_known[k] if of_known else NOTHING,
            tuple(of_each[one.name][k] if one.name in of_each else None for one in inputs),
        )
        for k, (name, of) in enumerate(zip([name for name in outcomes for _ in range(2)], decisions, strict=True))
    ]


def swings(futures: Futures, wanted: Sequence[Quantity], observe: Observer) -> tuple[tuple[Quantity, ...], list[Swing]]:
    """The quantities under single policies among `wanted`, and their swings by every factor that is not fixed."""
    study = futures.study
    alone = tuple(one for one in wanted if not one.against)
    paths = min(study.paths, SWUNG) // study.unit * study.unit
    (own,) = futures.mixed([{}], paths)
    refuse_too_many(study, sound((own,)))
    ends = {
        item.name: tuple(map(float, item.marginal.quantile(np.array(ENDS))))
        for item in study.inputs
        if item.marginal.quantile(ENDS[0]) < item.marginal.quantile(ENDS[1])
    }
    held = ({name: value} for name, values in ends.items() for value in values)
    stated = [
        _Base(study, variable, policy, own)
        for variable, policy in dict.fromkeys((one.variable, one.policy) for one in alone)
    ]
    with ThreadPoolExecutor(THREADS) as threads:
        rows = []
        for k, values in enumerate(futures.with_fixed(held, paths)):
            found = threads.map(partial(_Base.changes, now=values), stated)
            by_name = {(one.variable, one.policy): gaps for one, gaps in zip(stated, found, strict=True)}
            rows.append(tuple(by_name[one.variable, one.policy][one.measure] for one in alone))
            observe("factors", k // 2 + 1, len(ends))
    return alone, [
        Swing(name, (low, high), rows[2 * k], rows[2 * k + 1]) for k, (name, (low, high)) in enumerate(ends.items())
    ]


class _Base:
    """An outcome or event under a policy with all factors drawn, which is deducted from the same with a factor held."""

    def __init__(self, study: Study, variable: str, policy: str, own: Values):
        self.study, self.variable, self.policy = study, variable, policy
        self._own = under(study, variable, policy, own)
        self._unmoved: Mapping[str, Estimate] | None = None

    def changes(self, now: Values) -> Mapping[str, Estimate]:
        """By measure, the difference of `now` from the drawn outcomes.

        It is computed once for all factors that leave every bit as it is.
        """
        values = under(self.study, self.variable, self.policy, now)
        if not np.array_equal(values, self._own):
            return self._less(values)
        if self._unmoved is None:
            self._unmoved = self._less(values)
        return self._unmoved

    def _less(self, values: np.ndarray) -> Mapping[str, Estimate]:
        if self.variable in self.study.events_by_name:
            return {PROBABILITY: probability_difference(values, self._own, self.study.unit)}
        loss = self.study.is_loss(self.variable)
        return difference(values, self._own, self.study.unit, loss, (LEVEL,))
