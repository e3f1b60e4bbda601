"""The rustbelt model does what its page says: it agrees with a rewrite of the page in plain NumPy
(`tests/rustbelt_numpy/`).
"""

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
from engine.program.programs import program_on
from engine.runs.replay import replay
from engine.study.loading import read_study
from engine.study.study import Study
from tests import rustbelt_numpy, rustbelt_paths
from tests.rustbelt_numpy.base_2015 import NE

CONFIG = Path(__file__).parents[2] / "configs" / "rustbelt.toml"
FEW = ("old", "reform", "delayed_reform")
IN_FULL = ("old", "reform_full", "delayed_reform")
AS_THEY_ARE = (
    *("congestion_exponent", "transparency_discipline", "broke_recognition"),
    *("resolution_growth_cost", "crunch_growth_cost"),
)
"""Factors whose priors are not widened: an exponent and shares, which have bounds, and costs that would leave no
economy.
"""
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
"""What two numbers may differ by besides, by their unit, as many are what is left of large terms: a millionth of a
person, a yuan.
"""
COVERED = 30
"""Assets over interest, about: interest cover is a margin, which may be near zero, times this."""


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
        if name in levers or name in AS_THEY_ARE:
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


def with_own_constants(tables: dict[str, Any]) -> dict[str, Any]:
    """The study with another value of every constant: 3 % more, calendar years and spans a year more; the wage is
    drawn.
    """
    values = {name: one.value for name, one in rustbelt_paths.MODEL.constants.items() if name != "wage"}
    whole = lambda name: name.endswith(("_first", "_years"))  # noqa: E731
    constants = {name: value + 1 if whole(name) else 1.03 * value for name, value in values.items()}
    wage = {"unit": "thousand yuan/yr", "family": "lognormal", "p05": 36, "p50": 45, "p95": 56}
    return {**tables, "constants": constants, "factors": {**tables["factors"], "wage": wage}}


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
def stepped(own_constants: bool = False) -> Lives:
    """Paths of the study with wide priors under few policies, as the model steps them, without the kernel."""
    tables = with_own_constants(document(2.5)) if own_constants else document(2.5)
    study = read_study(tables, "wide", policies=IN_FULL)
    factors, shocks = rustbelt_numpy.draw(study, rustbelt_paths.LANES, np.random.default_rng(13))
    dims = {name: study.model.shocks[name].dims for name in shocks}

    def of_year(name: str, values: np.ndarray) -> Any:
        labels = {dim: study.model.dims[dim] for dim in dims[name]}
        return Cells(labels, list(values.reshape(-1, values.shape[-1]))) if labels else values

    noise = [{name: of_year(name, values[t]) for name, values in shocks.items()} for t in range(len(study.years))]
    everyone = np.ones(rustbelt_paths.LANES)
    known = {name: one.value * everyone for name, one in study.model.constants.items()} | factors
    runs = [rustbelt_paths.run(policy, known, noise) for policy in study.policies]
    outcomes = {name: np.stack([rustbelt_paths.outcome(name, run) for run in runs]) for name in study.model.outcomes}
    yearly = {name: np.stack([run.yearly[name] for run in runs]) for name in study.model.yearly}
    return Lives(study, factors, shocks, yearly, outcomes)


@functools.cache
def traced() -> Lives:
    """The first paths of the study with wide priors and its own constants under few policies, as the kernel runs
    them."""
    study = read_study(with_own_constants(document(2.5)), "wide", policies=FEW)
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
    """64 paths of the study under all its policies."""
    tables = document(times)
    study = read_study(tables, "text", policies=list(tables["policies"]))
    paths = np.random.default_rng(13).choice(study.paths, 64, replace=False)
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
    return {policy: {name: np.stack([values[name] for values in of]) for name in of[0]} for policy, of in years.items()}


REAL, WIDE = functools.partial(replayed, 1), functools.partial(replayed, 2.5)
"""Paths of the study as it ships; and with wide priors, which meet every bound."""
OWN = functools.partial(stepped, own_constants=True)
"""Paths of a study with constants of its own, one of them drawn."""
CASES = [
    pytest.param(stepped, id="stepped"),
    pytest.param(OWN, id="own constants", marks=pytest.mark.slow),
    pytest.param(traced, id="traced", marks=pytest.mark.slow),
    pytest.param(REAL, id="as it ships", marks=pytest.mark.slow),
    pytest.param(WIDE, id="wide", marks=pytest.mark.slow),
]


def assert_agrees(variables: Any, ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    """Asserts that values agree by name, each within the tolerance of its unit."""
    for name, about in variables.items():
        assert np.all(np.isfinite(theirs[name])), name
        floor = FLOORS[about.unit] * (COVERED if name == "interest_cover" else 1)
        np.testing.assert_allclose(ours[name], theirs[name], RELATIVE, floor, err_msg=name)


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
    "empty budgets": lambda v, known: v["fiscal_space"][:-1] <= 0,
    "full budgets": lambda v, known: v["fiscal_space"] == known.fiscal_space_high,
    "bills that are not paid in full": lambda v, known: v["public_cost"] < v["bills"] * (1 - RELATIVE),
    "diversification that is not paid in full": lambda v, known: v["diversification_paid_share"] < 1,
    "help that is not paid in full": lambda v, known: v["help_paid_share"] < 1,
    "plants given up": lambda v, known: v["given_up_share"] > 0,
    "banks rescued": lambda v, known: v["rescue"] > RELATIVE * v["loans"],
    "no bank to rescue": lambda v, known: v["rescue"] < 1e-12 * v["loans"],
    "losses beyond provisions": lambda v, known: v["bank_loss"] > v["absorbed"],
    "banks that lose": lambda v, known: v["kept_profit"] < 0,
    "debt swapped": lambda v, known: v["swapped"] > 0,
    "no owner to swap with": lambda v, known: v["swapped"][-1] == 0,
    "anchors": lambda v, known: v["anchors"] > 0,
    "kept workers": lambda v, known: v["kept_workers"] > 0,
    "crowds that leave a mark": lambda v, known: v["scar"] > 0,
    "the most that closes in a year": lambda v, known: v["closed_share"] == known.closed_share_high,
    "the most that is restructured": lambda v, known: v["restructured_share"] == known.restructured_share_high,
    "the most that defaults": lambda v, known: v["default_is_bounded"],
    "the most that a fund is felt": lambda v, known: v["outlay"] == known.outlay_high,
    "the worst crunch of a province": lambda v, known: v["crunch_alone"] == known.crunch_alone_high,
    "everybody settled": lambda v, known: np.isclose(
        v["inflow"], known.indirect_in_pool * v["indirect_layoffs"].sum(2), 1e-12
    ),
}
"""What the paths must meet, so that what the text says of it is compared."""


def met(lives: Any) -> set[str]:
    """Events, and bounds of yearly variables, that some path meets under some policy in some year."""
    names = set()
    known, _ = rustbelt_numpy.read(lives().study, lives().factors)
    for values in rewritten(lives).values():
        names |= {name for name, happens in EVENTS.items() if np.any(happens(values, known))}
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
    assert met(REAL) >= {"empty budgets", "bills that are not paid in full", "plants given up", "kept workers"}


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
    known, base = rustbelt_numpy.read(lives().study, lives().factors)
    for values in rewritten(lives).values():
        people_balance(values, known, base)
        money_balance(values, known, base)
        banks_balance(values, known, base)
        debt_and_output_balance(values, known, base)


def people_balance(values: dict[str, np.ndarray], known: Any, base: Any) -> None:
    """Workers and the displaced: who goes somewhere came from somewhere."""
    direct = values["cut_layoffs"] + values["market_layoffs"] + values["default_layoffs"]
    before, after = moved(values, "employment", base.employment)
    assert_balanced(after / (1 - known.retirement), before - direct)

    settled = values["internal_transfer"] + values["early_retired"]
    assert_balanced(
        values["inflow"], direct.sum(2) - settled + known.indirect_in_pool * values["indirect_layoffs"].sum(2)
    )
    before, after = moved(values, "displaced_pool", 0)
    left = values["reemployed"] + values["out_migrated"] + values["exited"]
    assert_balanced(after, before + values["inflow"] - left)
    before, after = moved(values, "net_jobs_lost", 0)
    assert_balanced(after, before + direct.sum(2) - settled - values["reemployed"])


def money_balance(values: dict[str, np.ndarray], known: Any, base: Any) -> None:
    """Public money: what is spent is paid by somebody, as far as there is room for it."""
    programmes = ("diversification_spending", "help_spending", "belt_road_spending")
    assert_balanced(values["programme_spending"], sum(values[name] for name in programmes))
    paid = values["paid_by_centre"] + values["paid_by_provinces"]
    parts = ("programme_spending", "subsidies", "recapitalisation_cost", "fund_spending")
    assert_balanced(values["public_cost"], sum(values[name] for name in parts))
    assert_balanced(values["public_cost"], paid)
    assert np.all(paid <= values["bills"] * (1 + 1e-12))
    assert np.all(values["paid_by_centre"] >= values["belt_road_spending"])

    before, after = moved(values, "fiscal_space", known.fiscal_space_initial * base.fiscal_scale)
    gdp_before, gdp = moved({"gdp": values["gdp_index"] * base.gdp}, "gdp", base.gdp)
    spent = values["paid_by_provinces"]
    assert_balanced(after, np.minimum(before + values["income"] - spent / gdp, known.fiscal_space_high))
    assert np.all(spent <= np.maximum(before + known.overdraft, 0) * gdp_before * (1 + 1e-12))
    assert_balanced(gdp, gdp_before * np.exp(values["growth"]))
    northeast = values["northeast_gdp_index"] * base.gdp[NE].sum()
    assert_balanced(gdp[:, NE].sum(1), northeast)


def banks_balance(values: dict[str, np.ndarray], known: Any, base: Any) -> None:
    """Banks: losses by borrower, provisions, capital, and what stands between true and reported capital."""
    borrowers = ("sectors", "state_firms", "others")
    assert_balanced(values["bank_loss"], sum(values[f"bank_loss_on_{who}"] for who in borrowers))
    hidden = values["hidden_on_sectors"] + values["hidden_on_state_firms"]
    assert_balanced(values["hidden_loss"], hidden)
    before, after = moved(values, "loans", base.loans)
    assert_balanced(after, before * np.exp(values["loan_growth"]))
    risk_weighted, years = known.risk_weight * before, np.arange(1, len(before) + 1)[:, None, None]
    old = base.npl_ratio * base.loans * (1 - known.worked_out) ** years * values["loss_given_default"]
    between = (values["capital_ratio"] - values["true_capital_ratio"]) * risk_weighted
    assert_balanced(between, hidden + old - values["provisions"])
    missing = np.maximum(0, known.required_capital - values["true_capital_ratio"])
    assert_balanced(values["capital_shortfall"], missing * known.risk_weight * after)

    before, after = moved(values, "provisions", base.provisions * base.loans)
    assert_balanced(after, before - values["absorbed"] + values["provided"])
    assert np.all(values["absorbed"] <= np.minimum(before, values["bank_loss"]))
    before, after = moved(values, "capital", known.capital_ratio_initial * known.risk_weight * base.loans)
    assert_balanced(after, before + values["kept_profit"] + values["recapitalisation_cost"])


def debt_and_output_balance(values: dict[str, np.ndarray], known: Any, base: Any) -> None:
    """Debt in trouble is recognised or rolled over; the provinces' output is the nation's."""
    troubled = values["insolvent"] + values["settled"]
    assert_balanced(values["recognised"] + values["rolled_over"], troubled)
    before, after = moved(values, "z", known.zombie_share_initial * base.zombie_scale)
    moves = values["rolled_over"] - values["settled"] - values["cured"]
    assert_balanced(after, np.maximum(before + moves, 0))
    undefaulted = 1 - values["soe_default_share"].cumsum(0)
    assert_balanced(values["undefaulted"], undefaulted)
    assert np.all(after <= undefaulted + 1e-12)
    assert_balanced(values["output"], values["provincial_output"].sum(1))
    assert np.all(values["output"] <= known.full_use * values["capacity"] * (1 + 1e-12))
