"""Runs in double precision, and what is said where single precision is too coarse."""

import json

import numpy as np
import pytest

import engine
from engine.execution import precision
from engine.execution.precision import too_coarse
from engine.modelling.folds import peak
from engine.modelling.records import Factor, Lever, Outcome, PathModel, StaticModel, Yearly
from engine.study.loading import load_study, read_study
from engine.study.study import BLOCK
from tests.helpers import assert_close, assert_same
from tests.small_files import call, ran
from tests.user_models import farms, static


class Bill(StaticModel):
    """A large bill, and the same plus a little."""

    factors = {"amount": Factor("euro")}
    levers = {"fee": Lever("euro")}
    outcomes = {"bill": Outcome("euro", loss=True), "double": Outcome("euro", loss=True)}

    def evaluate(self, factors, levers):
        bill = factors.amount + levers.fee
        return {"bill": bill, "double": 2.0 * bill}


class Sum(StaticModel):
    """An amount and a small part."""

    factors = {"amount": Factor("1"), "small": Factor("1")}
    outcomes = {"sum": Outcome("1")}

    def evaluate(self, factors, levers):
        return {"sum": factors.amount + factors.small}


class Creep(PathModel):
    """A large number that grows by a little every year."""

    factors = {"rate": Factor("1")}
    yearly = {"x": Yearly("1")}
    outcomes = {"x": Outcome("1", peak("x"), loss=True)}

    def init(self, factors, levers):
        return 1e6

    def step(self, state, year, factors, shocks, levers):
        x = state + factors.rate
        return x, {"x": x}


def bill(precision: str | None = None, paths: int = 4096, **tables):
    run = {"sampler": "antithetic"} | ({"precision": precision} if precision else {})
    law = {"amount": {"family": "normal", "mean": 1e9, "sd": 1e6}}
    policies = {"plain": {}, "with_fee": {"fee": 30.0}}
    return static(Bill(), law, paths, policies, run=run, **tables)


def creep(precision: str = "float32", years: int = 40):
    text = {
        "name": "creep",
        "run": {"paths": 2048, "precision": precision},
        "time": {"first": 1, "last": years},
        "factors": {"rate": {"family": "uniform", "low": 0.025, "high": 0.0299}},
    }
    return read_study(text, "creep.toml", model=Creep())


def test_the_number_of_a_fixed_factor_is_not_what_rounding_moves():
    amount = {"family": "fixed", "value": 1e6 + 0.1}  # 0.025 from the nearest number in single precision
    small = {"family": "normal", "mean": 0, "sd": 1}
    study = static(Sum(), {"amount": amount, "small": small}, 4096, {"old": {}})
    assert too_coarse(study) == ()
    (one,) = too_coarse(static(Sum(), {"amount": amount | {"value": 1e8}, "small": small}, 4096, {"old": {}}))
    assert one.place == "outcomes.sum"


def test_single_precision_loses_a_small_difference_and_says_so(tmp_path):
    run = engine.run(bill(), tmp_path / "run", device="cpu")
    assert [(one.place, one.what) for one in run.rounding] == [
        ("outcomes.bill", "difference"),
        ("outcomes.double", "difference"),
    ]
    (held,) = {run.cube["diagnostics"].attrs["rounding"]}
    assert 'precision = "float64"' in json.loads(held)[0]["remedy"]
    assert not run.verify(full=True), "the cube is another one when it is made again"
    again = engine.run(bill(), tmp_path / "run", device="cpu")
    assert again._finished.computed == () and again.rounding == run.rounding


def test_double_precision_keeps_it(tmp_path):
    study = bill("float64", keep={"outcomes": ["bill"]})
    run = engine.run(study, tmp_path / "run", device="cpu")
    assert not run.rounding and "rounding" not in run.cube["diagnostics"].attrs
    values = run.cube["paths"]["bill"]
    assert values.dtype == run.cube["draws"]["amount"].dtype == np.float64
    assert_close((values.sel(policy="with_fee") - values.sel(policy="plain")).values, np.full(4096, 30.0), np.float32)
    means = run.compare().frame("differences").set_index(["outcome", "measure"])["difference"]
    assert_close(means["bill", "mean"], 30.0, np.float32)
    assert_close(means["double", "mean"], 60.0, np.float32)  # from a tally
    story = run.replay(77)
    assert_same(story["outcomes"]["bill"].values, values.isel(path=77).values)
    assert story.attrs["precision"] == "float64"
    assert not run.verify(full=True)


@pytest.mark.slow
def test_double_precision_is_the_same_however_the_work_is_cut_up(tmp_path):
    small, large = (bill("float64", paths) for paths in (BLOCK, BLOCK + 1000))
    run = engine.run(small, tmp_path / "run", device="cpu")
    first = run.cube["paths"]["bill"].values
    more = engine.run(large, tmp_path / "run", device="cpu")
    assert more._finished.computed == (1,)
    assert_same(more.cube["paths"]["bill"].values[:, :BLOCK], first)
    whole = engine.run(large, tmp_path / "whole", device="cpu")
    for group in ("paths", "draws"):
        for name, values in whole.cube[group].data_vars.items():
            assert_same(values.values, more.cube[group][name].values)


RUSTBELT = pytest.param(lambda: load_study("rustbelt"), marks=pytest.mark.slow, id="rustbelt")


@pytest.mark.parametrize("study", [pytest.param(farms, id="farms"), RUSTBELT])
def test_no_false_alarm(study):
    assert not too_coarse(study())


def test_check_and_run_say_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bill.toml").write_text(
        'name = "bill"\nrun = { paths = 2048 }\nbaseline = "plain"\n'
        '[factors.amount]\nfamily = "normal"\nmean = 1e9\nsd = 1e6\n'
        "[policies]\nplain = {}\nwith_fee = { fee = 30 }\n"
    )
    line = "Precision: outcomes.bill under 'with_fee': its difference from the baseline is 30 typically"
    own = "bill.toml", "--model", f"{__file__}:Bill"
    for words in (["check"], ["run", "--quiet"], ["run", "--quiet"]):
        told = ran(words[0], *own, *words[1:])
        assert line in told.stdout and 'run = { precision = "float64" }' in told.stdout
    data = call("run", *own, "--quiet", "--json")
    assert json.loads(data.stdout) and "outcomes.bill under 'with_fee'" in data.stderr


def test_an_opinion_that_fails_ends_no_run(monkeypatch):
    def fails(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(precision, "in_both", fails)
    assert precision.too_coarse(bill()) == ()
