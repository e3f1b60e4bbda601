"""A model that clips what it records, and one that says so and does not."""

from engine import Factor, Lever, Outcome, PathModel, Shock, Yearly, peak
from engine.modelling.cells import clip


class Tide(PathModel):
    """Water between two walls."""

    dims = {"shore": ("east", "west")}
    factors = {"swell": Factor("m")}
    shocks = {"wind": Shock(dims=("shore",))}
    levers = {"dam": Lever("m")}
    yearly = {"height": Yearly("m", ("shore",), loss=True, low=-1.0, high=0.9), "wind": Yearly("1", ("shore",))}
    outcomes = {"top": Outcome("m", peak("height"), loss=True)}
    floor = -1.0

    def init(self, factors, levers):
        """Nothing."""
        return 0.0

    def step(self, state, year, factors, shocks, levers):
        """The wind on top of the dam."""
        height = clip(shocks.wind * factors.swell + levers.dam, self.floor, 0.9)
        return state, {"height": height, "wind": shocks.wind}


class Leak(Tide):
    """Another floor than it states."""

    floor = -1.5
