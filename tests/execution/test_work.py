"""Blocks that are computed, written and committed side by side: nothing of it is seen in what is left."""

import threading

import numpy as np
import pytest

from engine.errors import UserError
from engine.execution.anew import ROUNDS, rate
from engine.execution.resources import AHEAD
from engine.execution.work import Work
from engine.run_folder import cube, ledger, ownership, parts
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK, Block
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
        if result.block.index < WRITERS - 1:
            assert self._last.wait(30)
        super().store(result)
        self.order.append(result.block.index)
        if result.block.index == WRITERS - 1:
            self._last.set()


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
    """How many blocks were in memory at a time, at most; the disk is slower than the loop."""

    def __init__(self, folder, program, **named):
        super().__init__(folder, program, **named)
        self.held, self.most, self._counting = 0, 0, threading.Lock()
        submit = program.submit
        self._program = type("Submitting", (), {"draws": program.draws, "ahead": 1})()
        self._program.years_in_parts = program.years_in_parts
        self._program.submit = lambda block: self._count(1) or submit(block)

    def _count(self, more):
        with self._counting:
            self.held += more
            self.most = max(self.most, self.held)

    def store(self, result):
        threading.Event().wait(0.05)
        super().store(result)
        self._count(-1)


@pytest.mark.parametrize(("writers", "most"), [(1, 1 + 1 + 1), (2, AHEAD + 1 + 2), (3, AHEAD + 1 + 3)])
def test_so_many_blocks_are_in_memory_however_slow_the_disk_is(begun, writers, most):
    folder, program = begun("bounded")
    work = Counted(folder, program, writers=writers)
    list(work.blocks([*folder.study.blocks(), *folder.study.blocks()], yearly=True))
    assert work.most <= most < 2 * BLOCKS


class Unsound(Work):
    """The yearly sample has a value that is not finite, and takes longer than blocks do."""

    def __init__(self, folder, program, **named):
        super().__init__(folder, program, **named)
        self._begun, self.stored = threading.Semaphore(0), []

    def yearly_files(self):
        for _ in range(WRITERS):
            assert self._begun.acquire(timeout=30)
        threading.Event().wait(0.3)
        raise UserError("model", ["a year is not finite"])

    def results(self, wanted, at_once=1):
        for result in super().results(wanted, at_once):
            yield result
            self._begun.release()  # it has been handed to a writer

    def store(self, result):
        self.stored.append(result.block.index)


def test_nothing_is_written_before_the_years_are_known_to_be_sound(begun):
    folder, program = begun("unsound")
    work = Unsound(folder, program, writers=WRITERS)
    with pytest.raises(UserError, match="a year"):
        list(work.blocks(folder.study.blocks(), yearly=True))
    assert work.stored == [] and not list(ledger.recorded_blocks(folder.path))


class Halted(Work):
    """Something ends the run while the second part of the yearly sample is computed."""

    def __init__(self, folder, program, failure, **named):
        super().__init__(folder, program, **named)
        self.parts, self.go_on, self.ended = 0, threading.Event(), threading.Event()
        self._failure, self._begun, self._parts = failure, threading.Event(), program.years_in_parts
        self._program = type("Slow", (), {"submit": program.submit, "ahead": 1})()
        self._program.draws, self._program.years_in_parts = program.draws, self._slowly

    def _slowly(self, count):
        for part in self._parts(count):
            self.parts += 1
            if self.parts == 2:
                self._begun.set()
                self.go_on.wait(20)
            yield part

    def yearly(self):
        try:
            return super().yearly()
        finally:
            self.ended.set()

    def results(self, wanted, at_once=1):
        for result in super().results(wanted, at_once):
            if result.block.index == 2:
                assert self._begun.wait(30)
                raise self._failure
            yield result


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), UserError("model", ["is not finite."])])
def test_what_ends_a_run_is_told_before_the_years_are_there_which_are_given_up(begun, failure):
    folder, program = begun("halted")
    work = Halted(folder, program, failure, writers=WRITERS)
    with pytest.raises(type(failure)):
        list(work.blocks(folder.study.blocks(), yearly=True))
    assert not work.ended.is_set()
    work.go_on.set()
    assert work.ended.wait(30) and work.parts == 2
    assert not list(ledger.recorded_blocks(folder.path)) and parts.yearly_missing(folder)


class Launches:
    """A program that notes which blocks are started and waited for; its cards are given up in one of them."""

    def __init__(self, ahead, fails=-1):
        self.ahead, self.fails, self.noted = ahead, fails, []

    def submit(self, block):
        self.noted.append(("start", block.index))
        return self

    def of(self, block):
        self.noted.append(("wait", block.index))
        if block.index == self.fails:
            self.ahead = 1
        return np.zeros(0)

    def in_flight(self):
        """Number of blocks in flight after each step."""
        return np.cumsum([1 if what == "start" else -1 for what, _ in self.noted]).tolist()


def test_blocks_of_a_launch_are_in_flight_until_cards_are_given_up(begun):
    folder, _ = begun("launches")
    blocks = [Block(k, k * BLOCK, BLOCK) for k in range(8)]
    program = Launches(ahead=3)
    assert [result.block for result in Work(folder, program).results(blocks)] == blocks
    assert max(program.in_flight()) == 4
    program = Launches(ahead=3, fails=2)
    assert [result.block for result in Work(folder, program).results(blocks)] == blocks
    at = program.noted.index(("wait", 2))
    assert max(program.in_flight()[:at]) == 4 and max(program.in_flight()[program.noted.index(("start", 6)) :]) == 2


def test_a_rate_is_that_of_all_cards_at_once():
    program = Launches(ahead=3)
    assert rate(program) > 0
    begun, waited = ([(what, k) for k in range(3)] for what in ("start", "wait"))
    assert program.noted[:6] == begun + waited and program.in_flight()[5::6] == [0] * ROUNDS
    assert {index for _, index in program.noted} == {*range(3 * ROUNDS)}
