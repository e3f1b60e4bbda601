"""Blocks that are computed, written and committed side by side: nothing of it is seen in what is left."""

import threading

import pytest

from engine.errors import UserError
from engine.execution.work import AHEAD, Work
from engine.run_folder import cube, ledger, ownership
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK
from tests.recorded import MOST, VERSIONS, contents, played_back, study_in

BLOCKS = MOST // BLOCK
WRITERS = 3


@pytest.fixture
def begun(tmp_path, tmp_path_factory):
    """A folder of its own for each name, with the program of its study."""
    played_back.cache_clear()
    program = played_back(tmp_path_factory.mktemp("recorded")).program

    def begin(name: str) -> tuple[RunFolder, object]:
        folder = RunFolder(tmp_path / name, study_in(tmp_path / "study", MOST))
        with ownership.claim(folder):
            ownership.enter(folder, VERSIONS)
            cube.create(folder)
        return folder, program

    return begin


def whole_by_one(begun):
    folder, program = begun("one")
    list(Work(folder, program).blocks(folder.study.blocks(), yearly=True))
    return contents(folder.path)


class Backwards(Work):
    """Of the blocks that are written at a time, the last one is committed first."""

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.order, self._last = [], threading.Event()

    def store(self, result):
        if result.block.index == WRITERS - 1:
            super().store(result)
            self.order.append(result.block.index)
            self._last.set()
        else:
            assert self._last.wait(30)
            super().store(result)
            self.order.append(result.block.index)


def test_the_order_in_which_writers_finish_changes_no_byte(begun):
    folder, program = begun("several")
    work = Backwards(folder, program, writers=WRITERS)
    blocks = folder.study.blocks()
    assert list(work.blocks(blocks, yearly=True)) == list(blocks)
    assert work.order[0] == WRITERS - 1 and sorted(work.order) == list(range(BLOCKS))
    assert contents(folder.path) == whole_by_one(begun)


class OneFails(Work):
    """The files of one block cannot be made; those of another are only made afterwards."""

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self._failed = threading.Event()

    def files(self, result):
        if result.block.index == 1:
            self._failed.set()
            raise UserError("disk", ["is full."])
        assert self._failed.wait(30)
        return super().files(result)


def test_a_writer_that_fails_ends_the_run_and_leaves_whole_blocks(begun):
    folder, program = begun("failing")
    blocks = folder.study.blocks()
    with pytest.raises(UserError, match="is full"):
        list(OneFails(folder, program, writers=WRITERS).blocks(blocks, yearly=True))
    done = ledger.done_blocks(folder, thorough=True)
    assert 1 not in done and 0 in done and done.keys() == set(ledger.recorded_blocks(folder.path))
    assert not list(folder.path.rglob("*.tmp"))
    list(Work(folder, program, writers=WRITERS).blocks(ledger.pending(folder)))
    assert contents(folder.path) == whole_by_one(begun)


class Counted(Work):
    """How many blocks were in memory at a time, at most."""

    def __init__(self, folder, program, **named):
        super().__init__(folder, program, **named)
        self.held, self.most, self._lock = 0, 0, threading.Lock()
        submit = program.submit
        self._program = type("Submitting", (), {"collect": program.collect, "draws": program.draws})()
        self._program.years_in_parts = program.years_in_parts
        self._program.submit = lambda block: self._count(1) or submit(block)

    def _count(self, more):
        with self._lock:
            self.held += more
            self.most = max(self.most, self.held)

    def store(self, result):
        super().store(result)
        self._count(-1)


def test_so_many_blocks_are_in_memory_however_slow_the_disk_is(begun):
    folder, program = begun("bounded")
    work = Counted(folder, program, writers=1)
    list(work.blocks(folder.study.blocks(), yearly=True))
    assert work.most <= min(AHEAD, 1) + 1 + 1 < BLOCKS


class Unsound(Work):
    """The yearly sample has a value that is not finite, and takes longer than blocks do."""

    def yearly_files(self):
        return {}, "a year is not finite"


def test_nothing_is_written_before_the_years_are_known_to_be_sound(begun):
    folder, program = begun("unsound")
    with pytest.raises(UserError, match="a year is not finite"):
        list(Unsound(folder, program, writers=WRITERS).blocks(folder.study.blocks(), yearly=True))
    assert not list(ledger.recorded_blocks(folder.path))
