"""The claims of a study under alternative choices: shares of universes, and mildest reversals."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from engine.errors import Problem, Problems, UserError
from engine.questions.challenge import choices, priors
from engine.questions.challenge.choices import POLICIES, SPECIFICATION, Choice
from engine.questions.challenge.claims import contribution, implied
from engine.questions.challenge.results import THREADS, Cell, Results
from engine.questions.challenge.reversals import Result, turned
from engine.questions.challenge.universes import Case
from engine.questions.challenge.worlds import AT_ONCE, Worlds
from engine.questions.comparison import compared, others_of
from engine.questions.futures import of_paths, refuse_too_many, sound
from engine.questions.variables import Values
from engine.questions.variants import Observer, unobserved
from engine.study.study import Study
from engine.study.tables.challenge import Claim, claim_of

PATHS = 1 << 14
"""Default number of futures in a universe."""


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
            "expected two policies or more, got one: there is nothing to be better than. Run the study with more:"
            " compare = [...]."
        )
        raise UserError(study.source, [Problem("", text)])
    study = of_paths(study, paths, PATHS, 2)
    by_pair: dict[tuple[str, str], list[Claim]] = {}
    for one in claims if sentences else study.challenge.claims:
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
    of_priors = priors.choices(study, worlds.scores(0, 0, count), gaps)
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
    cases = [Case(results, claim, ledger, every) for claim in claims for ledger in (SPECIFICATION, POLICIES)]
    cells = [Cell(one.claim, universe) for one in cases for universe in ((), *one.designed)]
    results.at(cells, lambda done, total: observe("simulating", done * paths, total * paths))
    found: list[Result] = []
    observe("reversing", 0, len(cases) * paths)
    with ThreadPoolExecutor(THREADS) as threads:
        for one in threads.map(turned, cases):
            found.append(one)
            observe("reversing", len(found) * paths, len(cases) * paths)
    return found
