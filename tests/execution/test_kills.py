"""`kill -9` of the real command at random moments; whoever resumes has other devices, other lanes, or workers. The
bytes are the same.
"""

import os
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from engine.run_folder.folder import RunFolder
from engine.runs import upkeep
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK
from tests import watched
from tests.recorded import contents, study_in
from tests.small_files import MODELS, write

PATHS, MORE = 6 * BLOCK + 600, 80 * BLOCK + 600
RUSTBELT = Path(sys.executable).parent / "rustbelt"
MODEL_OF = {"pond": f"{MODELS}:Pond", "watched": f"{watched.__file__}:Watched"}
"""The model of a study, by the name of its file."""
TRIGGERED = """
name = "watched"
baseline = "keep"
run = { seed = 7 }
keep = { outcomes = ["lowest_stock"], draws = 1000, yearly = 500 }
time = { first = 2020, last = 2031 }
factors.inflow = { family = "lognormal", p05 = 0.7, p95 = 2.0 }
factors.thrift = { family = "uniform", low = 0.0, high = 0.1 }
triggers.low = { reads = "gauge", below = 8.0, until_above = 10.0, for = 2, delay = 1 }
policies.keep = {}
policies.watch = { when.low = { release = "thrift" }, start = 2022, before = "keep", implementation = 0.5 }
events.dry = { outcome = "lowest_stock", below = 3.0 }
"""
FORCED = """
import itertools, os, signal, sys
from engine.cli import main
from engine.lanes import machine_code
from engine.program import cpu_program
from engine.run_folder import ledger
lanes, kill_at, is_after = map(int, sys.argv[1:4])
write, numbers = ledger.write_record, itertools.count(1)
def struck(folder, record, files):
    number = next(numbers)  # of several threads each has its own number, so that one has the number that kills
    if number == kill_at and not is_after:
        os.kill(os.getpid(), signal.SIGKILL)
    whole = write(folder, record, files)
    if number == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole
machine_code.width, ledger.write_record = lambda: lanes, struck
assert cpu_program.lanes_of("float32") == lanes
main(sys.argv[4:])
"""
"""The command with vectors of so many lanes, which is killed before or after a record is written, the first or second
one; 0 for none.
"""


def command(folder, *more, forced=None):
    """The words of a run.

    Args:
      forced: lanes, and the record at which it is killed: `FORCED`.
    """
    (file,) = folder.parent.glob("*.toml")
    words = ["run", file, "--model", MODEL_OF[file.stem], "--paths", PATHS, "--out", folder]
    program = [RUSTBELT] if forced is None else [sys.executable, "-c", FORCED, *map(str, forced)]
    return [*program, *map(str, words), "--device", "cpu", "--quiet", *map(str, more)]


def run(folder, devices, *more, kill_after=None, forced=None):
    """The command with so many CPU devices, killed when the folder holds so many records and some time has passed."""
    env = {**os.environ, "RUSTBELT_CPU_DEVICES": str(devices), "JAX_PLATFORMS": "cpu"}
    process = subprocess.Popen(
        command(folder, *more, forced=forced), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if kill_after is not None:
        records, delay = kill_after
        while process.poll() is None and len(list(folder.glob("ledger/0*/*.json"))) < records:
            time.sleep(0.002)
        time.sleep(delay)
        process.kill()
    told = process.communicate()[1].decode()
    return process.returncode, told


def triggered_in(folder, paths=PATHS):
    """A study with a trigger, as `study_in`."""
    folder.mkdir(exist_ok=True)
    return load_study(write(folder, TRIGGERED, "watched.toml"), model=load_model_file(MODEL_OF["watched"]), paths=paths)


@pytest.fixture(scope="module", params=[study_in, triggered_in])
def whole(request, tmp_path_factory):
    """Contents of an undisturbed run, its study, and the function that writes its file."""
    place = tmp_path_factory.mktemp("whole")
    study = request.param(place, PATHS)
    assert run(place / "run", 1)[0] == 0
    return contents(place / "run"), study, request.param


def attempt(place, whole, seed, ways):
    """Killed again and again, each time resumed in another way, until a run ends."""
    expected, study, write_in = whole
    write_in(place)
    rng = np.random.default_rng(seed)
    kills = 0
    for k, (devices, *more) in enumerate(ways):
        # up to the records that are there, and a random moment after that: before, in and after a block's write, and at
        # the end
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
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.sweep) for seed in range(2, 6))])
def test_kills_and_other_ways_to_go_on(whole, tmp_path, seed):
    ways = [(1,), (4,), (1, "--workers", 2), (2,)]
    assert attempt(tmp_path, whole, seed, [ways[(seed + k) % 4] for k in range(3)]) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.sweep) for seed in (1, 2, 3))])
def test_every_number_of_threads_and_of_lanes_goes_on_where_another_was_killed(tmp_path, seed):
    """One outcome kept, the other not, and a yearly sample: each of twelve leaves a block or two, and is killed at a
    commit; the last ends the run.
    """
    study_in(tmp_path)
    words = ["--paths", MORE]
    ended, told = run(tmp_path / "plain", 2, *words)
    assert ended == 0, told
    rng = np.random.default_rng(seed)
    *killed, last = rng.permutation([*product((1, 2, 4), (16, 8, 4, 1))]).tolist()
    kills = [(1, 1), (2, 0), (2, 1)]
    for threads, lanes in killed:
        ended, told = run(tmp_path / "run", threads, *words, forced=(lanes, *kills[rng.integers(3)]))
        assert ended == -9, told
    threads, lanes = last
    ended, told = run(tmp_path / "run", threads, *words, forced=(lanes, 0, 0))
    assert ended == 0, told
    assert contents(tmp_path / "run") == contents(tmp_path / "plain")
