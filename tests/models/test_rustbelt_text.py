"""The rustbelt model does what its page says: it agrees with a rewrite of the page in plain NumPy (`tests/rustbelt_numpy/`)."""

import copy
import functools
import math
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from engine.modelling.cell_axis import split_cells
from engine.modelling.cells import Cells
from engine.program import devices
from engine.program.kernel import program_on
from engine.runs.replay import replay
from engine.study.loading import read_study
from engine.study.study import Study
from tests import rustbelt_numpy, rustbelt_paths

CONFIG = Path(__file__).parents[2] / "configs" / "rustbelt.toml"
FEW = ("old", "reform", "delayed_reform")
IN_FULL = ("old", "reform_full", "delayed_reform")
RELATIVE = 1e-9
FLOORS = {
    "k persons": 1e-9,
    "k persons/yr": 1e-9,
    "k yr": 1e-9,
    "yr": 1e-9,
    "1": 1e-12,
    "1/yr": 1e-12,
    "2015 = 1": 1e-12,
    "log": 1e-12,
    "bn yuan": 1e-9,
    "bn yuan/yr": 1e-9,
    "% of 2015 GDP": 1e-9,
    "Mt/yr": 1e-9,
}
"""What two numbers may differ by besides, by their unit, as many are what is left of large terms: a millionth of a person, a yuan."""


class Lives(NamedTuple):
    """Some paths of a study under all its policies, in double precision."""

    study: Study
    factors: dict[str, np.ndarray]
    """[path]"""
    shocks: dict[str, np.ndarray]
    """[year, *labels, path]"""
    yearly: dict[str, np.ndarray]
    """[policy, year, *labels, path]"""
    outcomes: dict[str, np.ndarray]
    """[policy, path]"""


def document(times: float) -> dict[str, Any]:
    """The shipped study, every prior of the model that many times as wide, and some levers beyond what it has."""
    tables = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    if times == 1:
        return tables
    tables = copy.deepcopy(tables)
    levers = {name for policy in tables["policies"].values() for name in _names_in(policy)}
    for name, table in tables["factors"].items():
        if name in levers or name == "congestion_exponent":  # these have bounds
            continue
        if "range90" in table:
            middle, half = sum(table["range90"]) / 2, (table["range90"][1] - table["range90"][0]) / 2
            table["range90"] = [middle - times * half, middle + times * half]
        elif "p50" in table:
            to, back = (_logit, _share) if table["family"] == "logit-normal" else (math.log, math.exp)
            middle = to(table["p50"])
            for end in ("p05", "p95"):
                table[end] = back(middle + times * (to(table[end]) - middle))
    tables["policies"]["reform"]["resettlement_fund"] = 900
    tables["policies"]["shock_therapy"] |= {"closure_speed": 12, "resolution_rate": 1}
    return tables


def _names_in(policy: Any) -> set[str]:
    """Every text in a policy's table, names of factors among them."""
    if isinstance(policy, dict):
        return set().union(*map(_names_in, policy.values()))
    return {policy} if isinstance(policy, str) else set()


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


def _share(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@functools.cache
def stepped() -> Lives:
    """Paths of the study with wide priors under few policies, as the model steps them, without the kernel."""
    study = read_study(document(2.5), "wide", policies=IN_FULL)
    factors, shocks = rustbelt_numpy.draw(study, rustbelt_paths.LANES, np.random.default_rng(13))
    dims = {name: study.model.shocks[name].dims for name in shocks}

    def of_year(name: str, values: np.ndarray) -> Any:
        labels = {dim: study.model.dims[dim] for dim in dims[name]}
        return Cells(labels, list(values.reshape(-1, values.shape[-1]))) if labels else values

    noise = [
        {name: of_year(name, values[t]) for name, values in shocks.items()} for t in range(len(study.years))
    ]
    runs = [rustbelt_paths.run(policy, factors, noise) for policy in study.policies]
    outcomes = {
        name: np.stack([rustbelt_paths.outcome(name, run) for run in runs]) for name in study.model.outcomes
    }
    yearly = {name: np.stack([run.yearly[name] for run in runs]) for name in study.model.yearly}
    return Lives(study, factors, shocks, yearly, outcomes)


@functools.cache
def traced() -> Lives:
    """The first paths of the study with wide priors under few policies, as the kernel runs them."""
    study = read_study(document(2.5), "wide", policies=FEW)
    trace = program_on(study, devices.mesh("cpu"), dtype=np.float64).trace(0)
    assert trace.yearly is not None
    return Lives(
        study,
        {item.name: trace.draws[k] for k, item in enumerate(study.inputs)},
        rustbelt_numpy.shocks_of(study, trace.draws.shape[-1], np.float64),
        split_cells(study.model, trace.yearly, axis=2),
        {name: trace.outcomes[:, k] for k, name in enumerate(study.model.outcomes)},
    )


@functools.cache
def replayed(times: float) -> Lives:
    """20 paths of the study under all its policies."""
    tables = document(times)
    study = read_study(tables, "text", policies=list(tables["policies"]))
    paths = np.random.default_rng(13).choice(study.paths, 20, replace=False)
    story = replay(study, paths, precision="float64")
    last = lambda group: {  # noqa: E731
        name: np.moveaxis(one.values, 0, -1) for name, one in story[group].data_vars.items()
    }
    return Lives(study, last("draws"), last("shocks"), last("yearly"), last("outcomes"))


@functools.cache
def rewritten(lives: Any) -> dict[str, dict[str, np.ndarray]]:
    """What the rewrite makes of the same factors and shocks: policy -> name -> [year, *labels, path]."""
    lives = lives()
    years = {
        policy.name: list(rustbelt_numpy.live(lives.study, policy, lives.factors, lives.shocks))
        for policy in lives.study.policies
    }
    return {
        policy: {name: np.stack([values[name] for values in of]) for name in of[0]}
        for policy, of in years.items()
    }


REAL, WIDE = functools.partial(replayed, 1), functools.partial(replayed, 2.5)
"""Paths of the study as it ships; and with wide priors, which meet every bound."""
CASES = [
    pytest.param(stepped, id="stepped"),
    pytest.param(traced, id="traced", marks=pytest.mark.slow),
    pytest.param(REAL, id="as it ships", marks=pytest.mark.slow),
    pytest.param(WIDE, id="wide", marks=pytest.mark.slow),
]


def assert_agrees(variables: Any, ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    """Asserts that values agree by name, each within the tolerance of its unit."""
    for name, about in variables.items():
        assert np.all(np.isfinite(theirs[name])), name
        np.testing.assert_allclose(ours[name], theirs[name], RELATIVE, FLOORS[about.unit], err_msg=name)


@pytest.mark.parametrize("lives", CASES)
def test_every_yearly_value_is_that_of_the_text(lives):
    study = lives().study
    for p, values in enumerate(rewritten(lives).values()):
        assert_agrees(study.model.yearly, {name: of[p] for name, of in lives().yearly.items()}, values)


@pytest.mark.parametrize("lives", CASES)
def test_every_outcome_is_that_of_the_text(lives):
    study = lives().study
    for p, values in enumerate(rewritten(lives).values()):
        years = ({name: of[t] for name, of in values.items()} for t in range(len(study.years)))
        known = rustbelt_numpy.outcomes(years)
        assert_agrees(study.model.outcomes, {name: of[p] for name, of in lives().outcomes.items()}, known)
        assert set(known) == set(study.model.outcomes)


EVENTS = {
    "empty budgets": lambda v: v["fiscal_space"][:-1] <= 0,
    "full budgets": lambda v: v["fiscal_space"] == 0.12,
    "bills that are not paid in full": lambda v: v["public_cost"] < v["bills"] * (1 - RELATIVE),
    "plants given up": lambda v: v["given_up_share"] > 0,
    "bailouts": lambda v: v["bailout"] > 0,
    "kept workers": lambda v: v["kept_workers"] > 0,
    "the most that closes in a year": lambda v: v["closed_share"] == 0.9,
    "the most that is restructured": lambda v: v["restructured_share"] == 0.6,
    "the most that defaults": lambda v: v["soe_default_share"] == 0.6,
    "everybody settled": lambda v: np.isclose(v["inflow"], 0.6 * v["indirect_layoffs"].sum(2), 1e-12),
}
"""What the paths must meet, so that what the text says of it is compared."""


def met(lives: Any) -> set[str]:
    """Events, and bounds of yearly variables, that some path meets under some policy in some year."""
    names = set()
    for values in rewritten(lives).values():
        names |= {name for name, happens in EVENTS.items() if np.any(happens(values))}
        for name, yearly in lives().study.model.yearly.items():
            names |= {f"{name} {end:g}" for end in (yearly.low, yearly.high) if np.any(values[name] == end)}
    return names


@pytest.mark.parametrize(
    ("lives", "beyond"),
    [
        pytest.param(stepped, {"zombie_share 0"}, id="stepped"),  # only shock therapy resolves all in a year
        pytest.param(WIDE, set(), id="wide", marks=pytest.mark.slow),
    ],
)
def test_the_paths_meet_every_event_and_every_bound(lives, beyond):
    yearly = lives().study.model.yearly.items()
    bounds = {f"{name} {end:g}" for name, about in yearly for end in (about.low, about.high)}
    expected = set(EVENTS) | {bound for bound in bounds if "inf" not in bound} - beyond
    assert met(lives) >= expected - {"utilisation 0"}  # there is demand in every year


@pytest.mark.slow
def test_the_paths_of_the_study_as_it_ships_meet_what_decides_its_answer():
    assert met(REAL) >= {
        "empty budgets",
        "bills that are not paid in full",
        "plants given up",
        "kept workers",
    }


# ------------------------------------------------------------------ balances of the rewrite


def moved(values: dict[str, np.ndarray], name: str, start: Any) -> tuple[np.ndarray, np.ndarray]:
    """A stock at the end of each year, and at the beginning."""
    after = values[name]
    before = np.concatenate([np.broadcast_to(start, after[:1].shape), after[:-1]])
    return before, after


def assert_balanced(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours, theirs, 1e-12, 1e-12 * np.abs(theirs).max())


@pytest.mark.parametrize("lives", CASES)
def test_every_balance_of_the_rewrite_closes(lives):
    factors, base = rustbelt_numpy.read(lives().factors)
    for values in rewritten(lives).values():
        direct = values["cut_layoffs"] + values["market_layoffs"] + values["default_layoffs"]
        before, after = moved(values, "employment", base.employment)
        assert_balanced(after / (1 - 0.028), before - direct)

        before, after = moved(values, "displaced_pool", 0)
        left = values["reemployed"] + values["out_migrated"] + values["exited"]
        settled = values["internal_transfer"] + values["early_retired"]
        entered = direct.sum(2) - settled + 0.6 * values["indirect_layoffs"].sum(2)
        assert_balanced(after, before + entered - left)

        before, after = moved(values, "capital", factors.capital_ratio_initial * 0.78 * base.loans)
        assert_balanced(after, before + values["kept_profit"] + values["recapitalisation_cost"])

        paid = values["paid_by_centre"] + values["paid_by_provinces"]
        parts = values["subsidies"] + values["recapitalisation_cost"] + values["fund_spending"]
        assert_balanced(paid, parts)
        assert_balanced(values["public_cost"], parts)
        assert np.all(paid <= values["bills"] * (1 + 1e-12))

        before, after = moved(values, "fiscal_space", factors.fiscal_space_initial * base.fiscal_scale)
        gdp_before, gdp = moved({"gdp": values["gdp_index"] * base.gdp}, "gdp", base.gdp)
        spent = values["paid_by_provinces"]
        assert_balanced(after, np.minimum(before + values["income"] - spent / gdp, 0.12))
        assert np.all(spent <= np.maximum(before + 0.02, 0) * gdp_before * (1 + 1e-12))
