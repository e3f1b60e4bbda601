"""Limits of the rustbelt model's levers, what is monotone in it, and its base year. Its balances are those of the
rewrite in `tests/models/test_rustbelt_text.py`, with which it agrees.
"""

import numpy as np

from engine.models.rustbelt.base_2015 import BASE, read_rows
from tests.helpers import assert_close
from tests.rustbelt_paths import LAWS, MODEL, STUDY, drawn, policy, run, shocks

# ------------------------------------------------------------------ limits


def test_the_fund_is_spent_once_as_far_as_budgets_pay():
    rich = run(policy("reform_full"), drawn(64, fiscal_space_initial=1.0), shocks(64)).yearly
    assert_close(rich["fund_spending"].sum((0, 1)), np.full(64, 100.0))
    for name, years in (("reform_full", (0, 1)), ("delayed_reform", (5, 6))):
        spent = run(policy(name), drawn(64), shocks(64)).yearly["fund_spending"].sum(1)
        assert np.all(spent <= 50 * (1 + 1e-12)) and np.all(spent[list(years)] > 0)
        assert not np.delete(spent, years, axis=0).any()
    paid = run(policy("reform_full", central_share=1.0), drawn(64), shocks(64)).yearly
    assert_close(paid["fund_spending"][:2].sum(1), np.full((2, 64), 50.0))


def test_reform_with_every_lever_of_old_is_old_to_the_bit():
    levers = {k: v for k, v in STUDY["policies"]["old"].items() if k not in ("about", "label")}
    levers = {"recapitalisation": 0, "resettlement_fund": 0, **levers}
    same = run(policy("reform_full", **levers), drawn(64), shocks(64))
    old = run(policy("old"), drawn(64), shocks(64))
    for name, values in old.yearly.items():
        np.testing.assert_array_equal(same.yearly[name], values)


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
