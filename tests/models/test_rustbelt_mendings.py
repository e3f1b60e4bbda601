"""What was wrong in the first version of the rustbelt model, each mistake with a test that it fails."""

import itertools
import re

import numpy as np
import pytest

import engine
from engine.study.loading import load_study
from tests.rustbelt_paths import NORTHEAST, calm, drawn, medians, outcome, policy, run, shocks

GOOD = {
    *("steel_demand_drift", "coal_demand_drift", "cement_demand_drift", "trade", "urbanisation_years"),
    *("belt_road_demand_share", "internal_transfer_share", "early_retirement_share", "reemployment_hazard_base"),
    *("fund_search_effect", "service_sector_effect", "sme_credit_effect", "startup_effect", "out_migration_hazard"),
    *("job_creation_rate", "spin_off_jobs", "anchor_jobs", "capital_ratio_initial", "pre_provision_profit_rate"),
    *("reform_growth_dividend", "fiscal_space_initial", "mobility_effect", "other_distance"),
}
"""Factors of which high is good for the northeast; of all others in a group it is bad (`tests/models/signs.csv`)."""


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
@pytest.mark.parametrize("last", [2018, 2040])
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
