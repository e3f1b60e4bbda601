"""Problems with known answers as a user's models: failure probabilities, risk measures, credit losses, two policies.

Truths by quadrature, closed form or conditional sampling. Failure problems: OpenTURNS otbenchmark; large pool: Vasicek,
The distribution of loan portfolio value, Risk 15 (2002); limits of risk measures: closed forms of their laws.
"""

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.modelling.folds import at_year
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.risk.estimation import measures
from engine.risk.estimation.events import event_indicators
from engine.risk.estimation.tables import tables_of_paths
from engine.study.loading import read_study
from engine.study.study import BLOCK, Study
from tests.helpers import assert_plausible
from tests.user_models import outcomes, program, static

STANDARD = {"family": "normal", "mean": 0.0, "sd": 1.0}


def normal(mean: float, sd: float) -> dict:
    """A normal prior."""
    return {"family": "normal", "mean": mean, "sd": sd}


# ------------------------------------------------------------------------------- probability of failure


class Standard(StaticModel):
    """Failure problems whose inputs are standard normal; g < 0 fails."""

    factors = {name: Factor("1") for name in ("x1", "x2", "x3")}
    outcomes = {name: Outcome("1") for name in ("rp22", "rp31", "rp33", "rp35", "rp57", "four_branches")}

    def evaluate(self, factors, levers):
        x1, x2, x3 = factors.x1, factors.x2, factors.x3
        root = jnp.sqrt(2.0)
        curved = 3 + 0.1 * (x1 - x2) ** 2
        branches = [curved - (x1 + x2) / root, curved + (x1 + x2) / root, x1 - x2 + 7 / root, x2 - x1 + 7 / root]
        return {
            "rp22": 2.5 - (x1 + x2) / root + 0.1 * (x1 - x2) ** 2,
            "rp31": 2 - x2 + 256 * x1**4,
            "rp33": jnp.minimum(-x1 - x2 - x3 + 3 * jnp.sqrt(3.0), -x3 + 3),
            "rp35": jnp.minimum(2 - x2 + jnp.exp(-0.1 * x1**2) + (0.2 * x1) ** 4, 4.5 - x1 * x2),
            "rp57": jnp.minimum(jnp.maximum(-(x1**2) + x2**3 + 3, 2 - x1 - 8 * x2), (x1 + 3) ** 2 + (x2 + 3) ** 2 - 4),
            "four_branches": functools.reduce(jnp.minimum, branches),
        }


class Others(StaticModel):
    """Failure problems with inputs of their own."""

    factors = {name: Factor("1") for name in ("a1", "a2", "a3", "a4", "a5", "a6", "b1", "b2", "c1", "c2", "r", "s")}
    outcomes = {name: Outcome("1") for name in ("rp8", "rp24", "rp53", "r_minus_s")}

    def evaluate(self, factors, levers):
        f = factors
        return {
            "rp8": f.a1 + 2 * f.a2 + 2 * f.a3 + f.a4 - 5 * f.a5 - 5 * f.a6,
            "rp24": 2.5 - 0.2357 * (f.b1 - f.b2) + 0.00463 * (f.b1 + f.b2 - 20) ** 4,
            "rp53": jnp.sin(5 * f.c1 / 2) + 2 - (f.c1**2 + 4) * (f.c2 - 1) / 20,
            "r_minus_s": f.r - f.s,
        }


def lognormal(mean: float, sd: float) -> dict:
    """A lognormal prior by mean and deviation of the variable itself."""
    return {"family": "lognormal", "mean": mean, "sd": sd}


OTHERS = {
    **{f"a{k}": lognormal(120.0, 12.0) for k in (1, 2, 3, 4)},
    "a5": lognormal(50.0, 10.0),
    "a6": lognormal(40.0, 8.0),
    **{f"b{k}": normal(10.0, 3.0) for k in (1, 2)},
    "c1": normal(1.5, 1.0),
    "c2": normal(2.5, 1.0),
    "r": normal(4.0, 1.0),
    "s": normal(2.0, 1.0),
}
MANY = 100 * BLOCK
"""Paths that resolve a twentieth of a probability of one in a thousand."""


@functools.cache
def failures(model: type[StaticModel], paths: int) -> Mapping[str, float]:
    """Share of paths on which each outcome is below zero."""
    factors = OTHERS if model is Others else dict.fromkeys(Standard.factors, STANDARD)
    events = {f"{name}_fails": {"outcome": name, "below": 0.0} for name in model.outcomes}
    study = static(model(), factors, paths, events=events, keep={"outcomes": "none", "draws": 0})
    made = program(study)
    count: dict[str, int] = dict.fromkeys(events, 0)
    for block in study.blocks():
        values = made.submit(block).of(block)[0]
        for name, happens in event_indicators(study, dict(zip(model.outcomes, values, strict=True))).items():
            count[name] += int(happens.sum())
    return {name: hits / paths for name, hits in count.items()}


@pytest.mark.parametrize(
    ("model", "problem", "truth", "paths"),
    [
        (Others, "rp53", 0.0313204856867, 4 * BLOCK),
        (Others, "r_minus_s", 0.0786496035251, 4 * BLOCK),
        (Standard, "rp57", 0.0282375071374, 4 * BLOCK),
        *(
            pytest.param(*rare, MANY, marks=pytest.mark.slow)
            for rare in (
                (Others, "rp8", 0.000789794),
                (Others, "rp24", 0.00285994568754),
                (Standard, "rp22", 0.0042073055113),
                (Standard, "rp31", 0.00322668120959),
                (Standard, "rp33", 0.0025755977908),
                (Standard, "rp35", 0.0034789463211),
                (Standard, "four_branches", 0.00222279506619),
            )
        ),
    ],
)
def test_failures_are_as_likely_as_known(model, problem, truth, paths):
    se = np.sqrt(truth * (1 - truth) / paths)
    assert_plausible(failures(model, paths)[f"{problem}_fails"], truth, se, 0.05 * truth)


# ------------------------------------------------------------------------------- risk measures


class Laws(StaticModel):
    """One outcome for each law whose VaR and ES are known."""

    factors = {name: Factor("1") for name in ("z", "u", "x", "y")}
    outcomes = {
        name: Outcome("1", loss=True)
        for name in ("normal", "lognormal", "exponential", "pareto", "pool_1", "pool_2", "sum_of_lognormals")
    } | {"gain": Outcome("1")}

    def evaluate(self, factors, levers):
        f = factors

        def pool(threshold, rho):
            return jax.scipy.stats.norm.cdf((threshold + jnp.sqrt(rho) * f.z) / jnp.sqrt(1 - rho))

        return {
            "normal": f.z,
            "lognormal": jnp.exp(f.z),
            "exponential": -jnp.log(f.u),
            "pareto": f.u ** (-1 / 3),
            "pool_1": pool(-2.3263478740408408, 0.12),
            "pool_2": pool(-2.0537489106318225, 0.20),
            "sum_of_lognormals": f.x + f.y,
            "gain": -f.z,
        }


LAWS = {
    "z": STANDARD,
    "u": {"family": "uniform", "low": 0.0, "high": 1.0},
    "x": {"family": "lognormal", "median": 1.0, "sigma": 0.5, "group": "pair"},
    "y": {"family": "lognormal", "median": float(np.exp(0.2)), "sigma": 0.8, "group": "pair"},
}
KNOWN = {
    "normal": (1.644853627, 2.062712808, 2.326347874, 2.66521422, 3.090232306, 3.367090077),
    "lognormal": (5.180251602, 8.557226867, 10.24047366, 15.2279603, 21.98218398, 30.16907408),
    "exponential": (2.995732274, 3.995732274, 4.605170186, 5.605170186, 6.907755279, 7.907755279),
    "pareto": (2.714417617, 4.071626425, 4.641588834, 6.96238325, 10.0, 15.0),
    "pool_1": (0.03056923476, 0.04446282973, 0.05252659213, 0.06870862116, 0.09032583133, 0.1092103553),
    "pool_2": (0.07027657558, 0.1069412116, 0.1286098249, 0.1704615368, 0.2263128072, 0.2716143651),
    "sum_of_lognormals": (6.355574342, 8.709512375, 9.995888197, 13.00237191, 17.03771907, 21.24992719),
}
NAMES = ("VaR95", "ES95", "VaR99", "ES99", "VaR99.9", "ES99.9")
SEES = {"95": 0.02, "99": 0.04, "99.9": 0.12}
"""Smallest relative error of a measure, by level, that must not pass."""


@functools.cache
def law_values() -> tuple[Study, dict[str, np.ndarray]]:
    study = static(Laws(), LAWS, 16 * BLOCK, groups={"pair": {"correlation": 0.5}}, keep={"draws": 0})
    return study, {name: values[0] for name, values in outcomes(study).items()}


@pytest.mark.parametrize("law", KNOWN)
def test_risk_measures_of_known_laws(law):
    study, values = law_values()
    found = measures.summary(values[law], study.unit, loss=True)
    for name, truth in zip(NAMES, KNOWN[law], strict=True):
        sees = SEES[name.lstrip("VaRES")] * truth
        assert_plausible(found[name].estimate, truth, found[name].standard_error, sees)


# ------------------------------------------------------------------------------- two policies on the same futures


class Linear(StaticModel):
    """A loss that is linear in two factors."""

    factors = {"z1": Factor("1"), "z2": Factor("1")}
    levers = {"base": Lever("1"), "first": Lever("1"), "second": Lever("1")}
    outcomes = {"loss": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        return {"loss": levers.base + levers.first * factors.z1 + levers.second * factors.z2}


@functools.cache
def pair() -> tuple[Study, np.ndarray]:
    policies = {
        "old": {"base": 10.0, "first": 3.0, "second": 2.0},
        "reform": {"base": 8.0, "first": 2.0, "second": 2.5},
    }
    study = static(Linear(), {"z1": STANDARD, "z2": STANDARD}, 8 * BLOCK, policies)
    return study, outcomes(study)["loss"]


def records(table, **wanted):
    """The one record of a table with these fields."""
    (found,) = [r for r in table if all(getattr(r, field) == value for field, value in wanted.items())]
    return found


def test_common_random_numbers_cut_the_variance_of_the_difference():
    _, values = pair()
    gap = values[0].astype(np.float64) - values[1]
    apart = values[0].astype(np.float64) - np.roll(values[1], 1)  # the same laws, independent
    n = len(gap)
    assert_plausible(gap.mean(), 2.0, np.sqrt(1.25 / n), 0.01)
    assert_plausible(gap.var(), 1.25, 1.25 * np.sqrt(2 / n), 0.02)
    assert_plausible(apart.var(), 23.25, 23.25 * np.sqrt(2 / n), 0.25)
    assert_plausible(apart.var() / gap.var(), 18.6, 18.6 * 2 / np.sqrt(n), 0.25)


def test_which_policy_is_worse_how_often_and_what_is_regretted():
    study, values = pair()
    table = tables_of_paths(study, {"loss": values}).comparison
    for policy, measure, truth, sees in (
        ("reform", "worse", 0.03681913506, 0.002),
        ("reform", "regret", 0.01641384156, 0.001),
        ("old", "regret", 2.01641384156, 0.01),
        ("reform", "difference_mean", -2.0, 0.01),
        ("reform", "difference_VaR99", 15.44794723 - 18.38776654, 0.1),
        ("reform", "difference_ES99", 16.53284889 - 19.60956655, 0.1),
    ):
        found = records(table, policy=policy, measure=measure)
        assert_plausible(found.estimate, truth, found.standard_error, sees)


# ------------------------------------------------------------------------------- a path model


class Reverting(PathModel):
    """Ornstein-Uhlenbeck, dX = 0.5 (1 - X) dt + 0.3 dW from X = 0.2, stepped exactly a year at a time."""

    shocks = {"noise": Shock()}
    yearly = {"height": Yearly("1")}
    outcomes = {"after_two": Outcome("1", at_year("height", 2)), "at_last": Outcome("1", at_year("height", 20))}

    def init(self, factors, levers):
        return 0.2

    def step(self, state, year, factors, shocks, levers):
        keep = np.exp(-0.5)
        level = 1 + (state - 1) * keep + 0.3 * np.sqrt(1 - keep**2) * shocks.noise
        return level, {"height": level}


def test_a_mean_reverting_process():
    run = {"paths": 4 * BLOCK, "seed": 8, "sampler": "random"}
    text = {"name": "reverting", "run": run, "time": {"first": 1, "last": 20}}
    study = read_study(text, "reverting.toml", model=Reverting())
    found = {name: values[0].astype(np.float64) for name, values in outcomes(study).items()}
    n = study.paths
    for name, mean, variance in (
        ("after_two", 0.7056964471, 0.0778198245),
        ("at_last", 1 - 0.8 * np.exp(-10), 0.09 * (1 - np.exp(-20))),
    ):
        assert_plausible(found[name].mean(), mean, np.sqrt(variance / n), 0.005)
        assert_plausible(found[name].var(), variance, variance * np.sqrt(2 / n), 0.02 * variance)
    low = measures.summary(found["after_two"], study.unit, loss=False)["VaR99"]
    assert_plausible(low.estimate, 0.0567336786, low.standard_error, 0.01)
