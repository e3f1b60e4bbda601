"""The warming model: closed forms, what is conserved, signs of the levers, the page in plain NumPy, and where its
numbers are from.
"""

import csv
import functools
import tomllib
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import engine
from engine.models.warming import inputs, model
from engine.models.warming.model import State, Warming
from engine.runs.replay import replay
from engine.study.loading import load_study, shipped_studies
from tests.helpers import assert_close
from tests.models.test_no_free_lever import moved

FOLDER = Path(engine.__file__).parent / "models" / "warming"
CONSTANTS = {name: one.value for name, one in inputs.CONSTANTS.items()}
MIDDLE = {
    "sensitivity": 2.5,
    "doubling_forcing": 4.37,
    "mixed_layer": 80.0,
    "deep_layer": 500.0,
    "diffusivity": 0.8,
    "warming_1990": 0.59,
    "past_forcing_growth": 0.025,
    "eruption_chance": 0.05,
    "eruption_size": 1.3,
}
PATHS = np.arange(24)


def factors(**other):
    return SimpleNamespace(**{**CONSTANTS, **MIDDLE, **other})


@functools.cache
def lived():
    """24 paths of the study in double precision, under all its policies."""
    return replay(load_study("warming"), PATHS, precision="float64")


def of(group):
    """Values of a group of the replay by name, the path last."""
    return {name: np.moveaxis(one.values, 0, -1) for name, one in lived()[group].data_vars.items()}


def rows(name):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def observed(variable, until=2024):
    return {
        int(row["time"]): float(row["value"])
        for row in rows("observed")
        if row["variable"] == variable and int(row["time"]) <= until
    }


# ---- closed forms


def steadily(years, forcing, state, given):
    """State after years of a forcing by year, and the forcing of the last one."""
    water = model.ocean(given)
    for year in range(years):
        mixed, deep = model.mean_of_the_year(state, forcing(year), water)
        state = state._replace(mixed=2 * mixed - state.mixed, deep=2 * deep - state.deep)
    return state


AT_REST = State(0.0, 0.0, 0.0, 0.0, ())


@pytest.mark.parametrize("sensitivity", [1.0, 2.5, 6.0])
def test_a_doubling_warms_both_layers_by_the_sensitivity_in_the_end(sensitivity):
    given = factors(sensitivity=sensitivity)
    ended = steadily(5000, lambda year: given.doubling_forcing, AT_REST, given)
    assert_close([ended.mixed, ended.deep], [sensitivity, sensitivity])
    with jax.enable_x64():
        assert_close(model.co2_forcing(2 * given.co2_before, given), given.doubling_forcing)


def test_the_state_of_1990_is_that_of_a_forcing_that_always_grew():
    with jax.enable_x64():
        given = factors()
        rate, gases = given.past_forcing_growth, model.co2_forcing(given.co2_1990, given)
        now = float(model.unexplained_in_1990(given) + gases + given.other_gases_1990)
        years = 1000
        ended = steadily(years, lambda year: now * np.exp(rate * (year + 0.5 - years)), AT_REST, given)
    share = model.deep_share(model.ocean(given), rate)
    step = rate**2 / 8  # of the midpoint rule: what a year of growth is off by
    np.testing.assert_allclose([ended.mixed, ended.deep], given.warming_1990 * np.array([1, share]), rtol=2 * step)


def test_the_usual_veil_is_the_mean_of_the_veil():
    with jax.enable_x64():
        given = factors()
        nodes, weights = np.polynomial.hermite_e.hermegauss(40)
        sizes = [float(model.erupted(given, SimpleNamespace(eruption=0.0, eruption_scatter=node))) for node in nodes]
        mean = given.eruption_chance * np.dot(sizes, weights) / weights.sum()
        usual = float(model.usual_veil(given))
        assert_close(given.veil_left * usual + mean, usual)
        assert model.erupted(given, SimpleNamespace(eruption=0.06, eruption_scatter=1.0)) == 0.0


# ---- the page in plain NumPy


def rewritten(draws, shocks, levers, years):
    """Yearly values by name [year, path], and what is stored by year, by the equations of docs/warming-model.md
    alone."""
    x = SimpleNamespace(**CONSTANTS, **draws)
    seconds, cm2 = 3.156e7, 1e-4
    c, d = (x.ocean_share * x.water_heat * depth / seconds for depth in (x.mixed_layer, x.deep_layer))
    f = x.doubling_forcing / x.sensitivity
    g = x.ocean_share * x.water_heat * x.diffusivity * cm2 / (x.deep_layer / 2)
    r = x.past_forcing_growth
    carbon, T = x.carbon_per_co2 * (x.co2_1990 - x.co2_before) + 0 * f, x.warming_1990
    D, V = T * g / (g + r * d), 0.0
    forced = T * (f + r * c + r * d * g / (g + r * d))
    doublings = lambda co2: np.log(co2 / x.co2_before) / np.log(2)  # noqa: E731
    R = forced - x.doubling_forcing * doublings(x.co2_1990) - x.other_gases_1990
    usual = x.eruption_chance * x.eruption_size * np.exp(x.eruption_spread**2 / 2) / (1 - x.veil_left)
    recent = [value + 0 * f for value in inputs.OBSERVED_TO_1990]
    recorded, stored = [], [(carbon, T, D)]
    for k, year in enumerate(years):
        t = year - 1990.5
        fossil, land = levers["fossil_emissions"][k], levers["land_use_emissions"][k]
        flow = fossil + land + x.uptake_noise * shocks["uptake"][k]
        # A = (A' + A'') / 2 and A'' - A' = flow - A / time
        A = (carbon + flow / 2) / (1 + 1 / (2 * x.uptake_time))
        co2 = x.co2_before + A / x.carbon_per_co2
        s = fossil / 6.203 * np.exp(-x.sulphur_decline * t)
        size = x.eruption_size * np.exp(x.eruption_spread * shocks["eruption_scatter"][k])
        V = x.veil_left * V + np.where(shocks["eruption"][k] < x.eruption_chance, size, 0)
        F = (
            x.doubling_forcing * doublings(co2)
            + x.other_gases_1990
            + x.other_gas_growth * t
            + R * (1 + x.sulphur_share * (s - 1))
            + usual
            - V
        )
        balance = np.array([[2 * c + f + g, -g], [-g, 2 * d + g]])
        means = np.linalg.solve(np.moveaxis(balance, -1, 0), np.stack([2 * c * T + F, 2 * d * D], -1)[..., None])
        mixed, deep = means[..., 0, 0], means[..., 1, 0]
        carbon, T, D = 2 * A - carbon, 2 * mixed - T, 2 * deep - D
        warming = mixed + x.weather_noise * shocks["weather"][k]
        recent = [*recent[-9:], warming]
        recorded.append(
            {
                "warming": warming,
                "decade_warming": np.mean(recent, 0),
                "co2": co2,
                "forcing": F,
                "imbalance": F - f * mixed,
            }
        )
        stored.append((carbon, T, D))
    return {name: np.stack([year[name] for year in recorded]) for name in recorded[0]}, stored


@functools.cache
def pages():
    """What the page makes of the same draws and shocks: policy -> yearly values and what is stored."""
    study = load_study("warming")
    return {policy.name: rewritten(of("draws"), of("shocks"), policy.levers, study.years) for policy in study.policies}


def test_every_yearly_value_is_that_of_the_page():
    ours = of("yearly")
    for p, (values, _) in enumerate(pages().values()):
        assert {*values} == {*ours}
        for name, one in values.items():
            np.testing.assert_allclose(ours[name][p], one, rtol=1e-9, err_msg=name)


def test_outcomes_are_folds_of_the_years():
    ours = of("outcomes")
    for p, (values, _) in enumerate(pages().values()):
        assert_close(ours["warming_last"][p], values["warming"][-1])
        assert_close(ours["warming_last_decade"][p], values["warming"][-10:].mean(0))
        assert_close(ours["warming_peak"][p], values["warming"].max(0))
        assert_close(ours["hot_years"][p], (values["warming"] > 1.5).sum(0))
        assert_close(ours["co2_last"][p], values["co2"][-1])
        assert_close(ours["heat_taken_up"][p], values["imbalance"].sum(0))


# ---- what is conserved


def test_heat_that_is_taken_up_is_in_the_ocean():
    draws, heat = of("draws"), CONSTANTS["ocean_share"] * CONSTANTS["water_heat"] / 3.156e7
    for p, (_, stored) in enumerate(pages().values()):
        (_, mixed, deep), (_, mixed_at_end, deep_at_end) = stored[0], stored[-1]
        kept = heat * (draws["mixed_layer"] * (mixed_at_end - mixed) + draws["deep_layer"] * (deep_at_end - deep))
        np.testing.assert_allclose(of("outcomes")["heat_taken_up"][p], kept, rtol=1e-9)


def test_carbon_is_emitted_taken_up_or_in_the_air():
    study, draws, shocks, ours = load_study("warming"), of("draws"), of("shocks"), of("yearly")["co2"]
    for p, (policy, (_, stored)) in enumerate(zip(study.policies, pages().values(), strict=True)):
        above = CONSTANTS["carbon_per_co2"] * (ours[p] - CONSTANTS["co2_before"])
        taken = (above / draws["uptake_time"] - draws["uptake_noise"] * shocks["uptake"]).sum(0)
        emitted = sum(policy.levers[name].sum() for name in ("fossil_emissions", "land_use_emissions"))
        np.testing.assert_allclose(stored[-1][0] - stored[0][0], emitted - taken, rtol=1e-9)


# ---- levers


@functools.cache
def differences(share=None):
    """What the most of each lever moves, as `test_no_free_lever` has it; `share` of sulphur in what is unexplained."""
    document = tomllib.loads(shipped_studies()["warming"].read_text(encoding="utf-8"))
    if share is not None:
        document["factors"]["sulphur_share"] = {"family": "fixed", "value": share}
    return moved(document, Warming(), dict.fromkeys(inputs.LEVERS, "frozen_1990"), {})


@pytest.mark.parametrize("lever", inputs.LEVERS)
def test_more_emissions_are_more_co2_and_without_sulphur_more_warming_on_every_path(lever):
    price, without = inputs.LEVERS[lever].price, differences(0)[lever]
    assert differences()[lever][price.outcome].mean() > price.by
    assert np.all(differences()[lever]["co2_last"] > 0)
    assert np.all(without["warming_last_decade"] > 0) and np.all(without["heat_taken_up"] > 0)


def test_sulphur_of_fuels_hides_part_of_what_they_warm():
    with_, without = (differences(share)["fossil_emissions"]["warming_last_decade"] for share in (1, 0))
    assert (with_ - without).mean() < -0.1


# ---- where its numbers are from


def test_policies_emit_what_the_data_say():
    levers = {policy.name: policy.levers for policy in load_study("warming").policies}
    for name in inputs.LEVERS:
        emitted = {int(row["year"]): float(row["value"]) for row in rows("emissions") if row["lever"] == name}
        assert inputs.LEVERS[name].default == emitted[1990]
        np.testing.assert_allclose(levers["as_emitted"][name], [emitted[year] for year in range(1991, 2025)])
        assert np.all(levers["frozen_1990"][name] == emitted[1990])
    fossil = {int(row["year"]): float(row["value"]) for row in rows("emissions")[:3]}
    path = levers["falling"]["fossil_emissions"]
    np.testing.assert_allclose(path[:15], np.linspace(fossil[1990], 0.8 * fossil[1988], 16)[1:], atol=6e-4)
    assert np.all(path[15:] == path[14])


def test_priors_that_follow_by_a_rule_do_so_from_years_to_1990():
    study = load_study("warming").document["factors"]
    warming = observed("warming", 1990)
    assert (*list(warming.values())[-9:],) == inputs.OBSERVED_TO_1990
    since_end = np.arange(1961, 1991) - 1990.5
    fit, covariance = np.polyfit(since_end, list(warming.values()), 1, cov="unscaled")
    around = np.array([*warming.values()]) - np.polyval(fit, since_end)
    sd = around.std(ddof=2)
    end, error = np.polyval(fit, 0.5), sd * np.sqrt(np.array([0.5, 1]) @ covariance @ [0.5, 1])
    assert end == pytest.approx(0.588, abs=5e-4) and study["warming_1990"]["mean"] == round(end, 2)
    assert error == pytest.approx(0.039, abs=1e-3)
    assert study["warming_1990"]["sd"] == pytest.approx(1.5 * error, abs=2e-3)
    assert study["weather_noise"]["p50"] == pytest.approx(sd, abs=2e-3)
    co2 = observed("co2", 1990)
    growth = np.diff(list(co2.values()))
    assert CONSTANTS["co2_1990"] == pytest.approx(co2[1990] + growth.mean() / 2, abs=0.05)
    noise = growth.std(ddof=1) * np.sqrt(2) * CONSTANTS["carbon_per_co2"]
    assert study["uptake_noise"]["p50"] == pytest.approx(noise, abs=0.05)
