"""No single choice found by hand, through plain studies, reverses a claim of the shipped study more mildly than what
`challenge` reports.
"""

from dataclasses import replace

import numpy as np
import pytest

from engine.questions.challenge.challenge import challenge
from engine.study.loading import again, load_study
from engine.study.values import as_number
from tests.questions.challenge.models import found
from tests.user_models import outcomes

CLAIMS = (
    "reform better than old in jobs_demolished",
    "reform better than old in region_devastated",
    "reform better than old in mean of displaced_person_years",
)
SURE = 5.0
"""Standard errors beyond which the hand search counts a sign."""


def with_factors(study, changes):
    """The study read again with factors as a number, or with all quantiles of their priors doubled."""
    tables = dict(study.document["factors"])
    for name, (scale, shift) in changes.items():
        table = tables[name]
        if scale == 0.0:
            kept = {key: table[key] for key in ("group", "unit") if key in table}
            tables[name] = {"family": "fixed", "value": shift, **kept}
        else:
            numbers = {key: table[key] for key in ("p05", "p50", "p95", "range90") if key in table}
            assert numbers and (scale, shift) == (2.0, 0.0)
            doubled = {key: np.multiply(2.0, value).tolist() for key, value in numbers.items()}
            tables[name] = {**table, **doubled}
    return again(study, factors=tables)


def given(policy, other, levers):
    """A policy with some levers as another one sets them, in all years."""
    before = policy.before and given(policy.before, other, levers)
    drawn = {name: of for name, of in policy.drawn.items() if name not in levers}
    return replace(
        policy,
        before=before,
        levers={**policy.levers, **{name: other.levers[name] for name in levers}},
        drawn={**drawn, **{name: other.drawn[name] for name in levers if name in other.drawn}},
    )


def worlds(study):
    """Name of a choice -> the study that makes it: assumptions of factors off and doubled, levers as the other's."""
    for one in study.assumptions:
        for kind in ("off", "doubled"):
            change = one.change(kind)
            if change and change.factors and not change.levers and not change.groups:
                yield f"{one.name}: {kind}", with_factors(study, change.factors)
    for group, levers in study.lever_groups.items():
        for other in study.policies:
            policies = tuple(given(policy, other, levers) for policy in study.policies)
            yield f"{group}: {other.name}", replace(study, policies=policies)


def gap(study, values, variable, threshold=None):
    """Reform less old in the mean of an outcome or the probability of an event, with its standard error and share."""
    if variable in study.events_by_name:
        event = study.events_by_name[variable]
        limit = event.threshold if threshold is None else threshold
        own = values[str(event.outcome)]
        sides = (own > limit if event.above is not None else own < limit).astype(float)
    else:
        sides = values[variable].astype(float)
    old, reform = (sides[study.row(name)] for name in ("old", "reform"))
    away, larger = reform - old, max(abs(old.mean()), abs(reform.mean()))
    return away.mean(), away.std() / np.sqrt(away.size), abs(away.mean()) / larger if larger else 0.0


def by_hand(study):
    """(variable, name of a choice) -> the gap of the claims under single choices."""
    seen = {}
    variables = ("jobs_demolished", "region_devastated", "displaced_person_years")
    for name, world in worlds(study):
        values = outcomes(world)
        seen |= {(variable, name): gap(study, values, variable) for variable in variables}
    stated = outcomes(study)
    for variable in variables:
        for name, one in study.challenge.choices.items():
            if variable in one.instead:
                seen[variable, name] = gap(study, stated, one.instead[variable])
        for one in study.challenge.thresholds.get(variable, ()):
            limit = as_number(one, study.events_by_name[variable].threshold)
            seen[variable, f"threshold {one}"] = gap(study, stated, variable, limit)
    return seen


@pytest.mark.slow
def test_no_single_choice_reverses_a_claim_more_mildly_than_what_is_reported():
    study = load_study("rustbelt", paths=4096, policies=["old", "reform"])
    _, results = challenge(study, CLAIMS)
    seen, matters, singles = by_hand(study), study.challenge.matters, 0
    for claim in dict.fromkeys(one.case.claim for one in results):
        own = [one for one in results if one.case.claim == claim]
        for least in (0.0, matters):
            fewest = min((len(one.dimensions) for one in found(own, least)), default=99)
            turning = [
                name
                for (variable, name), (away, error, share) in seen.items()
                if variable == claim.variable and away > SURE * error and share >= 1.1 * least
            ]
            assert not turning or fewest == 1, (str(claim), least, turning)
            singles += len(turning)
        for one in (each for of in own for each in of.reversals[0.0] if each.departures == 1):
            known = seen.get((claim.variable, str(one.universe[0])))
            assert known is None or known[0] > 0, (str(claim), str(one.universe[0]), known)
    assert singles
