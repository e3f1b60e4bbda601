"""The two ledgers of alternatives: how a study could be specified, and how its two policies could be defined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.analyses.challenge import priors
from engine.analyses.challenge.choices import FULL, HORIZON, POLICIES, SPECIFICATION, Choice
from engine.analyses.challenge.claims import contribution, what
from engine.analyses.challenge.worlds import AT_ONCE, Worlds
from engine.analyses.lever_sets import players_of, set_of
from engine.analyses.variables import Values
from engine.study.study import Study
from engine.study.tables.assumptions import KINDS
from engine.study.tables.challenge import Claim, Threshold


@dataclass(frozen=True)
class Ledger:
    """All alternative choices of one kind.

    Args:
      name: `SPECIFICATION` or `POLICIES`.
      choices: all choices; those of the same dimension stand together.
    """

    name: str
    choices: tuple[Choice, ...]

    def of(self, study: Study, claim: Claim) -> dict[str, list[Choice]]:
        """Dimension -> its choices, without choices of measurement that do not affect the claim."""
        own, dimensions = what(study, claim, ()), dict[str, list[Choice]]()
        for one in self.choices:
            if not one.is_measured or what(study, claim, (one,)) != own:
                dimensions.setdefault(one.dimension, []).append(one)
        return dimensions


def ledgers(worlds: Worlds, claims: Sequence[Claim], stated: Values) -> tuple[Ledger, Ledger]:
    """Both ledgers of a study of two policies.

    Args:
      stated: outcomes on the study's own futures, as stated [policy, path].
    """
    study, count = worlds.study, min(worlds.study.paths, AT_ONCE)
    first = {name: values[:, :count] for name, values in stated.items()}
    gaps = [contribution(study, claim, first) for claim in claims]
    of_priors = priors.choices(study, worlds.scores(0, 0, count), gaps)
    specified = (*_assumptions(study), *of_priors, *_measured(study))
    return Ledger(SPECIFICATION, specified), Ledger(POLICIES, tuple(_policies(study)))


def _assumptions(study: Study) -> Iterator[Choice]:
    for one in study.assumptions:
        for kind in KINDS:
            if change := one.change(kind):
                words = f"{study.phrase('assumptions', one.name)} {kind}"
                yield Choice(SPECIFICATION, one.name, kind, words, change=change)


def _measured(study: Study) -> Iterator[Choice]:
    stated = study.challenge
    for one in stated.readings:
        words = study.phrase("challenge", one.name)
        yield Choice(SPECIFICATION, one.name, "instead", words, instead=one.instead)
    for one in stated.horizons:
        words = study.phrase("challenge", one.name)
        yield Choice(SPECIFICATION, HORIZON, one.name, words, instead=one.instead)
    for event, thresholds in stated.thresholds.items():
        for threshold in thresholds:
            name = f"{threshold.value:g}{'x' * threshold.is_multiple}"
            words = f"the limit of {study.phrase('events', event)} at {_limit(study, event, threshold)}"
            yield Choice(SPECIFICATION, f"{event} threshold", name, words, threshold=(event, threshold))


def _limit(study: Study, event: str, threshold: Threshold) -> str:
    stated = study.events_by_name[event].threshold
    value = stated * threshold.value if threshold.is_multiple else threshold.value
    return f"{value:,.4g}"


def _policies(study: Study) -> Iterator[Choice]:
    """Choices of policies.

    Each group of levers set in both as in one of them, fully implemented; and full implementation of both.
    """
    sets = [set_of(policy, study.years) for policy in study.policies]
    for player in players_of(study, study.policies, sets):
        kind = "lever_groups" if player.name in study.lever_groups else "levers"
        label = study.phrase(kind, player.name)
        for side in study.policy_names:
            words = f"{label} as under {study.phrase('policies', side)} in both"
            yield Choice(POLICIES, player.name, side, words, levers=player.levers, side=side)
    if any(one.share != 1.0 and not one.certain for one in sets):
        yield Choice(POLICIES, "implementation", FULL, "full implementation", side=FULL)
