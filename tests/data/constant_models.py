"""Two models with constants, one of each kind, for the tests of what a study makes of them."""

import jax.numpy as jnp

from engine import Constant, Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly, last, peak, total
from engine.modelling.cells import Cells, each

REGION = {"region": ("north", "south")}


class Well(PathModel):
    """Two wells that fill, leak, and are pumped."""

    dims = REGION
    factors = {"inflow": Factor("hm3/yr"), "need": Factor("hm3/yr")}
    constants = {
        "leak": Constant(0.1, "1/yr", "share that leaks away", "a gauge", "F"),
        "depth": Constant(8.0, "hm3", "what a well holds", "an old map", "M"),
        "start_share": Constant(0.5, "1", "share that is full at first"),
    }
    shocks = {"rain": Shock("1", ("region",))}
    levers = {"saved": Lever("1", 0.0)}
    yearly = {
        "stock": Yearly("hm3", ("region",), about="water at the end of the year"),
        "shortage": Yearly("hm3/yr", ("region",), loss=True),
    }
    outcomes = {
        "shortage": Outcome("hm3", total("shortage"), loss=True),
        "shortage_so_far": Outcome("hm3", total("shortage").until(2018), loss=True),
        "fall": Outcome("hm3", last("stock").until(2017) - last("stock")),
        "peak_so_far": Outcome("hm3", peak("stock").until(2019)),
    }

    def init(self, factors, levers):
        """Part full."""
        return Cells(REGION, [factors.start_share * factors.depth] * 2)

    def step(self, state, year, factors, shocks, levers):
        """A year of rain, leaks and need."""
        water = state * (1.0 - factors.leak) + factors.inflow * (1.0 + 0.4 * shocks.rain)
        asked = 0.5 * factors.need * (1.0 - levers.saved)
        missing = each(jnp.maximum)(asked - water, 0.0)
        stock = each(jnp.clip)(water - asked, 0.0, factors.depth)
        return stock, {"stock": stock, "shortage": missing}


class Beam(StaticModel):
    """A beam under a load."""

    factors = {"load": Factor("t")}
    constants = {
        "stiffness": Constant(2.0, "t/cm", "load that bends it by 1 cm", "a test", "F"),
        "slack": Constant(0.0, "cm", "what it bends without a load"),
    }
    levers = {"props": Lever("1", 1.0)}
    outcomes = {"bend": Outcome("cm", loss=True), "inverse": Outcome("1/cm")}

    def evaluate(self, factors, levers):
        """What it bends, and 1 over its slack, which is infinite only where the slack is none."""
        bend = factors.load / (factors.stiffness * levers.props) + factors.slack
        slack = factors.slack.astype(factors.load.dtype)
        return {"bend": bend, "inverse": jnp.where(slack > 0.0, 1.0 / slack, 0.0) + 0.0 * factors.load}
