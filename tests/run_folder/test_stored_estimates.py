"""Estimates of labelled groups go through a store and back as they were, with the flags that they had."""

import numpy as np
import xarray as xr

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate
from engine.run_folder.stored_estimates import Group, Variable, estimates, put_together, taken_apart


def same(one, other):
    """Whether what is read is what was written; nothing is read as an estimate of nothing."""
    if one is None:
        return np.isnan(other.estimate)
    numbers = [[getattr(of, stat) for stat in ("estimate", "standard_error", "low", "high")] for of in (one, other)]
    unflagged = not one.flags and not np.isfinite(one.low)  # which reading flags as unrecorded
    return np.array_equal(*numbers, equal_nan=True) and (unflagged or set(one.flags) == set(other.flags))


def test_what_holds_nothing_is_left_out_and_what_has_no_flag_has_no_reasons():
    sound, few = (
        Estimate(1.0, 0.1, 0.8, 1.2),
        Estimate(2.0, 0.1, np.nan, np.nan, (Flag(Reason.FEW_EXCEEDANCES, 3, 100),)),
    )
    names = {"row": Variable(("row",), np.array(["a", "b"], object), {})}
    made = taken_apart(
        {
            "sound": Group(
                {"x": estimates("row", [sound, None], {"units": "1"}), "none": Variable(("k",), np.zeros(0), {})},
                names,
                {},
            ),
            "few": Group(
                {"x": estimates("row", [few, sound], {}), "y": estimates("row", [sound, sound], {})}, names, {}
            ),
        }
    )
    assert set(made) == {"sound", "few", "few/reasons"}
    assert list(made["sound"].data_vars) == ["x"] and made["sound"].data_vars["x"].values.dtype == np.float64
    assert list(made["few/reasons"].data_vars) == ["x"]
    tree = xr.DataTree.from_dict({place: xr.Dataset(*group) for place, group in made.items()})
    first, second = put_together(tree["few"])["x"].values
    assert same(few, first) and second == sound
    nothing = put_together(tree["sound"])["x"].values[1]
    assert np.isnan(nothing.estimate) and nothing.flags == (Flag(Reason.UNRECORDED),)
