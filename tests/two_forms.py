"""A study computed by compiled lanes and by XLA's program, and compared."""

import jax.numpy as jnp
import numpy as np

from engine.modelling.records import Factor, Outcome, StaticModel
from engine.program import devices
from engine.program.cpu_program import CpuProgram
from engine.program.programs import program_on
from engine.program.xla import XlaProgram
from engine.study.study import Block
from tests.user_models import static

PATHS = 4096
APART = 1e-4
"""Most that the forms may differ, in standard deviations or relative to the number, whichever is larger."""
FLIPPED = 1e-3
"""Most paths, as a share, that may lie on the other side of a threshold."""


def program(study, form, dtype=np.float32):
    made = program_on(study, devices.mesh("cpu"), form=form, dtype=dtype)
    assert isinstance(made, CpuProgram if form == "loop" else XlaProgram)
    return made


def outcomes(study, form, dtype=np.float32):
    (block,) = study.blocks()
    return program(study, form, dtype).submit(block).of(block)


def everything(study, form, dtype=np.float32):
    """Every output of the study's paths by name, [..., path]."""
    made, block = program(study, form, dtype), Block(0, 0, study.paths)
    found = {"outcomes": made.submit(block).of(block), "draws": made.draws(block), "scores": made.scores(block)}
    given = made.trace_of(found["scores"])
    found["outcomes of scores"] = given.outcomes
    if study.is_path_model:
        found |= {"yearly": made.first_years(block.count), "yearly of scores": given.yearly}
    return found | ({} if given.shocks is None else {"shocks": given.shocks})


def assert_agree(study, apart=APART, flipped=FLIPPED, dtype=np.float32):
    """Asserts that outcomes of both forms agree, but on a few paths at a threshold; NaN must be NaN in both."""
    found, expected = (outcomes(study, form, dtype) for form in ("loop", "xla"))
    for k, name in enumerate(study.model.outcomes):
        assert_near(name, found[:, k], expected[:, k], apart, flipped)


def assert_all_agree(study, apart=APART, flipped=FLIPPED, dtype=np.float32):
    """As `assert_agree`, of every output."""
    found, expected = (everything(study, form, dtype) for form in ("loop", "xla"))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].shape == values.shape and found[name].dtype == values.dtype, name
        rows = (array.reshape(-1, array.shape[-1]) for array in (found[name], values))
        for k, (x, y) in enumerate(zip(*rows, strict=True)):
            assert_near(f"{name}, row {k}", x, y, apart, flipped)


def assert_near(name, x, y, apart, flipped):
    x, y = x.astype(np.float64), y.astype(np.float64)
    np.testing.assert_array_equal(np.isnan(x), np.isnan(y), name)
    low, high = np.quantile(y[np.isfinite(y)], [0.01, 0.99]) if np.isfinite(y).any() else (0.0, 0.0)
    scale = np.maximum((high - low) / 4.65, np.abs(y))
    with np.errstate(invalid="ignore"):
        far = ~((x == y) | np.isnan(y) | (np.abs(x - y) <= apart * scale))
    assert far.mean() <= flipped, f"{name}: {far.sum()} of {far.size}, as {x[far][:3]} against {y[far][:3]}"


class Taken(StaticModel):
    """Functions of two factors, each an outcome."""

    factors = {"a": Factor("1"), "b": Factor("1")}

    def __init__(self, functions):
        self.functions = functions
        self.outcomes = {name: Outcome("1") for name in functions}

    def evaluate(self, factors, levers):
        return {name: f(factors.a, factors.b).astype(jnp.float32) for name, f in self.functions.items()}


def taken(functions):
    unit = {"family": "uniform", "low": 0.0, "high": 2.0}
    return static(Taken(functions), {"a": unit, "b": unit}, PATHS)
