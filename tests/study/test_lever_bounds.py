"""Bounds that a model states of its levers: kept by every policy, year and label, or refused with the place."""

from engine import Factor, Lever, Outcome, PathModel, Yearly, total
from engine.modelling.declaration import check_declaration
from engine.study.loading import load_study
from tests.refusals import refuses
from tests.small_files import write


class Towns(PathModel):
    """Two towns."""

    dims = {"town": ("a", "b")}
    factors = {"rain": Factor("mm")}
    levers = {
        "share": Lever("1", low=0, high=1),
        "fund": Lever("m yuan", dims=("town",), low=0),
        "slope": Lever("1", high=2),
        "pace": Lever("1", default=1.0, low=0.5, high=2),
    }
    yearly = {"loss": Yearly("mm", loss=True)}
    outcomes = {"loss": Outcome("mm", total("loss"), loss=True)}

    def init(self, factors, levers):
        """Nothing."""
        return 0.0

    def step(self, state, year, factors, shocks, levers):
        """Rain, less the share."""
        return state, {"loss": factors.rain * (1 - levers.share)}


TOWNS = """\
name = "towns"
model = "Towns"
time = { first = 2020, last = 2022 }
[factors.rain]
family = "uniform"
low = 0
high = 1
[policies.one]
"""


def test_the_bounds_themselves_are_within(tmp_path):
    study = load_study(write(tmp_path, TOWNS + "share = 1\nfund = 0\nslope = 2"), model=Towns())
    assert study.policies[0].levers["share"].max() == 1


def test_a_default_beyond_its_bounds_is_no_lever():
    class Wrong(Towns):
        levers = {"share": Lever("1", default=2.0, low=0, high=1)}

    with refuses("model.levers.share", "default", "0 to 1", "got 2.0"):
        check_declaration(Wrong(), ())


def test_no_plant_is_opened_by_closing_less_than_none(tmp_path):
    text = 'name = "x"\nextends = "rustbelt"\n[policies.old]\ncapacity_cut = -5\n'
    with refuses("policies.old.capacity_cut", "at least 0", -5):
        load_study(write(tmp_path, text))


def test_a_pulse_is_zero_in_all_other_years(tmp_path):
    line = "share = { at = { 2020 = 0.5, 2022 = 0.25, 2030 = 1 } }\nfund = { b = { at = { 2021 = 7 } } }"
    pulse = load_study(write(tmp_path, TOWNS + line), model=Towns())
    assert pulse.policies[0].levers["share"].tolist() == [0.5, 0, 0.25]
    assert pulse.policies[0].levers["fund"].tolist() == [[0, 0], [0, 7], [0, 0]]
    line = "share = { 2020 = 0.5, 2021 = 0, 2022 = 0.25 }\nfund = { b = { 2021 = 7, 2022 = 0 } }"
    assert pulse.fingerprint == load_study(write(tmp_path, TOWNS + line), model=Towns()).fingerprint


def test_a_pulse_may_be_drawn_from_a_factor(tmp_path):
    factor = "[factors.size]\nfamily = 'uniform'\nlow = 0\nhigh = 0.5\n"
    pulse = load_study(write(tmp_path, TOWNS + "share = { at = { 2021 = 'size' } }\n" + factor), model=Towns())
    assert pulse.policies[0].drawn["share"]["size"].tolist() == [0, 1, 0]
