"""Two small models whose answers are known by hand, and studies of them that name assumptions."""

from engine import Factor, Lever, Outcome, PathModel, StaticModel, Yearly, at_year, lowest, total
from engine.study.loading import read_study


class Bill(StaticModel):
    """Reform costs what leaves; old policies cost one."""

    factors = {"exit_rate": Factor("1"), "noise": Factor("1")}
    levers = {"cut": Lever("1", low=0.0, high=1.0), "fund": Lever("bn")}
    outcomes = {"cost": Outcome("bn", loss=True), "jobs": Outcome("k"), "even": Outcome("1")}

    def evaluate(self, factors, levers):
        """Cost noise + 1 - cut + 10 cut exit_rate - fund, jobs noise - cut, and what is the same under every policy."""
        cost = factors.noise + 1.0 - levers.cut + 10.0 * levers.cut * factors.exit_rate - levers.fund
        return {"cost": cost, "jobs": factors.noise - levers.cut, "even": factors.noise}


BILL = {
    "name": "bill",
    "baseline": "old",
    "headline": ["cost", "jobs", "even"],
    "run": {"paths": 65_536, "seed": 5},
    "factors": {
        "exit_rate": {"family": "uniform", "low": 0.02, "high": 0.08},
        "noise": {"family": "normal", "mean": 0.0, "sd": 1.0},
    },
    "policies": {"old": {}, "reform": {"cut": 1.0}},
    "events": {"ruin": {"outcome": "cost", "above": 1.5}},
    "assumptions": {
        "exit": {"about": "capacity leaves", "off": {"exit_rate": 0}, "doubled": {"exit_rate": "3x"}},
        "cuts": {"off": {"policies": {"reform": {"cut": 0.5}}}},
    },
}
"""Mean cost is 1 under old; under reform .5 as stated, 0 with exit off, 1.5 with it doubled, .75 with cuts off, .5 with
all off.
"""


class Lake(PathModel):
    """Something of everything that a change may reach: a group, phased levers, years."""

    factors = {"inflow": Factor("1"), "loss": Factor("1"), "need": Factor("1")}
    levers = {"release": Lever("1", 0.2, low=0.0, high=1.0)}
    yearly = {"stock": Yearly("1")}
    outcomes = {
        "lowest": Outcome("1", lowest("stock")),
        "last": Outcome("1", at_year("stock", 2022)),
        "sum": Outcome("1", total("stock"), loss=True),
    }

    def init(self, factors, levers):
        """As much as flows in."""
        return factors.inflow

    def step(self, state, year, factors, shocks, levers):
        """A year of inflow, loss, release and need."""
        stock = (state + factors.inflow - factors.loss * 0.1 * state) * (1.0 - levers.release) - 2.0 * factors.need
        return stock, {"stock": stock}


LAKE = {
    "name": "lake",
    "baseline": "keep",
    "run": {"paths": 1024, "seed": 5, "tile": 64},
    "time": {"first": 2020, "last": 2022},
    "groups": {"wet": {"correlation": 0.6}},
    "factors": {
        "inflow": {"family": "lognormal", "median": 2.0, "sigma": 0.5, "group": "wet"},
        "loss": {"family": "lognormal", "median": 1.0, "sigma": 0.5, "group": "wet"},
        "need": {"family": "uniform", "low": 0.0, "high": 0.4},
        "will": {"family": "uniform", "low": 0.0, "high": 1.0},
    },
    "policies": {
        "keep": {},
        "save": {"before": "keep", "implementation": "will", "start": 2021, "release": 0.1},
        "late": {"like": "save", "implementation": 1, "start": 2022},
    },
    "events": {"low": {"outcome": "lowest", "below": 1.0}},
}


def bill(**changes):
    """The study of the bill, top tables changed."""
    return read_study(BILL | changes, "bill.toml", model=Bill())


def lake(**changes):
    """The study of the lake, top tables changed."""
    return read_study(LAKE | changes, "lake.toml", model=Lake())
