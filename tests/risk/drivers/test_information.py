"""What a rule that reads inputs gains, against closed forms."""

import numpy as np
import pytest
from scipy.stats import norm

from engine.risk.drivers.information import Decision, gains
from engine.risk.estimation.intervals import as_units


def test_knowing_the_only_input_is_worth_the_normal_loss_and_another_input_nothing():
    z, other = np.random.default_rng(5).standard_normal((2, 20_000))
    by_mean = Decision(np.stack([0 * z, z + 0.1]), as_units(len(z), 2), None)
    (of_z,), (of_other,) = gains([z], [by_mean]), gains([other], [by_mean])
    assert by_mean.unread == 0
    assert abs(of_z.estimate - (norm.pdf(0.1) - 0.1 * norm.sf(0.1))) < 4 * of_z.standard_error
    assert of_z.low > 0 and abs(of_other.estimate) < 0.01


@pytest.mark.parametrize("inputs", [4, 20])
def test_all_decisions_are_regressed_as_each_would_be_alone(inputs):
    random, units = np.random.default_rng(5), as_units(3000, 2)
    scores = random.standard_normal((inputs, 3000))
    losses = random.exponential(size=(3, 3000)) + [[0], [0], [0.2]] * scores[0] + scores[-1]
    losses = losses[:, np.isfinite(scores[0])]  # in the order of memory that a mask of paths leaves
    decisions = [Decision(losses, units, level) for level in (None, 0.9)]
    both = gains(scores, decisions)
    for one, other in zip(both, [gains(scores, [of])[0] for of in decisions], strict=True):
        assert one.estimate == pytest.approx(other.estimate, abs=1e-9) and one.estimate != 0


def test_a_single_unit_teaches_no_rule():
    z = np.random.default_rng(6).standard_normal(64)
    (gain,) = gains([z], [Decision(np.stack([0 * z, z + 0.1]), as_units(64, 64), None)])
    assert gain.estimate == 0
