"""The mildest reversals of a claim: the fewest choices that turn it, and how far towards them it turns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from scipy.special import logit

from engine.analyses.challenge.choices import Choice, Universe, agree, contradict, is_measured
from engine.analyses.challenge.claims import ClaimEstimates, Verdict, rare
from engine.analyses.challenge.looking import Look, Looking, same
from engine.analyses.challenge.profiles import Profile
from engine.analyses.turning import critical_score
from engine.analyses.variables import PROBABILITY
from engine.risk.estimation.intervals import Estimate, as_units
from engine.study.tables.challenge import Claim

SCREENED = {2: 20, 3: 12}
"""How many sets of each size are simulated: those predicted, by adding effects, to be worst for the claim.

Of sets that leave the measurement unchanged only half as many, once such a set turns the claim.
"""
LEADING = 40
"""Single choices, the worst for the claim, that sets of three are formed from."""
LARGEST = 12
"""Most choices in a set that is grown choice by choice."""
JUDGED = 2
"""Most sets of each size, with and without changed measurement, that are confirmed on independent futures."""
HARDEST = 3
"""How many single choices that a claim survives are reported."""
STEPS = 12
FINE, NOISE = 1e-3, 0.1
"""Tolerance of the fraction at which a claim turns: absolute, or as a share of its standard error if that is more."""
MOST_PREDICTED = 20_000
"""Most predicted sets that are searched for sets whose choices are compatible."""


@dataclass(frozen=True)
class Reversal:
    """A set of choices that turns a claim, confirmed on futures independent of those it was found on.

    Args:
      universe: the set; no subset of it was found to turn the claim.
      fraction: the part of the way to the set at which the difference vanishes, with its interval.
      seen: the estimates with the set made in full.
    """

    universe: Universe
    fraction: Estimate
    seen: ClaimEstimates

    @property
    def departures(self) -> int:
        """The number of choices in the set."""
        return len(self.universe)


@dataclass(frozen=True)
class Turned:
    """What turns a claim in one ledger, and what does not.

    Args:
      front: reversals by number of departures; one with more departures is listed only if it turns the claim at a
        smaller fraction, separately for sets with and without changed measurement.
      survived: single choices that come nearest to turning the claim, the nearest first, with the estimates under each.
    """

    front: tuple[Reversal, ...]
    survived: tuple[tuple[Choice, ClaimEstimates], ...]


def turned(searching: Looking, judging: Looking, profile: Profile) -> Turned:
    """The mildest sets of choices that turn a claim.

    Single choices were simulated with the profile. Sets of two and three are screened by adding the effects of single
    choices on each policy's measure (on logits, for probabilities), and the sets predicted to be worst are simulated;
    sets that contain one which turns the claim are left out. If none of these turns it, a set is grown choice by
    choice, the worst first, and then pruned of what it does not need. Sets that turn the claim are confirmed on
    independent futures, stage by stage, at 5 % over all sets and stages (Bonferroni). A stage is reached as long as all
    confirmed sets change the measurement. That none is found proves nothing. For a claim that is reversed as stated
    nothing is searched.

    Args:
      searching, judging: evaluate on the profile's own futures, and on independent ones.
    """
    if profile.stated.verdict is Verdict.REVERSED:
        return Turned((), ())
    search = _Search(searching, profile)
    singles = search.turning([(one,) for one in search.singles])
    stages: tuple[Callable[[], list[Universe]], ...] = (
        lambda: [*singles, *search.turning(search.screened(2, singles))],
        lambda: search.turning(search.screened(3, [*singles, *[one.universe for one in found]])),
        lambda: search.grown([one for one in search.singles if not one.is_measured]),
        lambda: [] if found else search.grown(search.singles),
    )
    found: list[Reversal] = []
    for stage in stages:
        if all(is_measured(one.universe) for one in found):
            found += search.judged(judging, search.worst(stage()), len(stages))
    return Turned(tuple(_front(found)), search.survived(singles))


class _Search:
    def __init__(self, looking: Looking, profile: Profile):
        self.looking, self.profile, self.claim = looking, profile, profile.claim
        self.study = looking.worlds.study
        self.seen = {frozenset(one.universe): one.seen for one in profile.places}
        stated = profile.stated.seen
        self.rare = rare(self.study, self.claim, stated)
        # not from the profile: of choices with equal effect it has one, while a set of them adds the effect of each
        choices = [one for some in profile.ledger.of(self.study, self.claim).values() for one in some]
        alone = looking.at(Look(self.claim, (one,)) for one in choices)
        self.base = np.array(_scale(self.claim, stated))
        effects = {
            one: np.array(_scale(self.claim, at)) - self.base
            for one, at in zip(choices, alone, strict=True)
            if not (at.are_one or same(at, stated))
        }
        self.effects = {one: effect for one, effect in effects.items() if np.isfinite(effect).all()}
        self.singles = sorted(self.effects, key=lambda one: self.predicted((one,)))

    def predicted(self, universe: Iterable[Choice]) -> float:
        """The predicted difference, by adding effects of single choices, as a share of the larger measure.

        It is positive in favour of the claim.
        """
        policy, against = _natural(self.claim, self.base + sum(self.effects[one] for one in universe))
        one = ClaimEstimates(policy, against, policy - against, 0.0)
        return math.copysign(one.relative, one.favour(self.study, self.claim))

    def screened(self, size: int, turning: Sequence[Universe]) -> list[Universe]:
        """The sets of a size predicted to be worst for the claim, without those that contain a set that turns it."""
        known = [frozenset(universe) for universe in turning]
        some = [one for one in self.singles if frozenset([one]) not in known][: LEADING if size > 2 else None]
        sets = sorted(combinations(some, size), key=self.predicted)
        agreeing = [
            one
            for one in islice(sets, MOST_PREDICTED)
            if agree(one, self.study.groups) and not any(part <= set(one) for part in known)
        ]
        # each kind has places of its own: else sets that change the measurement crowd out those that change the futures
        of_world = [one for one in agreeing if not is_measured(one)]
        count = SCREENED[size] // (1 if all(map(is_measured, turning)) else 2)
        return [*of_world[:count], *[one for one in agreeing if is_measured(one)][: SCREENED[size]]]

    def turning(self, sets: Sequence[Universe]) -> list[Universe]:
        """The sets that turn the claim on the searched futures, by point estimates alone."""
        found = self.looking.at(Look(self.claim, one) for one in sets)
        self.seen.update(zip(map(frozenset, sets), found, strict=True))
        return [one for one in sets if self._verdict(self.seen[frozenset(one)], 0.0) is Verdict.REVERSED]

    def grown(self, singles: Sequence[Choice]) -> list[Universe]:
        """A set grown from compatible choices, the worst first, until it turns the claim; none if it does not.

        It is then pruned of the choices that it does not need.
        """
        made: list[Choice] = []
        for one in singles:
            if self.effects[one].any() and not contradict(one, made, self.study.groups):
                made.append(one)
        sizes = [size for size in (4, 6, 8, LARGEST) if size <= len(made)]
        turning = next(filter(None, (self.turning([tuple(made[:size])]) for size in sizes)), [])
        if not turning:
            return []
        (universe,) = turning
        for one in sorted(universe, key=lambda one: -self.predicted((one,))):
            rest = tuple(other for other in universe if other is not one)
            universe = rest if rest and self.turning([rest]) else universe
        return [universe]

    def worst(self, found: Sequence[Universe]) -> list[Universe]:
        """The sets of each size that turn the claim by most, separately with and without changed measurement."""
        by_kind: dict[tuple[int, bool], list[Universe]] = {}
        for one in sorted(found, key=lambda one: -self.seen[frozenset(one)].relative):
            by_kind.setdefault((len(one), is_measured(one)), []).append(one)
        return [one for kind in sorted(by_kind) for one in by_kind[kind][:JUDGED]]

    def judged(self, judging: Looking, sets: Sequence[Universe], times: int) -> list[Reversal]:
        """The sets that turn the claim on independent futures, significantly over all sets, each with its fraction.

        Args:
          times: how often this may be called for a claim, for Bonferroni's correction.
        """
        reach = critical_score(as_units(self.study.paths, self.study.unit), times * max(1, len(sets)))
        found = judging.at(Look(self.claim, one) for one in sets)
        sure = [
            (universe, one)
            for universe, one in zip(sets, found, strict=True)
            if self._verdict(one, reach) is Verdict.REVERSED
        ]
        return [Reversal(universe, self._fraction(judging, universe), one) for universe, one in sure]

    def survived(self, turning: Sequence[Universe]) -> tuple[tuple[Choice, ClaimEstimates], ...]:
        """The single choices that do not turn the claim and come nearest to it."""
        alone = {one for universe in turning for one in universe}
        rest = [one for one in self.singles if one not in alone]
        return tuple((one, self.seen[frozenset([one])]) for one in rest[:HARDEST])

    def _fraction(self, judging: Looking, universe: Universe) -> Estimate:
        """The fraction at which the difference vanishes, by regula falsi (Illinois).

        Its error is that of the difference over the slope. Choices that cannot be made in part are in full throughout.
        """
        if all(one.is_whole for one in universe):
            return Estimate(1.0, 0.0, 1.0, 1.0)

        def favour(x: float) -> tuple[float, float]:
            # at fraction 0 only the choices that cannot be made in part are made
            made = universe if x else tuple(one for one in universe if one.is_whole)
            (one,) = judging.at([Look(self.claim, made, x or 1.0)])
            return one.favour(self.study, self.claim), one.error

        low, high = 0.0, 1.0
        (at_low, error), (at_high, _) = favour(low), favour(high)
        if at_low <= 0:  # these choices alone turn the claim
            return Estimate(0.0, 0.0, 0.0, 0.0)
        slope, x, side = (at_high - at_low), 1.0, 0
        for _ in range(STEPS):
            x = (low * at_high - high * at_low) / (at_high - at_low)
            value, error = favour(x)
            slope = (at_high - at_low) / (high - low)
            if abs(value) <= max(FINE * abs(slope), NOISE * error) or high - low < FINE:
                break
            if value > 0:
                low, at_low, at_high = x, value, at_high / 2 if side > 0 else at_high
                side = 1
            else:
                high, at_high, at_low = x, value, at_low / 2 if side < 0 else at_low
                side = -1
        error = abs(error / slope) if slope else math.nan
        return Estimate(x, error, max(0.0, x - 1.96 * error), min(1.0, x + 1.96 * error))

    def _verdict(self, one: ClaimEstimates, reach: float) -> Verdict:
        return one.verdict(self.study, self.claim, reach, self.study.challenge.matters, self.rare)


def _front(found: Sequence[Reversal]) -> Iterator[Reversal]:
    """The Pareto front in departures and fraction, separately for sets with and without changed measurement."""
    least = {True: math.inf, False: math.inf}
    for one in sorted(found, key=lambda one: (one.departures, one.fraction.estimate)):
        kind = is_measured(one.universe)
        if one.fraction.estimate < least[kind]:
            least[kind] = one.fraction.estimate
            yield one


def _scale(claim: Claim, one: ClaimEstimates) -> tuple[float, float]:
    """The measure under both policies on the scale on which effects are added: logits for probabilities."""
    if claim.measure == PROBABILITY:
        low = 1e-6
        return float(logit(np.clip(one.policy, low, 1 - low))), float(logit(np.clip(one.against, low, 1 - low)))
    return one.policy, one.against


def _natural(claim: Claim, scale: np.ndarray) -> np.ndarray:
    if claim.measure == PROBABILITY:
        return 1.0 / (1.0 + np.exp(-scale))
    return scale
