"""Models whose worst futures are known by hand: a sum of normals over places and years, and Vasicek's portfolio."""

from pathlib import Path
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from scipy.stats import norm

from engine.modelling.cells import each
from engine.modelling.folds import peak, total
from engine.modelling.records import Constant, Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.questions.explain import Explain
from engine.study.loading import read_study
from tests.user_models import static

LEVEL = 0.99
EDGE = float(norm.ppf(LEVEL))
BEYOND = float(norm.pdf(EDGE) / (1 - LEVEL))
"""E[Z | Z > z] of a standard normal Z."""
PLACES = ("north", "south")
SHARES = {"north": 3.0, "south": 1.0}
"""What a shock weighs in each place."""
R = 0.5


@each
def cost_of(base, noise, weight):
    """Cost of one place in one year."""
    return 0.5 * base + weight * noise


class Sum(PathModel):
    """A cost that is 4 a + 2 b + c + the weighted noise of two places in two years, a and b moving together."""

    dims = {"place": PLACES}
    factors = {"a": Factor("M"), "b": Factor("M"), "c": Factor("1"), "idle": Factor("1")}
    constants = {"share": Constant(0.5, "1", "what a unit of c weighs", "a test", "D")}
    shocks = {"noise": Shock(dims=("place",)), "luck": Shock(law="uniform")}
    levers = {"aid": Lever("M", default=1.0)}
    yearly = {"cost": Yearly("M/yr", ("place",), loss=True)}
    outcomes = {
        "cost": Outcome("M", total("cost"), loss=True),
        "gain": Outcome("M", total("cost") * -1.0),
        "peak": Outcome("M/yr", peak("cost"), loss=True),
        "own": Outcome("M", lambda state: state["sum"], loss=True),
    }

    def init(self, factors, levers):
        return {"sum": 0.0 * factors.a}

    def step(self, state, year, factors, shocks, levers):
        base = 2.0 * factors.a + factors.b + factors.share * factors.c - 0.0 * levers.aid
        weight = self.weights()
        cost = cost_of(base, shocks.noise, weight)
        return {"sum": state["sum"] + cost.over() - levers.aid}, {"cost": cost}

    def weights(self):
        from engine.modelling.cells import table

        return table({"place": PLACES}, [SHARES[name] for name in PLACES])


SUM = {
    "name": "sum",
    "run": {"paths": 1 << 17, "seed": 7, "sampler": "antithetic", "tile": 4096},
    "time": {"first": 2020, "last": 2021},
    "groups": {"pair": {"correlation": R}},
    "factors": {
        "a": {"family": "normal", "mean": 10.0, "sd": 2.0, "group": "pair"},
        "b": {"family": "normal", "mean": 0.0, "sd": 1.0, "group": "pair"},
        "c": {"family": "normal", "mean": 1.0, "sd": 3.0},
        "idle": {"family": "lognormal", "median": 1.0, "sigma": 0.5},
    },
    "policies": {"old": {}, "aided": {"aid": 2.0}},
    "events": {
        "ruin": {"outcome": "cost", "above": 70.0},
        "dear": {"outcome": "own", "above": 65.0},
        "both": {"all": ["ruin", "dear"]},
        "never": {"outcome": "cost", "above": 1e6},
    },
}
MEAN = 4 * 10.0 + 1.0
SD = float(np.sqrt(8.0**2 + 2.0**2 + 2 * R * 8 * 2 + 3.0**2 + 2 * (SHARES["north"] ** 2 + SHARES["south"] ** 2)))
COVARIANCE = {"a": 8 + R * 2, "b": 2 + R * 8, "c": 3.0, "idle": 0.0}
"""Of each factor's normal score with the cost."""


def total_cost(paths=1 << 17, **run):
    """The study of the sum."""
    return read_study({**SUM, "run": {**SUM["run"], "paths": paths, **run}}, "sum.toml", model=Sum())


class Vasicek(StaticModel):
    """Share of a large portfolio that defaults, by one factor that all loans share (Vasicek 2002, Risk 15(12),
    160-162).
    """

    factors = {"economy": Factor("1")}
    outcomes = {"loss": Outcome("1", loss=True)}

    def __init__(self, rho):
        self.rho = rho

    def evaluate(self, factors, levers):
        """Phi((Phi^-1(p) + sqrt(rho) Y) / sqrt(1 - rho)) with p = 2 %."""
        score = (norm.ppf(0.02) + np.sqrt(self.rho) * factors.economy) / np.sqrt(1 - self.rho)
        return {"loss": ndtr(jnp.asarray(score))}


def vasicek(paths=1 << 17, rho=0.2):
    """The study of the portfolio."""
    return static(Vasicek(rho), {"economy": {"family": "normal", "mean": 0.0, "sd": 1.0}}, paths)


class Branches(StaticModel):
    """Two standard normals and an idle one, and ways to fail by them: at one of several points, or at one alone."""

    factors = {name: Factor("1") for name in ("x1", "x2", "idle")}
    outcomes = {name: Outcome("1", loss=True) for name in ("larger", "size", "branches", "sum", "middle")}

    def evaluate(self, factors, levers):
        """The larger of x1 and x2; |x1|; the four branches of the reliability literature, above 0 where they fail; the
        sum; -|x1|.
        """
        a, b = factors.x1, factors.x2
        return {
            "larger": jnp.maximum(a, b),
            "size": jnp.abs(a),
            "branches": -four_branches(jnp, a, b),
            "sum": (a + b) / np.sqrt(2),
            "middle": -jnp.abs(a),
        }


def four_branches(numbers, a, b):
    """What fails below 0 in the problem of four branches (Waarts 2000; P = 0.0022228), by NumPy or by JAX."""
    bent, root = 3 + 0.1 * (a - b) ** 2, np.sqrt(2)
    one = numbers.minimum(bent - (a + b) / root, bent + (a + b) / root)
    return numbers.minimum(one, numbers.minimum(a - b + 7 / root, b - a + 7 / root))


LIMITS = {"larger": 2.5, "size": 2.5, "branches": 0.0, "sum": 2.5, "middle": -0.01}
"""Where each is passed: the events `larger_passed` and so on."""


def branches(paths=1 << 17, **run):
    """The study of the branches."""
    normal = {"family": "normal", "mean": 0.0, "sd": 1.0}
    text = {
        "name": "branches",
        "run": {"paths": paths, "seed": 3, "sampler": "random", **run},
        "factors": dict.fromkeys(Branches.factors, normal),
        "policies": {"old": {}},
        "events": {f"{name}_passed": {"outcome": name, "above": limit} for name, limit in LIMITS.items()},
    }
    return read_study(text, "branches.toml", model=Branches())


def run_of(study, stored=None):
    """A run of a study as a question sees it, with the outcomes that it has stored."""
    seen = {"device": None, "observe": lambda *_: None, "folder": Path("run")}
    return SimpleNamespace(study=study, first_outcomes=stored or {}, **seen)


def explained(study, *options, stored=None, **more):
    """The answer to `explain`, asked of a run of a study."""
    return Explain(*options, **more).answer(run_of(study, stored))


def row(table, **labels):
    """The one row with these labels."""
    (one,) = table.where(**labels)
    return one
