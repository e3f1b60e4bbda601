"""Bad input: exit code 2, a list of problems, no traceback, nothing half-written.

Messages one by one, of studies, models, data files and arguments: `test_hostile.py`.
"""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.storage.files import sealed, unsealed
from tests.small_files import BRIDGE, MODELS, call, own, write

NO_LIBRARY = ["memory: 1 problem", "a library", "ulimit -v"]


def refused(ended, *texts):
    """Asserts that a run was refused with these texts: a head that counts the problems, then an indented line each."""
    assert ended.exit_code == 2, ended.output
    assert ended.stdout == "" and "Traceback" not in ended.output
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("compil")]
    count = int(lines[0].rpartition(": ")[2].split()[0])
    assert lines[0].endswith(f": {count} problem{'s' if count != 1 else ''}")
    assert len([line for line in lines[1:] if line.startswith("  ")]) == count
    for text in texts:
        assert text in " ".join(ended.stderr.split()), ended.stderr


@pytest.fixture
def out(tmp_path):
    """The run folder that must not be there afterwards."""
    folder = tmp_path / "out"
    yield folder
    assert not folder.exists()


@pytest.fixture
def bridge(tmp_path, out):
    """The words that run the bridge."""
    return ["run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", out]


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        (
            {"question": "qestion", "factors.price": "factors.prise", '"weak"': '"waek"', '"damage"': '"damges"'},
            [f"Did you mean '{name}'" for name in ("question", "price", "weak", "damage")],
        ),
        ({"high = 2": "high = nan", "strength = 14": "strenght = 14"}, ["got nan", "mean 'strength'"]),
    ],
)
def test_all_problems_are_told_at_once_with_the_names_that_may_be_meant(tmp_path, out, changes, messages):
    text = BRIDGE
    for old, new in changes.items():
        text = text.replace(old, new)
    for command in ("run", "check"):
        refused(call(command, write(tmp_path, text), *own("Bridge"), "--out", out), *messages)


@pytest.mark.parametrize("command", ["run", "risk", "init"])
def test_a_model_without_a_name_is_refused(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    named = "new.toml" if command == "init" else write(tmp_path, BRIDGE)
    refused(call(command, named, "--model", ""), "expected FILE:CLASS, such as my_model.py:MyModel.")


@pytest.mark.parametrize("words", [["init", "new.toml"], ["plot"], ["plot", "exceedance"]], ids=" ".join)
def test_trust_where_nothing_names_a_model_is_refused(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    ended = call(*words, "--trust")
    assert ended.exit_code == 2 and "--trust goes with" in ended.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["pipe", "device", "endless"])
def test_what_is_given_is_a_file_and_is_not_waited_for(tmp_path, out, kind):
    odd = tmp_path / "odd"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "device":
        odd.symlink_to("/dev/zero")
    else:
        with odd.open("wb") as file:
            file.truncate(1 << 40)
    link = tmp_path / "link.toml"
    link.symlink_to(write(tmp_path, BRIDGE))
    assert call("check", link, *own("Bridge")).exit_code == 0
    for ended in (
        call("run", odd, *own("Bridge"), "--out", out),
        call("risk", odd, *own("Bridge")),
        call("run", link, "--model", f"{odd}:Bridge", "--out", out),
        call("fit", odd, "--column", "x"),
    ):
        refused(ended, "expected")
        assert "memory" not in ended.stderr, ended.stderr


def failing(error):
    """A function that raises the error."""

    def fails(*_):
        raise error

    return fails


def without_library(*_):
    try:
        raise ImportError("libany.so: failed to map segment from shared object")
    except ImportError:
        raise OSError("Could not find/load shared object file 'libany.so'.")  # noqa: B904


@pytest.mark.parametrize(
    ("what", "does", "messages"),
    [
        (
            "threading.Thread.start",
            failing(RuntimeError("can't start new thread")),
            ["the system: 1 problem", "no more threads", "ulimit -v"],
        ),
        (
            "engine.execution.job.executor_of",
            failing(ImportError("libany.so: failed to map segment from shared object")),
            NO_LIBRARY,
        ),
        ("engine.execution.job.executor_of", without_library, NO_LIBRARY),
        (
            "engine.execution.resources.memory_free",
            lambda: 500_000_000,
            ["4,000 paths", "1.1 GB of memory", "500.0 MB free"],
        ),
        ("engine.storage.files.sync", failing(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x")), ["is full"]),
        ("engine.run_folder.cube.sync", failing(OSError(errno.EROFS, os.strerror(errno.EROFS), "x")), ["be written"]),
    ],
)
def test_a_system_that_lacks_something(bridge, monkeypatch, what, does, messages):
    monkeypatch.setattr(what, does)
    refused(call(*bridge), *messages)


@pytest.mark.slow
@pytest.mark.parametrize("most", [300_000, 700_000, 900_000, 1_500_000, 1_900_000])
def test_a_process_with_little_memory_is_told_so(out, most):
    words = f"run rustbelt --paths 2000 --quiet --out {out}"
    line = f"ulimit -v {most}; {sys.executable} -c 'from engine.cli import main; main()' {words}"
    ended = subprocess.run(["bash", "-c", line], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    shutil.rmtree(out, ignore_errors=True)
    assert ended.returncode in (0, 2) and "our fault" not in ended.stderr, ended.stderr


@pytest.mark.parametrize(
    ("setting", "messages"),
    [
        ("." * 2000 + "=1", ["expected TABLE.NAME.KEY=VALUE"]),
        (".".join("a" * 2000) + "=1", ["at most 16 names", "got 2,000"]),
        ("factors.load.p05=" + "[" * 2000 + "]" * 2000, ["factors.load.p05: ", "a number", "got '[[["]),
    ],
)
def test_a_setting_that_goes_too_deep(tmp_path, setting, messages):
    ended = call("check", write(tmp_path, BRIDGE), *own("Bridge"), "--set", setting)
    refused(ended, ": 1 problem", *messages)
    assert len(ended.stderr) < 400


def test_more_than_the_disk_holds(tmp_path, bridge):
    refused(call(*bridge, "--paths", "1e12"), "1,000,000,000,000 paths", "TB on disk", "free")
    refused(call(*bridge[:-1], tmp_path / ("x" * 300)), "cannot be")


def test_a_folder_that_holds_something_else_is_left_as_it_is(tmp_path, bridge):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("dear")
    before = sorted(tmp_path.rglob("*"))
    refused(call(*bridge[:-1], tmp_path / "thesis"), "no run", "chapter.txt")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_holds_another_study(finished):
    words = ["run", finished / "bridge.toml", *own("Bridge"), "--out", finished / "bridge", "--quiet"]
    refused(call(*words, "--seed", 8), "with fingerprint")
    assert call(*words).exit_code == 0


def test_a_refused_run_leaves_an_empty_folder_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    model = MODELS.read_text().replace("over * factors.price", "jnp.log(over - 1) * factors.price")
    (tmp_path / "model.py").write_text(model)
    words = ["--model", f"{tmp_path / 'model.py'}:Bridge", "--out", tmp_path / "empty"]
    refused(call("run", write(tmp_path, BRIDGE), *words), "is not finite")
    assert not list((tmp_path / "empty").iterdir())


def test_a_run_whose_model_has_a_helper_that_is_no_longer_what_it_was(tmp_path):
    folder, model, helper = tmp_path / "out", tmp_path / "model.py", tmp_path / "rates.py"
    rated = """
import rates
class Rated(Bridge):
    def evaluate(self, factors, levers):
        found = super().evaluate(factors, levers)
        return found | {"damage": found["damage"] * rates.RATE}
"""
    model.write_text(MODELS.read_text() + rated)
    helper.write_text("RATE = 1.0")
    words = ["run", write(tmp_path, BRIDGE), "--model", f"{model}:Rated", "--out", folder, "--quiet"]
    assert call(*words).exit_code == 0
    assert call("risk", folder).exit_code == 0
    helper.write_text("RATE = 2.0")
    refused(call("risk", folder), "another version of model Rated", "Ask with the model as it was")
    refused(call(*words, "--paths", 5000), "with fingerprint", "another folder")
    place = folder / "ledger" / "study.json"
    held = unsealed(place)
    for entry in ("model.py", {"spec": f"{model}:Rated"}):
        place.write_bytes(sealed({**held, "model": entry}))
        refused(call("risk", folder), "does not say", "--model FILE:CLASS")


def test_a_model_whose_path_is_no_text_is_remembered_as_any_other(tmp_path):
    place = tmp_path / os.fsdecode(b"no \xff text")
    place.mkdir()
    words = ["run", write(tmp_path, BRIDGE), "--out", tmp_path / "out", "--quiet"]
    for path in (place, tmp_path):
        (path / "model.py").write_bytes(MODELS.read_bytes())
        assert call(*words, "--model", f"{path / 'model.py'}:Bridge").exit_code == 0
        assert call("risk", tmp_path / "out").exit_code == 0
