"""Estimates over replicates of many paths: sums, Student's intervals, flags, and parts of replicates."""

import numpy as np
from scipy.special import stdtrit

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.influences import MEASURES
from engine.risk.estimation.intervals import FEW_UNITS, Units, as_units, finite_units
from engine.risk.estimation.measures import Variables, difference, probability, summary
from engine.risk.estimation.shares import share
from engine.risk.estimation.tails import Measured
from tests.helpers import assert_close
from tests.risk.cells import moments, summary_cells

SIZE = 256
RNG = np.random.default_rng(20160101)


def test_intervals_of_few_replicates_are_students():
    happens = RNG.random((1, 5 * SIZE)) < 0.3
    units = as_units(5 * SIZE, SIZE)
    (p,), (error,), (low,), (high,) = share(happens, units)
    t = float(stdtrit(4, 0.975))
    assert_close(units.reach, t)
    # Wilson's ends are where the score is t errors away, the error growing with sqrt(p (1 - p))
    for end in (low, high):
        at_end = error * np.sqrt(end * (1 - end) / (p * (1 - p))) * np.sqrt(4 / 5)
        assert_close(abs(end - p), t * at_end, np.float32)
    found = Measured(RNG.standard_normal((1, 5 * SIZE)), units).median.column
    assert_close(found[1], (found[3] - found[2]) / (2 * t))


def test_means_of_few_replicates_are_flagged():
    values = RNG.standard_normal((2, 8 * SIZE)).astype(np.float32)
    flag = f"8 replicates, {FEW_UNITS} needed"
    for found in (summary(values[0], SIZE, True), difference(*values, SIZE, True)):
        assert found["mean"].flag == flag and np.isnan(found["mean"].low)
        assert np.isfinite(found["mean"].standard_error)
    assert summary(values[0], SIZE, True)["VaR95"].flag == ""
    assert all(estimate.flag == flag for estimate in Variables(values, SIZE, True).regrets())
    table = summary_cells(values, SIZE, True)
    assert np.isnan(table[2][:, 0]).all() and np.isfinite(table[2][:, MEASURES.index("VaR95")]).all()
    same = summary(np.full(8 * SIZE, 0.25, np.float32), SIZE, True)
    ends = {name: 0.0 if name == "sd" else 0.25 for name in same}
    assert all((e.low, e.high, e.flag) == (ends[m], ends[m], "") for m, e in same.items())
    assert probability(values[0] > 1, SIZE).flag == ""


def test_a_path_that_is_not_finite_leaves_its_replicate_in():
    values = RNG.standard_normal(40 * SIZE).astype(np.float32)
    values[[5, 3000]] = np.nan
    (kept,), units, lost = finite_units((values,), SIZE)
    assert (len(kept), units.count, lost) == (40 * SIZE - 2, 40, Flag(Reason.NOT_FINITE, 2, 40 * SIZE))
    assert units.replicated and units.sizes.min() == SIZE - 1


def test_a_condition_leaves_a_part_of_each_replicate():
    values = RNG.standard_normal(50 * SIZE).astype(np.float32)
    mask = RNG.random(50 * SIZE) < 0.2
    part = Units(50 * SIZE, SIZE).take(mask)
    of = moments(values[mask], part)
    totals = [values[mask][part.owner == k].sum(dtype=np.float64) for k in range(50)]
    residual = np.array(totals) - part.sizes * of.mean
    assert_close(of.error, np.sqrt(50 / 49 * (residual**2).sum()) / mask.sum())
    found = summary(values[mask], part, True)
    assert found["mean"].low < 0 < found["mean"].high and found["VaR95"].flag == ""
