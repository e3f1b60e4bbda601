"""Worker processes, of this machine or of a dask cluster: the bytes of one process, and what fails is said."""

import importlib
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import engine
from engine.errors import UserError
from engine.execution import job
from engine.execution.executors import cluster, cluster_worker, site as sites
from engine.execution.executors.cluster import spans
from engine.execution.executors.own_workers import OwnWorkers
from engine.execution.executors.site import Assignment
from engine.execution.job import RunOptions
from engine.execution.progress import unobserved
from engine.lanes.compilation_cache import Watch
from engine.modelling.loading import spec_of
from engine.program import devices, hardware
from engine.run_folder import ledger, ownership, provenance
from engine.run_folder.folder import RunFolder
from engine.runs import upkeep
from engine.storage import locks
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK
from tests.execution.executors.dask_processes import Processes
from tests.recorded import contents, study_in
from tests.refusals import refuses
from tests.small_files import BRIDGE, MODELS, call, own, write

PATHS = 3 * BLOCK + 600


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The contents of a run in one process, and its study."""
    place = tmp_path_factory.mktemp("alone")
    study = study_in(place, PATHS)
    engine.run(study, place / "run", device="cpu")
    return contents(place / "run"), study


def command_in(folder, *more):
    """The words of a run of the pond, which is begun by another process."""
    study_in(folder)
    words = ["run", folder / "pond.toml", "--model", f"{MODELS}:Pond", "--paths", PATHS, "--out", folder / "run"]
    return [Path(sys.executable).parent / "rustbelt", *map(str, words), "--device", "cpu", *more]


def killed_when_it_has_a_block(folder, *more):
    process = subprocess.Popen(command_in(folder, *more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list(folder.glob("run/ledger/*/*.json")) and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.wait()


# ------------------------------------------------------------------------------- workers of this machine


def test_a_worker_takes_up_what_another_process_began_and_says_what_computes(alone, tmp_path, monkeypatch):
    expected, study = alone
    engine.run(study_in(tmp_path, BLOCK + 7), tmp_path / "run", device="cpu")
    monkeypatch.setattr(hardware, "cards_wanted", lambda: True)
    monkeypatch.setattr(hardware, "obstacles", list)
    for name in ("engine", "queue", "json"):  # a worker does not look for modules where the run was started
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    monkeypatch.chdir(tmp_path)
    run = engine.run(study, tmp_path / "run", workers=1)
    assert run._finished.computed == (1, 2, 3) and contents(tmp_path / "run") == expected
    (form,) = provenance.runs(run.folder)[-1]["forms"]
    why = f"{PATHS:,} paths should be done before a card has started"
    assert form["name"] == "loop" and form["on"].endswith("x cpu") and form["why"] == why
    assert why in call("status", run.folder).stdout


RARE = """
import jax.numpy as jnp
from engine import Factor, Outcome, StaticModel

class Rare(StaticModel):
    factors = {"x": Factor("1")}
    outcomes = {"loss": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        return {"loss": jnp.where(factors.x > 0.998, jnp.nan, factors.x)}
"""


@pytest.mark.slow
def test_what_a_model_does_wrong_in_a_worker_is_told_as_here_and_what_computed_is_recorded(tmp_path):
    (tmp_path / "rare.py").write_text(RARE)
    law = '[factors.x]\nfamily = "uniform"\nlow = 0\nhigh = 1\n[policies.old]\n'
    path = write(tmp_path, f'name = "rare"\nrun = {{ paths = {2 * BLOCK}, seed = 3, nonfinite = 0.003 }}\n{law}')
    ended = call("run", path, "--model", f"{tmp_path / 'rare.py'}:Rare", "--out", tmp_path / "out", "--workers", 1)
    assert ended.exit_code == 2, ended.output
    assert "'loss' under 'old'" in ended.stderr and "rustbelt replay" in ended.stderr
    (record,) = provenance.runs(tmp_path / "out")
    assert [form["name"] for form in record["forms"]] == ["loop"]
    assert list(ledger.recorded_blocks(tmp_path / "out")) == [0]


@pytest.mark.skipif(len(devices.cores()) < 2, reason="a single core")
@pytest.mark.slow
def test_a_killed_coordinator_takes_its_workers_along_and_two_workers_go_on(alone, tmp_path):
    expected, study = alone
    killed_when_it_has_a_block(tmp_path, "--workers", "2")
    engine.run(study, tmp_path / "run", device="cpu", workers=2)
    assert contents(tmp_path / "run") == expected
    assert upkeep.verify(RunFolder(tmp_path / "run", study)) == []


class Watched(OwnWorkers):
    """Workers whose processes a test can get at."""

    latest: "Watched"

    def __init__(self, *words):
        super().__init__(*words)
        Watched.latest = self

    def living(self):
        """The processes that compute."""
        below = psutil.Process(self._process.pid).children(recursive=True)
        return [one for one in below if "multiprocessing.spawn" in " ".join(one.cmdline())]


@pytest.mark.slow
def test_a_worker_that_is_killed_is_started_again(alone, tmp_path, monkeypatch):
    expected, study = alone
    monkeypatch.setattr(job, "OwnWorkers", Watched)
    killed, there = [], {}

    def records():
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "run").glob("ledger/0*/*.json")}

    def observe(stage):
        if stage.name == "simulating" and not killed:
            killed.extend(Watched.latest.living())
            killed[0].kill()
            psutil.wait_procs(killed, 60)
            there.update(records())

    engine.run(study, tmp_path / "run", device="cpu", workers=1, observe=observe)
    # what it was writing when it was killed is left half-written, until the folder is claimed anew
    left = {file: digest for file, digest in contents(tmp_path / "run").items() if not file.endswith(".tmp")}
    assert killed and left == expected
    assert there and {path: records()[path] for path in there} == there  # what was recorded was not computed again


@pytest.mark.slow
def test_a_block_that_kills_worker_after_worker_is_named(tmp_path):
    # what runs while the program is traced, in a worker alone, stands for whatever kills one
    deadly = "import os, sys\nDEADLY = 'multiprocessing.spawn' in ' '.join(sys.orig_argv)\n"
    body = "    def evaluate(self, factors, levers):\n"
    (tmp_path / "rare.py").write_text(
        deadly + RARE.replace(body, f"{body}        if DEADLY:\n            os._exit(9)\n").replace("jnp.nan", "0.0")
    )
    law = '[factors.x]\nfamily = "uniform"\nlow = 0\nhigh = 1\n[policies.old]\n'
    path = write(tmp_path, f'name = "rare"\nrun = {{ paths = 4000, seed = 3 }}\n{law}')
    ended = call("run", path, "--model", f"{tmp_path / 'rare.py'}:Rare", "--out", tmp_path / "out", "--workers", 1)
    assert ended.exit_code == 2, ended.output
    assert "3 workers died while computing block 0. Finished blocks are kept" in ended.stderr


def test_workers_that_end_as_they_start_are_told(tmp_path, monkeypatch):
    workers = OwnWorkers(1, "cpu", study_in(tmp_path))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with refuses("", "ended during startup"), closing(job.Cluster(workers)) as executor:
        executor.versions()
    assert workers._process.returncode == 1


def test_each_worker_has_a_share_of_the_cores_or_a_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "cores", lambda: list(range(8)))
    monkeypatch.setattr(hardware, "visible_cards", lambda: [])
    assert [own["env"]["RUSTBELT_CPU_DEVICES"] for own in OwnWorkers(3).options] == ["3", "3", "2"]
    monkeypatch.setattr(hardware, "cards_wanted", lambda: True)
    monkeypatch.setattr(hardware, "obstacles", list)
    monkeypatch.setattr(hardware, "visible_cards", lambda: ["3", "GPU-5f"])
    assert [own["env"]["CUDA_VISIBLE_DEVICES"] for own in OwnWorkers(2).options] == ["3", "GPU-5f"]
    with pytest.raises(UserError, match=r"1 to 2,.*each GPU"):
        OwnWorkers(3)
    env = {"RUSTBELT_CPU_DEVICES": "8", "JAX_PLATFORMS": "cpu"}
    assert OwnWorkers(1, "cpu").options == [{"nthreads": 1, "env": env}]
    monkeypatch.setattr(hardware, "obstacles", lambda: ["it is too old."])
    monkeypatch.setattr(devices, "is_small", lambda study: False)
    with pytest.warns(UserWarning, match="processors compute.*too old"):
        workers = job.executor_of(study_in(tmp_path), RunOptions(tmp_path / "run", workers=1))
    assert (workers._device, workers._why) == ("cpu", "it is too old.")


def test_one_gpu_is_chosen_of_all_that_a_worker_is_shown(monkeypatch):
    cluster_worker._set_up.cache_clear()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,0,1,2")
    monkeypatch.setenv("RUSTBELT_CPU_DEVICES", str(len(devices.cores())))
    cluster_worker._set_up()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--workers", 1000], "got 1000"),
        (["--workers", 1, "--scheduler", "tcp://127.0.0.1:1"], "goes without --scheduler"),
        (
            ["--scheduler", "tcp://127.0.0.1:9"],
            "--scheduler: 1 problem\n  there is no answer from a scheduler at tcp://127.0.0.1:9",
        ),
    ],
)
def test_workers_that_cannot_be_had_are_told(tmp_path, monkeypatch, words, told):
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    ended = call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", *words)
    assert ended.exit_code == 2 and told in ended.stderr, ended.output


# ----------------------------------------------------------------------- what holds where a worker computes


def assignment_of(folder, study, token):
    """Nothing to do in a folder, but for whom."""
    return Assignment(RunFolder(folder, study), token, False, (), unobserved, Watch())


def test_a_worker_does_not_work_for_a_run_that_is_gone_or_on_another_disk(tmp_path):
    study, versions = study_in(tmp_path, BLOCK), sites.versions("cpu")
    lock = ownership.lock_file(tmp_path / "run")
    lock.parent.mkdir(parents=True)
    with locks.held(lock) as holder:
        site = sites.of_assignment(assignment_of(tmp_path / "run", study, holder.token), "cpu", versions)
    with locks.held(lock), pytest.raises(UserError, match="another run"):
        sites.work_at(**site)
    nowhere = sites.of_assignment(assignment_of(tmp_path / "nowhere", study, "token"), "cpu", versions)
    forms, failure = cluster_worker.perform((0, 1), nowhere)
    assert forms == [] and "all workers share" in str(failure)


def test_a_worker_of_other_versions_is_refused(tmp_path):
    study_in(tmp_path)
    model = load_model_file(f"{MODELS}:Pond")
    study = load_study(tmp_path / "pond.toml", model=model, paths=BLOCK, program="xla")
    with ownership.claim(RunFolder(tmp_path / "run", study)) as holder:
        ownership.enter(RunFolder(tmp_path / "run", study), sites.versions("cpu"))
        made_by = {**sites.versions("cpu"), "jax": "0.9.9", "device_kind": "NVIDIA H100"}
        site = sites.of_assignment(assignment_of(tmp_path / "run", study, holder.token), "cpu", made_by)
        with pytest.raises(UserError) as refused:
            sites.work_at(**site)
    assert {problem.place for problem in refused.value.problems} == {"jax", "device_kind"}


def test_a_model_without_a_file_is_refused(tmp_path):
    study = study_in(tmp_path, BLOCK)
    alien = type("Alien", (type(study.model),), {"__module__": "nowhere"})
    homeless = replace(study, model=alien(), model_name="Alien", model_spec=spec_of(alien))
    with pytest.raises(UserError, match="no file"):
        sites.of_assignment(assignment_of(tmp_path, homeless, ""), None, {})


def test_tasks_are_neighbouring_blocks_and_none_too_many():
    assert spans([0, 1, 2, 5, 6, 9], 1) == [(0, 1), (1, 2), (2, 3), (5, 6), (6, 7), (9, 10)]
    found = spans(list(range(1000)), 5)
    assert found[0] == (0, 25) and found[-1] == (975, 1000) and len(found) == 40
    assert spans(range(3), 100) == [(0, 1), (1, 2), (2, 3)]
    assert spans(range(10**5), 2)[0] == (0, cluster.LARGEST)


# --------------------------------------------------------------------------------- a cluster of its user


@pytest.fixture
def processes():
    started = Processes()
    yield started
    started.end()


@pytest.mark.slow
def test_a_scheduler_without_workers_is_told(tmp_path, processes, monkeypatch):
    def nobody_comes(*_, **__):
        raise TimeoutError

    study = study_in(tmp_path, 100)
    monkeypatch.setattr(cluster, "PATIENCE", 20)
    monkeypatch.setattr(importlib.import_module("distributed").Client, "wait_for_workers", nobody_comes)
    with pytest.raises(UserError, match=r"no workers.*dask worker tcp://"):
        engine.run(study, tmp_path / "run", device="cpu", scheduler=processes.address)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_cluster_leaves_the_same_bytes_also_where_a_worker_is_killed(alone, tmp_path, processes):
    expected, study = alone
    killed_when_it_has_a_block(tmp_path)
    first = processes.add_worker()
    processes.add_worker()
    killed = []

    def observe(stage):
        if stage.name == "simulating" and not killed:
            killed.append(first.pid)
            os.kill(first.pid, signal.SIGKILL)
            processes.add_worker()

    engine.run(study, tmp_path / "run", device="cpu", scheduler=processes.address, observe=observe)
    assert killed and contents(tmp_path / "run") == expected


@pytest.mark.slow
def test_a_killed_scheduler_is_told_and_the_run_goes_on_elsewhere(alone, tmp_path, processes):
    expected, study = alone
    processes.add_worker()

    def observe(stage):
        if stage.name == "simulating":
            processes.scheduler.kill()

    with pytest.raises(UserError, match="is gone"):
        engine.run(study, tmp_path / "run", device="cpu", scheduler=processes.address, observe=observe)
    done = engine.run(study, tmp_path / "run", device="cpu")
    assert 0 < len(done._finished.computed) < 4 and contents(tmp_path / "run") == expected


@pytest.mark.slow
def test_a_killed_coordinator_of_a_cluster(alone, tmp_path, processes):
    processes.add_worker()
    killed_when_it_has_a_block(tmp_path, "--scheduler", processes.address)
    # the worker may still be at it: what it writes now is thrown away, or the same
    assert subprocess.run([*command_in(tmp_path), "--quiet"], stdout=subprocess.DEVNULL).returncode == 0
    assert contents(tmp_path / "run") == alone[0]
