"""Library calls that fail, or after which the process is killed, one after the other until none is left; a disk that fills.

The run is small and its program played back (`recorded.py`); what writes, renames and forces to the disk is the real thing.
Every try is followed by a run that is not disturbed, whose folder must be, byte for byte, the undisturbed one.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    source = HERE / "data" / "faults.c"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", path, source, "-ldl"], check=True)
    return path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "recorded.npz"
    drive(None, "record", path)
    return path


def drive(library, *words):
    """What the driver prints, line by line."""
    env = dict(os.environ) | ({"LD_PRELOAD": str(library)} if library else {})
    command = [sys.executable, HERE / "fault_driver.py", *map(str, words)]
    found = subprocess.run(command, env=env, capture_output=True, text=True, cwd=HERE)
    assert found.returncode == 0, found.stderr[-3000:]
    return [json.loads(line) for line in found.stdout.splitlines()]


@pytest.fixture
def fast(tmp_path):
    """A folder in memory, where there is one: what is forced to the disk there costs nothing."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    place = memory / f"rustbelt-{os.getpid()}-{tmp_path.name}"
    yield place
    shutil.rmtree(place, ignore_errors=True)


def judge_failures(tries):
    first, *tries = tries
    assert tries[-1]["struck"] == "" and tries[-1]["n"] > first["calls"] * 0.9, "the last try met no failure"
    assert tries[-1]["ended"] == "complete"
    for found in tries:
        assert found["same"] and not found["strays"], found
        assert found["ended"] == "complete" or found["ended"].startswith("told: the disk"), found
    # what was recorded is never computed again
    for found in tries:
        assert not {f"{index:08d}" for index in found["again"]} & set(found["kept"]), found
    assert sum(found["ended"] != "complete" for found in tries) > 0.9 * (len(tries) - 1)


@needs_compiler
@pytest.mark.parametrize(("how", "code"), [("once", errno.EIO), ("for_ever", errno.ENOSPC)])
def test_some_calls_fail(library, recorded, fast, how, code):
    judge_failures(drive(library, "try", recorded, fast, how, code, 61))


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("how", ["once", "for_ever"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_every_call_fails(library, recorded, fast, how, code):
    tries = drive(library, "try", recorded, fast, how, code, 1)
    judge_failures(tries)
    print(f"\n{how} {errno.errorcode[code]}: {len(tries) - 2} calls failed in turn")


def judge_kills(tries):
    _, *tries = tries
    for found in tries:
        assert found["ended"] == "killed" and found["same"] and not found["strays"], found
        assert not {f"{index:08d}" for index in found["again"]} & set(found["kept"]), found
    assert {tuple(found["again"]) for found in tries} >= {(0, 1), (1,), ()}


@needs_compiler
def test_some_kills(library, recorded, fast):
    judge_kills(drive(library, "kill", recorded, fast, "kill_after", 0, 23))


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("how", ["kill_before", "kill_after"])
def test_a_kill_before_and_after_every_call(library, recorded, fast, how):
    tries = drive(library, "kill", recorded, fast, how, 0, 1)
    judge_kills(tries)
    assert len(tries) > 200
    print(f"\n{how}: {len(tries) - 1} kills")
