"""What levers and assumptions do to ES: closed forms of a small model, exact shares and drawn orders."""

from dataclasses import replace

import numpy as np
import pytest

from engine.analyses import tail_mechanisms as module
from engine.analyses.explanation import explain
from engine.analyses.tail_futures import tail_subject
from engine.analyses.tail_levers import pulls
from engine.program import devices
from engine.risk.estimation.flags import text
from engine.study.loading import read_study
from tests.analyses.assumed import BILL, Bill
from tests.analyses.explained import total_cost
from tests.helpers import assert_plausible


def bill(paths=1 << 16, **more):
    return read_study({**BILL, "run": {"paths": paths, "seed": 5}, **more}, "bill.toml", model=Bill())


def test_a_lever_moves_es_as_the_model_says():
    """Own takes off the aid once a year, 1 under old: a tenth more takes off .2 in two years, on every path."""
    study = total_cost(1 << 14)
    found, left_out = pulls(devices.program(study, "cpu"), tail_subject(study, "own", "old", 0.9))
    (aid,) = found
    assert not left_out and aid.value == pytest.approx((1.0, 1.1))
    assert aid.effect.estimate == pytest.approx(-0.2, abs=1e-4)


def test_what_cannot_be_moved_says_why():
    study = bill(1 << 12)
    program = devices.program(study, "cpu")
    found, left_out = pulls(program, tail_subject(study, "cost", "old", None))
    assert not found and left_out == {"cut": "is 0", "fund": "is 0"}
    found, left_out = pulls(program, tail_subject(study, "ruin", "reform", None))
    assert not found and left_out["fund"] == "is 0" and "as high as" in left_out["cut"]


def test_assumptions_share_what_they_make_up():
    """Cost is noise + 10 x exit rate under reform, 0.5 + noise with cuts off, and 10 x / 2 of both: shares by hand."""
    study = bill()
    given = explain(study, "cost", "reform", by_mechanism=True)
    of = given.mechanisms
    assert of.names == ("exit", "cuts") and of.coalitions == 4
    assert sum(one.estimate for one in of.shares) == pytest.approx(of.whole.estimate)
    # of values none .5, exit .75, cuts 0, both .5 (means: ES differs by the noise, which is in all, but for exit's own
    # spread)
    exit_share = (0.25 + 0.5) / 2
    assert_plausible(of.shares[0].estimate, exit_share, 0.01, resolves=0.1)
    assert_plausible(of.whole.estimate, 0.0, 0.01, resolves=0.1)
    assert explain(total_cost(1 << 12), "cost", by_mechanism=True).mechanisms is None


def test_drawn_orders_agree_with_all_of_them(monkeypatch):
    study = bill()
    what = tail_subject(study, "cost", "reform", 0.9)
    exact = module.mechanisms(devices.program(study, "cpu"), what)
    monkeypatch.setattr(module, "EXACTLY", 0)
    drawn = module.mechanisms(devices.program(study, "cpu"), what)
    # of two, an order and its reverse are all there are
    for one, other in zip(exact.shares, drawn.shares, strict=True):
        assert one.estimate == pytest.approx(other.estimate, rel=1e-9)
    assert drawn.shares[0].high - drawn.shares[0].low >= exact.shares[0].high - exact.shares[0].low


class Fragile(Bill):
    """A bill that is not a number where policies cut and no capacity leaves."""

    def evaluate(self, factors, levers):
        """Cost noise + 1, less what is cut; all else as it is there."""
        cost = factors.noise + 1.0 - levers.cut * factors.exit_rate / factors.exit_rate
        return {"cost": cost, "jobs": factors.noise - levers.cut, "even": factors.noise}


@pytest.mark.parametrize("exactly", [0, module.EXACTLY])
@pytest.mark.parametrize("variable", ["cost", "ruin"])
def test_an_assumption_without_which_no_future_is_finite_has_no_share_and_says_why(variable, exactly, monkeypatch):
    monkeypatch.setattr(module, "EXACTLY", exactly)
    study = read_study({**BILL, "run": {"paths": 1 << 12, "seed": 5}}, "bill.toml", model=Fragile())
    of = module.mechanisms(devices.program(study, "cpu"), tail_subject(study, variable, "reform", None))
    for one in (of.whole, *of.shares):
        assert np.isnan([one.estimate, one.low, one.high]).all() and text(*one.flags) == "no paths"


def test_orders_share_out_the_whole():
    coalitions, weights, orders = module._coalitions(7, 3)
    assert all(np.isclose(row.sum(), 0.0) for row in weights)
    ends = [coalitions.index((False,) * 7), coalitions.index((True,) * 7)]
    assert weights[0, ends] == pytest.approx([-1.0, 1.0]) and np.abs(weights[0]).sum() == pytest.approx(2.0)
    assert orders.shape == (module.PAIRS, 7, len(coalitions))
    # of a sum, every order gives each its own
    values = np.array(coalitions) @ np.arange(7.0)
    assert weights[1:] @ values == pytest.approx(np.arange(7.0))


def test_a_single_path_is_no_failure():
    study = replace(bill(), paths=1)
    given = explain(study, "cost", "reform", levers=True, by_mechanism=True)
    assert np.isnan(given.measured["ES99"].low) and given.tail_count == 1
