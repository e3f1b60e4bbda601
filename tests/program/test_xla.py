"""What must not be in a program for a GPU: it lowers for a CUDA device, and no device is needed for that."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.draws.sampling import SAMPLERS
from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.program.devices import mesh
from engine.program.path import OUTCOMES
from engine.program.programs import program_on
from engine.study.loading import load_study
from tests.program.test_state import study as state_of_every_type
from tests.user_models import REGION, static

OF_SHARDING = {"Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape"}
"""Calls that only say which device holds what."""


def unwanted(module: str) -> list[str]:
    """What a StableHLO module holds that makes a GPU slow, or another result on each platform.

    Scatters of floats, whose sums depend on their order and are slow where no atomic addition serves them; float64;
    calls of the host; and calls into a library of one platform.
    """
    code = re.sub(r'loc\("[^"]*"', "loc(", module)  # places in the source, which may be called anything
    found = []
    for scatter in re.findall(r'"stablehlo\.scatter".*?\}\) : \((.*?)\) ->', code, re.DOTALL):
        if re.search(r"[x<]b?f\d", scatter):
            found.append("float scatter")
    if re.search(r"(\b|x)f64\b", code):
        found.append("float64")
    if re.search(r"stablehlo\.(infeed|outfeed|send|recv)\b", code):
        found.append("host transfer")
    for target in re.findall(r"custom_call\W+(?:.*?call_target_name = \")?([\w.$]+)", code):
        if re.search(r"callback|python|host", target, re.IGNORECASE):
            found.append("host callback")
        elif target not in OF_SHARDING:
            found.append(f"call of {target}")
    return found


class Dose(StaticModel):
    """A user's static model, with a lever by label and functions of all kinds."""

    dims = REGION
    factors = {"base": Factor("1"), "spread": Factor("1")}
    levers = {"exponent": Lever("1", default=1.5), "weight": Lever("1", default=1.0, dims=("region",))}
    outcomes = {"power": Outcome("1", loss=True), "tail": Outcome("1"), "constant": Outcome("1")}

    def evaluate(self, factors, levers):
        power = (levers.weight * factors.base**levers.exponent).over()
        tail = jax.scipy.special.erf(factors.spread) + jnp.floor(power) + jnp.where(power > 1, 1, 0)
        return {"power": power, "tail": tail, "constant": 4}


def dose():
    base = {"family": "lognormal", "median": 1.0, "sigma": 0.5}
    spread = {"family": "normal", "mean": 0.0, "sd": 1.0}
    return static(Dose(), {"base": base, "spread": spread}, 1000, {"plain": {}, "strong": {"exponent": 2.0}})


def lowered(study, platform):
    """The main program of a study lowered for another platform, as `jax.export` gives it."""
    made = program_on(study, mesh("cpu"), form="xla")
    low = np.arange(made.tile * made.mesh.devices.size // SAMPLERS[study.sampler].group, dtype=np.uint32)
    export = jax.export.export(made._of_row((OUTCOMES,), False), platforms=[platform])
    return export({"inputs": made.inputs, "high": np.zeros_like(low)}, low, None)


STUDIES = {
    "rustbelt": lambda: load_study("rustbelt"),
    "a static model": dose,
    "state of every type": state_of_every_type,
}


@pytest.mark.parametrize(
    "study",
    [pytest.param(one, id=name, marks=[pytest.mark.slow] * (name == "rustbelt")) for name, one in STUDIES.items()],
)
def test_a_program_for_cuda_holds_nothing_that_it_must_not(study):
    exported = lowered(study(), "cuda")
    assert exported.platforms == ("cuda",)
    module = exported.mlir_module()
    assert "xf32>" in module
    assert unwanted(module) == []
