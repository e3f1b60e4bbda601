"""Sizes as people write them."""

import os
from dataclasses import replace

import pytest

from engine.execution import resources
from engine.execution.job import RunOptions, at_work, executor_of
from engine.execution.resources import bytes_of, memory_needed, refuse_if_memory_too_small, writers_for
from engine.program import devices, hardware
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK
from tests.program.simulated_card import Named
from tests.recorded import study_in
from tests.refusals import refuses


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4GiB", 4 << 30), ("512 MB", 512_000_000), ("8G", 8_000_000_000), ("1.5t", 1_500_000_000_000),
        (" 2 kib ", 2048), ("1_000", 1000), ("7b", 7), (12345, 12345),
    ],
)  # fmt: skip
def test_sizes(text, count):
    assert bytes_of(text) == count


@pytest.mark.parametrize("text", ["", "lots", "-3G", "1..2G", "nan", "inf", "GB", "4 parsecs", "4GiBB", "0"])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=rf"above zero, such as 4GiB or 512MB, got '{text}'"):
        bytes_of(text)


def test_a_folder_that_vanishes_while_it_is_measured_is_left_out(tmp_path, monkeypatch):
    for name in ("stays/a", "goes/b"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"1234")
    scandir = os.scandir

    def gone(place):
        if str(place).endswith("goes"):
            raise FileNotFoundError(place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", gone)
    assert resources.bytes_held(tmp_path) == 4


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Of many blocks, on a computer with eight cores."""
    monkeypatch.setattr(resources.devices, "cores", lambda: list(range(8)))
    return study_in(tmp_path, 20 * BLOCK)


@pytest.mark.parametrize(("blocks", "count"), [(0, 1), (2, 1), (3, 2), (4, 2), (5, 3), (15, 8), (1000, 8)])
def test_as_many_blocks_are_written_at_a_time_as_fit(study, tmp_path, monkeypatch, blocks, count):
    block = 4 * len(study.policies) * len(study.model.outcomes) * BLOCK
    least = memory_needed(study)
    free = least + blocks * block
    monkeypatch.setattr(resources, "memory_free", lambda: free)
    assert writers_for(study) == writers_for(study, free) == count
    assert memory_needed(study, writers=count) <= free
    for memory in (None, free):
        options = RunOptions(memory=memory)
        with at_work(RunFolder(tmp_path / "run", study), executor_of(study, options), options) as job:
            assert job.writers == count
    with refuses("", "of memory", "allowed"):
        refuse_if_memory_too_small(study, least - 1)
    monkeypatch.setattr(resources, "memory_free", lambda: least - 1)
    with refuses("", "of memory", "free"):
        refuse_if_memory_too_small(study, None)


def test_what_launches_on_a_card_leave_is_counted(study, tmp_path, monkeypatch):
    values = 4 * BLOCK * len(study.policies)  # of one outcome
    for keep in ((), ("lowest_stock",), tuple(study.model.outcomes)):
        some = replace(study, keep=replace(study.keep, outcomes=keep))
        more = memory_needed(some, launch=8) - memory_needed(some)
        assert more == 8 * 3 * len(study.model.outcomes) * values  # two launches, and one that is put in order
    monkeypatch.setattr(hardware, "cards_wanted", lambda: True)
    monkeypatch.setattr(hardware, "obstacles", list)
    monkeypatch.setattr(hardware, "visible_cards", lambda: ["0"])
    monkeypatch.setattr(hardware, "cards", lambda: ([Named(), Named(id=1)], ""))
    assert devices.blocks_of_launch("gpu", study) == 2 * devices.GPU_LANES // BLOCK
    assert devices.blocks_of_launch("gpu", study, apart=True) == devices.GPU_LANES // BLOCK
    assert devices.blocks_of_launch(None, study) == devices.blocks_of_launch("cpu", study) == 0  # it is small
    options = RunOptions(tmp_path / "run", device="gpu")
    for workers in (0, 1):
        free = memory_needed(study, workers) + 8 * values
        monkeypatch.setattr(resources, "memory_free", lambda free=free: free)
        asked = replace(options, workers=workers or None)
        with refuses("", "of memory"):
            at_work(RunFolder(tmp_path / "run", study), executor_of(study, asked), asked).__enter__()
