"""When a run is precise enough: how many paths come next, how a target stands, and that it ends, whatever the numbers
are.
"""

import math
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.coverage_stopping import coverage
from engine.risk.estimation import stopping
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.stopping import Ended, Ending, Look, State, ending, few_digits, standing
from engine.study.study import BLOCK, LEVELS
from engine.study.tables.stops import Target

PART = BLOCK // 8


def target(measure="mean", width=0.01, relative=True, less=None):
    return Target(measure, "cost", "old", less, width, relative, "bn yuan")


def look(half, paths=1000, estimate=10.0, state=State.WIDE, **of):
    return Look(target(**of), paths, Estimate(estimate, half / 2, estimate - half, estimate + half), half, state)


def walked(values, of, bound=1 << 20, unit=1):
    """The rule on values [path], as a run would go."""

    def at(paths):
        return [stopping.look_at(of, [values[:paths]], unit, True, LEVELS)]

    first = stopping.first_look([of], unit)
    looks = stopping.walk(first, min(bound, len(values)), at, unit)
    return Ended(min(bound, len(values)), tuple(looks))


def test_the_step_is_short_at_first_never_four_times_further_and_then_suffices():
    assert stopping.following(look(0.2)) == 0.6 * 4000  # 1,000 paths at twice the width wanted
    assert stopping.following(look(1.0)) == 4000
    assert stopping.following(look(0.14)) == pytest.approx(1.05 * 1960)
    assert stopping.following(look(0.2, estimate=0.0)) == 4000


@pytest.mark.parametrize(
    ("measure", "less", "unit", "paths"),
    [("ES99", None, 1, 20_000), ("ES99.9", None, 2, 200_000), ("VaR95", "new", 1, 4000), ("ES99", "new", 1, 50_000),
     ("mean", None, 2, 2000), ("mean", None, 256, 7680), ("probability", None, 1, 2000)],
)  # fmt: skip
def test_a_pilot_has_two_hundred_paths_beyond_var_and_an_interval(measure, less, unit, paths):
    assert stopping.first_look([target(measure, less=less)], unit) in (paths, PART * math.ceil(paths / PART))


def test_the_run_ends_near_what_hindsight_needs():
    rng = np.random.default_rng(5)
    values = rng.lognormal(0.0, 1.0, 1 << 20)
    ended = walked(values, target("mean", 0.005))
    needed = (1.96 * values.std() / values.mean() / 0.005) ** 2
    assert ended.ending is Ending.MET and 0.95 < ended.paths / needed < 1.9  # whole blocks: 202,000 of 262,144
    paths = [looks[0].paths for looks in ended.looks]
    assert paths == sorted(paths) and all(b <= 4 * a or b % PART == 0 for a, b in pairwise(paths))


@pytest.mark.parametrize("value", [5.0, 0.0])
@pytest.mark.parametrize("of", [target("ES99"), target(), target(relative=False), target("mean", 0.5, False, "new")])
def test_the_same_value_on_all_futures_goes_to_the_bound_as_what_is_rare_may_be_missing(value, of):
    def at(paths):
        own = np.full(paths, value)
        return [stopping.look_at(of, [own, np.zeros(paths)][: 1 + bool(of.less)], 1, True, LEVELS)]

    *_, (last,) = stopping.walk(stopping.first_look([of], 1), 100_000, at, 1)
    assert last.paths == 100_000 and last.state is State.SAME and not last.holds
    said = f"{value:g} on all 100,000 futures; another value has a probability of at most 3.8e-05 (95 %)"
    assert standing(last).endswith(said)


@pytest.mark.parametrize("happens", [False, True])
def test_what_never_or_always_happens_is_met_by_the_far_end_of_its_interval(happens):
    of = target("probability", 0.0015, relative=False)  # the upper end is 3.84 / n: 0.0019 at 2,000
    seen = np.full(2000, happens)
    wide = stopping.look_at(of, [seen], 1, True, LEVELS)
    assert wide.state is State.WIDE and wide.half_width == pytest.approx(3.84 / 2004, rel=1e-2)
    ended = walked(np.full(1 << 16, happens), of)
    last = ended.looks[-1][0]
    assert ended.ending is Ending.MET and last.half_width <= 0.0015 and len(ended.looks) == 2
    if not happens:
        assert ended.paths < 1.1 * 3.84 / 0.0015
        assert f"at most {last.estimate.high:.2g}, within 0.0015" in standing(last)


WALKS = {
    "a rare value that the pilot lacks": (
        lambda: np.where(np.arange(1 << 20) % 10_000 == 5000, 1e6, 1.0),
        target("mean", 0.1),
        (Ending.BOUND, 1 << 20, None, ""),
    ),
    "a quantile, whatever the few are that are missing": (
        lambda: np.full(50_000, 5.0),
        target("VaR95"),
        (Ending.MET, None, 1, ": 5.000 without error"),
    ),
    "an event that never happens": (
        lambda: np.zeros(100_000, bool),
        target("probability", 0.1),
        (Ending.BOUND, 100_000, None, "no occurrence: at most 3.8e-05 of 100,000 futures"),
    ),
    "an event that never happens, to a width": (
        lambda: np.zeros(1 << 18, bool),
        target("probability", 0.01, relative=False),
        (Ending.MET, None, 1, ""),
    ),
    "a tail of infinite variance": (
        lambda: np.random.default_rng(1).pareto(1.2, 1 << 20),
        target("ES99"),
        (Ending.GIVEN_UP, None, 2, "(heavy tail"),
    ),
    "one path": (lambda: np.array([3.0]), target(), (Ending.BOUND, 1, None, "no interval at 1")),
    "a mean of nothing, relative to itself": (
        lambda: np.random.default_rng(2).standard_normal(40_000),
        target("mean", 0.01),
        (Ending.BOUND, None, None, "in the unit"),
    ),
}
"""Values, a target, and how the run ends: why, after how many paths and looks, and in which words."""


@pytest.mark.parametrize("name", WALKS)
def test_how_a_run_ends(name):
    values, of, (why, paths, looks, words) = WALKS[name]
    ended = walked(values(), of)
    assert ended.ending is why
    assert paths in (None, ended.paths) and looks in (None, len(ended.looks))
    assert words in "".join(ending(ended)) + standing(ended.looks[-1][0])


def test_a_bound_that_is_reached_says_how_many_would_do():
    values = np.random.default_rng(2).lognormal(0.0, 1.0, 10_000)
    ended = walked(values, target("mean", 0.005))
    said = ending(ended)
    assert ended.ending is Ending.BOUND and "at 10,000 futures" in said[0]
    needed = ended.looks[-1][0].needed
    assert f"About {few_digits(needed)} " in said[0] and "--paths" in said[0] and "to go" in said[1]
    assert len(said[0].split(" About")[0].split()) <= 25


def test_all_targets_have_to_hold_at_one_look():
    rng = np.random.default_rng(4)
    values = rng.lognormal(0.0, 1.0, 1 << 18)
    easy, hard = target("mean", 0.2), target("mean", 0.02)

    def at(paths):
        return [stopping.look_at(one, [values[:paths]], 1, True, LEVELS) for one in (easy, hard)]

    *_, last = stopping.walk(2000, 1 << 18, at, 1)
    assert all(one.holds for one in last) and last[0].paths > 2000


@pytest.mark.slow
@pytest.mark.parametrize("case", [("normal", "event"), ("three humps, strata", "difference of means")])
def test_the_last_interval_of_a_run_covers(case):
    """A part of `benchmarks/coverage_stopping.py`: 93 % of 100 runs, less 3.5 standard errors."""
    *_, held, _, looks = coverage(case, 100)
    assert held >= 0.93 - 3.5 * (0.93 * 0.07 / 100) ** 0.5 and looks > 1
