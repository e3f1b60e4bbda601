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

ROOT = Path(__file__).parents[2]
COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    source = ROOT / "tests" / "data" / "faults.c"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", path, source, "-ldl"], check=True)
    return path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """What the programs of a model with years and of one without give, by its name."""
    place = tmp_path_factory.mktemp("recorded")
    for model in ("Pond", "Bridge"):
        end(start(None, "record", place / f"{model}.npz", model))
    return {model: place / f"{model}.npz" for model in ("Pond", "Bridge")}


def start(library, *words):
    """The driver, started."""
    env = dict(os.environ) | ({"LD_PRELOAD": str(library)} if library else {})
    command = [sys.executable, "-m", "tests.fault_driver", *map(str, words)]
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )


def end(driver):
    """What a driver prints, line by line."""
    printed, complaints = driver.communicate()
    assert driver.returncode == 0, complaints[-3000:]
    return [json.loads(line) for line in printed.splitlines()]


def drive(library, recorded, place, how, code, step, model="Bridge", begins="new"):
    """Calls 1, 1 + step, ... struck, by two drivers that take turns: how many calls there are, and the tries of each.

    Args:
      begins: "new" for a run in no folder, "grown" for one that extends a finished one.
    """
    more = model, begins
    words = [(recorded[model], place / str(k), how, code, 2 * step, 1 + k * step, *more) for k in (0, 1)]
    found = [end(driver) for driver in [start(library, "strike", *word) for word in words]]
    return found[0][0]["calls"], [tries for _, *tries in found]


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


def judge_failures(calls, drivers):
    """What holds of runs in which a call failed; gives how many those were."""
    for tries in drivers:
        last = tries[-1]
        assert last["struck"] == "" and last["n"] > 0.9 * calls and last["ended"] == "complete", (
            "calls are left"
        )
    for found in [found for tries in drivers for found in tries]:
        assert found["same"] and not found["strays"], found
        assert found["ended"] == "complete" or found["ended"].startswith("told: the disk"), found
        # what was recorded is never computed again
        assert not {f"{index:08d}" for index in found["again"]} & set(found["kept"]), found
    failed = [found for tries in drivers for found in tries[:-1]]
    assert sum(found["ended"] != "complete" for found in failed) > 0.9 * len(failed)
    return len(failed)


@needs_compiler
@pytest.mark.parametrize(
    ("how", "code"), [pytest.param("once", errno.EIO, marks=pytest.mark.slow), ("for_ever", errno.ENOSPC)]
)
def test_some_calls_fail(library, recorded, fast, how, code):
    judge_failures(*drive(library, recorded, fast, how, code, 61, "Pond"))


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize(("how", "step"), [("once", 3), ("kill_after", 3)])
def test_a_run_with_years_that_grows_is_struck_at_every_third_call(library, recorded, fast, how, step):
    calls, drivers = drive(library, recorded, fast, how, errno.EIO, step, "Pond", "grown")
    if how == "once":
        judge_failures(calls, drivers)
    else:
        assert judge_kills(drivers) > calls / 4


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("how", ["once", "for_ever"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_every_call_fails(library, recorded, fast, how, code):
    calls, drivers = drive(library, recorded, fast, how, code, 1)
    failed = judge_failures(calls, drivers)
    assert failed >= 0.9 * calls
    print(f"\n{how} {errno.errorcode[code]}: {failed} calls failed in turn")


def judge_kills(drivers):
    """What holds of runs that were killed; gives how many those were."""
    killed = [found for tries in drivers for found in tries]
    for found in killed:
        assert found["ended"] == "killed" and found["same"] and not found["strays"], found
        assert not {f"{index:08d}" for index in found["again"]} & set(found["kept"]), found
    assert {len(found["again"]) for found in killed} == {0, 1, 2}
    return len(killed)


@needs_compiler
def test_some_kills(library, recorded, fast):
    judge_kills(drive(library, recorded, fast, "kill_after", 0, 23, "Pond", "grown")[1])


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("how", ["kill_before", "kill_after"])
def test_a_kill_before_and_after_every_call(library, recorded, fast, how):
    calls, drivers = drive(library, recorded, fast, how, 0, 1)
    kills = judge_kills(drivers)
    assert kills >= 0.9 * calls > 200
    print(f"\n{how}: {kills} kills")
