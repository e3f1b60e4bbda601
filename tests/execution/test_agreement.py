"""What is stored is compared with what the program gives before a run goes on."""

from dataclasses import replace

import pytest

import engine
from engine.errors import UserError
from engine.execution.job import RunOptions, compute, compute_shard
from engine.execution.work import Work
from engine.program.running import devices
from engine.run_folder import cube, ledger, ownership
from engine.run_folder.folder import RunFolder
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK
from tests.small_files import BRIDGE, call, write

MODEL = """
import os
from engine import Factor, Lever, Outcome, StaticModel

class Bridge(StaticModel):
    factors = {"load": Factor("t"), "price": Factor("1")}
    levers = {"strength": Lever("t", default=10.0)}
    outcomes = {"damage": Outcome("t", loss=True), "margin": Outcome("t")}

    def evaluate(self, factors, levers):
        rate = float(os.environ["RATE"])
        margin = levers.strength - factors.load
        return {"damage": rate * factors.price - margin, "margin": margin}
"""


def study_of(folder, keep, paths):
    (folder / "model.py").write_text(MODEL)
    text = f"{BRIDGE}[keep]\noutcomes = {keep}\n"
    return load_study(write(folder, text), model=load_model_file(f"{folder / 'model.py'}:Bridge"), paths=paths)


SLOW = pytest.mark.slow  # the first way is looked at below, path by path


@pytest.mark.parametrize(
    ("keep", "place"),
    [
        pytest.param('"all"', "paths.damage", marks=SLOW),
        ("[]", "tally.damage"),
        pytest.param('["margin"]', "tally.damage", marks=SLOW),
    ],
)
def test_a_model_that_has_changed_out_of_sight_does_not_go_on(tmp_path, monkeypatch, keep, place):
    monkeypatch.setenv("RATE", "1.0")
    study, options = study_of(tmp_path, keep, 20_000), RunOptions(tmp_path / "run", "cpu")
    compute(study, options)
    more = replace(study, paths=BLOCK + 500)
    monkeypatch.setenv("RATE", "1.0000001")  # the next number of single precision
    with pytest.raises(UserError) as caught:
        compute(more, options)
    assert {problem.place for problem in caught.value.problems} == {place, ""}
    assert "--force" in str(caught.value)
    assert ledger.done_blocks(RunFolder(tmp_path / "run", study)).keys() == {0}
    monkeypatch.setenv("RATE", "1.0")
    assert compute(more, options).computed == (0, 1)
    monkeypatch.setenv("RATE", "2.0")
    finished = compute(replace(study, paths=2 * BLOCK), replace(options, force=True))
    assert finished.computed == (1,)


def test_a_path_is_named_with_what_is_stored_and_what_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("RATE", "1.0")
    study = study_of(tmp_path, '"all"', 3000)
    run = engine.run(study, tmp_path / "run", device="cpu")
    stored = run.cube["paths"]["damage"].values[0, 0]
    monkeypatch.setenv("RATE", "3.0")
    words = ["run", tmp_path / "study.toml", "--model", f"{tmp_path / 'model.py'}:Bridge", "--out", tmp_path / "run"]
    ended = call(*words, "--paths", 5000, "--quiet", "--device", "cpu")
    assert ended.exit_code == 2
    assert f"paths.damage: path 0 under 'weak': expected {stored!s}, " in ended.stderr
    assert "on 3,000 of 3,000 paths" in ended.stderr
    assert call(*words, "--paths", 5000, "--quiet", "--force", "--device", "cpu").exit_code == 0


def test_shards_do_not_mix(tmp_path, monkeypatch):
    monkeypatch.setenv("RATE", "1.0")
    study, options = study_of(tmp_path, '"all"', 2 * BLOCK), RunOptions(tmp_path / "run", "cpu")
    assert compute_shard(study, 1, 2, options).missing == 1
    monkeypatch.setenv("RATE", "3.0")
    with pytest.raises(UserError, match=r"paths\.damage: path 0 under"):
        compute_shard(study, 2, 2, options)
    monkeypatch.setenv("RATE", "1.0")
    assert compute_shard(study, 2, 2, options).computed == (1,)


def test_workers_that_begin_at_once_find_out_and_take_theirs_away(tmp_path, monkeypatch):
    """Each has another constant, as a number drawn without a seed would be."""
    study = study_of(tmp_path, '"all"', 4 * BLOCK)
    folder = RunFolder(tmp_path / "run", study)
    works = []
    for rate in ("1.0", "2.0"):
        monkeypatch.setenv("RATE", rate)
        program = devices.program(study, "cpu")
        program.prepare()
        works.append(Work(folder, program))
    with ownership.claim(folder):
        ownership.enter(folder, {})
        cube.create(folder)

        def wanted():  # this one has looked by now, and found nothing
            list(works[0].blocks(map(study.block, (0, 1))))
            yield from map(study.block, (2, 3))

        with pytest.raises(UserError, match=r"paths\.damage: path"):
            list(works[1].blocks(wanted()))
    assert ledger.done_blocks(folder).keys() == {0, 1}


@pytest.mark.slow
def test_workers_do_not_mix(tmp_path, monkeypatch):
    monkeypatch.setenv("RATE", "1.0")
    study, options = study_of(tmp_path, '"all"', 2 * BLOCK), RunOptions(tmp_path / "run", "cpu")
    compute(replace(study, paths=BLOCK), options)
    monkeypatch.setenv("RATE", "3.0")
    with pytest.raises(UserError, match=r"paths\.damage: path 0 under"):
        compute(study, replace(options, workers=1))
    monkeypatch.setenv("RATE", "1.0")
    assert compute(study, replace(options, workers=1)).computed == (1,)
