"""The claims of a study under alternative choices: shares of universes, and mildest reversals."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from engine.analyses.challenge.claims import made_by
from engine.analyses.challenge.ledgers import ledgers
from engine.analyses.challenge.looking import THREADS, Looking, Notes
from engine.analyses.challenge.profiles import Profile, profiles
from engine.analyses.challenge.reversals import Turned, turned
from engine.analyses.challenge.worlds import Worlds
from engine.analyses.comparison import compared
from engine.analyses.futures import of_paths, refuse_too_many, sound
from engine.analyses.variables import Values
from engine.analyses.variants import Observer, unobserved
from engine.errors import Problem, UserError
from engine.study.study import Study
from engine.study.tables.challenge import Claim, claim_of

PATHS = 1 << 14
"""Default number of futures in a universe."""
FRESH = 1
"""Replicate of the futures that reversals are confirmed on: independent of the study's own, which are replicate 0."""


@dataclass(frozen=True)
class ClaimResult:
    """The results for one claim in one ledger."""

    profile: Profile
    turned: Turned

    @property
    def claim(self) -> Claim:
        """The claim."""
        return self.profile.claim


@dataclass(frozen=True)
class Challenged:
    """The result of `challenge`.

    Args:
      study: with as many paths as each universe has.
      held: claim by claim, first in the ledger of specifications, then in that of policies.
    """

    study: Study
    held: tuple[ClaimResult, ...]


def challenge(
    study: Study,
    stated: Sequence[str] = (),
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> Challenged:
    """Challenges each claim of a study in hundreds of universes: sets of choices other than the study's own.

    Args:
      stated: claims as sentences that `claim_of` reads; the study's own if none is given. A study without any is taken
        to claim the differences between policies that are significant on its own futures, in its events and in mean and
        ES99 of its headline.
      paths: futures in a universe, from the first on; the study's, at most 16,384, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the stage, how much is done, and how much there is.

    Raises:
      UserError: a claim is not understood, only one policy runs, `paths` is not a number of whole units, or the study
        as stated has more paths with values that are not finite than it allows.
    """
    study.refuse_broken_model()
    claims = _claims(study, stated)
    if len(study.policies) < 2:
        text = (
            "expected two policies or more, got one: there is nothing to be better than. Run the study with more:"
            " compare = [...]."
        )
        raise UserError(study.source, [Problem("", text)])
    study = of_paths(study, paths, PATHS, 2)
    held: list[ClaimResult] = []
    for pair, own in _pairs(study, claims).items():
        one, _ = compared(study, [pair[1], pair[0]], pair[1])
        worlds = Worlds(one, device)
        as_stated = worlds.values(())
        refuse_too_many(one, sound((as_stated,)))
        held += _of_pair(worlds, own or made_by(one, *pair, as_stated), as_stated, observe)
    return Challenged(study, tuple(held))


def _of_pair(worlds: Worlds, claims: Sequence[Claim], stated: Values, observe: Observer) -> list[ClaimResult]:
    """The results of the claims about one pair of policies, claim by claim."""
    notes, paths = Notes(worlds.study), worlds.study.paths
    searching, judging = (Looking(worlds, notes, replicate) for replicate in (0, FRESH))
    results: list[ClaimResult] = []
    every = ledgers(worlds, claims, stated) if claims else ()
    of_ledgers = [
        profiles(searching, ledger, claims, lambda done, of: observe("simulating", done * paths, of * paths))
        for ledger in every
    ]
    found = [profile for some in of_ledgers for profile in some]
    observe("reversing", 0, len(found) * paths)
    threads = ThreadPoolExecutor(THREADS)
    try:
        turning = threads.map(lambda profile: turned(searching, judging, profile), found)
        for number, (profile, one) in enumerate(zip(found, turning, strict=True), 1):
            observe("reversing", number * paths, len(found) * paths)
            results.append(ClaimResult(profile, one))
    finally:
        threads.shutdown(cancel_futures=True)
    return sorted(results, key=lambda one: claims.index(one.claim))


def _claims(study: Study, stated: Sequence[str]) -> tuple[Claim, ...]:
    problems, claims = [], []
    names = study.policy_names, study.events_by_name, study.model.outcomes
    for text in stated:
        try:
            claims.append(claim_of(text, *names, study.levels))
        except UserError as error:
            problems += [Problem(f"--claim '{text}'", problem.message) for problem in error.problems]
    if problems:
        raise UserError(study.source, problems)
    return tuple(dict.fromkeys(claims)) if stated else study.challenge.claims


def _pairs(study: Study, claims: Sequence[Claim]) -> dict[tuple[str, str], list[Claim]]:
    """Each pair of policies with the claims about it; without claims, every policy against the baseline."""
    pairs: dict[tuple[str, str], list[Claim]] = {}
    for one in claims:
        pairs.setdefault((one.policy, one.against), []).append(one)
    others = (name for name in study.policy_names if name != study.baseline)
    return pairs or {(name, study.baseline): [] for name in others}
