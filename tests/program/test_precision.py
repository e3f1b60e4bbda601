"""Single and double precision: the same paths from the same random words, and the first paths that show rounding."""

import numpy as np
import pytest

from engine.lanes.object_code import OPTIMISED, QUICK
from engine.program import devices
from engine.program.cpu_program import CpuProgram, key_of
from engine.program.path import OUTCOMES
from engine.program.precision import PATHS, in_both
from engine.program.programs import program_on
from engine.study.loading import load_study
from engine.study.study import Block, Study
from tests.helpers import assert_same
from tests.shock_study import walk
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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_code_that_is_made_faster_gives_the_same_bits_and_has_a_key_of_its_own(dtype):
    study, mesh = walk(), devices.mesh("cpu")
    optimised, quick = (CpuProgram(study, mesh, dtype, level=level) for level in (OPTIMISED, QUICK))
    block = Block(0, 0, PATHS)
    assert_same(quick.scores(block), optimised.scores(block))
    assert_same(quick.first_years(PATHS), optimised.first_years(PATHS))
    assert_same(quick.submit(block).of(block), optimised.submit(block).of(block))
    keys = {key_of(load_study("warming"), dtype, ((OUTCOMES,), False, 1), 8, level) for level in (OPTIMISED, QUICK)}
    assert len(keys - {None}) == 2


@pytest.mark.parametrize("study", [farms, walk], ids=lambda study: study.__name__)
def test_the_first_paths_are_those_of_the_run_in_both_precisions(study):
    study = study()
    single, double = in_both(study)
    program = program_on(study, devices.mesh("cpu"))
    assert_same(single["outcomes"], program.submit(study.block(0)).of(study.block(0))[..., :PATHS])
    assert single["outcomes"].shape == double["outcomes"].shape and single["yearly"].shape == double["yearly"].shape
    for name in ("outcomes", "draws"):
        assert (single[name].dtype, double[name].dtype) == (np.float32, np.float64)
        np.testing.assert_allclose(single[name], double[name], rtol=1e-4, atol=1e-4)
