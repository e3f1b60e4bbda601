"""What was wrong in the first version of the rustbelt model, each mistake with a test that it fails."""

import itertools
import re

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import spearmanr

import engine
from engine.models.rustbelt import banks, economy, labour
from engine.models.rustbelt.base_2015 import BASE
from engine.study.loading import load_study
from tests.helpers import assert_close
from tests.rustbelt_paths import (
    KNOWN,
    LAWS,
    MODEL,
    NORTHEAST,
    STUDY,
    array,
    calm,
    drawn,
    medians,
    outcome,
    policy,
    run,
    shocks,
)

PATHS = 2048
GOOD = {  # factors of which high is good for the northeast; of all others in a group it is bad
    "steel_demand_drift",
    "coal_demand_drift",
    "cement_demand_drift",
    "trade",
    "urbanisation_years",
    "belt_road_demand_share",
    "internal_transfer_share",
    "early_retirement_share",
    "reemployment_hazard_base",
    "fund_search_effect",
    "service_sector_effect",
    "sme_credit_effect",
    "startup_effect",
    "out_migration_hazard",
    "job_creation_rate",
    "spin_off_jobs",
    "anchor_jobs",
    "capital_ratio_initial",
    "pre_provision_profit_rate",
    "reform_growth_dividend",
    "fiscal_space_initial",
    "mobility_effect",
    "other_distance",
}


def test_a_loss_is_not_taxed():
    """A1: 38 % tax was paid on profit before losses."""
    assert_close([banks.after_tax(profit, KNOWN) for profit in (100.0, 0.0, -100.0)], [62.0, 0.0, -100.0])
    result = run(policy("old"), medians(1, loss_given_default=0.9, zombie_share_initial=0.9), calm())
    profits = result.yearly["retained_income"][:, NORTHEAST]
    assert profits.min() < 0, "banks lose money here, and are taxed nothing"


def test_the_bad_loans_of_2015_are_charged_to_true_capital():
    """A2: provisions were added to it, and what they were made for was never taken off."""
    result = run(policy("old"), medians(1, zombie_share_initial=1e-9, other_soe_loan_share=1e-9), calm())
    y = result.yearly
    loans, capital = (result.state("banks", name)[:, :, 0] for name in ("loans", "capital"))
    left = array(BASE.npl_ratio)[:, 0] * loans[0] * 0.7 * y["loss_given_default"][0, :, 0]
    before_growth = 0.78 * loans[0]
    without = (capital[1] + y["provisions"][0, :, 0] - y["hidden_loss"][0, :, 0]) / before_growth
    assert_close(y["true_capital_ratio"][0, :, 0], without - left / before_growth)
    assert np.all(left / before_growth > 0.008)


def test_zombie_shares_are_weighted_by_debt():
    """A3: steel owes ten times as much as cement, and counted as much."""
    result = run(policy("old"), drawn(64), shocks(64))
    shares = result.yearly["zombie_share"][-1, NORTHEAST]
    k, d = (result.state("industry", "capacity")[-1, NORTHEAST], result.state("enterprises", "leverage")[-1, NORTHEAST])
    base = [array(part)[NORTHEAST] for part in (BASE.liabilities, BASE.leverage, BASE.capacity)]
    debt = base[0] * (d / base[1]) * (k / base[2])
    assert_close(outcome("zombie_share_last", result), (shares * debt).sum((0, 1)) / debt.sum((0, 1)))
    assert not np.allclose(outcome("zombie_share_last", result), shares.mean((0, 1)), rtol=0.01)
    found = economy.mean_zombie(BASE.zombie_scale, BASE.zombie_scale_other, BASE.liabilities, KNOWN)
    by_debt = (array(BASE.zombie_scale) * array(BASE.liabilities)).sum(1) / array(BASE.liabilities).sum(1)
    assert_close(array(found), 0.5 * by_debt + 0.5 * array(BASE.zombie_scale_other))


def test_job_protection_has_no_step():
    """A4: at a protection of one half, layoffs by default jumped by two thirds."""
    at = jnp.linspace(0.45, 0.55, 101)
    effects = np.asarray(labour.default_effect(at, jnp.asarray(False), KNOWN))
    assert np.all(np.abs(np.diff(effects)) < 2e-4)


def test_who_moves_away_to_work_is_no_failure():
    """A5: help to move lowered the share of those who were placed."""
    stay, move = (
        run(policy("reform_full", labour_mobility=lever, central_share=1.0), drawn(256), shocks(256))
        for lever in (0.0, 1.0)  # paid by the centre, so that it takes nothing from other help
    )
    assert np.all(outcome("reemployed_share", move) > outcome("reemployed_share", stay))
    here = "reemployed_in_northeast_share"
    assert np.all(outcome(here, move) < outcome(here, stay))
    assert np.all(outcome("reemployed_share", move) <= 1)


def test_the_fund_raises_the_level_of_gdp_by_a_bounded_amount():
    """A6: a fund of 100,000 bn yuan raised GDP elevenfold, for good."""
    given = medians(1, reemployment_hazard_base=0.4)
    none, vast = (
        run(policy("reform_full", resettlement_fund=fund, central_share=1.0), given, calm()) for fund in (0.0, 1e5)
    )
    with_fund, without = (result.yearly["gdp_index"][:, NORTHEAST, 0] for result in (vast, none))
    multiplier = float(given["lost_wage_multiplier"][0])
    # beside it, those who find work at once spend their wages: the pool is a few in a thousand of the region's income
    assert np.all(np.log(with_fund / without) < multiplier * 0.02 * 1.25 + 0.01)
    assert np.all(np.log(with_fund / without)[4:] < multiplier * 0.01 + 0.01)
    assert np.all(with_fund[0] > without[0])


def test_bad_goes_with_bad_in_every_group():
    """A7: a faster slowdown of growth went with fewer zombies."""
    study = load_study("rustbelt", paths=4096)
    for name, group in study.groups.items():
        matrix = group.copula.matrix(group.members)
        for (i, a), (j, b) in itertools.combinations(enumerate(group.members), 2):
            same = (a in GOOD) == (b in GOOD)
            assert matrix[i, j] == 0 or (matrix[i, j] > 0) == same, (name, a, b)


OUTCOMES = (
    "capital_shortfall_peak",
    "displaced_person_years",
    "zombie_share_last",
    "gdp_loss_last",
    "bank_loss",
    "layoffs",
)
EXCEPTIONS = {
    "out_migration_hazard": "who leaves is not displaced any longer; that people leave is counted by displaced_left",
    "steel_price_response": "a strong response is bad while plants stand idle and good once they are used",
    "coal_price_response": "the same",
    "cement_price_response": "the same",
    "steel_margin_response": "what low prices take, high ones give",
    "coal_margin_response": "the same",
    "cement_margin_response": "the same",
    "steel_recovery_years": "a slow price is slow to recover, and slow to fall",
    "coal_recovery_years": "the same",
    "cement_recovery_years": "the same",
    "urbanisation_years": "building lasts, and so do the plants that are kept for it",
    "fiscal_space_initial": "room in the budget keeps zombies alive too",
    "zombie_growth_drag": "where zombies become fewer it is a gain",
    "asset_correlation": "it lowers the chance of distress in most years and raises it in the worst ones",
}


@pytest.mark.slow
@pytest.mark.parametrize("under", ["old", "reform_full"])
def test_what_is_called_bad_is_bad_for_the_northeast(under):
    """Each factor, in the outcome that it moves most: its rank correlation has the sign that the groups give it."""
    factors = drawn(8192, seed=7)
    rng = np.random.default_rng(8)
    alone = factors | {name: np.asarray(law.quantile(rng.random(8192))) for name, law in LAWS.items()}
    result = run(policy(under), alone, shocks(8192))
    values = {name: outcome(name, result) for name in OUTCOMES}
    grouped = [name for name, table in STUDY["factors"].items() if "group" in table and name in MODEL.factors]
    wrong = []
    for name in grouped:
        found = {key: spearmanr(alone[name], value).statistic for key, value in values.items()}
        strongest = max(found.values(), key=abs)
        if abs(strongest) > 0.05 and (strongest < 0) != (name in GOOD) and name not in EXCEPTIONS:
            wrong.append((name, found))
    assert not wrong


def test_other_state_firms_gain_zombies_on_the_same_footing():
    """A8: of what was rolled over, sectors kept all as zombies, other firms half."""
    given = medians(1, zombie_share_initial=1e-9, loss_given_default=0.5)
    whole, half, none = (
        run(policy("old", evergreening=lever, resolution_rate=0.0, bank_transparency=0.0), given, calm())
        for lever in (1.0, 0.5, 0.0)
    )
    for name, where in (("zombie", slice(None)), ("zombie_other", 3)):  # there nothing spills over from the sectors
        gained = [result.state("enterprises", name)[1, where] for result in (whole, half)]
        assert_close(gained[1], 0.5 * gained[0], dtype=np.float32)
    # all of the insolvent either become zombies or are recognised
    closing = given["closure_default_share"] * (
        1 - (1 - none.yearly["closed_share"][0]) * (1 - none.yearly["given_up_share"][0])
    )
    recognised = none.yearly["soe_default_share"][0] - closing
    assert_close(recognised, whole.state("enterprises", "zombie")[1], dtype=np.float32)


@pytest.mark.parametrize("last", [2018, 2020, 2040])
def test_a_study_may_end_in_any_year(tmp_path, last):
    """A9: three outcomes named 2030, and a study that ended before was refused."""
    file = tmp_path / "short.toml"
    file.write_text(f'name = "short"\nextends = "rustbelt"\ntime = {{ last = {last} }}\nrun = {{ paths = 64 }}\n')
    study = load_study(file)
    assert study.years[-1] == last
    # but for the article's own horizon, which is all years where a study ends before
    for name in study.model.outcomes:
        whole = name.removesuffix("_2020")
        assert not re.search(r"20\d\d", whole)
        assert whole == name or {whole, f"{whole}_last"} & set(study.model.outcomes)


@pytest.mark.slow
@pytest.mark.parametrize("last", [2018, 2020, 2040])
def test_and_it_runs(tmp_path, last):
    file = tmp_path / "short.toml"
    file.write_text(f'name = "short"\nextends = "rustbelt"\ntime = {{ last = {last} }}\nrun = {{ paths = 256 }}\n')
    paths = engine.run(load_study(file), tmp_path / "run", device="cpu").cube["paths"].data_vars
    assert all(np.isfinite(values).all() for values in paths.values())
    early = [name.removesuffix("_2020") for name in paths if name.endswith("_2020")]
    assert len(early) == 9
    for name in early:
        whole = paths[name if name in paths else f"{name}_last"]
        assert np.array_equal(paths[f"{name}_2020"], whole) == (last <= 2020), name


def test_long_names_stand_alone():
    """A10: "recognised" is no name of a loss."""
    abouts = {name: part.about for part in (MODEL.yearly, MODEL.outcomes) for name, part in part.items()}
    for name, about in abouts.items():
        assert len(about.split()) >= 2 or about.startswith(("leverage", "loss")), (name, about)
        assert not re.fullmatch(r"the same.*|recognised|mean over.*|lowest, over.*", about), (name, about)
    for part in (MODEL.yearly, MODEL.outcomes):
        named = [entry.about for entry in part.values()]
        assert len(set(named)) == len(named)
