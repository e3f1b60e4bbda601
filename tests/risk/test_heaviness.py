"""Heaviness: the shape of Pareto tails, and which tails are flagged."""

import numpy as np
import pytest

from engine.risk.flags import Flag, Reason
from engine.risk.heaviness import pareto_shape, tail_flag
from tests.helpers import assert_plausible

RNG = np.random.default_rng(20160101)


@pytest.mark.parametrize("shape", [-0.5, 0.0, 1 / 3, 2 / 3, 1.5])
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_pareto_shape_is_found_wherever_zero_lies(shape, shift):
    u = RNG.random(5000)
    excesses = np.sort((u**-shape - 1) / shape if shape else -np.log(u))
    estimate = pareto_shape((excesses + shift) - shift)
    assert_plausible(estimate, shape, max(1 + shape, 0.6) / np.sqrt(5000), 0.25)


def test_heavy_tails_are_flagged_and_light_ones_not():
    """Out of 200 samples of 20,000: none of normal, exponential, lognormal, Pareto(3); all of Pareto(1.5)."""
    u = RNG.random((200, 20_000))
    z = RNG.standard_normal((200, 20_000))
    for values in (z, -np.log(u), np.exp(z), u ** (-1 / 3)):
        assert sum(bool(tail_flag(row)) for row in np.sort(values)) == 0
    assert all(tail_flag(row).reason is Reason.NO_VARIANCE for row in np.sort(u ** (-1 / 1.5)))


def test_a_tail_of_a_few_paths_is_flagged():
    values = np.zeros(10_000)
    assert tail_flag(values) is None
    values[-5:] = 1
    assert tail_flag(values) == Flag(Reason.FEW_TAIL_PATHS, 5, 20)
    values[-5000:] = 1
    assert tail_flag(values) is None
