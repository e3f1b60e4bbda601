"""`kill -9` of the real command at random moments; whoever resumes has other devices, or workers. The bytes are the same."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.run_folder.folder import RunFolder
from engine.runs import upkeep
from engine.study.study import BLOCK
from tests.recorded import contents, study_in
from tests.small_files import MODELS

PATHS = 6 * BLOCK + 600
RUSTBELT = Path(sys.executable).parent / "rustbelt"


def command(folder, *more):
    words = [
        "run",
        folder.parent / "pond.toml",
        "--model",
        f"{MODELS}:Pond",
        "--paths",
        PATHS,
        "--out",
        folder,
    ]
    return [RUSTBELT, *map(str, words), "--device", "cpu", "--quiet", *map(str, more)]


def run(folder, devices, *more, kill_after=None):
    """The command with so many CPU devices, killed when the folder holds so many records and some time has passed."""
    env = {**os.environ, "RUSTBELT_CPU_DEVICES": str(devices), "JAX_PLATFORMS": "cpu"}
    process = subprocess.Popen(
        command(folder, *more), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if kill_after is not None:
        records, delay = kill_after
        while process.poll() is None and len(list(folder.glob("ledger/0*/*.json"))) < records:
            time.sleep(0.002)
        time.sleep(delay)
        process.kill()
    told = process.communicate()[1].decode()
    return process.returncode, told


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Contents of an undisturbed run, and its study."""
    place = tmp_path_factory.mktemp("whole")
    study = study_in(place, PATHS)
    assert run(place / "run", 1)[0] == 0
    return contents(place / "run"), study


def attempt(place, whole, seed, ways):
    """Killed again and again, each time resumed in another way, until a run ends."""
    expected, study = whole
    place.mkdir(exist_ok=True)
    study_in(place)
    rng = np.random.default_rng(seed)
    kills = 0
    for k, (devices, *more) in enumerate(ways):
        # up to the records that are there, and a random moment after that: before, in and after a block's write, and at the end
        at = min(k * 2 + int(rng.integers(0, 3)), 7), float(rng.choice([0.0, 0.01, 0.03, 0.1, 0.4]))
        code, told = run(place / "run", devices, *more, kill_after=at)
        assert code in (0, -9), told
        kills += code == -9
    code, told = run(place / "run", ways[0][0])
    assert code == 0, told
    assert contents(place / "run") == expected
    assert upkeep.verify(RunFolder(place / "run", study)) == []
    return kills


@pytest.mark.slow
def test_a_kill_and_another_number_of_devices(whole, tmp_path):
    assert attempt(tmp_path, whole, 1, [(2,), (1, "--workers", 1)]) >= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.sweep) for seed in range(2, 6))]
)
def test_kills_and_other_ways_to_go_on(whole, tmp_path, seed):
    ways = [(1,), (4,), (1, "--workers", 2), (2,)]
    assert attempt(tmp_path, whole, seed, [ways[(seed + k) % 4] for k in range(3)]) >= 1
