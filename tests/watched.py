"""A reservoir whose keeper reads a gauge, by hand and as a study with a trigger."""

import jax.numpy as jnp
import numpy as np

from engine.modelling.cells import Cells
from engine.modelling.folds import lowest, total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, Yearly
from engine.study.loading import load_study

YEARS = range(2020, 2032)


class Watched(PathModel):
    """Two lakes that towns drink from; the gauge is read in each and in both together."""

    dims = {"lake": ("north", "south")}
    factors = {"inflow": Factor("hm3/yr"), "thrift": Factor("share")}
    shocks = {"drought": Shock(dims=("lake",)), "reading": Shock()}
    levers = {"release": Lever("share", 0.2, low=0.0, high=1.0), "quota": Lever("hm3", 0.3, ("lake",), low=0.0)}
    yearly = {
        "stock": Yearly("hm3", ("lake",)),
        "height": Yearly("hm3", ("lake",), observed=True),
        "gauge": Yearly("hm3", observed=True),
        "released": Yearly("share"),
    }
    outcomes = {"lowest_stock": Outcome("hm3", lowest("gauge")), "short": Outcome("hm3", total("short"), loss=True)}

    def init(self, factors, levers):
        return {"north": 6.0, "south": 5.0}

    def step(self, state, year, factors, shocks, levers):
        after, short = {}, 0.0
        for lake, stock in state.items():
            inflow = factors.inflow * (1.0 - 0.5 * shocks.drought[lake])
            taken = levers.release * stock + levers.quota[lake]
            after[lake] = jnp.clip(stock - taken + inflow, 0.0, 12.0)
            short = short + jnp.maximum(1.5 - taken, 0.0) + jnp.maximum(2.0 - after[lake], 0.0) ** 2
        height = Cells(self.dims, [*after.values()])
        gauge = (after["north"] + after["south"]) * (1.0 + 0.1 * shocks.reading)
        return after, {"stock": height, "height": height, "gauge": gauge, "released": levers.release, "short": short}


def tables(trigger=None, policies=None, **others):
    """The study's tables: `keep` without a trigger, and `watch` with one."""
    low = {"reads": "gauge", "below": 8.0, "until_above": 10.0} if trigger is None else trigger
    watch = {"when": {"low": {"release": 0.05}}}
    return {
        "name": "watched", "baseline": "keep", "time": {"first": YEARS[0], "last": YEARS[-1]},
        "run": {"paths": 2048, "seed": 3, "sampler": "random", "precision": "float64"},
        "factors": {"inflow": {"family": "lognormal", "p05": 0.7, "p95": 2.0},
                    "thrift": {"family": "uniform", "low": 0.0, "high": 0.1},
                    },
        "triggers": {"low": low},
        "policies": {"keep": {}, "watch": watch} if policies is None else policies,
        "events": {"dry": {"outcome": "lowest_stock", "below": 3.0}},
        **others,
    }  # fmt: skip


def watched(*args, **others):
    """The study of these tables."""
    return load_study(tables(*args, **others), model=Watched())


def by_hand(inflow, drought, reading, stated, instead, acts=lambda *_: False, quotas=lambda *_: (0.3, 0.3)):
    """Gauge, release and heights by year, and the sum of what is short, of one path, by a loop.

    Args:
      drought: [year, lake].
      acts: whether the release is `instead` this year, from the gauges and heights of the years before.
      quotas: the quota of each lake this year, from these.
    """
    stock, gauges, heights, releases, short = [6.0, 5.0], [], [], [], 0.0
    for year in range(len(reading)):
        release, quota = instead if acts(gauges, heights) else stated, quotas(gauges, heights)
        for k in range(2):
            taken = release * stock[k] + quota[k]
            stock[k] = min(max(stock[k] - taken + inflow * (1.0 - 0.5 * drought[year][k]), 0.0), 12.0)
            short += max(1.5 - taken, 0.0) + max(2.0 - stock[k], 0.0) ** 2
        heights.append([*stock])
        gauges.append((stock[0] + stock[1]) * (1.0 + 0.1 * reading[year]))
        releases.append(release)
    return np.array(gauges), np.array(releases), np.array(heights), short


def acting(series, below, until, years=1, delay=0):
    """Whether a trigger acts in the year after a series of values, as the documentation words it."""
    since, row = None, 0
    for year, value in enumerate(series):
        if since is None:
            row = row + 1 if value < below else 0
            if row >= years:
                since = year
        elif value > until:
            since, row = None, 0
    return since is not None and len(series) > since + delay
