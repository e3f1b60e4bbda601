"""A run that was extended: the plain commands show what is there, the report says what it is of, and who computed what
is kept.
"""

import pytest

from engine.execution import job
from engine.run_folder import provenance
from engine.study.study import BLOCK
from tests.recorded import Stops, played_back, study_in
from tests.small_files import call, own, ran


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where the study is whose program is played back."""
    return tmp_path_factory.mktemp("extending")


@pytest.fixture
def run(home, tmp_path, monkeypatch):
    """A function that runs the study with so many paths, to its end or stopped after some blocks, as Ctrl-C or a kill
    does.
    """
    executor = played_back(home)

    def running(paths, stopped=None, killed=False):
        monkeypatch.setattr(
            job, "executor_of", lambda *_: executor if stopped is None else Stops(executor.program, stopped)
        )
        with monkeypatch.context() as patch:
            if killed:
                patch.setattr(provenance, "append", lambda *_: None)
            words = ["run", home / "pond.toml", *own("Pond"), "--out", tmp_path / "run", "--paths", paths, "--quiet"]
            ended = call(*words)
        assert ended.exit_code == (0 if stopped is None else 130), ended.output
        return ended

    study_in(home)
    return running


def asked(tmp_path, *words):
    """What a command says of the run."""
    ended = ran(words[0], tmp_path / "run", *words[1:], *own("Pond"))
    return ended


def test_after_an_extension_fewer_paths_show_all_that_is_there(run, tmp_path):
    run(2 * BLOCK)
    ended = run(BLOCK + 600)
    assert "262,144 paths, seed 7" in ended.stdout
    assert "262,144 paths" in ended.stderr and "131,672" in ended.stderr
    assert provenance.runs(tmp_path / "run")[-1]["paths"] == 2 * BLOCK


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "there"), [(0, 600), (1, BLOCK)])
def test_while_an_extension_is_not_finished_the_plain_commands_show_what_is_there(run, tmp_path, blocks, there):
    run(600)
    run(3 * BLOCK, stopped=blocks)
    note = f"note: {tmp_path / 'run'}: {there:,} of 393,216 paths are finished and shown."
    for words in (["risk"], ["risk", "--given", "lowest_stock > 1"], ["plot", "exceedance"]):
        if words[0] == "plot":
            words = ["plot", "exceedance", tmp_path / "run", *own("Pond"), "-o", tmp_path / "a.png"]
            ran(*words)
        else:
            ended = asked(tmp_path, *words)
            assert f"{there:,} paths, seed 7" in ended.stdout
        assert note in ended.stderr
        assert f"The first {there:,} paths are kept." in ended.stderr and f"--paths {there}" in ended.stderr
    state = asked(tmp_path, "status").stdout
    assert "To finish it: rustbelt run" in state and f"--paths {there} " in state
    worst = asked(tmp_path, "replay", "--worst", "2", "--variable", "lowest_stock")
    assert "is the worst in lowest stock under keep" in " ".join(worst.stdout.split())
    run(3 * BLOCK)
    assert "note" not in asked(tmp_path, "risk").stderr
