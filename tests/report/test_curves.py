"""What the page draws is what the cube holds: flags that are read back, and curves of every level."""

from __future__ import annotations

import numpy as np
import pytest

from engine.report.page import page
from engine.report.records import records_of
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.measures import probability
from engine.risk.estimation.tables import tables_of_paths
from engine.risk.policies.thresholds import tail_curve
from tests.helpers import assert_close
from tests.report.farms import Farms, make_study, make_tree, normal


def test_flags_are_read_back_from_the_cube():
    study = make_study(Farms(), 3000, ("old", "new: odd, name"))
    heavy = normal(study)
    heavy[0] = np.random.default_rng(4).random(heavy[0].shape) ** -1.5
    paths = dict(zip(study.model.outcomes, heavy.astype(np.float32), strict=True))
    tree = make_tree(study, heavy)
    run = records_of(study, tree)
    found = tables_of_paths(study, paths)
    of = {(r.measure, r.policy, r.variable): r.flags for r in (*found.risk, *found.comparison)}
    read = {key: record.flags for key, record in (run.risk | run.comparison).items()}
    assert read == of and {flag.reason for flags in of.values() for flag in flags} == {
        Reason.NO_MEAN, Reason.FEW_EFFECTIVE_EXCEEDANCES,
    }  # fmt: skip
    reasons = tree["risk/reasons"]["shortage"].sel(policy="old", measure="VaR99.9", detail="limit")
    assert reasons.sel(reason="few_effective_exceedances") == 50
    # a cube of an earlier version has numbers alone
    for place in ("risk", "comparison", "comparison/regret"):
        del tree[place]["reasons"]
    old = records_of(study, tree)
    assert {r.flag for r in old.risk.values()} == {"", "no interval"}
    assert "† no interval" in page(old).decode()


@pytest.mark.parametrize("unit", [1, 2, 256])
@pytest.mark.parametrize("loss", [True, False])
def test_a_curve_is_the_probability_of_every_level(unit, loss):
    rng = np.random.default_rng(5)
    values = rng.standard_normal(4096).astype(np.float32)
    values[1::2] -= 0.5 * values[::2]
    for x in (values, np.where(np.arange(4096) == 7, np.float32(np.nan), values)):
        found = tail_curve(x, unit, loss)
        whole = np.isfinite(x)
        if unit == 2:
            whole = np.repeat(whole.reshape(-1, 2).all(axis=1), 2)
        for level, share, low, high in zip(found.levels, found.share, found.low, found.high, strict=True):
            beyond = (x > np.float32(level)) if loss else (x < np.float32(level))
            own_ = probability(beyond[whole], unit) if unit != 256 or whole.all() else None
            assert_close(share, beyond[whole].mean())
            if own_ is not None:
                assert_close(np.array([low, high]), np.array([own_.low, own_.high]))
        assert np.all(np.diff(found.share) < 0)
