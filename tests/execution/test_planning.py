"""What a run will take on many workers: from figures given, and from blocks that are measured."""

from dataclasses import replace

import pytest

from engine.execution import planning
from engine.execution.executors.cluster import LARGEST
from engine.execution.planning import Measured, measure, plan
from engine.formatting import size_as_text
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK
from tests.recorded import study_in
from tests.small_files import BRIDGE, call, own, write

BLOCK_TAKES = Measured(
    "2 x cpu", start=10.0, compute=2.0, write=0.5, estimate=0.01, size=1_000_000, files=3, thin=10_000
)


@pytest.fixture
def study(tmp_path):
    return study_in(tmp_path, BLOCK)


@pytest.fixture(autouse=True)
def room(monkeypatch):
    monkeypatch.setattr(planning, "bytes_free", lambda folder: 10**12)
    monkeypatch.setattr(planning, "memory_free", lambda: 10**12)


def test_time_tasks_bytes_and_files_follow_from_one_block(study, tmp_path):
    found = plan(RunFolder(tmp_path, replace(study, paths=8000 * BLOCK)), BLOCK_TAKES, 10)
    assert found.per_task == LARGEST and found.tasks == 125
    assert found.seconds == 10.0 + 13 * 64 * 2.0  # 125 tasks on 10 workers are 13 rounds
    assert found.rate == 10 / 128.0 and found.files == 24_000 and found.tables == pytest.approx(80.0)
    assert 8.0e9 < found.size < 8.1e9
    assert found.obstacles == ()


def test_ten_times_the_workers_take_a_tenth_of_the_time_while_there_are_blocks(study, tmp_path):
    many = replace(study, paths=1_000_000 * BLOCK)
    few, more = (plan(RunFolder(tmp_path, many), BLOCK_TAKES, workers) for workers in (100, 1000))
    assert few.seconds / more.seconds == pytest.approx(10, rel=0.05)
    idle = plan(RunFolder(tmp_path, replace(study, paths=3 * BLOCK)), BLOCK_TAKES, 512)
    assert any("509 of 512" in text for text in idle.advice)


def test_a_scheduler_that_cannot_keep_up_is_told_with_how_many_it_could_keep_busy(study, tmp_path):
    quick = replace(BLOCK_TAKES, compute=0.01, write=0.01)
    found = plan(RunFolder(tmp_path, replace(study, paths=10_000_000 * BLOCK)), quick, 100_000)
    (told,) = [text for text in found.advice if "tasks/s" in text]
    assert f"{int(planning.SCHEDULER_RATE * 0.01 * found.per_task):,} workers busy" in told


def test_what_does_not_fit_is_an_obstacle_and_thin_storage_is_priced(study, tmp_path, monkeypatch):
    large = replace(study, paths=10**12)
    found = plan(RunFolder(tmp_path, large), BLOCK_TAKES, 512)
    assert [text.partition(":")[0] for text in found.obstacles][:2] == ["disk", "memory"]
    (thin,) = [text for text in found.advice if "keep.outcomes = []" in text]
    blocks = -(-(10**12) // BLOCK)
    assert f"{2 * blocks:,} files" in thin and size_as_text(blocks * (10_000 + 4096))[:2] in thin


def test_measuring_leaves_nothing_behind(study, tmp_path):
    found = measure(RunFolder(tmp_path / "runs" / "run", study), "cpu")
    assert not list(tmp_path.glob("rustbelt-check-*")) and not (tmp_path / "runs").exists()
    assert found.write > 0 and found.compute > 0 and found.files == 3  # a shard, a tally, a record
    assert found.thin < found.size and found.block == max(found.compute, found.write)


def test_the_command_says_what_many_workers_take_and_refuses_what_cannot_be(tmp_path, monkeypatch):
    words = ["check", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--device", "cpu"]
    shown = call(*words, "--paths", "1e8", "--workers", 16)
    assert shown.exit_code == 0, shown.output
    for text in ("16, each like this machine", "through the scheduler", "files", "for the tables at the end"):
        assert text in shown.stdout
    monkeypatch.undo()
    refused = call(*words, "--paths", "1e12", "--workers", 512)
    assert refused.exit_code == 2 and "disk:" in refused.stderr and "512, each" in refused.stdout
    assert "at least 1, got 0" in call(*words, "--workers", 0).stderr
