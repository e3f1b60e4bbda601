"""What several threads ask of one program at once: each has its own answer, and a pass that they share is computed
once.
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from engine.program.running.contract import Pass, Passes
from engine.program.running.posterior_program import LATER, MovedProgram
from engine.program.running.xla import XlaProgram
from engine.study.study import BLOCK, Block
from engine.study.tables.facts import FUTURES, Facts
from tests.recorded import small_study_in

THREADS = 8


@pytest.fixture
def in_turns():
    """Threads take turns as often as the interpreter lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(function, *given):
    """What threads that begin together find, each with its own argument."""
    ready = threading.Barrier(len(given))

    def begun(one):
        ready.wait(30)
        return function(one)

    with ThreadPoolExecutor(len(given)) as threads:
        return list(threads.map(begun, given))


def test_moved_futures_that_many_threads_read_are_those_of_their_block(in_turns, tmp_path):
    moved = SimpleNamespace(streams=(), scores=())
    study = replace(small_study_in(tmp_path), facts=Facts(0, "none", lambda run: moved))
    own = SimpleNamespace(
        mesh=None, dtype=np.float32, inputs=None, forms=(), prepare=None, outcomes_of=None, trace_of=None
    )
    own.scores = lambda block: np.full((1, block.count), block.first - LATER)
    program = MovedProgram(study, own)

    def read(thread):
        for turn in range(3000):
            first = (turn * (thread + 1)) % 23 * FUTURES
            assert program.scores(Block(0, first, 1)).tolist() == [[first]]

    at_once(read, *range(THREADS))
    assert program._kept.cache_info().currsize <= 9


def slowly(computed, shape):
    """Computes after others have had time to come."""

    def compute():
        computed.append(shape)
        threading.Event().wait(0.05)
        return np.zeros(shape, np.float32)

    return compute


def test_a_pass_that_many_threads_wait_for_is_computed_once():
    computed = []
    running = Pass(0, slowly(computed, (1, 1, 64)))
    found = at_once(lambda thread: running.of(Block(0, thread, 1)).shape, *range(THREADS))
    assert found == [(1, 1, 1)] * THREADS and len(computed) == 1


def test_blocks_that_share_a_pass_start_it_once():
    program, started = object.__new__(XlaProgram), []
    program.reach, program._passes = THREADS * BLOCK, Passes(THREADS * BLOCK)

    def launched(first, count):
        threading.Event().wait(0.05)
        started.append(first)
        return Pass(first, lambda: np.zeros((1, 1, count), np.float32))

    program._launched = launched
    passes = at_once(lambda k: program.submit(Block(k, k * BLOCK, BLOCK)), *range(THREADS))
    assert started == [0] and len({*map(id, passes)}) == 1
