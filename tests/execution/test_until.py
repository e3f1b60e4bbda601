"""A run that ends when its numbers are precise enough: the bytes of a run of so many paths, whatever happens on the
way.
"""

import json

import numpy as np
import pytest

import engine
from engine.errors import UserError
from engine.execution import job, until
from engine.execution.job import RunOptions
from engine.risk.estimation.stopping import Ending
from engine.run_folder import finding, ledger, provenance
from engine.run_folder.folder import RunFolder
from engine.run_folder.reading import open_cube
from engine.runs import upkeep
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK
from tests.recorded import PlayedBack, Recorded, contents, played_back
from tests.refusals import refuses
from tests.small_files import MODELS, POND, call, own, ran, write

MEAN = "mean of lowest_stock under use minus keep within 0.02"


@pytest.fixture
def no_jax(tmp_path, monkeypatch):
    executor = played_back(tmp_path / "recorded")
    monkeypatch.setattr(job, "executor_of", lambda *_: executor)
    return executor


def study_of(folder, *targets, paths=4 * BLOCK):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pond.toml").write_text('keep = { outcomes = ["lowest_stock"], draws = 1000, yearly = 500 }\n' + POND)
    model = load_model_file(f"{MODELS}:Pond")
    return load_study(folder / "pond.toml", model=model, paths=paths, until=targets)


def paths_of(folder):
    """The files of a run that hold its paths and its tables, but what says which rule ended it."""
    texts = ("study.toml", "ledger/study.json", "zarr.json", "ledger/cube.json", "provenance")
    return {name: one for name, one in contents(folder).items() if not any(text in name for text in texts)}


def test_a_run_ends_by_its_rule_with_the_bytes_of_a_run_of_so_many_paths(tmp_path, no_jax):
    study = study_of(tmp_path, "mean of lowest_stock under keep within 0.3 %")
    done = until.compute(study, RunOptions(tmp_path / "run"))
    n = done.ended.paths
    assert done.ended.ending is Ending.MET and 2000 < n < study.paths and done.answers.study.paths == n
    engine.run(study_of(tmp_path, paths=n), tmp_path / "plain")
    assert paths_of(tmp_path / "run") == paths_of(tmp_path / "plain")
    assert upkeep.verify(RunFolder(tmp_path / "run", done.answers.folder.study)) == []


def test_the_record_and_the_cube_say_which_rule_ended_it(tmp_path, no_jax):
    done = until.compute(study_of(tmp_path, MEAN), RunOptions(tmp_path / "run"))
    last = provenance.runs(tmp_path / "run")[-1]["until"]
    assert last["ended"] == "met" and last["bound"] == 4 * BLOCK and last["looks"][-1] == done.ended.paths
    kept = json.loads(open_cube(tmp_path / "run")["diagnostics"].attrs["until"])
    assert kept == last["targets"] and kept[0]["state"] == "met" and kept[0]["half_width"] <= kept[0]["wanted"] == 0.02


class Stops(PlayedBack):
    """An executor that is stopped at some step, before or after its blocks."""

    def __init__(self, program, step, after):
        super().__init__(program)
        self.left, self._after = step, after

    def perform(self, assignment):
        """All of a step, or nothing of it."""
        self.left -= 1
        if self.left >= 0 or self._after:
            yield from super().perform(assignment)
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("step", "after"), [(0, False), (1, True)])
def test_a_run_that_was_killed_names_the_command_that_ends_where_an_undisturbed_one_does(
    tmp_path, monkeypatch, no_jax, step, after
):
    study = study_of(tmp_path, "mean of lowest_stock under keep within 0.3 %")
    whole = until.compute(study, RunOptions(tmp_path / "whole"))
    assert len(whole.ended.looks) > 2
    stops = Stops(no_jax.program, step, after)
    monkeypatch.setattr(job, "executor_of", lambda *_: stops)
    with pytest.raises(KeyboardInterrupt):
        until.compute(study, RunOptions(tmp_path / "run"))
    told = call("status", tmp_path / "run", *own("Pond")).stdout
    assert f"--paths {study.paths}" in " ".join(told.split()), told
    assert ", stopped, blocks" in told or not after, told
    monkeypatch.setattr(job, "executor_of", lambda *_: no_jax)
    words = [str(word) for word in finding.finishing_words(RunFolder(tmp_path / "run", study))]
    ran(*words, *own("Pond"))
    assert provenance.runs(tmp_path / "run")[-1]["until"] == whole.ended.as_dict()
    assert paths_of(tmp_path / "run") == paths_of(tmp_path / "whole")


def test_a_folder_with_more_paths_than_are_needed_is_the_answer(tmp_path, monkeypatch, no_jax):
    engine.run(study_of(tmp_path, paths=BLOCK + 600), tmp_path / "run")
    before = contents(tmp_path / "run")

    def refuse(*_):
        raise AssertionError("nothing is to be computed")

    monkeypatch.setattr(no_jax, "perform", refuse, raising=False)
    done = until.compute(study_of(tmp_path, MEAN), RunOptions(tmp_path / "run"))
    assert done.computed == () and done.ended.paths < done.answers.study.paths == BLOCK + 600
    assert contents(tmp_path / "run") == before


def test_a_tighter_rule_extends_the_run_of_a_looser_one(tmp_path, no_jax):
    loose, tight = (f"mean of lowest_stock under keep within {width} %" for width in (2, 0.3))
    until.compute(study_of(tmp_path, loose), RunOptions(tmp_path / "run"))
    again = until.compute(study_of(tmp_path, tight), RunOptions(tmp_path / "run"))
    anew = until.compute(study_of(tmp_path, tight), RunOptions(tmp_path / "anew"))
    assert again.ended.as_dict() == anew.ended.as_dict() and paths_of(tmp_path / "run") == paths_of(tmp_path / "anew")


def test_a_bound_beyond_all_disks_is_no_obstacle(tmp_path, no_jax):
    done = until.compute(study_of(tmp_path, MEAN, paths=1 << 33), RunOptions(tmp_path / "run"))
    assert done.ended.ending is Ending.MET and done.ended.bound == 1 << 33


def test_a_share_of_nothing_is_refused_and_the_unit_named(tmp_path, monkeypatch, no_jax):
    arrays = no_jax.program._arrays
    opposed = arrays["outcomes"][[0, 0]]
    opposed[1, :, ::2] = opposed[0, :, ::2] + 1.0
    opposed[1, :, 1::2] = opposed[0, :, 1::2] - 1.0
    opposed[:, :] = np.round(opposed)  # so that pairs cancel to the last bit
    monkeypatch.setattr(job, "executor_of", lambda *_: PlayedBack(Recorded({**arrays, "outcomes": opposed})))
    target = "mean of lowest_stock under use minus keep within 1 %"
    study = study_of(tmp_path, target)
    with refuses("run.until", "in the unit", "0.1 hm3"):
        until.compute(study, RunOptions(tmp_path / "run"))


def test_what_is_damaged_is_not_looked_at(tmp_path, no_jax):
    study = study_of(tmp_path, MEAN)
    done = until.compute(study, RunOptions(tmp_path / "run"))
    folder = RunFolder(tmp_path / "run", done.answers.folder.study)
    shard = tmp_path / "run" / ledger.read(folder, 0).files[0].name
    shard.write_bytes(shard.read_bytes()[::-1])
    with pytest.raises(UserError, match=r"damaged .* rustbelt repair"):
        until.compute(study, RunOptions(tmp_path / "run"))


def test_shards_of_a_run_with_targets_are_refused(tmp_path):
    with refuses("", "targets of precision", "--workers", "remove run.until from the study (and --until)"):
        until.compute_shard(study_of(tmp_path, MEAN), 1, 2, RunOptions(tmp_path / "run", "cpu"))


@pytest.mark.slow
@pytest.mark.parametrize("how", [["--workers", "2"], []])
def test_the_command_says_what_ended_the_run(tmp_path, how):
    study = write(tmp_path, POND)
    words = ["run", study, *own("Pond"), "--out", tmp_path / "run", "--paths", "1e6", "--until", MEAN, *how]
    ended = ran(*words)
    assert "as it met its targets" in ended.stdout and "lowest_stock under use" in ended.stdout
    assert "more futures are needed" in ended.stderr or "within 0.02 hm3" in ended.stderr
