"""A run on a card that fails on its way: the bytes of processors, one sentence, and what computed it where that is looked for."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import engine
from engine.program import devices, gpu, hardware, reductions
from engine.run_folder import provenance
from engine.runs.run import Run
from engine.study.study import BLOCK
from tests.program.simulated_card import FAILURES, OPENED, WORDS, Card, Named
from tests.recorded import KEEP, contents, study_in
from tests.small_files import call

PATHS = 5 * BLOCK + 600


@pytest.fixture
def on_card(monkeypatch, tmp_path):
    """A run on a card whose launches of blocks fail from a number on, and what it told on the way."""

    def run(what="", launch=0, keep=KEEP):
        study = study_in(tmp_path, PATHS, keep)
        monkeypatch.setattr(
            hardware, "cards", lambda: ([Named()], "a run takes cards of one kind: 1 x NVIDIA T400 left out")
        )
        monkeypatch.setattr(devices, "GPU_LANES", BLOCK)
        run.card = Card(monkeypatch, study, what, launch)
        notes = []
        done = engine.run(
            study, tmp_path / "run", device="gpu", observe=lambda stage: notes.append(stage.note)
        )
        return done, [note for note in notes if note]

    return run


def on_processors(folder, keep=KEEP) -> dict:
    engine.run(study_in(folder, PATHS, keep), folder / "cpu", device="cpu")
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


@pytest.mark.parametrize(
    "keep", [KEEP, "keep = { outcomes = [], draws = 0, yearly = 500 }\n"], ids=["one kept", "none kept"]
)
def test_outcomes_that_are_not_kept_never_cross(on_card, tmp_path, keep):
    run, _ = on_card(keep=keep)
    assert contents(run.folder) == on_processors(tmp_path, keep)
    assert on_card.card.launches > OPENED and max(on_card.card.crossed) <= OPENED


def test_a_card_that_counts_otherwise_than_processors_is_given_up(on_card, monkeypatch, tmp_path):
    by_processor = reductions.by_processor

    def others(*given):
        arrays = by_processor(*given)
        return arrays | {"counts": arrays["counts"] + np.uint16(1)}

    monkeypatch.setattr(reductions, "by_processor", others)
    with pytest.warns(UserWarning, match="counts of paths 0 to 131,071 are others than on the processor"):
        run, _ = on_card()
    assert contents(run.folder) == on_processors(tmp_path)
    assert forms_of(run)[-1]["name"] == "loop"


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
