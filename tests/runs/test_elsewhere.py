"""Futures as other packages have them: what they hold is what the run holds, and those packages take it."""

import sys
import warnings
from inspect import signature

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import engine
from engine.errors import UserError
from tests.small_files import BRIDGE, MODELS, write


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("elsewhere")
    model = engine.load_model_file(f"{MODELS}:Bridge")
    return engine.run(str(write(place, BRIDGE)), place / "run", model, device="cpu")


def test_experiments_are_the_rows_of_the_table_with_scenario_policy_and_model(run):
    experiments, outcomes = run.to_ema()
    table = run.to_dataframe()
    assert list(experiments) == ["load", "price", "scenario", "policy", "model"]
    assert len(experiments) == len(table) == 2 * 4000
    assert experiments["policy"].astype(str).tolist() == [policy for policy, _ in table.index]
    assert experiments["scenario"].astype(int).tolist() == [path for _, path in table.index]
    assert set(experiments["model"]) == {run.study.model_name}
    for name in ("load", "price"):
        assert experiments[name].dtype == np.float64 and np.array_equal(experiments[name], table[name])
    assert set(outcomes) == set(run.study.keep.outcomes)
    assert all(np.array_equal(values, table[name]) for name, values in outcomes.items())
    some, few = run.to_ema(10)
    assert len(some) == 20 and {len(values) for values in few.values()} == {20}


def test_the_workbench_takes_them_in_its_own_analyses(run):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ema_workbench.analysis import feature_scoring, prim

        experiments, outcomes = run.to_ema(500)
        x = experiments.drop(columns=["model"])
        before_3 = {"threshold": 0.5} if "threshold" in signature(prim.Prim).parameters else {}
        search = prim.Prim(x.drop(columns=["policy", "scenario"]), (outcomes["damage"] > 0).astype(int), **before_3)
        assert "load" in search.find_box().box_lim.columns
        scores = feature_scoring.get_feature_scores_all(x.drop(columns=["scenario"]), outcomes)
    assert scores.loc["load", "damage"] > scores.loc["price", "damage"]


def test_without_the_workbench_experiments_are_there_all_the_same(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "ema_workbench", None)
    assert isinstance(run.to_ema(5)[0], pd.DataFrame)


def test_arviz_has_draws_and_outcomes_lazily(run):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("arviz")
        data = run.to_arviz()
    prior, predictive = data["prior"], data["prior_predictive"]
    assert dict(prior.sizes) == {"chain": 1, "draw": 4000} and prior["load"].chunks is not None
    assert predictive["damage"].dims[0] == "chain" and set(predictive["damage"].dims) == {"chain", "policy", "draw"}
    assert predictive["damage"].chunks is not None
    table = run.to_dataframe()
    assert np.array_equal(prior["price"].values[0], table.loc["weak", "price"])
    assert np.array_equal(predictive["damage"].sel(chain=0, policy="strong").values, table.loc["strong", "damage"])
    assert prior["load"].attrs["units"] == run.cube["draws"]["load"].attrs["units"]


def test_arviz_summarises_them(run):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arviz = pytest.importorskip("arviz")
        summary = arviz.summary(run.to_arviz(1000).compute(), group="prior", kind="stats")
    assert summary.loc["price", "mean"] == pytest.approx(run.to_dataframe(1000).loc["weak", "price"].mean(), abs=1e-3)


def test_from_arviz_1_on_it_is_a_tree(run, monkeypatch):
    class Later:
        """ArviZ 1.0 has no InferenceData."""

    monkeypatch.setitem(sys.modules, "arviz", Later)
    tree = run.to_arviz(7)
    assert isinstance(tree, xr.DataTree) and tree["prior_predictive"]["damage"].sizes["draw"] == 7


def test_without_arviz_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "arviz", None)
    with pytest.raises(UserError, match=r"pip install 'arviz>="):
        run.to_arviz()
