"""Balances of the rustbelt model (items 1 to 6), what is monotone in it, and its base year."""

import functools

import numpy as np
import pytest

from engine.models.rustbelt.base_2015 import BASE, read_rows
from tests.helpers import assert_close
from tests.rustbelt_paths import (
    KNOWN,
    LAWS,
    MODEL,
    NORTHEAST,
    STUDY,
    Run,
    array,
    drawn,
    medians,
    outcome,
    policy,
    run,
    shocks,
)

PATHS = 1024
POLICIES = ("old", "reform_full", "shock_therapy", "delayed_reform", "actual_like", "thirty_pct_capacity")


@functools.cache
def lived(name: str) -> Run:
    return run(policy(name), drawn(PATHS), shocks(PATHS))


def cells(table) -> np.ndarray:
    """A table of constants as an array [*labels]."""
    return array(table)[..., 0]


@pytest.fixture(params=POLICIES)
def named(request):
    return request.param, lived(request.param)


# ------------------------------------------------------------------ balances


def test_every_worker_of_a_cell_stays_is_laid_off_or_retires(named):
    _, result = named
    employed = result.state("labour", "employment")
    y = result.yearly
    left = employed[:-1] - (y["cut_layoffs"] + y["market_layoffs"] + y["default_layoffs"])
    assert_close(employed[1:], left * (1 - KNOWN.retirement))
    retired = (left * KNOWN.retirement).sum(0)
    laid_off = (y["cut_layoffs"] + y["market_layoffs"] + y["default_layoffs"]).sum(0)
    assert_close(employed[0], employed[-1] + laid_off + retired)


def test_everyone_who_entered_the_pool_left_it_or_is_in_it(named):
    _, result = named
    y = result.yearly
    left = (y["reemployed"] + y["out_migrated"] + y["exited"]).sum(0)
    entered = (y["layoffs"] - y["internal_transfer"] - y["early_retired"] + 0.6 * y["indirect_layoffs"].sum(2)).sum(0)
    assert_close(entered, left + y["displaced_pool"][-1])
    assert_close(entered[NORTHEAST].sum(0), np.asarray(result.states[-1].labour.entered_northeast))
    assert_close(y["reemployed"][:, NORTHEAST].sum((0, 1)), np.asarray(result.states[-1].labour.reemployed_northeast))


def test_layoffs_are_the_sum_of_their_kinds_and_those_settled_are_fewer(named):
    _, result = named
    y = result.yearly
    kinds = (y["cut_layoffs"] + y["market_layoffs"] + y["default_layoffs"]).sum(2)
    assert_close(y["layoffs"], kinds)
    assert np.all(y["internal_transfer"] + y["early_retired"] <= y["layoffs"] * (1 + 1e-15))


def test_net_jobs_lost_are_those_nobody_was_found_for(named):
    _, result = named
    y = result.yearly
    settled = np.cumsum(y["internal_transfer"] + y["early_retired"] + y["reemployed"], axis=0)
    assert_close(y["net_jobs_lost"], np.cumsum(y["layoffs"], axis=0) - settled)


def test_bank_capital_changes_by_income_losses_and_recapitalisation(named):
    _, result = named
    capital, y = result.state("banks", "capital"), result.yearly
    assert_close(capital[1:], capital[:-1] + y["retained_income"] + y["recapitalisation_cost"])


def test_every_bill_has_a_payer_and_no_budget_pays_what_it_has_not(named):
    _, result = named
    y, space, index = result.yearly, result.state("economy", "fiscal_space"), result.state("economy", "gdp")
    gdp = cells(BASE.gdp)[:, None] * index
    bills = y["subsidies"] + y["recapitalisation_cost"] + y["fund_spending"] + y["programme_spending"]
    assert_close(y["paid_by_centre"] + y["paid_by_provinces"], bills)
    assert_close(y["public_cost"], bills)
    purse = np.maximum(space[:-1] + KNOWN.overdraft, 0.0) * gdp[:-1]
    assert np.all(y["paid_by_provinces"] <= purse * (1 + 1e-12))
    fed = 0.004 * np.exp(6 * np.clip(y["growth"] - 0.04, -0.1, 0.1))
    assert_close(space[1:], np.minimum(space[:-1] + fed - y["paid_by_provinces"] / gdp[1:], 0.12))


def test_the_total_bill_is_what_was_paid_and_the_hole_that_is_left(named):
    _, result = named
    parts = [outcome(name, result) for name in ("paid_by_centre", "paid_by_provinces", "hole_left")]
    assert_close(outcome("total_bill", result), sum(parts))
    assert_close(outcome("public_cost", result), parts[0] + parts[1])
    last = result.yearly["capital_shortfall"][-1, NORTHEAST].sum(0)
    assert_close(parts[2], last * 100 / cells(BASE.gdp)[NORTHEAST].sum())


def test_capacity_changes_by_cuts_and_additions(named):
    name, result = named
    capacity, gap = result.state("industry", "capacity"), result.state("industry", "price_gap")[:-1]
    chosen = policy(name)
    now = np.array([(chosen.before or chosen) if year < chosen.start else chosen for year in range(2016, 2031)])
    lever = np.array([at.levers["new_capacity"][t] for t, at in enumerate(now)])[:, None, None]
    used = result.state("industry", "output")[:-1].sum(1) / capacity[:-1].sum(1)
    freedom = lever + (1 - lever) * np.clip(10 * (used - 0.85), 0, 1)
    here = np.array([0.6, 0.6, 0.6, 1.0])
    added = (freedom * 0.10 * np.maximum(gap, 0))[:, None] * here[None, :, None, None]
    y = result.yearly
    left = (1 - y["closed_share"]) * (1 - y["given_up_share"])
    assert_close(capacity[1:], capacity[:-1] * (left + added))


def test_without_exit_plants_leave_by_plan_alone():
    factors = drawn(256, exit_rate=0.0)
    result = run(policy("old"), factors, shocks(256))
    assert not result.yearly["given_up_share"].any()
    more = run(policy("old"), drawn(256), shocks(256)).yearly["given_up_share"]
    assert np.all((more > 0).any((0, 1, 2)) & (more < 0.5).all((0, 1, 2)))


def test_regions_add_up_to_the_nation(named):
    _, result = named
    for quantity, known in (("capacity", (1150, 5700, 3350)), ("output", (804, 3680, 2360))):
        by_cell = result.state("industry", quantity)
        assert_close(by_cell[0].sum(0)[:, 0], known)
        assert_close(by_cell[1:].sum(1), result.yearly[quantity])


def test_the_fund_is_spent_once_as_far_as_budgets_pay():
    rich = run(policy("reform_full"), drawn(64, fiscal_space_initial=1.0), shocks(64)).yearly
    assert_close(rich["fund_spending"].sum((0, 1)), np.full(64, 100.0))
    for name, years in (("reform_full", (0, 1)), ("delayed_reform", (5, 6))):
        spent = lived(name).yearly["fund_spending"].sum(1)
        assert np.all(spent <= 50 * (1 + 1e-12)) and np.all(spent[list(years)] > 0)
        assert not np.delete(spent, years, axis=0).any()
    paid = run(policy("reform_full", central_share=1.0), drawn(64), shocks(64)).yearly
    assert_close(paid["fund_spending"][:2].sum(1), np.full((2, 64), 50.0))


def test_shares_and_stocks_stay_in_their_bounds(named):
    _, result = named
    y = result.yearly
    for share, low, high in (
        ("zombie_share", 0, 0.95),
        ("utilisation", 0, 0.97),
        ("npl_ratio", 0, 1),
        ("soe_default_share", 0, 0.6),
        ("leverage", 0.3, 1.3),
        ("loss_given_default", 0, 1),
        ("closed_share", 0, 0.9),
        ("given_up_share", 0, 0.5),
        ("price_gap", -1.3, 1.0),
    ):
        assert y[share].min() >= low and y[share].max() <= high, share
    for stock in (
        "displaced_pool",
        "employment",
        "capacity",
        "output",
        "reemployed",
        "out_migrated",
        "exited",
        "bank_loss",
        "paid_by_centre",
        "paid_by_provinces",
        "kept_workers",
    ):
        assert y[stock].min() >= 0, stock
    assert np.all(y["kept_workers"] <= y["employment"])
    assert all(np.isfinite(values).all() for values in y.values())


def test_without_a_cut_nobody_is_laid_off_by_cuts():
    result = run(policy("reform_full", capacity_cut=0), drawn(64), shocks(64))
    assert not result.yearly["cut_layoffs"].any()


def test_reform_with_every_lever_of_old_is_old_to_the_bit():
    levers = {k: v for k, v in STUDY["policies"]["old"].items() if k not in ("about", "label")}
    levers = {"recapitalisation": 0, "resettlement_fund": 0, **levers}
    same = run(policy("reform_full", **levers), drawn(64), shocks(64))
    old = run(policy("old"), drawn(64), shocks(64))
    for name, values in old.yearly.items():
        np.testing.assert_array_equal(same.yearly[name], values)


# ------------------------------------------------------------------ monotone


def paths_with(name: str = "reform_full", levers: dict | None = None, **shifts) -> Run:
    """Paths with some factors multiplied, on the same draws."""
    factors = drawn(256)
    return run(
        policy(name, **(levers or {})), {**factors, **{k: factors[k] * by for k, by in shifts.items()}}, shocks(256)
    )


def test_cut_layoffs_rise_with_the_cut_and_with_its_labour_elasticity():
    base = paths_with().yearly["cut_layoffs"]
    assert np.all(paths_with(levers={"capacity_cut": 1.2}).yearly["cut_layoffs"][0] > base[0])
    more = paths_with(coal_cut_labour_elasticity=1.2).yearly["cut_layoffs"]
    assert np.all(more[0, :, 1] > base[0, :, 1])


def test_losses_rise_with_the_loss_given_default_and_the_chance_of_default():
    base = paths_with().yearly["bank_loss"][0]
    assert np.all(paths_with(loss_given_default=1.1).yearly["bank_loss"][0] > base)
    # what is a zombie already does not turn insolvent again, so that on a few paths less is lost at first
    more = paths_with(zombie_share_initial=1.1).yearly["bank_loss"][0]
    assert np.mean(more > base) > 0.95 and more.mean() > base.mean()


@pytest.mark.slow
@pytest.mark.parametrize(
    "effect",
    ["reemployment_hazard_base", "service_sector_effect", "fund_search_effect", "startup_effect", "sme_credit_effect"],
)
def test_the_pool_shrinks_as_help_grows(effect):
    base, helped = paths_with(), paths_with(**{effect: 1.1})
    assert np.all(helped.yearly["displaced_pool"][0, NORTHEAST] <= base.yearly["displaced_pool"][0, NORTHEAST])
    assert np.mean(outcome("displaced_person_years", helped)) < np.mean(outcome("displaced_person_years", base))


def test_the_shortfall_falls_with_initial_capital():
    base, richer = paths_with("old"), paths_with("old", capital_ratio_initial=1.1)
    assert np.all(richer.yearly["capital_shortfall"][0] <= base.yearly["capital_shortfall"][0])
    # later a richer bank lends more, so only the mean must fall
    assert np.mean(outcome("capital_shortfall_peak", richer)) < np.mean(outcome("capital_shortfall_peak", base))


# ------------------------------------------------------------------ base year


def test_every_number_of_the_base_year_has_unit_source_and_confidence():
    rows = read_rows()
    assert len(rows) > 150
    for row in rows:
        assert row["unit"] and row["source"] and row["confidence"] in ("F", "M", "D"), row
    keys = [(row["quantity"], row["region"], row["sector"]) for row in rows]
    assert len(set(keys)) == len(keys)


def test_the_rest_of_china_closes_the_national_cut():
    national = (BASE.cut_intensity * BASE.capacity).over("region")
    assert_close(national.values, BASE.national_capacity.values)


def test_every_factor_of_the_model_has_a_prior_with_a_source():
    of_policies = {value for table in STUDY["policies"].values() for value in names(table) if value in STUDY["factors"]}
    assert set(STUDY["factors"]) == set(MODEL.factors) | of_policies
    for name, prior in STUDY["factors"].items():
        assert prior["source"], name
        assert name not in MODEL.factors or prior["unit"] == MODEL.factors[name].unit


def test_a_part_of_something_is_drawn_between_nothing_and_all():
    """Above all of it, full transparency rolled over less than nothing. A kept worker may cost his firm more than his
    wage.
    """
    parts = {name for name, part in MODEL.factors.items() if part.about.startswith(("part of", "share of"))}
    assert len(parts) > 10 and "overstaffing_cost" in parts
    for name in parts - {"overstaffing_cost"}:
        low, high = LAWS[name].quantile(np.array([1e-9, 1 - 1e-9]))
        assert 0 <= low < high <= 1, name


def names(value) -> set[str]:
    """All texts in a policy's table."""
    if isinstance(value, dict):
        return set().union(*map(names, value.values()))
    return {value} if isinstance(value, str) else set()


def test_medians_run():
    assert np.isfinite(outcome("gdp_index_last", run(policy("old"), medians(), shocks(1)))).all()
