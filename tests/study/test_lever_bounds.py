"""Bounds that a model states of its levers: kept by every policy, year and label, or refused with the place."""

import re

import pytest

from engine import Factor, Lever, Outcome, PathModel, UserError, Yearly, total
from engine.modelling.declaration import check_declaration
from engine.study.loading import load_study
from tests.small_files import write


class Towns(PathModel):
    """Two towns."""

    dims = {"town": ("a", "b")}
    factors = {"rain": Factor("mm")}
    levers = {
        "share": Lever("1", low=0, high=1),
        "fund": Lever("m yuan", dims=("town",), low=0),
        "slope": Lever("1", high=2),
    }
    yearly = {"loss": Yearly("mm", loss=True)}
    outcomes = {"loss": Outcome("mm", total("loss"), loss=True)}

    def init(self, factors, levers):
        """Nothing."""
        return 0.0

    def step(self, state, year, factors, shocks, levers):
        """Rain, less the share."""
        return state, {"loss": factors.rain * (1 - levers.share)}


STUDY = """\
name = "towns"
model = "Towns"
time = {{ first = 2020, last = 2022 }}
[factors.rain]
family = "uniform"
low = 0
high = 1
[policies.one]
{}
"""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("share = -5", "policies.one.share: expected 0 to 1, got -5. These are the model's bounds of the lever."),
        ("share = { 2020 = 0.5, 2021 = 1.5 }", "policies.one.share.2021: expected 0 to 1, got 1.5."),
        ("fund = { a = 1, b = -1 }", "policies.one.fund.b: expected at least 0 [m yuan], got -1."),
        ("fund = { a = { 2021 = -2 } }", "policies.one.fund.a.2021: expected at least 0 [m yuan], got -2."),
        ("slope = 3", "policies.one.slope: expected at most 2, got 3."),
    ],
)
def test_a_value_beyond_its_bounds_is_refused_with_its_place(tmp_path, line, message):
    with pytest.raises(UserError, match=re.escape(message)):
        load_study(write(tmp_path, STUDY.format(line)), model=Towns())


def test_the_bounds_themselves_are_within(tmp_path):
    study = load_study(write(tmp_path, STUDY.format("share = 1\nfund = 0\nslope = 2")), model=Towns())
    assert study.policies[0].levers["share"].max() == 1


def test_a_default_beyond_its_bounds_is_no_lever():
    class Wrong(Towns):
        levers = {"share": Lever("1", default=2.0, low=0, high=1)}

    with pytest.raises(UserError, match=r"model\.levers\.share: expected a default of 0 to 1, got 2"):
        check_declaration(Wrong(), ())


def test_no_plant_is_opened_by_closing_less_than_none(tmp_path):
    text = 'name = "x"\nextends = "rustbelt"\n[policies.old]\ncapacity_cut = -5\n'
    with pytest.raises(UserError, match=r"policies\.old\.capacity_cut: expected at least 0, got -5"):
        load_study(write(tmp_path, text))
