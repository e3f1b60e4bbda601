"""A run on a card that fails on its way: the bytes of processors, one sentence, and what computed it where that is looked for."""

import warnings
from types import SimpleNamespace

import pytest

import engine
from engine.program import devices, gpu, hardware
from engine.run_folder import provenance
from engine.runs.run import Run
from engine.study.study import BLOCK
from tests.program.simulated_card import FAILURES, WORDS, Card, Named
from tests.recorded import contents, study_in
from tests.small_files import call

PATHS = 5 * BLOCK + 600


@pytest.fixture
def on_card(monkeypatch, tmp_path):
    """A run on a card whose launches of blocks fail from a number on, and what it told on the way."""

    def run(what="", launch=0):
        study = study_in(tmp_path, PATHS)
        monkeypatch.setattr(
            hardware, "cards", lambda: ([Named()], "a run takes cards of one kind: 1 x NVIDIA T400 left out")
        )
        monkeypatch.setattr(devices, "GPU_LANES", BLOCK)
        Card(monkeypatch, study, what, launch)
        notes = []
        done = engine.run(
            study, tmp_path / "run", device="gpu", observe=lambda stage: notes.append(stage.note)
        )
        return done, [note for note in notes if note]

    return run


def on_processors(folder) -> dict:
    engine.run(study_in(folder, PATHS), folder / "cpu", device="cpu")
    return contents(folder / "cpu")


def forms_of(run: Run) -> list[dict]:
    return provenance.runs(run.folder)[-1]["forms"]


def test_a_run_on_a_card_leaves_the_bytes_of_processors_and_says_what_computed_it(on_card, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run, notes = on_card()
    left_out = "a run takes cards of one kind: 1 x NVIDIA T400 left out"
    assert contents(run.folder) == on_processors(tmp_path)
    assert forms_of(run) == [{"name": "kernel", "on": "1 x NVIDIA H100", "why": left_out}]
    assert notes[0].endswith(f": kernel on 1 x NVIDIA H100 ({left_out})")
    assert "kernel on 1 x NVIDIA H100" in call("status", run.folder).stdout
    cpu = engine.open_run(tmp_path / "cpu")
    assert [one["name"] for one in forms_of(cpu)] == ["loop"] and forms_of(cpu)[0]["on"].endswith("x cpu")
    assert run.verify() == []


@pytest.mark.parametrize("what", FAILURES)
def test_a_run_whose_card_fails_on_the_way_ends_with_the_same_bytes(on_card, tmp_path, what):
    with pytest.warns(UserWarning, match=WORDS[what]) as told:
        run, notes = on_card(what, 8)
    assert len(told) == 1 and "kernel on" in notes[0]
    assert contents(run.folder) == on_processors(tmp_path)
    kernel, loop = forms_of(run)
    assert kernel["name"] == "kernel" and loop["name"] == "loop"
    assert WORDS[what] in loop["why"]


def test_a_run_that_a_card_began_is_taken_up_by_processors(on_card, tmp_path):
    run, _ = on_card()
    more = engine.run(study_in(tmp_path, PATHS + 2 * BLOCK), run.folder, device="cpu")
    assert more.computed == (5, 6, 7)
    whole = engine.run(study_in(tmp_path, PATHS + 2 * BLOCK), tmp_path / "whole", device="cpu")
    assert contents(more.folder) == contents(whole.folder)


def test_a_card_that_hangs_does_not_keep_the_process(on_card, monkeypatch):
    kept = []
    register = SimpleNamespace(register=lambda what, *given: kept.append((what, given)))
    monkeypatch.setattr(gpu, "atexit", register)
    with pytest.warns(UserWarning, match=WORDS["hangs"]):
        on_card("hangs", 8)
    assert kept == [(gpu._end_within, (gpu.ENDING,))]
