"""A policy with other levers has the bits of the study that states these levers."""

import numpy as np
import pytest

import engine
from engine.errors import UserError
from engine.modelling.folds import lowest, total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, Yearly
from engine.program import devices
from engine.risk.estimation.measures import probability, summary
from engine.study.loading import load_study
from tests.helpers import assert_same

SETTINGS = 50


class Dam(PathModel):
    """A reservoir with two users, each with a quota."""

    dims = {"use": ("farm", "town")}
    factors = {"inflow": Factor("hm3/yr"), "capacity": Factor("hm3")}
    shocks = {"drought": Shock()}
    levers = {"release": Lever("share", 0.2, low=0.0, high=1.0), "quota": Lever("hm3", 1.0, ("use",), low=0.0)}
    yearly = {"stock": Yearly("hm3")}
    outcomes = {"lowest_stock": Outcome("hm3", lowest("stock")), "shortage": Outcome("hm3", total("short"), loss=True)}

    def init(self, factors, levers):
        return factors.capacity

    def step(self, state, year, factors, shocks, levers):
        taken = levers.release * state + levers.quota["farm"] + levers.quota["town"]
        stock = (state - taken + factors.inflow * (1.0 + 0.3 * shocks.drought)).clip(0.0, factors.capacity)
        return stock, {"stock": stock, "short": (2.0 - stock).clip(0.0, None) * levers.quota["town"]}


def tables(sampler="sobol", **reform):
    """The study of the dam, with a reform that is phased in, draws a lever and is implemented in part."""
    lognormal = {"family": "lognormal", "p05": 1.0, "p95": 4.0}
    share = {"family": "uniform", "low": 0.1, "high": 0.9}
    return {
        "name": "dam", "baseline": "keep", "headline": ["shortage"], "time": {"first": 2020, "last": 2024},
        "run": {"paths": 4096, "seed": 5, "sampler": sampler},
        "factors": {"inflow": lognormal, "capacity": {"family": "uniform", "low": 5.0, "high": 9.0},
                    "drawn_release": share, "reach": share},
        "policies": {"keep": {}, "reform": {"before": "keep", "start": 2022, "implementation": "reach",
                                            "release": "drawn_release", "quota": {"town": 0.5}, **reform},
                     "idle": {"release": "drawn_release"}},
        "compare": ["keep", "reform"],
        "events": {"dry": {"outcome": "lowest_stock", "below": 2.0}},
    }  # fmt: skip


def loaded(**reform):
    """The study with some levers of the reform as stated."""
    return load_study(tables(**reform), model=Dam())


def random_setting(random):
    """One or both levers: a number, or one by year, by label or by label and year."""

    def by_year(low, high):
        years = sorted(random.choice(range(2020, 2025), random.integers(1, 4), replace=False).tolist())
        return {str(year): float(random.uniform(low, high)) for year in years}

    numbers = {
        "release": lambda: [float(random.uniform()), by_year(0, 1)][random.integers(2)],
        "quota": lambda: [
            float(random.uniform(0, 3)), by_year(0, 3),
            {"farm": float(random.uniform(0, 3)), "town": by_year(0, 3)},
        ][random.integers(3)],
    }  # fmt: skip
    names = [("release",), ("quota",), ("release", "quota")][random.integers(3)]
    return {name: numbers[name]() for name in names}


@pytest.fixture(scope="module")
def evaluator():
    return engine.Evaluator(loaded(), "reform", ("lowest_stock", "shortage", "dry"))


def test_an_evaluation_is_the_study_that_states_these_levers(evaluator):
    random = np.random.default_rng(3)
    settings = [random_setting(random) for _ in range(SETTINGS)]
    found = evaluator.outcomes(settings)
    assert found.sizes == {"setting": SETTINGS, "path": 4096}
    stated = tables()
    own = {f"set_{k}": stated["policies"]["reform"] | setting for k, setting in enumerate(settings)}
    study = load_study(stated | {"policies": stated["policies"] | own, "compare": ["keep", *own]}, model=Dam())
    (block,) = study.blocks()
    outcomes = devices.program(study).submit(block).of(block)
    for k, name in enumerate(own):
        for outcome, values in zip(("lowest_stock", "shortage"), outcomes[study.row(name)], strict=True):
            assert_same(found[outcome][k], values)
    assert_same(found.dry, found.lowest_stock < 2.0)


def test_a_factor_can_be_set_to_a_number_beside_levers(evaluator):
    found = evaluator.outcomes({"capacity": [6.0, 7.0], "release": 0.4})
    for k, value in enumerate((6.0, 7.0)):
        stated = tables(release=0.4)
        stated["factors"]["capacity"] = {"family": "fixed", "value": value}
        other = engine.Evaluator(load_study(stated, model=Dam()), "reform", "shortage")
        assert_same(found.shortage[k], other.outcomes({}).shortage[0])


def test_lists_and_tables_state_the_same_settings(evaluator):
    arrays = evaluator.outcomes({"release": np.array([0.1, 0.3]), "quota": {"town": {2021: np.float32(0.5)}}})
    listed = evaluator.outcomes([{"release": x, "quota": {"town": {"2021": 0.5}}} for x in (0.1, 0.3)])
    for name in arrays:
        assert_same(arrays[name], listed[name])
    assert arrays.shortage.attrs == {"units": "hm3"}


def test_measures_are_those_of_risk(evaluator):
    setting = {"release": [0.2, 0.6]}
    paths, found = evaluator.outcomes(setting), evaluator.measures(setting, ("mean", "ES95"))
    unit = evaluator.study.unit
    for k in range(2):
        of = summary(paths.shortage[k].values, unit, True)
        assert_same(found.shortage[k, :2], np.array([of["mean"].column, of["ES95"].column]))
        assert_same(found.dry.sel(measure="probability")[k], np.array(probability(paths.dry[k].values, unit).column))
    assert found.dry.sel(measure="mean").isnull().all() and found.shortage.sel(measure="probability").isnull().all()


def test_what_cannot_be_evaluated_is_refused(evaluator):
    for setting, text in [
        ({"relase": 0.1}, "unknown lever or factor 'relase'"),
        ({"release": 1.5}, "expected 0 to 1"),
        ({"release": "inflow"}, "expected numbers, got 'inflow'"),
        (
            {"release": [0.1, 0.2], "quota": [1.0]},
            "expected lists of the same length, got 2 for 'release', 1 for 'quota'",
        ),
    ]:
        with pytest.raises(UserError, match=text):
            evaluator.outcomes(setting)
    with pytest.raises(UserError, match="unknown policy 'refrom'"):
        engine.Evaluator(loaded(), "refrom")
    with pytest.raises(UserError, match="unknown measure 'ES98'"):
        evaluator.measures({}, ("ES98",))


def test_a_setting_may_replace_a_lever_that_is_drawn(evaluator):
    stated = tables()
    del stated["policies"]["idle"]
    study = load_study(stated, model=Dam(), settings=["policies.reform.release=0.3"])
    assert "drawn_release" not in [item.name for item in study.inputs]
    own = engine.Evaluator(study, "reform", "shortage").outcomes({})
    assert_same(own.shortage, evaluator.outcomes({"release": 0.3}).shortage)
