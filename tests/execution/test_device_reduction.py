"""What a card makes of a block's outcomes: byte for byte the tally of the processors, whatever the values are."""

import functools
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from engine.execution import device_reduction
from engine.execution.device_reduction import Reduced, Reduction
from engine.risk.estimation.tallies import FINE, GROUP, group_size, tally
from engine.study.components import Event, Keep, Policy
from engine.study.study import BLOCK, Block
from tests.helpers import assert_same
from tests.small_study import make_study

EVENTS = (
    Event(name="high", outcome="capital_shortfall_peak", above=0.1),
    Event(name="low", outcome="worst_two_year_growth", below=-0.0),
    Event(name="tiny", outcome="capital_shortfall_peak", above=1e-45),
    Event(name="never", outcome="worst_two_year_growth", above=3e38),
    Event(name="both", all=["high", "low"]),
    Event(name="either", any=["high", "low"]),
)
LARGEST = np.finfo(np.float32).max


@functools.cache
def reduction_of(count: int, policies: int = 3, kept: tuple[str, ...] = ()) -> Reduction:
    """Of a study of so many paths, whose program gives no pass."""
    named = tuple(Policy(f"policy {k}" if k else "old", "", {}, 2016) for k in range(policies))
    study = make_study(count, Keep(kept, 0, 0), events=EVENTS, policies=named, baseline=named[-1].name)
    return Reduction(SimpleNamespace(study=study))


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


def reduced(reduction: Reduction, values: np.ndarray, index: int = 0) -> Reduced | None:
    padded = np.pad(values, ((0, 0), (0, 0), (64, 32)), constant_values=np.nan)  # as a block lies in a launch
    return reduction.reduced(Block(index, 0, values.shape[-1]), jax.device_put(padded), 64)


def assert_has_the_bytes_of_the_processors(reduction: Reduction, values: np.ndarray, index: int = 0) -> Reduced:
    found = reduced(reduction, values, index)
    assert found is not None
    for name, array in vars(tally(reduction.program.study, values, group_size(index))).items():
        other = getattr(found.tally, name)
        assert (other.dtype, other.shape) == (array.dtype, array.shape), name
        assert other.tobytes() == array.tobytes(), name
    return found


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("count", [2 * GROUP, GROUP + 602])
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_it_has_the_bytes_of_the_processors_tally(kind, count):
    values = VALUES[kind](np.random.default_rng(5), (3, 2, count))
    assert_has_the_bytes_of_the_processors(reduction_of(count), values)


@pytest.mark.parametrize("kind", ["normal", "one"])
def test_a_later_block_is_one_group(kind):
    values = VALUES[kind](np.random.default_rng(8), (3, 2, BLOCK))
    found = assert_has_the_bytes_of_the_processors(reduction_of(BLOCK), values, FINE)
    assert_same(found.tally.sizes, np.array([BLOCK]))


@pytest.mark.parametrize("count", [1, BLOCK])
def test_blocks_of_any_size_with_one_policy_and_one_outcome_kept(count):
    values = np.random.default_rng(6).normal(size=(1, 2, count)).astype(np.float32)
    reduction = reduction_of(count, policies=1, kept=("capital_shortfall_peak",))
    assert_same(assert_has_the_bytes_of_the_processors(reduction, values).kept, values[:, :1])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_block_with_a_value_that_is_not_finite_is_not_reduced(value):
    values = np.zeros((3, 2, 600), np.float32)
    values[2, 1, 9] = value
    assert reduced(reduction_of(600), values) is None


def test_nor_is_one_that_fills_more_bins_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(device_reduction, "_ROOM", 16)
    values = np.random.default_rng(7).normal(size=(3, 2, 500)).astype(np.float32)
    assert reduced(reduction_of(500), values) is None


def test_thresholds_of_events_are_rounded_as_numpy_rounds_them():
    values = np.full((3, 2, 600), np.float32(0.1))  # 0.1 in single precision is above 0.1
    found = reduced(reduction_of(600), values)
    assert found is not None and not found.tally.events[0].any()
    assert_same(found.tally.events[2].ravel(), np.full(3, 600))
