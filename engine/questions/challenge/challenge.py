"""The claims of a study under alternative choices: shares of universes, and mildest reversals.

The mildest reversal of a claim is the fewest choices that turn it, and how far towards them it turns, by two rules: the
difference has the other sign significantly; and it is also at least `Challenge.matters` of the larger number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, combinations, islice
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit

from engine.errors import Problem, Problems, UserError
from engine.questions.challenge import choices
from engine.questions.challenge.choices import (
    MIXED,
    POLICIES,
    SPECIFICATION,
    Choice,
    Universe,
    agree,
    compatible,
    is_measured,
    is_mixed,
)
from engine.questions.challenge.claims import Estimates, contribution, implied
from engine.questions.challenge.universes import THREADS, WHOLE, Case, Cell, Results, Verdict, World
from engine.questions.challenge.worlds import AT_ONCE, Worlds
from engine.questions.comparison import compared, others_of
from engine.questions.futures import Observer, of_paths, refuse_too_many, sound, unobserved
from engine.questions.turning import root
from engine.questions.variables import PROBABILITY, Values
from engine.risk.estimation.intervals import Estimate, Z
from engine.study.study import Study
from engine.study.tables.challenge import Claim, claim_of

PATHS = 1 << 14
"""Default number of futures in a universe."""
SCREENED = {2: 20, 3: 12}
"""How many sets of each size are simulated: those predicted, by adding effects, to be worst for the claim.

Of sets that leave the measurement unchanged only half as many, once such a set turns the claim.
"""
LEADING = 40
"""Single choices, the worst for the claim, that sets of three are formed from."""
SIZES = (4, 6, 8, 12)
"""Numbers of choices at which a set that is grown choice by choice is looked at."""
JUDGED = 2
"""Most sets of each size, with and without changed measurement, that are confirmed on independent futures."""
NOISE = 0.1
"""Standard errors of a difference that count as none where the fraction is searched at which a claim turns."""
MOST_PREDICTED = 20_000
"""Most predicted sets that are searched for sets whose choices are compatible."""
FRESH = 1
"""Replicate of the futures that reversals are confirmed on: independent of the study's own, which are replicate 0."""


class Result(NamedTuple):
    """What turns a claim in one ledger, or across ledgers.

    Args:
      reversals: by rule, its least difference as a share of the larger number, the mildest universes that turn the
        claim; confirmed on futures independent of those that they were found on. Empty if it is reversed as stated.
    """

    case: Case
    reversals: Mapping[float, Sequence[World]]


def challenge(
    study: Study,
    sentences: Sequence[str] = (),
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> tuple[Study, list[Result]]:
    """Challenges each claim of a study in hundreds of universes: sets of choices other than the study's own.

    Gives the study with as many paths as each universe has; and claim by claim the result in each ledger.

    Args:
      sentences: claims that `claim_of` reads; the study's own if none is given. A study without any is taken to claim
        the differences between policies that are significant on its own futures, in its events and in mean and ES99 of
        its headline.
      paths: futures in a universe, from the first on; the study's, at most 16,384, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the stage, how much is done, and how much there is.

    Raises:
      UserError: a claim is not understood, only one policy runs, `paths` is not a number of whole units, or the study
        as stated has more paths with values that are not finite than it allows.
    """
    study.refuse_broken_model()
    claims, problems = dict[Claim, None](), Problems()
    for text in sentences:
        with problems.within(f"--claim '{text}'"):
            claims[claim_of(text, study.policy_names, study.events_by_name, study.model.outcomes, study.levels)] = None
    problems.refuse(study.source)
    if len(study.policies) < 2:
        text = (
            "expected at least two policies, as a claim compares policies, got one. Name more in the study:"
            " compare = [...]."
        )
        raise UserError(study.source, [Problem("", text)])
    study = of_paths(study, paths, PATHS, 2)
    by_pair: dict[tuple[str, str], list[Claim]] = {}
    for one in claims if sentences else study.claims:
        by_pair.setdefault((one.policy, one.against), []).append(one)
    pairs = by_pair or {(name, study.baseline): [] for name in others_of(study)}
    return study, [one for pair, own in pairs.items() for one in _of_pair(study, *pair, own, device, observe)]


def alternatives(worlds: Worlds, claims: Sequence[Claim], values: Values) -> tuple[Choice, ...]:
    """All choices of both ledgers of a study of two policies, those of the same dimension together.

    Args:
      values: outcomes on the study's own futures, as stated [policy, path].
    """
    study, count = worlds.study, min(worlds.study.paths, AT_ONCE)
    first = {name: of[:, :count] for name, of in values.items()}
    gaps = [contribution(study, claim, first) for claim in claims]
    of_priors = choices.of_priors(study, worlds.scores(0, 0, count), gaps)
    return (*choices.of_assumptions(study), *of_priors, *choices.of_measures(study), *choices.of_policies(study))


def _of_pair(
    study: Study, policy: str, against: str, claims: Sequence[Claim], device: str | None, observe: Observer
) -> list[Result]:
    """The results of claims about two policies, claim by claim; of those that the study implies if none are given."""
    study, _ = compared(study, [against, policy], against)
    worlds, paths = Worlds(study, device), study.paths
    values = worlds.values(())
    refuse_too_many(study, sound((values,)))
    claims = claims or [*implied(study, policy, against, values)]
    results, every = Results(worlds), alternatives(worlds, claims, values)
    cases = [Case(results, claim, ledger, every) for claim in claims for ledger in (SPECIFICATION, POLICIES, MIXED)]
    cells = [Cell(one.claim, universe) for one in cases for universe in one.needed]
    results.at(cells, lambda done, total: observe("simulating", done * paths, total * paths))
    found: list[Result] = []
    observe("reversing", 0, len(cases) * paths)
    with ThreadPoolExecutor(THREADS) as threads:
        for one in threads.map(turned, cases):
            found.append(one)
            observe("reversing", len(found) * paths, len(cases) * paths)
    return found


def turned(case: Case) -> Result:
    """The mildest sets of choices that turn a claim, by either rule; for a claim reversed as stated none is searched.

    A set with more choices is listed only if it turns the claim at a smaller fraction, separately for sets with and
    without changed measurement.
    """
    is_open = case.stated.verdict is not Verdict.REVERSED
    rules = [*dict.fromkeys((0.0, case.study.challenge.matters))] if is_open else []
    return Result(case, {least: [*_front(_searched(case, least, len(rules)))] for least in rules})


def _searched(case: Case, least: float, rules: int) -> list[World]:
    """Sets that turn a claim by a difference of at least a share of the larger number.

    Sets of two and three are screened by adding the effects of single choices on each policy's measure (on logits, for
    probabilities), and the sets predicted to be worst are simulated; sets that contain one which turns the claim are
    left out. If none of these turns it, a set is grown choice by choice, the worst first, and then pruned of what it
    does not need. Across ledgers only sets of two and three are searched, of one choice of each kind. Sets that turn
    the claim are confirmed on independent futures, stage by stage, at 5 % over all sets, stages and rules (Bonferroni).
    A stage is reached as long as all confirmed sets change the measurement. That none is found proves nothing.
    """
    search, is_own = _Search(case, least), case.ledger != MIXED
    singles = search.turning([(one,) for one in search.singles])
    stages: tuple[Callable[[], list[Universe]], ...] = (
        lambda: [*(singles if is_own else ()), *search.turning(search.screened(2, singles))],
        lambda: search.turning(search.screened(3, [*singles, *[one.universe for one in found]])),
        lambda: search.grown([one for one in search.singles if not one.is_measured]),
        lambda: [] if found else search.grown(search.singles),
    )
    found: list[World] = []
    for stage in stages if is_own else stages[:2]:
        if all(is_measured(one.universe) for one in found):
            found += _confirmed(case, stage(), rules * len(stages), least)
    return found


class _Search:
    """Sets of choices of a claim that are predicted to be worst for it, by adding the effects of single choices."""

    def __init__(self, case: Case, least: float):
        self.case, self.least = case, least
        stated = case.stated.estimates
        self.base = self._scale(stated)
        self.effects: dict[Choice, np.ndarray] = {}
        # not from the universes: of choices with equal effect they have one, while a set adds the effect of each
        every = [*chain(*case.dimensions.values())]
        for one, at in zip(every, case.at((one,) for one in every), strict=True):
            effect = self._scale(at) - self.base
            if np.isfinite(effect).all() and not (at.are_alike or at.equal(stated)):
                self.effects[one] = effect
        self.singles = sorted(self.effects, key=lambda one: self.predicted((one,)))

    def _scale(self, one: Estimates) -> np.ndarray:
        """The measure under both policies on the scale on which effects are added: logits for probabilities."""
        sides = np.array(one[:2])
        return logit(np.clip(sides, 1e-6, 1 - 1e-6)) if self.case.claim.measure == PROBABILITY else sides

    def predicted(self, universe: Universe) -> float:
        """The predicted difference, as a share of the larger measure; positive in favour of the claim."""
        sides = self.base + sum(self.effects[one] for one in universe)
        policy, against = (expit(sides) if self.case.claim.measure == PROBABILITY else sides).tolist()
        one = Estimates(policy, against, 0.0)
        return math.copysign(one.relative, self.case.favour(one))

    def screened(self, size: int, turning: Sequence[Universe]) -> list[Universe]:
        """The sets of a size predicted to be worst for the claim, without those that contain a set that turns it."""
        known = [frozenset(universe) for universe in turning]
        is_own, leading = self.case.ledger != MIXED, LEADING if size > 2 else None
        some = [one for one in self.singles if frozenset([one]) not in known][:leading]
        chosen = (one for one in combinations(some, size) if is_own or is_mixed(one))
        sets = sorted(chosen, key=self.predicted)
        agreeing = [
            one for one in islice(sets, MOST_PREDICTED) if agree(one) and not any(part <= set(one) for part in known)
        ]
        # each kind has places of its own: else sets that change the measurement crowd out those that change the futures
        of_world = [one for one in agreeing if not is_measured(one)]
        count = SCREENED[size] // (1 if all(map(is_measured, turning)) else 2)
        return [*of_world[:count], *[one for one in agreeing if is_measured(one)][: SCREENED[size]]]

    def turning(self, sets: Sequence[Universe]) -> list[Universe]:
        """The sets that turn the claim on the study's own futures, each significantly by itself."""
        found, reach = zip(sets, self.case.at(sets), strict=True), self.case.reach(1)
        return [universe for universe, one in found if self.case.verdict(one, reach, self.least) is Verdict.REVERSED]

    def grown(self, singles: Iterable[Choice]) -> list[Universe]:
        """A set grown from compatible choices, the worst first, until it turns the claim; none if it does not.

        It is then pruned of the choices that it does not need.
        """
        moving = (one for one in singles if self.effects[one].any())
        made = compatible(moving, max(SIZES))
        grown = (self.turning([made[:size]]) for size in SIZES if size <= len(made))
        for universe in next(filter(None, grown), []):
            for one in sorted(universe, key=lambda one: -self.predicted((one,))):
                rest = tuple(other for other in universe if other is not one)
                universe = rest if rest and self.turning([rest]) else universe
            return [universe]
        return []


def _confirmed(case: Case, found: Sequence[Universe], times: int, least: float) -> Iterator[World]:
    """The sets that turn the claim on independent futures, significantly over all sets, each with its fraction.

    Of each size, those that turn it by most are judged, separately with and without changed measurement.

    Args:
      times: how often sets are confirmed for a claim, for Bonferroni's correction.
    """
    by_kind: dict[tuple[int, bool], list[Universe]] = {}
    sizes = dict(zip(found, case.at(found), strict=True))
    for universe in sorted(found, key=lambda one: -sizes[one].relative):
        by_kind.setdefault((len(universe), is_measured(universe)), []).append(universe)
    sets = [one for kind in sorted(by_kind) for one in by_kind[kind][:JUDGED]]
    reach = case.reach(times * len(sets))
    for universe, one in zip(sets, case.at(sets, replicate=FRESH), strict=True):
        if (verdict := case.verdict(one, reach, least)) is Verdict.REVERSED:
            yield World(universe, one, verdict, _fraction(case, universe))


def _fraction(case: Case, universe: Universe) -> Estimate:
    """The fraction at which the difference vanishes; 0 if the choices that cannot be made in part turn the claim alone.

    Its error is that of the difference over the slope between the nearest fractions that were tried. Choices that
    cannot be made in part are in full throughout.
    """
    whole = tuple(one for one in universe if one.is_whole)
    if len(whole) == len(universe):
        return WHOLE
    tried: dict[float, tuple[float, float]] = {}

    def favour(x: float) -> float:
        # at fraction 0 only the choices that cannot be made in part are made
        (one,) = case.at([universe if x else whole], x or 1.0, FRESH)
        size, error = tried[x] = case.favour(one), one.error
        return size if abs(size) > NOISE * error else 0.0

    x = root(favour, 0.0, 1.0)
    if not x:
        return Estimate(0.0, 0.0, 0.0, 0.0)
    before, after = max(one for one in tried if one < x), min(one for one in tried if one > x)
    error = tried[x][1] * (after - before) / abs(tried[after][0] - tried[before][0])
    return Estimate(x, error, max(0.0, x - Z * error), min(1.0, x + Z * error))


def _front(found: Iterable[World]) -> Iterator[World]:
    """The Pareto front in departures and fraction, separately for sets with and without changed measurement."""
    least = {True: math.inf, False: math.inf}
    for one in sorted(found, key=lambda one: (one.departures, one.fraction.estimate)):
        kind = is_measured(one.universe)
        if one.fraction.estimate < least[kind]:
            least[kind] = one.fraction.estimate
            yield one
