"""Worker processes and shards of a job array: the same bytes as one process leaves, and what happens when one dies."""

import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

import engine
from engine.errors import UserError
from engine.execution import job
from engine.execution.executors import site as sites
from engine.execution.executors.contract import Assignment
from engine.execution.executors.own_workers import OwnWorkers
from engine.execution.options import RunOptions
from engine.execution.progress import unobserved
from engine.lanes.compilation_cache import Watch
from engine.modelling.loading import spec_of
from engine.program import devices, hardware
from engine.run_folder import ownership, provenance
from engine.run_folder.folder import RunFolder
from engine.runs import upkeep
from engine.storage import locks
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK
from tests.recorded import contents, study_in
from tests.refusals import refuses
from tests.small_files import BRIDGE, MODELS, call, own, write

PATHS = 3 * BLOCK + 600
TWO_CORES = pytest.mark.skipif(len(devices.cores()) < 2, reason="a single core")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The contents of a run in one process, and its study."""
    place = tmp_path_factory.mktemp("alone")
    study = study_in(place, PATHS)
    done = engine.run(study, place / "run", device="cpu")
    return contents(place / "run"), study, done


@TWO_CORES
@pytest.mark.slow
def test_two_workers_leave_the_same_bytes_and_tables(alone, tmp_path):
    expected, study, done = alone
    found = engine.run(study, tmp_path / "run", device="cpu", workers=2)
    assert contents(tmp_path / "run") == expected
    assert found._finished.computed == (0, 1, 2, 3)
    assert [repr(r) for r in found.answers.all_tables.risk] == [repr(r) for r in done.answers.all_tables.risk]


@pytest.mark.slow
def test_one_worker_takes_up_what_another_process_began(alone, tmp_path):
    expected, study, _ = alone
    engine.run(study_in(tmp_path, BLOCK + 7), tmp_path / "run", device="cpu")
    found = engine.run(study, tmp_path / "run", device="cpu", workers=1)
    assert found._finished.computed == (1, 2, 3)
    assert contents(tmp_path / "run") == expected


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
    expected, study, _ = alone
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


def test_workers_that_end_as_they_start_are_told(tmp_path, monkeypatch):
    workers = OwnWorkers(1, "cpu", study_in(tmp_path))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with refuses("", "ended during startup"), job.Cluster(workers) as cluster:
        cluster.versions()
    assert workers._process.returncode == 1


@pytest.mark.slow
def test_a_block_that_kills_worker_after_worker_is_named(tmp_path, monkeypatch):
    file = tmp_path / "model.py"
    # what runs while the program is traced, in a worker alone, stands for whatever kills one
    file.write_text(
        MODELS.read_text().replace(
            "class Bridge(",
            "import os, sys\nDEADLY = 'multiprocessing.spawn' in ' '.join(sys.orig_argv)\n\n\nclass Bridge(",
        )
    )
    text = file.read_text()
    place = text.index("def evaluate(self", text.index("class Bridge("))
    body = text.index("\n", place) + 1
    file.write_text(text[:body] + "        if DEADLY:\n            os._exit(9)\n" + text[body:])
    ended = call("run", write(tmp_path, BRIDGE), "--model", f"{file}:Bridge", "--out", tmp_path / "out", "--workers", 1)
    assert ended.exit_code == 2, ended.output
    assert "3 workers died while computing block 0. Finished blocks are kept" in ended.stderr


def test_what_the_model_does_wrong_in_a_worker_is_told_as_if_it_ran_here(tmp_path):
    (tmp_path / "model.py").write_text(
        MODELS.read_text().replace("over * factors.price", "jnp.log(over - 1) * factors.price")
    )
    words = ["--model", f"{tmp_path / 'model.py'}:Bridge", "--out", tmp_path / "out", "--workers", 1]
    ended = call("run", write(tmp_path, BRIDGE), *words)
    assert ended.exit_code == 2, ended.output
    assert "'damage' under 'weak'" in ended.stderr and "rustbelt replay" in ended.stderr
    assert not (tmp_path / "out").exists()


def test_more_workers_than_cores_are_refused(tmp_path):
    ended = call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--workers", 1000)
    assert ended.exit_code == 2 and "got 1000" in ended.stderr
    ended = call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--workers", 1, "--scheduler", "tcp://127.0.0.1:1")
    assert ended.exit_code == 2 and "goes without --scheduler" in ended.stderr


def test_each_worker_has_a_share_of_the_cores_or_a_gpu(monkeypatch):
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


def test_workers_say_why_processors_compute_though_there_is_a_card(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "cards_wanted", lambda: True)
    monkeypatch.setattr(hardware, "obstacles", list)
    study = study_in(tmp_path, BLOCK)
    run = engine.run(study, tmp_path / "run", workers=1)
    (form,) = provenance.runs(run.folder)[-1]["forms"]
    why = f"{BLOCK:,} paths should be done before a card has started"
    assert form["name"] == "loop" and form["on"].endswith("x cpu") and form["why"] == why
    assert why in call("status", run.folder).stdout
    monkeypatch.setattr(hardware, "obstacles", lambda: ["it is too old."])
    monkeypatch.setattr(devices, "is_small", lambda study: False)
    with pytest.warns(UserWarning, match="processors compute.*too old"):
        workers = job.executor_of(study, RunOptions(tmp_path / "run", workers=1))
    assert (workers._device, workers._why) == ("cpu", "it is too old.")


def test_gpus_are_found_without_waking_them(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware.importlib.util, "find_spec", lambda name: name.startswith("jax_cuda"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    assert hardware.visible_cards() == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert hardware.visible_cards() == []


def assignment_of(folder, study, token):
    """Nothing to do in a folder, but for whom."""
    return Assignment(RunFolder(folder, study), token, False, (), unobserved, Watch())


def test_a_worker_does_not_work_for_a_run_that_is_gone(tmp_path):
    study = study_in(tmp_path, BLOCK)
    with locks.held(_made(tmp_path / "run")) as holder:
        site = sites.of_assignment(assignment_of(tmp_path / "run", study, holder.token), "cpu", sites.versions("cpu"))
        assert sites.Site(**asdict(site)) == site
    with locks.held(ownership.lock_file(tmp_path / "run")), pytest.raises(UserError, match="another run"):
        sites.work_at(site)


def _made(folder: Path) -> Path:
    ownership.lock_file(folder).parent.mkdir(parents=True)
    return ownership.lock_file(folder)


def test_a_worker_of_other_versions_is_refused(tmp_path):
    study_in(tmp_path)
    model = load_model_file(f"{MODELS}:Pond")
    study = load_study(tmp_path / "pond.toml", model=model, paths=BLOCK, program="xla")
    with ownership.claim(RunFolder(tmp_path / "run", study)) as holder:
        ownership.enter(RunFolder(tmp_path / "run", study), sites.versions("cpu"))
        made_by = {**sites.versions("cpu"), "jax": "0.9.9", "device_kind": "NVIDIA H100"}
        site = sites.of_assignment(assignment_of(tmp_path / "run", study, holder.token), "cpu", made_by)
        with pytest.raises(UserError) as refused:
            sites.work_at(site)
    assert {problem.place for problem in refused.value.problems} == {"jax", "device_kind"}


def test_of_the_one_loop_no_bit_hangs_on_what_computes_it(tmp_path):
    study, here = study_in(tmp_path), sites.versions("cpu")
    assert sites.of_study(study, {**here, "device_kind": "NVIDIA H100"}) == sites.of_study(study, here)


def test_a_model_without_a_file_is_refused(tmp_path):
    study = study_in(tmp_path, BLOCK)
    alien = type("Alien", (type(study.model),), {"__module__": "nowhere"})
    homeless = replace(study, model=alien(), model_name="Alien", model_spec=spec_of(alien))
    with pytest.raises(UserError, match="no file"):
        sites.of_assignment(assignment_of(tmp_path, homeless, ""), None, {})


@TWO_CORES
@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.0, pytest.param(0.3, marks=pytest.mark.sweep)])
def test_a_killed_coordinator_takes_its_workers_along_and_the_next_run_goes_on(alone, tmp_path, wait):
    expected, study, _ = alone
    study_in(tmp_path)
    words = ["run", tmp_path / "pond.toml", "--model", f"{MODELS}:Pond", "--paths", PATHS, "--out", tmp_path / "run"]
    command = [Path(sys.executable).parent / "rustbelt", *map(str, words), "--device", "cpu"]
    process = subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list(tmp_path.glob("run/ledger/*/*.json")) and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(wait)
    process.kill()
    process.wait()
    assert subprocess.run([*command, "--quiet"], stdout=subprocess.DEVNULL).returncode == 0
    assert contents(tmp_path / "run") == expected
    assert upkeep.verify(RunFolder(tmp_path / "run", study)) == []


@pytest.mark.slow
def test_a_worker_does_not_look_for_modules_where_the_run_was_started(tmp_path, monkeypatch):
    for name in ("engine", "queue", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    monkeypatch.chdir(tmp_path)
    assert engine.run(study_in(tmp_path, 100), tmp_path / "run", device="cpu", workers=1)._finished.computed == (0,)


# ---------------------------------------------------------------------------------------------- shards


def test_shards_one_after_the_other_leave_the_same_bytes(alone, tmp_path):
    expected, study, done = alone
    found = [job.compute_shard(study, k, 3, job.RunOptions(tmp_path / "run", "cpu")) for k in (2, 3, 1)]
    assert [shard.computed for shard in found] == [(1,), (2,), (0, 3)]
    assert [shard.missing for shard in found] == [3, 2, 0]
    assert [shard.finished is not None for shard in found] == [False, False, True]
    assert contents(tmp_path / "run") == expected
    assert [repr(r) for r in found[-1].finished.answers.all_tables.risk] == [
        repr(r) for r in done.answers.all_tables.risk
    ]


@pytest.mark.slow
def test_shards_at_the_same_time_leave_the_same_bytes(alone, tmp_path):
    expected, study, _ = alone
    found = {}

    def one(number):
        found[number] = job.compute_shard(study, number, 3, job.RunOptions(tmp_path / "run", "cpu"))

    threads = [threading.Thread(target=one, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(shard.finished is not None for shard in found.values()) == 1
    assert contents(tmp_path / "run") == expected


def test_a_shard_is_kept_out_by_a_run_and_keeps_one_out(tmp_path, monkeypatch):
    study = study_in(tmp_path, BLOCK)
    monkeypatch.setattr(job, "PREPARING", 0.0)
    with ownership.claim(RunFolder(tmp_path / "run", study)), pytest.raises(ownership.Busy):
        job.compute_shard(study, 1, 2, job.RunOptions(tmp_path / "run", "cpu"))
    job.compute_shard(study, 2, 2, job.RunOptions(tmp_path / "run", "cpu"))
    with ownership.claim(RunFolder(tmp_path / "run", study), shared=True), pytest.raises(ownership.Busy):
        engine.run(study, tmp_path / "run", device="cpu")


def test_whoever_comes_second_takes_nothing_away(tmp_path):
    study = study_in(tmp_path, BLOCK)
    with ownership.claim(RunFolder(tmp_path / "run", study)), pytest.raises(ownership.Busy):
        engine.run(study, tmp_path / "run", device="cpu")
    assert ownership.lock_file(tmp_path / "run").exists()


@pytest.mark.parametrize("number", [0, 4])
def test_shards_that_there_are_not(tmp_path, number):
    with pytest.raises(UserError, match=f"expected 1/3 to 3/3, got {number}/3"):
        job.compute_shard(study_in(tmp_path, 100), number, 3, job.RunOptions(tmp_path / "run"))


def test_the_command_says_what_is_missing_and_the_last_shard_prints_the_tables(tmp_path):
    words = ["run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--paths", BLOCK + 1, "--quiet"]
    first = call(*words, "--shard", "2/2")
    assert first.exit_code == 0 and first.stdout == ""
    assert "Shard 2 of 2: 1 block" in first.stderr and "1 is still missing" in first.stderr
    last = call(*words, "--shard", "1/2")
    assert last.exit_code == 0 and "damage" in last.stdout
    assert call(*words, "--shard", "1/2", "--workers", 2).exit_code == 2
    assert "such as 3/16" in call(*words, "--shard", "half").stderr
