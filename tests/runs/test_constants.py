"""What a study makes of its model's constants reaches every number, and every process that opens its run."""

import shutil

import numpy as np
import pandas as pd
import pytest

import engine
from engine.program import devices
from engine.program.programs import program_on
from engine.run_folder.reading import open_cube
from engine.study.study import Block
from tests.constant_studies import BEAM, LAW, MODELS, WELL, beam, model, well
from tests.helpers import assert_close, assert_same
from tests.pairs import in_turn
from tests.small_files import ran, write

FORMS = ("loop", "xla")


def computed(study, form="loop"):
    program, block = program_on(study, devices.mesh("cpu"), form=form), Block(0, 0, study.paths)
    return program.submit(block).of(block), np.asarray(program.draws(block))


# ------------------------------------------------------------------------------- the numbers


@pytest.mark.parametrize(("form", "precision"), in_turn(FORMS, ("float32", "float64")))
def test_the_number_reaches_the_outcomes_of_a_static_model(form, precision):
    run = {**BEAM["run"], "precision": precision}
    for constants in ({}, {"stiffness": 3.0, "slack": 0.7}):
        outcomes, (load,) = computed(beam(constants=constants, run=run), form)
        stiffness, slack = constants.get("stiffness", 2.0), constants.get("slack", 0.0)
        assert outcomes.dtype == precision
        assert_close(outcomes[:, 0], np.stack([load / stiffness, load / stiffness / 2]) + slack, precision)
        assert_close(outcomes[:, 1], np.full_like(outcomes[:, 1], 1 / slack if slack else 0.0), precision)


@pytest.mark.parametrize(("form", "precision"), in_turn(FORMS, ("float32", "float64")))
def test_the_number_reaches_the_outcomes_of_a_model_with_years(form, precision):
    numbers = {"leak": 0.25, "start_share": 1.0, "depth": 5.0}
    study = well(constants=numbers, settings={"precision": precision})
    found, _ = computed(study, form)

    class Told(type(model())):
        constants = {name: engine.Constant(value, "1", "") for name, value in numbers.items()}

    told = engine.study.loading.read_study(
        {**WELL, "run": study.document["run"] | {"precision": precision}}, "well.toml", model=Told()
    )
    assert_same(found, computed(told, form)[0])
    assert np.abs(found - computed(well(settings={"precision": precision}), form)[0]).max() > 1


@pytest.mark.parametrize("sampler", ["random", "antithetic"])
def test_a_drawn_constant_leaves_all_other_draws_as_they_are(sampler):
    plain, drawn = (well(factors=more, settings={"sampler": sampler}) for more in ({}, {"leak": LAW}))
    (outcomes, before), (other, after) = computed(plain), computed(drawn)
    assert_same(after[:2], before)
    assert 0.0 <= after[2].min() < 0.05 and 0.25 < after[2].max() <= 0.3
    assert np.abs(outcomes - other).max() > 0.1
    # by its name, wherever it stands: another constant drawn beside it changes no bit of it
    both = computed(
        well(factors={"depth": {"family": "fixed", "value": 8.0}, "leak": LAW}, settings={"sampler": sampler})
    )[1]
    assert_same(both[2], after[2])


# ------------------------------------------------------------------------------- years up to one


# ------------------------------------------------------------------------------- runs


STUDY = """
name = "well"
run = { paths = 3000, seed = 7, tile = 64 }
time = { first = 2016, last = 2020 }
baseline = "keep"
[factors]
inflow = { family = "lognormal", median = 2.0, sigma = 0.5 }
need = { family = "uniform", low = 4.0, high = 9.0 }
leak = { family = "uniform", low = 0.0, high = 0.3 }
[constants]
depth = 6.5
[policies]
keep = {}
save = { saved = 0.2 }
[events]
dry = { outcome = "shortage", above = 3.0 }
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a study and its model's file in it, run once."""
    place = tmp_path_factory.mktemp("constants")
    shutil.copy(MODELS, place / "model.py")
    own = engine.load_model_file(f"{place / 'model.py'}:Well")
    run = engine.run(engine.load_study(write(place, STUDY), model=own), place / "run", device="cpu")
    return place, run


def test_a_run_is_opened_again_with_its_constants(place):
    folder, run = place
    again = engine.open_run(folder / "run")
    assert again.study.fingerprint == run.study.fingerprint
    assert again.study.model.constants["depth"].value == 6.5 and "leak" not in again.study.model.constants
    pd.testing.assert_frame_equal(again.risk().frame("risk"), run.risk().frame("risk"))
    assert engine.run(run.study, folder / "run", device="cpu")._finished.computed == ()
    for own in (run.study.model, again.study.model, None):
        assert engine.open_run(folder / "run", model=own).study.fingerprint == run.study.fingerprint


def test_the_draws_of_a_constant_are_kept_and_it_is_asked_about_by_name(place):
    cube = open_cube(place[0] / "run")
    leak = cube["draws"]["leak"]
    about = model().constants["leak"].about
    assert (leak.attrs["units"], leak.attrs["comment"]) == ("yr-1", about)
    assert "depth" not in cube["draws"]
    answer = place[1].sensitivity("shortage", paths=256)
    factors = {row["input"] for row in answer["shares"].rows() if row["kind"] == "factor"}
    assert factors == {"inflow", "need", "leak"}


def test_replay_and_verify_compute_the_same_again(place):
    folder, run = place
    outcomes = open_cube(folder / "run")["paths"]["shortage"].values
    story = run.replay(1234)
    assert_same(story["outcomes"]["shortage"].values, outcomes[:, 1234])
    ran("verify", folder / "run", "--full")
    ran("replay", folder / "run", "--path", "1234")


def test_a_folder_of_another_number_is_another_run(place):
    own = engine.load_model_file(f"{place[0] / 'model.py'}:Well")
    other = engine.load_study(place[0] / "study.toml", model=own, settings=["constants.depth=6"])
    with pytest.raises(engine.UserError, match="constants"):
        engine.run(other, place[0] / "run", device="cpu")
