"""Futures as other packages have them: what they hold is what the run holds, and those packages take it."""

import warnings
from inspect import signature

import numpy as np
import pytest

import engine
from tests.refusals import refuses


@pytest.fixture(scope="module")
def run(runs):
    return engine.open_run(runs / "bridge")


def test_experiments_are_the_rows_of_the_table_with_scenario_policy_and_model(run):
    experiments, outcomes = run.to_ema()
    for wrong in (range(0, 100, 10), range(9, -1, -1), -5):
        with refuses("", "consecutive"):
            run.to_dataframe(wrong)
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


@pytest.mark.slow
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
