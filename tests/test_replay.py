"""One path in full: the same outcomes as in the cube, bit for bit, and the command that a refused run ends with."""

import re
import shlex

import numpy as np
import pytest

from engine import cube
from engine.config import load_model_file, load_study
from engine.errors import UserError
from engine.job import find_study, run
from engine.replay import replay
from tests.helpers import assert_same
from tests.small_files import BRIDGE, MODELS, POND, call, write


def small(folder, text, name, **changes):
    return load_study(write(folder, text), model=load_model_file(f"{MODELS}:{name}"), **changes)


@pytest.mark.parametrize(("text", "name", "path"), [(BRIDGE, "Bridge", 3_999), (POND, "Pond", 131_100)])
def test_outcomes_and_draws_are_those_of_the_cube(tmp_path, text, name, path):
    study = small(tmp_path, text, name, paths=path + 1)
    run(study, tmp_path / "out")
    for number in (0, 65, path):
        story = replay(study, number)
        held = cube.read_path(tmp_path / "out", study.keep.outcomes, number)
        for outcome, values in held.items():
            assert_same(story["outcomes"][outcome].values, values)
        if number < study.keep.draws:
            draws = cube.open_cube(tmp_path / "out")["draws"]
            for item in study.inputs:
                assert_same(story["draws"][item.name].values, draws[item.name][number].values)


def test_years_are_those_that_the_outcomes_were_folded_from(tmp_path):
    story = replay(small(tmp_path, POND, "Pond"), 17)
    stock, shortage = story["yearly"]["stock"], story["yearly"]["shortage"]
    assert stock.dims == ("policy", "year", "region")
    assert stock.attrs["units"] == "hm3"
    north, south = (stock.sel(region=region).values for region in ("north", "south"))
    assert_same(story["outcomes"]["lowest_stock"].values, (north + south).min(axis=1))
    assert_same(story["outcomes"]["shortage"].values, np.add.accumulate(shortage.values, axis=1)[:, -1])


@pytest.mark.parametrize("path", [-1, 600])
def test_a_path_that_the_study_lacks_is_refused(tmp_path, path):
    with pytest.raises(UserError, match=f"expected 0 to 599, got {path}"):
        replay(small(tmp_path, POND, "Pond"), path)


def test_a_study_that_was_not_run_can_be_replayed_with_any_of_its_policies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 'compare = ["keep"]\n' + POND)
    model = load_model_file(f"{MODELS}:Pond")
    folder, study = find_study("study.toml", model, seed=9, policy="use")
    assert folder is None
    assert study.seed == 9 and study.policy_names == ("keep", "use")
    with pytest.raises(UserError, match=r"unknown policy 'usee'\. Did you mean 'use'"):
        find_study("study.toml", model, policy="usee")


def test_a_run_is_replayed_with_its_own_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(small(tmp_path, POND, "Pond"))
    model = load_model_file(f"{MODELS}:Pond")
    folder, study = find_study("study.toml", model)
    assert folder is not None and study.seed == 7
    assert find_study(folder, model)[0] == folder
    assert find_study("study.toml", model, seed=8)[0] is None
    with pytest.raises(UserError, match="the run's is 7, got 8"):
        find_study(folder, model, seed=8)


def test_a_model_that_has_changed_since_the_run_is_told(tmp_path):
    study, file = write(tmp_path, BRIDGE), tmp_path / "model.py"
    file.write_text(MODELS.read_text())
    assert call("run", study, "--model", f"{file}:Bridge", "--out", tmp_path / "out").exit_code == 0
    file.write_text(MODELS.read_text().replace("over * factors.price", "1 + over * factors.price"))
    ended = call("replay", tmp_path / "out", "--path", 3, "--model", f"{file}:Bridge")
    assert ended.exit_code == 0, ended.output
    assert "Not bit for bit the cube's: damage (the model has changed since the run)." in " ".join(
        ended.stdout.split()
    )


NOT_A_NUMBER = """
    def step(self, state, year, factors, shocks, levers):
        state, values = super().step(state, year, factors, shocks, levers)
        return state, values | {"%s": values["%s"] + jnp.where(year == 2018, jnp.sqrt(4 - factors.inflow), 0)}
"""


@pytest.mark.parametrize(
    ("variable", "told"), [("stock", "outcome 'lowest_stock'"), ("extra", "yearly variable 'extra'")]
)
def test_the_command_that_a_refused_run_ends_with_shows_the_path(tmp_path, monkeypatch, variable, told):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, POND)
    source = MODELS.read_text() + "\n\nclass Broken(Pond):\n"
    if variable == "extra":
        source += '    yearly = {**Pond.yearly, "extra": Yearly("1", REGION)}\n'
    source += NOT_A_NUMBER % (variable, "stock")
    (tmp_path / "model.py").write_text(source)
    refused = call("run", "study.toml", "--model", "model.py:Broken", "--seed", 11, "--policies", "use")
    assert refused.exit_code == 2, refused.output
    assert told in refused.stderr
    assert not list((tmp_path / "outputs").iterdir())
    (command,) = re.findall(r"(rustbelt replay .*)", refused.stderr.splitlines()[-1])
    shown = call(*shlex.split(command)[1:], *(["--variable", "all"]))
    assert shown.exit_code == 0, shown.output
    assert "nan" in shown.stdout and "Not finite from 2018 on" in shown.stdout
