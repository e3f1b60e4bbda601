"""What stands in a run folder in the place of a file (a pipe, a device, a link, a file without end) is refused, named
and mended, never waited for.
"""

import os
import resource
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest

import engine
from engine.errors import UserError
from engine.run_folder import reading
from tests.small_files import BRIDGE, MODELS, call, write

SHARD = "cube.zarr/paths/damage/c/0/0"
FILES = (
    *("study.toml", "report.html", "provenance.json"),
    *("ledger/study.json", "ledger/cube.json", "ledger/00000/00000000.json", "ledger/lock"),
    *("cube.zarr/zarr.json", "cube.zarr/risk/zarr.json", "cube.zarr/paths/damage/zarr.json", SHARD),
)
ROOT, STUDY, RECORD = "cube.zarr/zarr.json", "ledger/study.json", "ledger/00000/00000000.json"
QUICK = [("a named pipe", STUDY), ("a link to a device", ROOT), ("a link to what it was", SHARD)]
SLOW = [
    *(("a named pipe", file) for file in FILES if file != STUDY),
    *(("a link to a device", file) for file in (STUDY, RECORD, "report.html", "ledger/lock")),
    *(("a link to what it was", file) for file in (STUDY, "study.toml", "cube.zarr/risk/zarr.json")),
    *(("a file of a terabyte", file) for file in (STUDY, ROOT, RECORD, SHARD)),
]
UNRECORDED = {"report.html", "ledger/lock"}
"""No part of a run answers for them."""
UNEQUAL = {"provenance.json", "lock", "report.html"}
"""Names of files that say who worked on a folder, or that nobody mends."""
FOLDERS = ("cube.zarr", "ledger", "ledger/00000", "cube.zarr/paths", "cube.zarr/paths/damage/c")
WAIT = 60
"""Seconds after which a command is taken to wait for ever."""


def pipe(place, elsewhere):
    os.mkfifo(place)


def device(place, elsewhere):
    place.symlink_to("/dev/zero")


def link(place, elsewhere):
    place.symlink_to(elsewhere)


def endless(place, elsewhere):
    with place.open("wb") as file:
        file.truncate(1 << 40)


KINDS = {
    "a named pipe": pipe,
    "a link to a device": device,
    "a link to what it was": link,
    "a file of a terabyte": endless,
}


@contextmanager
def bounded():
    """A block of code that ends by itself after a while, and has little more memory than it begins with."""

    def late(*_):
        raise TimeoutError("it waits")

    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(WAIT)
    resource.setrlimit(resource.RLIMIT_AS, (held + (4 << 30), most[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, most)
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished run."""
    place = tmp_path_factory.mktemp("irregular")
    model = engine.load_model_file(f"{MODELS}:Bridge")
    folder = engine.run(str(write(place, BRIDGE)), place / "run", model, device="cpu").folder
    (folder / "report.html").write_text("<p>")
    return folder


@pytest.fixture
def run(whole, tmp_path):
    """A copy of the run, to be spoilt."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def own(*words):
    """The command, with the model of the run, in bounds; it ends without being called our fault."""
    with bounded():
        ended = call(*words, "--model", f"{MODELS}:Bridge")
    assert ended.exit_code in (0, 2) and "our fault" not in ended.output, ended.output
    assert "--paths" not in ended.stderr, ended.stderr
    return ended


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in UNEQUAL
    }


@pytest.mark.parametrize(("kind", "file"), [*QUICK, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in SLOW)])
def test_what_is_no_file_is_named_and_mended(whole, run, tmp_path, file, kind):
    os.rename(run / file, tmp_path / "elsewhere")
    KINDS[kind](run / file, tmp_path / "elsewhere")
    kept = (tmp_path / "elsewhere").read_bytes()
    for words in (["status", run], ["risk", run, "--given", "damage > 1"]):
        own(*words)
    found = own("verify", run)
    assert found.exit_code == (0 if file in UNRECORDED else 2), found.output
    assert file in UNRECORDED or file in found.output
    mended = own("repair", run)
    if file == "ledger/lock" and kind != "a file of a terabyte":
        assert mended.exit_code == 2 and "lock: 1 problem" in mended.stderr
        (run / file).unlink()
        mended = own("repair", run)
    assert mended.exit_code == 0, mended.output
    assert own("verify", run).exit_code == 0 and contents(run) == contents(whole)
    assert (tmp_path / "elsewhere").read_bytes() == kept


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_leads_elsewhere_is_refused_and_what_is_there_stays(whole, run, tmp_path, name):
    os.rename(run / name, tmp_path / "elsewhere")
    (run / name).symlink_to(tmp_path / "elsewhere")
    before = contents(tmp_path / "elsewhere")
    deep = name.startswith("cube.zarr/")
    for words in (["risk", run, "--given", "damage > 1"], ["replay", run, "--worst", 1, "--variable", "damage"]):
        refused = own(*words)
        said = "got a link" in refused.stderr or "damaged or missing" in refused.stderr
        assert refused.exit_code == 2 and (said if deep else "leads elsewhere" in refused.stderr)
    with pytest.raises(UserError, match=r"a link|leads elsewhere"):
        reading.open_tree(run)["paths"]["damage"].load()
    again = own("run", run / "study.toml", "--out", run)
    assert again.exit_code == 2 and f"{name} leads elsewhere" in again.stderr
    if deep:
        assert own("verify", run).exit_code == 2 and own("repair", run).exit_code == 0
        assert not (run / name).is_symlink() and contents(run) == contents(whole)
    assert contents(tmp_path / "elsewhere") == before


def test_a_run_may_be_behind_a_link(run, tmp_path):
    (tmp_path / "link").symlink_to(run)
    assert own("verify", tmp_path / "link").exit_code == 0
    assert own("risk", tmp_path / "link", "--given", "damage > 1").exit_code == 0
