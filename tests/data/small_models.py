"""Two models of one's own, one of each kind, for the tests of the command line: seconds to compile."""

import jax.numpy as jnp

from engine import Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly, lowest, total
from engine.modelling.cells import Cells

REGION = {"region": ("north", "south")}


class Bridge(StaticModel):
    """A bridge that is built for some load, and the load that comes."""

    factors = {"load": Factor("t"), "price": Factor("yuan/t")}
    levers = {"strength": Lever("t", default=10.0)}
    outcomes = {
        "damage": Outcome("yuan", loss=True, about="what breaks"),
        "margin": Outcome("t", about="strength left"),
    }

    def evaluate(self, factors, levers):
        """Damage beyond the strength, and what is left of it."""
        over = jnp.maximum(factors.load - levers.strength, 0)
        return {"damage": over * factors.price, "margin": levers.strength - factors.load}


class Pond(PathModel):
    """Two ponds that rain fills and people empty."""

    dims = REGION
    factors = {"inflow": Factor("hm3/yr"), "depth": Factor("hm3")}
    shocks = {"rain": Shock("1", ("region",))}
    levers = {"release": Lever("1", default=0.2)}
    yearly = {
        "stock": Yearly("hm3", ("region",), about="water at the end of the year"),
        "shortage": Yearly("hm3/yr", loss=True),
    }
    outcomes = {
        "lowest_stock": Outcome("hm3", lowest("stock"), about="both ponds"),
        "shortage": Outcome("hm3", total("shortage"), loss=True),
    }

    def init(self, factors, levers):
        """Half full."""
        return {"stock": Cells(REGION, (0.5 * factors.depth, 0.5 * factors.depth))}

    def step(self, state, year, factors, shocks, levers):
        """A year of rain and release."""
        water = state["stock"] + factors.inflow * (1.0 + 0.4 * shocks.rain)
        water = water.fold(jnp.maximum) * 0.5 + water * 0.5
        stock = water * (1.0 - levers.release)
        missing = jnp.maximum(1.0 - (water * levers.release).over("region"), 0.0)
        return {"stock": stock}, {"stock": stock, "shortage": missing}
