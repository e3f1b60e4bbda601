"""Library calls that fail, or after which the process is killed, one after the other until none is left; a disk that
fills.

The run is small and its program played back (`recorded.py`); what writes, renames and forces to the disk is the real
thing. Every try is followed by a run that is not disturbed, whose folder must be, byte for byte, the undisturbed one.
The disk that fills is a tmpfs, where this process, or a user namespace of its own, may mount one.
"""

import errno
import functools
import json
import os
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.study.study import BLOCK
from tests.recorded import arrays_of, contents, small_study_in, study_in

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
    """A file of what the program of a model with years or of one without gives, by its name; computed when first asked
    for.
    """
    place = tmp_path_factory.mktemp("recorded")

    @functools.cache
    def of(model):
        study = study_in(place) if model == "Pond" else small_study_in(place)
        np.savez(place / f"{model}.npz", **arrays_of(study))
        return place / f"{model}.npz"

    return of


def start(library, *words):
    """The driver, started."""
    env = dict(os.environ) | {"LD_PRELOAD": str(library)}
    command = [sys.executable, "-m", "tests.fault_driver", *map(str, words)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def end(driver):
    """What a driver prints, line by line."""
    printed, complaints = driver.communicate()
    assert driver.returncode == 0, complaints[-3000:]
    return [json.loads(line) for line in printed.splitlines()]


def drive(library, recorded, place, how, code, step, model="Bridge", begins="new", drivers=2):
    """Calls 1, 1 + step, ... struck, by drivers that take turns: how many calls there are, and the tries of each.

    Args:
      begins: "new" for a run in no folder, "grown" for one that extends a finished one.
    """
    more = model, begins
    turns = [(place / str(k), how, code, drivers * step, 1 + k * step) for k in range(drivers)]
    words = [(recorded(model), *turn, *more) for turn in turns]
    found = [end(driver) for driver in [start(library, *word) for word in words]]
    return found[0][0]["calls"], [tries for _, *tries in found]


def judge_failures(calls, drivers):
    """What holds of runs in which a call failed; gives how many those were."""
    for tries in drivers:
        last = tries[-1]
        assert last["struck"] == "" and last["n"] > 0.9 * calls and last["ended"] == "complete", "calls are left"
    for found in [found for tries in drivers for found in tries]:
        assert found["same"] and not found["strays"], found
        assert found["ended"] == "complete" or found["ended"].startswith("told: the disk"), found
        # what was recorded is never computed again
        assert not {f"{index:08d}" for index in found["again"]} & set(found["kept"]), found
    failed = [found for tries in drivers for found in tries[:-1]]
    assert sum(found["ended"] != "complete" for found in failed) > 0.9 * len(failed)
    return len(failed)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize(("how", "code"), [("once", errno.EIO), ("for_ever", errno.ENOSPC)])
def test_some_calls_fail(library, recorded, tmp_path, how, code):
    judge_failures(*drive(library, recorded, tmp_path, how, code, 503, "Pond", drivers=1))


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("how", ["once", "kill_after"])
@pytest.mark.parametrize("step", [pytest.param(7, marks=pytest.mark.sweep), 67])
def test_a_run_with_years_that_grows_is_struck_all_along(library, recorded, tmp_path, how, step):
    calls, drivers = drive(library, recorded, tmp_path, how, errno.EIO, step, "Pond", "grown")
    if how == "once":
        judge_failures(calls, drivers)
    else:
        assert judge_kills(drivers) > calls / (step + 1)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize(
    ("how", "code", "step"),
    [
        ("once", errno.EIO, 29),
        ("for_ever", errno.ENOSPC, 29),
        *(
            pytest.param(*one, 1, marks=pytest.mark.sweep)
            for one in product(("once", "for_ever"), (errno.EIO, errno.ENOSPC))
        ),
    ],
)
def test_every_call_fails(library, recorded, tmp_path, how, code, step):
    calls, drivers = drive(library, recorded, tmp_path, how, code, step)
    failed = judge_failures(calls, drivers)
    assert failed >= 0.9 * (calls // step)
    print(f"\n{how} {errno.errorcode[code]}: {failed} calls failed in turn")


def judge_kills(drivers):
    """What holds of runs that were killed; gives how many those were."""
    killed = [found for tries in drivers for found in tries]
    for found in killed:
        assert found["ended"] == "killed" and found["same"] and not found["strays"], found
        assert not {f"{index:08d}" for index in found["again"]} & set(found["kept"]), found
    # two writers may end together: one block of two is there only where a kill falls between them
    assert {0, 2} <= {len(found["again"]) for found in killed} <= {0, 1, 2}
    return len(killed)


@needs_compiler
def test_some_kills(library, recorded, tmp_path):
    judge_kills(drive(library, recorded, tmp_path, "kill_after", 0, 149, "Pond", "grown", drivers=1)[1])


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("how", ["kill_before", "kill_after"])
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.sweep), 29])
def test_a_kill_before_and_after_every_call(library, recorded, tmp_path, how, step):
    calls, drivers = drive(library, recorded, tmp_path, how, 0, step)
    kills = judge_kills(drivers)
    assert kills >= 0.9 * (calls // step) and calls > 200
    print(f"\n{how}: {kills} kills")


PATHS = 4 * BLOCK

SCRIPT = """
import json, os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.recorded import contents, study_in
import engine
from engine.run_folder import ledger
from engine.run_folder.folder import RunFolder
from engine.errors import UserError

place = Path({place!r})
study = study_in(Path({home!r}), {paths})
told = []
for room in {rooms}:
    os.system(f"mount -o remount,size={{room}} {{place}}")
    try:
        engine.run(study, place / "run", device="cpu")
        ending = ["complete", ""]
    except UserError as error:
        ending = ["told", error.problems[0].message]
    told.append([*ending, list(ledger.done_blocks(RunFolder(place / "run", study), thorough=True))])
print(json.dumps([told, contents(place / "run"), [p.name for p in place.rglob("*.tmp")]]))
"""


def mounted(place, script):
    """What the script prints with a tmpfs of 64 MiB mounted at the place, or None where none can be mounted."""
    inside = f'mount -t tmpfs -o size=64m tmpfs "{place}" && exec "{sys.executable}" -c "$SCRIPT"'
    unshare = shutil.which("unshare")
    for words in ([unshare, "-m"], [unshare, "-Urm"]):
        if unshare is None or subprocess.run([*words, "true"], capture_output=True).returncode:
            continue
        found = subprocess.run(
            [*words, "sh", "-c", inside], env={**os.environ, "SCRIPT": script}, capture_output=True, text=True
        )
        if "mount:" not in found.stderr:
            assert found.returncode == 0, found.stderr[-3000:]
            return json.loads(found.stdout.splitlines()[-1])
    return None


@pytest.mark.slow
def test_a_disk_that_fills_keeps_what_was_recorded(tmp_path):
    (tmp_path / "disk").mkdir()
    # room is made little by little; what a run needs at most is asked for beforehand, and is not what it meets here
    script = SCRIPT.format(
        root=str(ROOT),
        place=str(tmp_path / "disk"),
        home=str(tmp_path),
        paths=PATHS,
        rooms=["300k", "2m", "3m", "4m", "64m"],
    ).replace(
        "import engine\n",
        "import engine\nfrom engine.execution import job\njob.refuse_if_too_large = lambda *_: None\n",
        1,
    )
    found = mounted(tmp_path / "disk", script)
    if found is None:
        pytest.skip("no tmpfs can be mounted here")
    told, left, strays = found
    ended, messages, done = zip(*told, strict=True)
    assert ended[0] == "told" and ended[-1] == "complete" and ended.count("told") >= 2, told
    assert all(message.startswith("the disk is full") for message in messages if message), told
    counts = [len(blocks) for blocks in done]
    assert counts == sorted(counts) and counts[-1] == 4 and len(set(counts)) > 2, told
    engine.run(study_in(tmp_path, PATHS), tmp_path / "whole", device="cpu")
    assert left == contents(tmp_path / "whole") and not strays
