"""A study computed by the one loop and by XLA's program, and compared."""

import jax.numpy as jnp
import numpy as np

from engine.modelling.records import Factor, Outcome, StaticModel
from engine.program.running import devices
from engine.program.running.kernel import program_on
from engine.program.running.native import LoopProgram
from engine.program.running.xla import XlaProgram
from tests.user_models import static

PATHS = 4096
APART = 1e-4
"""Most that the forms may differ, in standard deviations or relative to the number, whichever is larger."""
FLIPPED = 1e-3
"""Most paths, as a share, that may lie on the other side of a threshold."""


def outcomes(study, form, dtype=np.float32):
    made = program_on(study, devices.mesh("cpu"), form=form, dtype=dtype)
    assert isinstance(made, LoopProgram if form == "loop" else XlaProgram)
    (block,) = study.blocks()
    return made.submit(block).of(block)


def assert_agree(study, apart=APART, flipped=FLIPPED, dtype=np.float32):
    """Asserts that outcomes of both forms agree, but on a few paths at a threshold; NaN must be NaN in both."""
    names = list(study.model.outcomes)
    found, expected = (outcomes(study, form, dtype).astype(np.float64) for form in ("loop", "xla"))
    for k, name in enumerate(names):
        x, y = found[:, k], expected[:, k]
        np.testing.assert_array_equal(np.isnan(x), np.isnan(y), name)
        low, high = np.nanquantile(np.where(np.isfinite(y), y, np.nan), [0.01, 0.99])
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
