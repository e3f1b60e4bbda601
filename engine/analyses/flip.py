"""Break-even analysis: how far beliefs must move, each alone or all priors at once, to turn a ranking of policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.analyses.beliefs import LOCATION, Belief, LeftOut, Line, correlations, levers, priors
from engine.analyses.comparison import compared
from engine.analyses.futures import Futures, of_paths, refuse_too_many, sound
from engine.analyses.joint_move import GapUnderMove, JointMove, joint_move
from engine.analyses.policy_gap import Look
from engine.analyses.turning import Stretch, critical_score, stretches, sureness, turns
from engine.analyses.variables import MEAN, PROBABILITY, SHORTFALL, Values, outcomes_of
from engine.analyses.variants import PATHS, Observer, unobserved
from engine.errors import Problem, UserError, unknown
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

RERUN_PATHS = 1 << 15
"""Most paths that are simulated with a belief changed."""


@dataclass(frozen=True)
class FlipResult:
    """The result of `flip`.

    Args:
      study: with the two policies, and the paths that were simulated.
      variable, measure: what the policies are ranked by: mean or ES of an outcome, or probability of an event.
      first, second: the policies.
      difference: the measure under the first less that under the second, as stated.
      beliefs: the beliefs that turn the ranking, the nearest first, one record for every turn; then those that do not
        turn it within their range. Empty where the policies cannot be distinguished as stated, as there is then no
        ranking to turn.
      joint: the smallest move of all priors together that turns the ranking; None if none is found.
      left_out: beliefs that were not examined, and why.
    """

    study: Study
    variable: str
    measure: str
    first: str
    second: str
    difference: Estimate
    beliefs: tuple[Belief, ...]
    joint: JointMove | None
    left_out: tuple[tuple[str, str], ...]


def flip(
    study: Study,
    variable: str,
    first: str,
    second: str,
    measure: str | None = None,
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> FlipResult:
    """How far each belief must move before two policies change places, and the nearest joint move of all priors.

    A prior is moved by shifting its normal score, so it keeps its support: by importance weights on the simulated
    futures, as long as their effective number is at least that of a rerun, else by simulating again; correlations and
    levers always by simulating again. What seems to turn the ranking is confirmed on independent futures: if nothing
    turns it, something is reported in at most 5 % of studies.

    Args:
      variable: an outcome or an event.
      measure: "mean" or "ES99" of an outcome; the mean if not given.
      first, second: the policies; the difference is the first less the second.
      paths: how many, from the first on; the study's, at most 131,072, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the stage, how much is done, and how much there is.

    Raises:
      UserError: no such outcome, event, policy or measure; `paths` is not a number of whole units; values that are not
        finite on more paths than the study allows.
    """
    study.refuse_broken_model()
    measure = _measure(study, variable, first, second, measure)
    study = of_paths(study, paths, PATHS)
    study, _ = compared(study, [second, first])
    return flip_on(Futures(study, outcomes_of(study, [variable]), device), variable, measure, first, second, observe)


def flip_on(
    futures: Futures, variable: str, measure: str, first: str, second: str, observe: Observer = unobserved
) -> FlipResult:
    """As `flip`, on simulated futures of a study with just these two policies."""
    study = futures.study
    few = min(study.paths, RERUN_PATHS) // study.unit * study.unit
    look = Look(futures, variable, measure, first, second, few)
    own = futures.first(study.paths)
    good = sound((own,))
    refuse_too_many(study, good)
    stated = look.difference(own)
    beliefs, joint, left_out = (
        _turning(look, own, good, 1.0 if stated.estimate > 0 else -1.0, observe)
        if stated.low > 0 or stated.high < 0
        else ((), None, [])
    )
    return FlipResult(study, variable, measure, first, second, stated, beliefs, joint, tuple(left_out))


def _turning(
    here: Look, own: Values, good: np.ndarray, sign: float, observe: Observer
) -> tuple[tuple[Belief, ...], JointMove | None, LeftOut]:
    """Every belief with its turns, the nearest joint move of all priors, and the beliefs that are not examined."""
    there, units, left_out = replace(here, futures=here.futures.anew()), here.units, LeftOut()
    lines = [
        *priors(here, there, here.weigher(own, good), good, left_out),
        *correlations(here, there),
        *levers(here, there, left_out),
    ]
    searched = []
    for k, line in enumerate(lines):
        sides = [[(x, line.at(x)) for x in side] for side in line.sides]
        looks = [one for side in sides for one in side]
        most, _ = min(looks, key=lambda one: sign * one[1].estimate, default=(line.start, None))
        searched.append((line, [stretches(line.start, side, sign, units.reach) for side in sides], most))
        observe("beliefs", k + 1, len(lines))
    # one test more for the joint move of all priors
    tests = 1 + sum(len(side) - 1 for _, rows, _ in searched for side in rows)
    limit = critical_score(units, tests)
    by_line = [_beliefs(*of, sign, units.reach, limit) for of in searched]
    beliefs = [one for own_turns in sorted(by_line, key=lambda some: _far(some[0])) for one in own_turns]
    alone = [one for one in beliefs if one.turns and one.kind == LOCATION]
    joint = joint_move(GapUnderMove(here, sign), GapUnderMove(there, sign), alone, limit)
    return tuple(beliefs), joint, left_out


def _beliefs(
    line: Line, rows: Sequence[Sequence[Stretch]], most: float, sign: float, reach: float, limit: float
) -> list[Belief]:
    """A record for every turn along a line, the nearest first; if there is none, one record that says so."""

    def is_sure(one: Stretch) -> bool:
        return sureness(line.anew(one.surest), sign * one.side) > limit

    seen = [one for side in rows for one in turns(line.at, side, is_sure, sign, reach)]
    named = line.kind, line.name, line.unit, line.stated
    if not seen:
        move = Estimate(abs(most - line.start))
        return [Belief(*named, line.value(most), move, False, line.how(most))]
    found = []
    for turn in sorted(seen, key=lambda one: abs(one.at.estimate - line.start)):
        x, start = turn.at, line.start
        move = replace(x, estimate=x.estimate - start, low=x.low - start, high=x.high - start)
        value, how, length = line.value(x.estimate), line.how(x.estimate), abs(move.estimate) * line.scale
        found.append(Belief(*named, value, move, True, how, turn.back, length))
    return found


def _measure(study: Study, variable: str, first: str, second: str, measure: str | None) -> str:
    problems = []
    if variable not in study.variables:
        problems.append(Problem("--outcome", unknown("outcome or event", variable, study.variables)))
    problems += [
        Problem("--policies", unknown("policy", name, study.policy_names))
        for name in (first, second)
        if name not in study.policy_names
    ]
    if not problems and first == second:
        problems.append(Problem("--policies", f"expected two policies, got '{first}' twice."))
    known = (PROBABILITY,) if variable in study.events_by_name else (MEAN, SHORTFALL)
    if measure is not None and measure not in known:
        problems.append(Problem("--measure", unknown("measure", measure, known)))
    if problems:
        raise UserError(study.source, problems)
    return measure or known[0]


def _far(one: Belief) -> tuple[bool, float]:
    """Sort key: beliefs that turn the ranking, then the others, both by distance.

    Distance is in normal scores for a prior, else a share of the stated value.
    """
    size = abs(one.move.estimate)
    return not one.turns, one.length if one.kind == LOCATION else size / max(abs(one.stated), 1e-9)
