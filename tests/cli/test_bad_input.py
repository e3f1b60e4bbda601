"""Bad input: exit code 2, a list of problems, no traceback, nothing half-written.

Messages one by one, of studies, models, data files and arguments: `test_hostile.py`.
"""

import errno
import os

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
            ["the system: 1 problem", "does not allow this process more threads", "ulimit -v"],
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


def test_more_than_the_disk_holds(tmp_path, bridge):
    refused(call(*bridge, "--paths", "1e12"), "1,000,000,000,000 paths", "TB on disk", "free")
    refused(call(*bridge[:-1], tmp_path / ("x" * 300)), "cannot be")


def test_a_folder_that_holds_something_else_is_left_as_it_is(tmp_path, bridge):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("dear")
    before = sorted(tmp_path.rglob("*"))
    refused(call(*bridge[:-1], tmp_path / "thesis"), "no run", "chapter.txt")
    assert sorted(tmp_path.rglob("*")) == before


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
