"""A dask cluster as executor: its scheduler and workers are processes of their own on the loopback, as a user starts
them.
"""

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

import engine
from engine.errors import UserError
from engine.execution.executors import cluster, cluster_worker, site as sites
from engine.execution.executors.cluster import blocks_of_task, spans
from engine.program import devices
from engine.study.study import BLOCK
from tests.execution.executors.test_processes import assignment_of
from tests.recorded import contents, study_in
from tests.small_files import BRIDGE, MODELS, call, own, write

PATHS = 5 * BLOCK + 600
DASK = [sys.executable, "-m", "dask"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Contents of a run in one process."""
    place = tmp_path_factory.mktemp("alone")
    engine.run(study_in(place, PATHS), place / "run", device="cpu")
    return contents(place / "run")


class Processes:
    """A scheduler and its workers."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port))
        self.workers = []

    def add_worker(self):
        """One more worker, with a single thread."""
        words = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1", "--memory-limit", "0"]
        self.workers.append(self._start(*words))
        return self.workers[-1]

    def _start(self, *words):
        env = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "60", "JAX_PLATFORMS": "cpu"}
        return subprocess.Popen(
            [*DASK, *words, "--no-dashboard"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def end(self):
        """All of them killed."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def processes():
    started = Processes()
    yield started
    started.end()


def test_tasks_are_neighbouring_blocks_and_none_too_many():
    assert spans([0, 1, 2, 5, 6, 9], 1) == [(0, 1), (1, 2), (2, 3), (5, 6), (6, 7), (9, 10)]
    found = spans(list(range(1000)), 5)
    assert found[0] == (0, 25) and found[-1] == (975, 1000) and len(found) == 40
    assert blocks_of_task(10**7, 2) == cluster.LARGEST and blocks_of_task(3, 100) == 1


def test_no_scheduler_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    ended = call(
        "run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9"
    )
    assert ended.exit_code == 2, ended.output
    assert "--scheduler: 1 problem" in ended.stderr and "at tcp://127.0.0.1:9" in ended.stderr


def test_a_scheduler_without_workers_is_told(tmp_path, processes, monkeypatch):
    study = study_in(tmp_path, 100)
    monkeypatch.setattr(cluster, "PATIENCE", 20)
    distributed = importlib.import_module("distributed")
    monkeypatch.setattr(distributed.Client, "wait_for_workers", _nobody_comes)
    with pytest.raises(UserError, match=r"no workers.*dask worker tcp://"):
        engine.run(study, tmp_path / "run", device="cpu", scheduler=processes.address)
    assert not (tmp_path / "run").exists()


def _nobody_comes(*_, **__):
    raise TimeoutError


def test_a_machine_that_sees_another_disk_is_told(tmp_path):
    study = study_in(tmp_path, 100)
    site = sites.of_assignment(assignment_of(tmp_path / "nowhere", study, "token"), "cpu", sites.versions("cpu"))
    with pytest.raises(UserError, match="all workers share"):
        cluster_worker.perform(asdict(site), 0, 1)


@pytest.mark.slow
def test_a_cluster_leaves_the_same_bytes_also_where_a_worker_is_killed(alone, tmp_path, processes):
    first = processes.add_worker()
    processes.add_worker()
    study, killed = study_in(tmp_path, PATHS), []

    def observe(stage):
        if stage.name == "simulating" and not killed:
            killed.append(first.pid)
            os.kill(first.pid, signal.SIGKILL)
            processes.add_worker()

    done = engine.run(study, tmp_path / "run", device="cpu", scheduler=processes.address, observe=observe)
    assert killed and done._finished.computed == (0, 1, 2, 3, 4, 5)
    assert contents(tmp_path / "run") == alone


@pytest.mark.slow
def test_a_killed_scheduler_is_told_and_the_run_goes_on_elsewhere(alone, tmp_path, processes):
    processes.add_worker()
    study = study_in(tmp_path, PATHS)

    def observe(stage):
        if stage.name == "simulating":
            processes.scheduler.kill()

    with pytest.raises(UserError, match="is gone"):
        engine.run(study, tmp_path / "run", device="cpu", scheduler=processes.address, observe=observe)
    done = engine.run(study, tmp_path / "run", device="cpu")
    assert 0 < len(done._finished.computed) < 6
    assert contents(tmp_path / "run") == alone


@pytest.mark.slow
def test_a_killed_coordinator_of_a_cluster(alone, tmp_path, processes):
    processes.add_worker()
    study_in(tmp_path)
    words = ["run", tmp_path / "pond.toml", "--model", f"{MODELS}:Pond", "--paths", PATHS, "--out", tmp_path / "run"]
    command = [Path(sys.executable).parent / "rustbelt", *map(str, words), "--device", "cpu"]
    process = subprocess.Popen(
        [*command, "--scheduler", processes.address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while not list(tmp_path.glob("run/ledger/*/*.json")) and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.wait()
    # the worker may still be at it: what it writes now is thrown away, or the same
    assert subprocess.run([*command, "--quiet"], stdout=subprocess.DEVNULL).returncode == 0
    assert contents(tmp_path / "run") == alone


def test_one_gpu_is_chosen_of_all_that_a_worker_is_shown(monkeypatch):
    cluster_worker._set_up.cache_clear()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,0,1,2")
    monkeypatch.setenv("RUSTBELT_CPU_DEVICES", str(len(devices.cores())))
    cluster_worker._set_up()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
