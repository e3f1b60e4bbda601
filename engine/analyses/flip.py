"""Break-even analysis: how far beliefs must move, each alone or all priors at once, to turn a ranking of policies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from jaxtyping import Float

from engine.analyses.beliefs import LOCATION, RUNS, Belief, Line, correlations, levers
from engine.analyses.comparison import compared
from engine.analyses.futures import Futures, of_paths, refuse_too_many, sound
from engine.analyses.glances import SHARE, Glance
from engine.analyses.joint_move import GapUnderMove, JointMove, joint_move
from engine.analyses.joint_scores import Joint
from engine.analyses.moved_scores import MovedScores
from engine.analyses.policy_gap import Look
from engine.analyses.turning import Difference, Stretch, critical_score, stretches, sureness, turns
from engine.analyses.variables import MEAN, PROBABILITY, SHORTFALL, Values, outcomes_of
from engine.analyses.variants import PATHS, Observer, unobserved
from engine.errors import Problem, UserError, unknown
from engine.program import arguments
from engine.risk.drivers.tilting import Tilt, nearest_turn, normalised
from engine.risk.estimation.intervals import Estimate, as_units
from engine.study.study import Input, Study

FARTHEST = 3.0
"""Largest move of a single prior, in normal scores."""
STEP = 0.5
WEIGHTS = "weights"
RERUN_PATHS = 1 << 15
Paths = Float[np.ndarray, "path"]


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
      nearest: of all reweightings of the futures, shocks included, the one of least relative entropy under which the
        difference is zero, with the k-hat of its weights; None for ES, or where no reweighting gives zero.
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
    nearest: Tilt | None
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
    look = Look(futures, variable, measure, first, second)
    own = futures.first(study.paths)
    good = sound((own,))
    refuse_too_many(study, good)
    stated = look.difference(own)
    if not (stated.low > 0 or stated.high < 0):
        return FlipResult(study, variable, measure, first, second, stated, (), None, None, ())
    left_out: list[tuple[str, str]] = []
    beliefs, joint = _turning(look, own, good, 1.0 if stated.estimate > 0 else -1.0, left_out, observe)
    tilt = None if measure == SHORTFALL else nearest_turn(look.gaps(own)[good])
    return FlipResult(study, variable, measure, first, second, stated, beliefs, joint, tilt, tuple(left_out))


def _turning(
    look: Look, own: Values, good: np.ndarray, sign: float, left_out: list[tuple[str, str]], observe: Observer
) -> tuple[tuple[Belief, ...], JointMove | None]:
    """Every belief with its turns, and the nearest joint move of all priors."""
    study = look.study
    few = min(study.paths, RERUN_PATHS) // study.unit * study.unit
    others = replace(look, futures=look.futures.anew())
    here, there = partial(look.changed, few), partial(others.changed, few)
    units = as_units(few, study.unit)
    moved, anew = (MovedScores(one.futures, few) for one in (look, others))
    glance = _glance(look, own, few, sign, units.reach)
    brief = MovedScores(look.futures, len(glance.few)) if glance else None
    lines = [
        *_locations(look, own, good, few, (look, moved), (others, anew), brief, left_out),
        *correlations(study, here, there),
        *levers(study, (look.first, look.second), here, there, left_out),
    ]
    searched: list[tuple[Line, list[list[Stretch]], float]] = []
    for k, line in enumerate(lines):
        searched.append((line, *_looked_along(line, glance, sign, units.reach)))
        observe("beliefs", k + 1, len(lines))
    # one test more for the joint move of all priors
    tests = 1 + sum(len(side) - 1 for _, rows, _ in searched for side in rows)
    limit = critical_score(units, tests)
    by_line = [_beliefs(line, rows, most, sign, units.reach, limit) for line, rows, most in searched]
    beliefs = [one for own_turns in sorted(by_line, key=lambda some: _far(some[0])) for one in own_turns]
    alone = [one for one in beliefs if one.turns and one.kind == LOCATION]
    searching, judging = (
        GapUnderMove(study, scores, one.of_values, sign, units) for one, scores in ((look, moved), (others, anew))
    )
    return tuple(beliefs), joint_move(searching, judging, alone, limit)


def _glance(look: Look, own: Values, few: int, sign: float, reach: float) -> Glance | None:
    """The quick check on a few futures; None where none is possible: for ES, or where units are too large."""
    count = few // SHARE // look.study.unit * look.study.unit
    if look.measure == SHORTFALL or not count:
        return None
    gaps = look.gaps(own)[:few]
    return Glance(float(gaps.mean()), gaps[:count], as_units(count, look.study.unit), sign, reach)


def _looked_along(line: Line, glance: Glance | None, sign: float, reach: float) -> tuple[list[list[Stretch]], float]:
    """The stretches of one sign on either side of a line; none if a quick check shows that the sign never changes.

    Also the place that is nearest to turning.
    """
    least = glance.least(line) if glance else None
    if least is not None:
        return [], least
    sides = [[(x, line.at(x)) for x in side] for side in line.sides]
    looks = [one for side in sides for one in side]
    most, _ = min(looks, key=lambda one: sign * one[1].estimate, default=(line.start, None))
    return [stretches(line.start, side, sign, reach) for side in sides], most


def _beliefs(
    line: Line, rows: Sequence[Sequence[Stretch]], most: float, sign: float, reach: float, limit: float
) -> list[Belief]:
    """A record for every turn along a line, the nearest first; if there is none, one record that says so."""

    @cache
    def is_sure(one: Stretch) -> bool:
        return sureness(line.anew(one.surest), sign * one.side) > limit

    seen = [one for side in rows for one in turns(line.at, side, is_sure, sign, reach)]
    named = line.kind, line.name, line.unit, line.stated
    if not seen:
        move = Estimate(abs(most - line.start))
        return [Belief(*named, line.value(most), move, False, line.how(most))]
    found = []
    for turn in sorted(seen, key=lambda one: abs(one.at.estimate - line.start)):
        x = turn.at
        move = replace(x, estimate=x.estimate - line.start, low=x.low - line.start, high=x.high - line.start)
        length = abs(move.estimate) * line.scale
        found.append(
            Belief(
                *named, line.value(x.estimate), move, True, line.how(x.estimate), turn.back, length
            )
        )  # fmt: skip
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


def _locations(
    look: Look,
    own: Values,
    good: np.ndarray,
    few: int,
    here: tuple[Look, MovedScores],
    there: tuple[Look, MovedScores],
    brief: MovedScores | None,
    left_out: list[tuple[str, str]],
) -> Iterator[Line]:
    """A line for the prior of each factor, moved by its normal score.

    Priors that cannot be moved alone are added to `left_out`.
    """
    study = look.study
    scores = look.futures.numbers(study.paths)
    weigh = look.weigher(own, good)
    names = [one.name for one in arguments.streams(study)]
    joints = {name: Joint.of(study, name) for name, group in study.groups.items() if group.copula.family == "gaussian"}
    steps = STEP * np.arange(1, int(FARTHEST / STEP) + 1)
    sides = tuple(tuple(map(float, side * steps)) for side in (1.0, -1.0))
    for item in study.inputs:
        law = item.marginal
        if not law.quantile(0.25) < law.quantile(0.75):
            continue
        if item.group and item.group not in joints:
            left_out.append(
                (item.name, f"moves with others by a copula that is {study.groups[item.group].copula.family}")
            )
            continue
        if item.group and joints[item.group].is_one:
            left_out.append((item.name, "follows from other members of its group"))
            continue
        if item.group:
            joint = joints[item.group]
            member = study.groups[item.group].members.index(item.name)
            pull, size = joint.pull(scores, member)
            rows, shift = joint.shift(member)
        else:
            rows = [names.index(item.stream)]
            pull, size, shift = scores[rows[0]].astype(np.float64), 1.0, np.ones(1)
        yield _location(
            item,
            sides,
            partial(_is_worth, study.paths, few, size),
            partial(_weighted, weigh, pull[good], size),
            partial(_simulated, *here, rows, shift),
            partial(_simulated, *there, rows, shift),
            float(np.linalg.norm(shift)),
            partial(_glanced, look, brief, rows, shift) if brief else None,
        )


def _location(
    item: Input,
    sides: tuple[tuple[float, ...], ...],
    is_worth: Callable[[float], bool],
    weighted: Difference,
    moved: Difference,
    anew: Difference,
    scale: float,
    glanced: Callable[[float], Paths] | None,
) -> Line:
    law = item.marginal

    def at(move: float) -> Estimate:
        return weighted(move) if is_worth(move) else moved(move)

    def glance(move: float) -> Paths | None:
        return None if glanced is None or is_worth(move) else glanced(move)

    def median(move: float) -> float:
        return float(law.at_score(np.array(move)))

    def how(move: float) -> str:
        return WEIGHTS if is_worth(move) else RUNS

    stated = float(law.quantile(0.5))
    return Line(
        LOCATION, item.name, item.unit, stated, 0.0, sides, cache(at), anew, median, how, scale, glance
    )  # fmt: skip


def _is_worth(paths: int, few: int, size: float, move: float) -> bool:
    """Whether weights leave at least `few` effective futures.

    By Kish's formula, n exp(-m^2 q) of n futures are effective after a move m, where q is `size`.
    """
    return paths * math.exp(-move * move * size) >= few


def _weighted(weigh: Callable[[Paths], Estimate], pull: Paths, size: float, move: float) -> Estimate:
    """The difference with a prior moved, by importance weights."""
    return weigh(normalised(move * pull - 0.5 * move * move * size))


def _simulated(look: Look, scores: MovedScores, rows: Sequence[int], shift: np.ndarray, move: float) -> Estimate:
    """The difference with a prior moved, by simulating again."""
    return look.estimate(scores.outcomes(rows, scores.rows(rows) + move * shift[:, None]))


def _glanced(look: Look, scores: MovedScores, rows: Sequence[int], shift: np.ndarray, move: float) -> Paths:
    """The difference with a prior moved on each of a few futures, by simulating again."""
    return look.gaps(scores.outcomes(rows, scores.rows(rows) + move * shift[:, None]))


def _far(one: Belief) -> tuple[bool, float]:
    """Sort key: beliefs that turn the ranking, then the others, both by distance.

    Distance is in normal scores for a prior, else a share of the stated value.
    """
    size = abs(one.move.estimate)
    return not one.turns, one.length if one.kind == LOCATION else size / max(abs(one.stated), 1e-9)
