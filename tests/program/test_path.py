"""What a path gives a model and takes from it, against NumPy."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from engine.draws import random_words
from engine.modelling.cell_axis import split_cells
from engine.modelling.folds import Kind, lowest, peak
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.program.contract import Program
from engine.study.loading import read_study
from tests.helpers import assert_close, assert_same
from tests.user_models import REGION, computed, echo, program, static

YEARS = np.arange(2016, 2021)
POLICIES = {
    "old": {"plain": 3.0, "by_cell": {"north": {"rye": 7.0, "flax": {"2017": 4.0, "2019": 5.0}}}},
    "by_year": {"plain": {"2017": 10.0, "2019": 20.0}},
    "late": {"like": "by_year", "start": 2018},
    "half": {"before": "late", "plain": 100.0, "implementation": 0.25, "start": 2019},
    "drawn": {"like": "by_year", "implementation": "share"},
}


def yearly(made: Program, first: int = 0) -> dict[str, np.ndarray]:
    """Yearly values of some paths by name, [policy, year, *dims, path]."""
    found = made.trace(first).yearly
    assert found is not None
    return split_cells(made.study.model, found, axis=2)


@functools.cache
def echoed() -> tuple[Program, dict[str, np.ndarray]]:
    made = program(echo(POLICIES))
    return made, yearly(made)


def of(policy: str, name: str) -> np.ndarray:
    """Yearly values of a policy, [year, *dims, path]."""
    made, found = echoed()
    return found[name][made.study.policy_names.index(policy)]


def series(policy: str, name: str = "plain") -> np.ndarray:
    """A lever of a policy along the years, the same on every path."""
    values = of(policy, name)
    assert_same(values, np.broadcast_to(values[..., :1], values.shape))
    return values[..., 0]


# ------------------------------------------------------------------------------- levers


def test_a_model_sees_the_years_and_its_own_state():
    assert_same(series("old", "calendar"), YEARS.astype(np.float32))
    assert_same(series("old", "years_lived"), np.arange(1, 6, dtype=np.float32))


def test_levers_by_label_reach_their_cells_whatever_the_order_of_dimensions():
    cells = series("old", "by_cell")
    expected = np.ones((5, 2, 3), np.float32)
    expected[:, 0, 0] = 7
    expected[:, 0, 2] = [1, 4, 4, 5, 5]
    assert_same(cells, expected)
    assert_same(series("old", "turned"), np.swapaxes(expected, 1, 2))


def test_a_policy_that_starts_late_has_the_levers_and_the_start_of_the_one_before():
    assert_same(series("late"), np.array([3, 3, 10, 20, 20], np.float32))
    assert_same(series("late", "start"), np.array([2016, 2016, 2018, 2018, 2018], np.float32))
    assert_same(series("late", "plain_of_init"), np.full(5, 3, np.float32))
    assert_same(series("late", "by_cell")[0], series("old", "by_cell")[0])
    assert_same(series("late", "by_cell")[2], np.ones((2, 3), np.float32))


def test_a_drawn_implementation_is_the_factors_draw_on_each_path():
    made, _ = echoed()
    (share,) = made.trace(0).draws.astype(np.float64)
    expected = np.array([[3], [3], [3], [3], [3]]) + share * (np.array([[2], [10], [10], [20], [20]]) - 3)
    assert_close(of("drawn", "plain"), expected)


# ------------------------------------------------------------------------------- shocks and draws


def word_of(seed: int, stream: str, step: int, paths: np.ndarray) -> np.ndarray:
    """The word of each path of an antithetic stream, from its definition."""
    key = random_words.stream_key(seed, stream, step)
    pair = np.array(
        random_words.threefry2x32(
            (jnp.uint32(key[0]), jnp.uint32(key[1])),
            (jnp.asarray(paths // 4, jnp.uint32), jnp.zeros(len(paths), jnp.uint32)),
        )
    )
    word = pair[paths // 2 % 2, np.arange(len(paths))]
    return np.where(paths % 2 == 1, ~word, word)


# ------------------------------------------------------------------------------- outcomes


def test_folds_of_every_kind_against_numpy():
    made, found = echoed()
    values = made.trace(0).outcomes
    single, noise = found["single"], found["noise"]
    south, rye, north = noise[:, :, 1, 1:].sum(2), noise[:, :, :, 0].mean(2), noise[:, :, 0].max(2)
    threes = np.max([single[:, :-2], single[:, 1:-1], single[:, 2:]], axis=0)
    expected = {
        "peak": single.max(1),
        "lowest": -2 * single.min(1),
        "total": single.sum(1),
        "at_2018": single[:, 2],
        "spell_of_1": single.min(1),
        "spell_of_3": threes.min(1),
        "sum_of_cells": south.sum(1),
        "mean_of_cells": rye.sum(1),
        "lowest_of_cells": noise.min((2, 3)).max(1),
        "peak_of_cells": north.min(1),
        "beside": 2 * single.sum(1),
        "own": 3 * single.sum(1),
    }
    assert list(expected) == list(made.study.model.outcomes)
    for k, (_, truth) in enumerate(expected.items()):
        assert_close(values[:, k], truth)


class Power(StaticModel):
    """A static model with levers, one of them by label."""

    dims = REGION
    factors = {"base": Factor("1"), "never_read": Factor("1")}
    levers = {"exponent": Lever("1", default=1.0), "weight": Lever("1", default=1.0, dims=("region",))}
    outcomes = {"power": Outcome("1", loss=True), "constant": Outcome("1")}

    def evaluate(self, factors, levers):
        return {"power": (levers.weight * factors.base**levers.exponent).over(), "constant": 4}


@pytest.mark.parametrize("sampler", ["random", "antithetic"])
def test_a_static_model_is_evaluated_on_every_path_under_every_policy(sampler):
    factors = {
        "base": {"family": "uniform", "low": 0.0, "high": 1.0},
        "never_read": {"family": "fixed", "value": 1.0},
        "share": {"family": "triangular", "low": 0.0, "mode": 0.5, "high": 1.0},
    }
    policies = {
        "plain": {},
        "cube": {"exponent": 3.0, "weight": {"south": 5.0}},
        "half": {"like": "cube", "implementation": 0.5},
        "drawn": {"like": "cube", "implementation": "share"},
    }
    study = static(Power(), factors, 10_001, policies, run={"sampler": sampler})
    made = program(study)
    result = computed(made)
    base, _, share = made.draws(study.blocks()[0]).astype(np.float64)
    expected = [2 * base, 6 * base**3, 4 * base**2, (2 + 4 * share) * base ** (1 + 2 * share)]
    assert_close(result[:, 0], expected)
    assert_same(result[:, 1], np.full((4, 10_001), 4, np.float32))
    trace = made.trace(4096)
    assert trace.yearly is None
    assert_same(trace.outcomes[..., :4096], result[..., 4096:8192])
    assert made.traces == 1


class Bare(PathModel):
    """A path model without factors, levers, dimensions and recorded values."""

    shocks = {"step": Shock()}
    yearly = {"height": Yearly("1")}
    outcomes = {"end": Outcome("1", lambda state: state), "top": Outcome("1", peak("height"))}

    def init(self, factors, levers):
        return 0

    def step(self, state, year, factors, shocks, levers):
        return state + shocks.step, {"height": state + shocks.step}


def mean(variable):
    """Mean over the years: a kind of fold that the engine does not have."""

    def add(state, year, value):
        count, sum = state
        return count + 1, sum + value

    return Kind("mean", lambda: (0.0, 0.0), add, lambda state: state[1] / state[0]).of(variable)


class Folded(Bare):
    """The walk again, with sums and differences of folds, and a fold of its own."""

    outcomes = {
        "top": Outcome("1", peak("height")),
        "range": Outcome("1", peak("height") - lowest("height")),
        "mean": Outcome("1", mean("height")),
        "above": Outcome("1", 3 * peak("height") - 2 * mean("height")),
    }


def test_folds_add_up_and_a_new_kind_needs_nothing_of_the_engine():
    text = {"name": "walk", "run": {"paths": 1000, "tile": 1024}, "time": {"first": 2000, "last": 2008}}
    made = program(read_study(text, "walk.toml", model=Folded()))
    heights = yearly(made)["height"][0].astype(np.float64)[:, :1000]
    top, between, middle, above = computed(made)[0]
    assert_same(top, heights.max(0).astype(np.float32))
    assert_close(between, heights.max(0) - heights.min(0))
    assert_close(middle, heights.mean(0))
    assert_close(above, 3 * heights.max(0) - 2 * heights.mean(0))
