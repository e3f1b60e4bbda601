"""Estimates of answers go through the store and back as they were, with the flags that they had."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from engine.analyses import (
    comparison_dataset,
    discovery_dataset,
    explanation_dataset,
    registry,
)
from engine.execution.run import run
from engine.risk.flags import Flag, Reason
from engine.risk.intervals import Estimate
from engine.run_folder import answer_store, assumption_store, ledger
from engine.run_folder.stored_estimates import estimates, put_together, taken_apart
from engine.study.loading import read_study
from tests.analyses.explained import SUM, Sum

STORES = (
    assumption_store,
    comparison_dataset,
    discovery_dataset,
    explanation_dataset,
)
PATHS = 256
REASON = Flag(Reason.ONE_GROUP, 1.0, 7.0)
ASSUMED = {"assumptions": {"level": {"about": "costs are what they are", "off": {"a": 0}}}}
ASKED = {
    "compare": lambda done: done.comparison(),
    "explain": lambda done: done.explain("cost", levers=True, by_mechanism=True),
    "discover": lambda done: done.discover("cost > 41 under old"),
    "assumptions": lambda done: done.assumptions(["cost", "ruin"]),
}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run of so few paths that hardly an estimate has an interval."""
    text = {**SUM, **ASSUMED, "headline": ["cost"], "run": {**SUM["run"], "paths": PATHS}}
    text["keep"] = {"draws": PATHS, "outcomes": ["cost", "own"]}
    study = read_study(text, "sum.toml", model=Sum())
    return run(study, out=tmp_path_factory.mktemp("stored") / "run")


def recorded(monkeypatch):
    """Every group that is taken apart from now on, with its estimates whole, the first of each variable with a flag more."""
    held = {}

    def record(groups):
        for group in groups.values():
            for of in whole_of(group).values():
                first = next((at for at, one in np.ndenumerate(of.values) if one is not None), None)
                if first is not None:
                    of.values[first] = replaced(of.values[first])
        held.update(groups)
        return taken_apart(groups)

    for module in STORES:
        monkeypatch.setattr(module, "taken_apart", record)
    return held


def replaced(one):
    """The estimate, or the record, without its interval, for a reason that no answer has."""
    return replace(one, low=np.nan, high=np.nan, flags=(REASON, *one.flags))


def whole_of(group):
    """The variables of a group that hold estimates."""
    return {str(name): of.variable for name, of in group.data_vars.items() if of.dtype == object}


def same(one, other):
    """Whether what is read is what was written; nothing is read as an estimate of nothing."""
    if one is None:
        return np.isnan(other.estimate)
    numbers = [
        [getattr(of, stat) for stat in ("estimate", "standard_error", "low", "high")] for of in (one, other)
    ]
    unflagged = not one.flags and not np.isfinite(one.low)  # which reading flags as unrecorded
    return np.array_equal(*numbers, equal_nan=True) and (unflagged or set(one.flags) == set(other.flags))


def test_every_answer_is_asked_for():
    assert set(ASKED) | set(registry.QUESTIONS) == set(ledger.ANSWERS)


@pytest.mark.parametrize(
    "question",
    [pytest.param(one, marks=pytest.mark.slow) if one == "discover" else one for one in ASKED],
)
def test_flags_of_an_answer_survive_the_store(done, question, monkeypatch):
    held = recorded(monkeypatch)
    ASKED[question](done)
    tree = answer_store.read(done.folder, question)
    assert any(map(whole_of, held.values()))
    for place, group in held.items():
        for name, of in group.variables.items():
            assert "stat" not in of.dims or name == "stat", f"{place}/{name} is stored without its flags"
        back = put_together(tree[place]) if whole_of(group) else {}
        for name, of in whole_of(group).items():
            assert tuple(back[name].dims) == of.dims
            for one, other in zip(of.values.flat, back[name].values.flat, strict=True):
                assert same(one, other), f"{place}/{name}: {one} read as {other}"
            assert any(one is not None and REASON in one.flags for one in of.values.flat)


def test_what_holds_nothing_is_left_out_and_what_has_no_flag_has_no_reasons():
    sound, few = (
        Estimate(1.0, 0.1, 0.8, 1.2),
        Estimate(2.0, 0.1, np.nan, np.nan, (Flag(Reason.FEW_EXCEEDANCES, 3, 100),)),
    )
    names = {"row": ("row", np.array(["a", "b"], object))}
    made = taken_apart(
        {
            "sound": xr.Dataset({"x": estimates("row", [sound, None], {"units": "1"}), "none": ("k", np.zeros(0))}, names),
            "few": xr.Dataset({"x": estimates("row", [few, sound], {}), "y": estimates("row", [sound, sound], {})}, names),
        }
    )  # fmt: skip
    assert set(made) == {"sound", "few", "few/reasons"}
    assert list(made["sound"].data_vars) == ["x"] and made["sound"]["x"].dtype == np.float64
    assert list(made["few/reasons"].data_vars) == ["x"]
    tree = xr.DataTree.from_dict(made)
    first, second = put_together(tree["few"])["x"].values
    assert same(few, first) and second == sound
    nothing = put_together(tree, "sound")["x"].values[1]
    assert np.isnan(nothing.estimate) and nothing.flags == (Flag(Reason.UNRECORDED),)
