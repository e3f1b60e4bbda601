"""The mildest sets of choices that turn a claim: the fewest departures, then the least part of the way to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from scipy.special import logit

from engine.analyses.challenge.choices import Choice, Universe, agree, contradict, is_measured
from engine.analyses.challenge.claims import Seen, Verdict, rare
from engine.analyses.challenge.looking import Look, Looking
from engine.analyses.challenge.profiles import Profile
from engine.analyses.turning import needed
from engine.analyses.variables import PROBABILITY
from engine.risk.estimation.intervals import Estimate, as_units
from engine.study.tables.challenge_tables import Claim

SCREENED = {2: 20, 3: 12}
"""Sets of each size that are run: those that single choices, added up, say are the worst for the claim. Half of them where one turns it."""
LEADING = 40
"""Single choices that sets of three are made of."""
LARGEST = 12
"""Choices in the largest set that is made of ever more of them."""
JUDGED = 2
"""Sets of each size that are held against other futures."""
HARDEST = 3
"""Single choices that a claim survives, of those that are told."""
STEPS = 12
FINE, NOISE = 1e-3, 0.1
"""Part of the way to which a turn is known, or share of its standard error if that is more."""
MOST_PREDICTED = 20_000
"""Sets that are looked through for those that agree."""


@dataclass(frozen=True)
class Reversal:
    """A set of choices that turns a claim, on futures that it was not looked for on.

    Args:
      universe: the set; none of its parts turns it.
      fraction: the part of the way to it at which the difference vanishes.
      seen: where it is made whole.
    """

    universe: Universe
    fraction: Estimate
    seen: Seen

    @property
    def departures(self) -> int:
        """Choices in the set."""
        return len(self.universe)


@dataclass(frozen=True)
class Turned:
    """What turns a claim in a ledger.

    Args:
      front: by departures; each one with more of them turns it at a smaller part of the way, among those that measure something else, and
        among the rest.
      survived: the single choices that come nearest to turning it and do not, with what is seen there, the hardest first.
    """

    front: tuple[Reversal, ...]
    survived: tuple[tuple[Choice, Seen], ...]


def turned(searching: Looking, judging: Looking, profile: Profile) -> Turned:
    """The mildest sets that turn a claim.

    Every single choice is seen in the profile. Sets of two and three are screened by adding what single choices do to either policy's
    number, of probabilities as logits, and the worst are run; a set that holds one which turns
    the claim is left out. Where none of three does, ever more choices are added, the worst first, and what is not needed taken back. What
    turns the claim is held against futures that are independent of these, stage by stage, together at 5 %; a stage is reached as long as
    nothing but what is measured otherwise has turned it there. None found proves nothing; what the study as stated shows to be otherwise is
    turned already, and none is looked for.

    Args:
      searching, judging: the profile's own futures, and others.
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
        own = {one.universe[0]: one.seen for one in profile.places if one.departures == 1}
        self.base = np.array(_scale(self.claim, stated))
        effects = {one: np.array(_scale(self.claim, at)) - self.base for one, at in own.items()}
        self.effects = {one: effect for one, effect in effects.items() if np.isfinite(effect).all()}
        self.singles = sorted(self.effects, key=lambda one: self.predicted((one,)))

    def predicted(self, universe: Iterable[Choice]) -> float:
        """The claim's favour over the larger number, if single choices add up."""
        policy, against = _natural(self.claim, self.base + sum(self.effects[one] for one in universe))
        one = Seen(policy, against, policy - against, 0.0)
        return math.copysign(one.relative, one.favour(self.study, self.claim))

    def screened(self, size: int, turning: Sequence[Universe]) -> list[Universe]:
        """Sets of a size that are predicted to be worst for the claim, without those that hold one which turns it already."""
        known = [frozenset(universe) for universe in turning]
        some = [one for one in self.singles if frozenset([one]) not in known][: LEADING if size > 2 else None]
        sets = sorted(combinations(some, size), key=self.predicted) if size > 2 else self._pairs(some)
        agreeing = [
            one
            for one in islice(sets, MOST_PREDICTED)
            if agree(one, self.study.groups) and not any(part <= set(one) for part in known)
        ]
        # what is read off futures that are there would else crowd out what the world would have to be
        of_world = [one for one in agreeing if not is_measured(one)]
        count = SCREENED[size] // (1 if all(map(is_measured, turning)) else 2)
        return [*of_world[:count], *[one for one in agreeing if is_measured(one)][: SCREENED[size]]]

    def _pairs(self, some: Sequence[Choice]) -> Iterator[Universe]:
        effects = np.array([self.effects[one] for one in some]).reshape(-1, 2)
        policy, against = np.moveaxis(effects[:, None] + effects[None], -1, 0) + self.base[:, None, None]
        policy, against = _natural(self.claim, np.stack([policy, against]))
        largest = np.maximum(np.maximum(np.abs(policy), np.abs(against)), 1e-300)
        sign = Seen(0.0, 0.0, 1.0, 0.0).favour(self.study, self.claim)
        rows, columns = np.triu_indices(len(some), 1)
        favour = (sign * (policy - against) / largest)[rows, columns]
        for at in np.argsort(favour, kind="stable"):
            yield some[rows[at]], some[columns[at]]

    def turning(self, sets: Sequence[Universe]) -> list[Universe]:
        """Those that turn the claim on the futures that are searched, whatever their error."""
        found = self.looking.at(Look(self.claim, one) for one in sets)
        self.seen.update(zip(map(frozenset, sets), found, strict=True))
        return [one for one in sets if self._verdict(self.seen[frozenset(one)], 0.0) is Verdict.REVERSED]

    def grown(self, singles: Sequence[Choice]) -> list[Universe]:
        """A set that is made of ever more choices, the worst first, until it turns the claim; then without what it does not need."""
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
        """Those of each size that turn the claim most, with what is measured otherwise and without."""
        by_kind: dict[tuple[int, bool], list[Universe]] = {}
        for one in sorted(found, key=lambda one: -self.seen[frozenset(one)].relative):
            by_kind.setdefault((len(one), is_measured(one)), []).append(one)
        return [one for kind in sorted(by_kind) for one in by_kind[kind][:JUDGED]]

    def judged(self, judging: Looking, sets: Sequence[Universe], times: int) -> list[Reversal]:
        """Those that turn the claim on other futures beyond doubt, all of them together, each with the part of the way.

        Args:
          times: how often sets may be judged.
        """
        reach = needed(as_units(self.study.paths, self.study.unit), times * max(1, len(sets)))
        found = judging.at(Look(self.claim, one) for one in sets)
        sure = [
            (universe, one)
            for universe, one in zip(sets, found, strict=True)
            if self._verdict(one, reach) is Verdict.REVERSED
        ]
        return [Reversal(universe, self._fraction(judging, universe), one) for universe, one in sure]

    def survived(self, turning: Sequence[Universe]) -> tuple[tuple[Choice, Seen], ...]:
        """The single choices of those that do not turn the claim that come nearest to it."""
        alone = {one for universe in turning for one in universe}
        rest = [one for one in self.singles if one not in alone]
        return tuple((one, self.seen[frozenset([one])]) for one in rest[:HARDEST])

    def _fraction(self, judging: Looking, universe: Universe) -> Estimate:
        """The part of the way at which the difference vanishes: regula falsi, Illinois; its error that of the difference over the slope.

        What cannot be made in part is made whole throughout.
        """
        if all(one.is_whole for one in universe):
            return Estimate(1.0, 0.0, 1.0, 1.0)

        def favour(x: float) -> tuple[float, float]:
            # at the start there is nothing but what is made whole
            made = universe if x else tuple(one for one in universe if one.is_whole)
            one = judging.one(self.claim, made, x or 1.0)
            return one.favour(self.study, self.claim), one.error

        low, high = 0.0, 1.0
        (at_low, error), (at_high, _) = favour(low), favour(high)
        if at_low <= 0:  # what is made whole turns it by itself
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

    def _verdict(self, one: Seen, reach: float) -> Verdict:
        return one.verdict(self.study, self.claim, reach, self.study.challenge.matters, self.rare)


def _front(found: Sequence[Reversal]) -> Iterator[Reversal]:
    """Those than which none has as few departures and turns the claim at a smaller part of the way: of what measures alike, and of the rest."""
    least = {True: math.inf, False: math.inf}
    for one in sorted(found, key=lambda one: (one.departures, one.fraction.estimate)):
        kind = is_measured(one.universe)
        if one.fraction.estimate < least[kind]:
            least[kind] = one.fraction.estimate
            yield one


def _scale(claim: Claim, one: Seen) -> tuple[float, float]:
    """Both policies' numbers on the scale on which single choices are added."""
    if claim.measure == PROBABILITY:
        low = 1e-6
        return float(logit(np.clip(one.policy, low, 1 - low))), float(
            logit(np.clip(one.against, low, 1 - low))
        )
    return one.policy, one.against


def _natural(claim: Claim, scale: np.ndarray) -> np.ndarray:
    if claim.measure == PROBABILITY:
        return 1.0 / (1.0 + np.exp(-scale))
    return scale
