"""What single precision does to the answers: the same paths in double precision, from the same random words."""

import numpy as np
import pytest

from engine.program.running import devices
from engine.program.running.kernel import program_on
from engine.study.loading import load_study
from engine.study.study import Study
from tests.user_models import farms

LEVELS = (0.95, 0.99, 0.999)
ALLOWED = 1e-4
"""Largest relative difference of a VaR or ES."""


def outcomes(study: Study, dtype: type) -> np.ndarray:
    """Outcomes of the study's only block, [policy, outcome, path]."""
    made = program_on(study, devices.mesh("cpu"), dtype=dtype)
    (block,) = study.blocks()
    return made.submit(block).of(block)


def tails(values: np.ndarray) -> list[float]:
    """VaR and ES of losses at all levels."""
    ascending = np.sort(values.astype(np.float64))
    at = [int(np.ceil(level * len(values))) - 1 for level in LEVELS]
    return [ascending[k] for k in at] + [ascending[k:].mean() for k in at]


@pytest.mark.parametrize("name", ["farms", pytest.param("rustbelt", marks=pytest.mark.slow)])
def test_tails_in_single_precision_are_those_in_double(name):
    study = farms(paths=20_000) if name == "farms" else load_study(name, paths=131_072)
    single, double = outcomes(study, np.float32), outcomes(study, np.float64)
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    assert np.any(single != double), "the same numbers: nothing ran in double precision"
    for k, (outcome, described) in enumerate(study.model.outcomes.items()):
        sign = 1 if described.loss else -1
        for p, policy in enumerate(study.policy_names):
            found, exact = tails(sign * single[p, k]), tails(sign * double[p, k])
            np.testing.assert_allclose(found, exact, rtol=ALLOWED, err_msg=f"{outcome} under {policy}")


def test_years_and_draws_in_double_precision_round_to_those_in_single():
    study = farms(paths=2048)
    single, double = (program_on(study, devices.mesh("cpu"), dtype=dtype) for dtype in (np.float32, np.float64))
    exact = double.path(777)
    assert exact.yearly is not None and exact.yearly.dtype == exact.draws.dtype == np.float64
    found = single.path(777)
    for one, other in ((found.yearly, exact.yearly), (found.draws, exact.draws), (found.outcomes, exact.outcomes)):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5)
