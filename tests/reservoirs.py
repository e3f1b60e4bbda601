"""Two small models, a study of each with something of everything, and functions that read these."""

import tomllib

import pytest

from engine.errors import UserError
from engine.modelling.folds import lowest, total
from engine.modelling.records import Constant, Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.study.loading import read_study


class Reservoir(PathModel):
    dims = {"region": ("north", "south"), "use": ("farm", "town")}
    factors = {"inflow": Factor("hm3/yr", "mean inflow"), "capacity": Factor("hm3")}
    constants = {"evaporation": Constant(0.05, "1/yr", "share that the sun takes")}
    shocks = {"drought": Shock()}
    levers = {
        "release": Lever("share", 0.2),
        "quota": Lever("hm3", 1.0, ("region",)),
        "price": Lever("1", 2.0, ("region", "use")),
    }
    yearly = {"stock": Yearly("hm3", ("region",), observed=True)}
    outcomes = {
        "lowest_stock": Outcome("hm3", lowest("stock", {"region": ["north"]})),
        "shortage": Outcome("hm3", total("shortage"), loss=True),
    }

    def init(self, factors, levers):
        return factors.capacity

    def step(self, state, year, factors, shocks, levers):
        return state, {"stock": state, "shortage": factors.inflow}


class Sum(StaticModel):
    factors = {"x": Factor("1"), "y": Factor("1")}
    outcomes = {"sum": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        return {"sum": factors.x + factors.y}


STUDY = """
name = "reservoir"
baseline = "keep"
run = { paths = 1000, seed = 7, sampler = "random" }
time = { first = 2020, last = 2023 }

[groups]
water = { correlation = -0.5 }

[factors.inflow]
family = "lognormal"
p05 = 1.0
p95 = 4.0
group = "water"
source = "gauge"

[factors.capacity]
unit = "hm3"
family = "uniform"
low = 10
high = 20
group = "water"

[factors.will]
family = "triangular"
low = 0
mode = 0.5
high = 1

[policies.keep]
[policies.save]
about = "release less"
implementation = "will"
release = 0.1
[policies.full]
like = "save"
implementation = 1
release = { 2021 = 0.15, 2023 = 0.05 }
quota = { north = { 2022 = 3 }, south = 2 }
[policies.late]
like = "full"
start = 2022
price = { north = { farm = 4 } }

[events.dry]
outcome = "lowest_stock"
below = 2
[events.short]
outcome = "shortage"
above = 8
[events.ruin]
all = ["dry", "short"]
"""
STATIC = """
name = "sum"
[factors]
x = { family = "normal", mean = 0, sd = 1 }
y = { family = "fixed", value = 2 }
"""


def read(text, model=Reservoir, **changes):
    return read_study(tomllib.loads(text), "study.toml", model=model(), **changes)


def said(text, model=Reservoir, **changes):
    """Problems of a study, as lines."""
    with pytest.raises(UserError) as caught:
        read(text, model, **changes)
    assert caught.value.source == "study.toml"
    return [str(problem) for problem in caught.value.problems]
