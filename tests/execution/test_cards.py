"""A run on a card that fails on its way: the bytes of processors, one sentence, and what computed it where that is
looked for.
"""

import functools
import json
import signal
import warnings
from dataclasses import replace
from types import SimpleNamespace

import pytest

import engine
from engine.errors import UserError
from engine.program import devices, gpu, hardware
from engine.run_folder import provenance
from engine.runs.run import Run
from engine.study.study import BLOCK
from tests.program.simulated_card import FAILURES, WORDS, Card, Named, XlaCard
from tests.recorded import KEEP, contents, small_study_in, study_in
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
        done = engine.run(study, tmp_path / "run", device="gpu", observe=lambda stage: notes.append(stage.note))
        return done, [note for note in notes if note]

    return run


@pytest.fixture(scope="module")
def on_processors(tmp_path_factory):
    """The folder of the run on processors by what it keeps, made once."""

    @functools.cache
    def made(keep=KEEP):
        place = tmp_path_factory.mktemp("cpu")
        return engine.run(study_in(place, PATHS, keep), place / "run", device="cpu").folder

    return made


def forms_of(run: Run) -> list[dict]:
    return provenance.runs(run.folder)[-1]["forms"]


def test_a_run_on_a_card_leaves_the_bytes_of_processors_and_says_what_computed_it(on_card, on_processors):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run, notes = on_card()
    left_out = "a run takes cards of one kind: 1 x NVIDIA T400 left out"
    assert contents(run.folder) == contents(on_processors())
    assert forms_of(run) == [{"name": "kernel", "on": "1 x NVIDIA H100", "why": left_out}]
    assert notes[0].endswith(f": kernel on 1 x NVIDIA H100 ({left_out})")
    (status,) = json.loads(call("status", run.folder, "--json").stdout)
    assert [one["forms"] for one in status["runs"]] == [forms_of(run)]
    cpu = engine.open_run(on_processors())
    assert [one["name"] for one in forms_of(cpu)] == ["loop"] and forms_of(cpu)[0]["on"].endswith("x cpu")
    assert run.verify() == []


@pytest.mark.parametrize(
    "keep", [KEEP, "keep = { outcomes = [], draws = 0, yearly = 500 }\n"], ids=["one kept", "none kept"]
)
def test_outcomes_that_are_not_kept_have_the_tallies_of_processors(on_card, on_processors, keep):
    run, _ = on_card(keep=keep)
    assert contents(run.folder) == contents(on_processors(keep))
    assert on_card.card.launches == 6


@pytest.mark.slow
@pytest.mark.parametrize("what", [what for what in FAILURES if what != "gives other bytes"])
def test_a_run_whose_card_fails_on_the_way_ends_with_the_same_bytes(on_card, on_processors, what):
    with pytest.warns(UserWarning, match=WORDS[what]) as told:
        run, notes = on_card(what, 4)
    assert len(told) == 1 and "kernel on" in notes[0]
    assert contents(run.folder) == contents(on_processors())
    kernel, loop = forms_of(run)
    assert kernel["name"] == "kernel" and loop["name"] == "loop"
    assert WORDS[what] in loop["why"]


def test_a_run_that_a_card_began_is_taken_up_by_processors(on_card, tmp_path):
    run, _ = on_card()
    more = engine.run(study_in(tmp_path, PATHS + 2 * BLOCK), run.folder, device="cpu")
    assert more._finished.computed == (5, 6, 7)
    whole = engine.run(study_in(tmp_path, PATHS + 2 * BLOCK), tmp_path / "whole", device="cpu")
    assert contents(more.folder) == contents(whole.folder)


def test_a_card_that_hangs_does_not_keep_the_process(on_card, monkeypatch):
    kept = []
    monkeypatch.setattr(gpu, "atexit", SimpleNamespace(register=lambda *what: kept.append(what)))
    with pytest.warns(UserWarning, match=WORDS["hangs"]):
        on_card("hangs", 4)
    assert kept == [(signal.alarm, gpu.ENDING)]


# ------------------------------------------------------------------------------- XLA's program on a card

LOST = "1 x NVIDIA H100 failed: .*CUDA_ERROR_ILLEGAL_ADDRESS. Compute on .* in another folder: --device cpu --out"


@pytest.mark.parametrize("launch", [1, 3], ids=["at once", "later"])
def test_where_xla_fails_on_a_card_the_run_ends_and_is_never_mixed_with_another_device(monkeypatch, tmp_path, launch):
    study = replace(small_study_in(tmp_path, PATHS), program="xla")
    monkeypatch.setattr(devices, "GPU_LANES", study.tile)
    card = XlaCard(monkeypatch, launch)
    with pytest.raises(UserError, match=LOST):
        engine.run(study, tmp_path / "run", device="gpu")
    assert card.launches == launch and (tmp_path / "run").exists() == (launch > 1)
    if launch > 1:
        there = contents(tmp_path / "run")
        with pytest.raises(UserError, match="device_kind NVIDIA H100"):
            engine.run(study, tmp_path / "run", device="cpu")
        assert contents(tmp_path / "run") == there
