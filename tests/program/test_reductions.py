"""What a card makes of a block's outcomes: byte for byte the tally of the processors, whatever the values are."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from engine.execution import device_reduction
from engine.program import reductions
from engine.risk.estimation.tallies import FINE, GROUP, group_size, tally
from engine.study.components import Event, Keep, Policy
from engine.study.study import BLOCK, Block, Study
from tests.helpers import assert_same
from tests.small_study import make_study

EVENTS = (
    Event("high", "", "capital_shortfall_peak", above=0.1),
    Event("low", "", "worst_two_year_growth", below=-0.0),
    Event("tiny", "", "capital_shortfall_peak", above=1e-45),
    Event("never", "", "worst_two_year_growth", above=3e38),
    Event("both", "", all_of=("high", "low")),
)
LARGEST = np.finfo(np.float32).max
ROOM = 1 << 18


def study_of(count: int, policies: int = 3, kept: tuple[str, ...] = ()) -> Study:
    named = tuple(Policy(f"policy {k}" if k else "old", "", {}, 2016) for k in range(policies))
    return make_study(count, Keep(kept, 0, 0), events=EVENTS, policies=named, baseline=named[-1].name)


def any_bits(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    bits = random.integers(0, 1 << 32, shape, np.uint32).view(np.float32)
    return np.where(np.isfinite(bits), bits, np.float32(-0.0))


VALUES = {
    "normal": lambda random, shape: random.normal(size=shape).astype(np.float32),
    "ties": lambda random, shape: random.integers(-2, 3, shape).astype(np.float32) / 7,
    "one": lambda random, shape: np.full(shape, 0.1, np.float32),
    "zeros": lambda random, shape: np.where(random.random(shape) < 0.5, 0, -0.0).astype(np.float32),
    "minus zero": lambda random, shape: np.full(shape, -0.0, np.float32),
    "subnormal": lambda random, shape: random.integers(-9, 9, shape).astype(np.float32) * np.float32(1e-45),
    "small": lambda random, shape: (random.normal(size=shape) * 3e-38).astype(np.float32),
    "huge": lambda random, shape: random.choice(np.array([LARGEST, -LARGEST, 1], np.float32), shape),
    "any bits": any_bits,
}


def made(study: Study, values: np.ndarray, room: int = ROOM, index: int = 0) -> dict[str, np.ndarray]:
    asked = device_reduction.reduction(study, Block(index, 0, values.shape[-1]))
    assert asked is not None
    padded = np.pad(values, ((0, 0), (0, 0), (64, 32)), constant_values=np.nan)  # as a block lies in a launch
    return reductions.reduced(jax.device_put(padded), 64, asked, room)


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("count", [2 * GROUP, GROUP + 602])
def test_it_has_the_bytes_of_the_processors_tally(kind, count):
    study = study_of(count)
    with np.errstate(over="ignore"):
        values = VALUES[kind](np.random.default_rng(5), (3, 2, count))
        expected = tally(study, values)
    found = device_reduction.tally_of(reductions.as_result(Block(0, 0, count), made(study, values)), study)
    for name, array in vars(expected).items():
        other = getattr(found, name)
        assert (other.dtype, other.shape) == (array.dtype, array.shape), name
        assert other.tobytes() == np.ascontiguousarray(array).tobytes(), name


@pytest.mark.parametrize("kind", ["normal", "one"])
def test_a_later_block_is_one_group(kind):
    study, late = study_of(BLOCK), Block(FINE, 0, BLOCK)
    values = VALUES[kind](np.random.default_rng(8), (3, 2, BLOCK))
    found = device_reduction.tally_of(reductions.as_result(late, made(study, values, index=FINE)), study)
    assert_same(found.sizes, np.array([BLOCK]))
    for name, array in vars(tally(study, values, group_size(FINE))).items():
        assert getattr(found, name).tobytes() == np.ascontiguousarray(array).tobytes(), name


@pytest.mark.parametrize("count", [1, BLOCK])
def test_blocks_of_any_size_with_one_policy_and_one_outcome_kept(count):
    study = study_of(count, policies=1, kept=("capital_shortfall_peak",))
    values = np.random.default_rng(6).normal(size=(1, 2, count)).astype(np.float32)
    arrays = made(study, values)
    found = reductions.as_result(Block(0, 0, count), arrays)
    assert_same(found.kept, values[:, :1])
    expected = tally(study, values)
    for name, array in vars(device_reduction.tally_of(found, study)).items():
        assert array.tobytes() == np.ascontiguousarray(getattr(expected, name)).tobytes(), name


def test_values_that_are_not_finite_are_counted():
    values = np.zeros((3, 2, 600), np.float32)
    values[1, 0, 3:5], values[2, 1, 9], values[0, 0, 0] = np.nan, np.inf, -np.inf
    assert made(study_of(600), values)["nonfinite"].tolist() == [[1, 0], [2, 0], [0, 1]]


def test_it_is_told_how_many_bins_there_must_be_room_for():
    values = np.random.default_rng(7).normal(size=(3, 2, 600)).astype(np.float32)
    study = study_of(600)
    assert made(study, values, 16)["held"] == len(tally(study, values).bins) > 16


def test_what_is_in_double_precision_or_kept_altogether_is_not_asked_for():
    study, block = study_of(600), Block(0, 0, 600)
    assert device_reduction.reduction(replace(study, precision="float64"), block) is None
    assert device_reduction.reduction(study_of(600, kept=tuple(study.model.outcomes)), block) is None


def test_thresholds_of_events_are_rounded_as_numpy_rounds_them():
    study = study_of(600)
    values = np.full((3, 2, 600), np.float32(0.1))  # 0.1 in single precision is above 0.1
    assert not made(study, values)["events"][0].any()
    assert_same(made(study, values)["events"][2].ravel(), np.full(3, 600, np.int32))
