"""What several threads ask of one program at once: each has its own answer, and a pass that they share is computed
once.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from engine.program import cpu_program
from engine.program.contract import Pass
from engine.study.study import Block
from tests.program.test_cpu_program import STUDIES, lanes

THREADS = 8


def at_once(function, *given):
    """What threads that begin together find, each with its own argument."""
    ready = threading.Barrier(len(given))

    def begun(one):
        ready.wait(30)
        return function(one)

    with ThreadPoolExecutor(len(given)) as threads:
        return list(threads.map(begun, given))


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


def test_code_that_many_threads_ask_for_is_compiled_once(monkeypatch):
    compiled, asked = cpu_program.compiled, []
    monkeypatch.setattr(cpu_program, "compiled", lambda *of: (asked.append(of[2]), compiled(*of))[1])
    program = lanes(STUDIES["cost-random"](), threads=2)
    found = at_once(lambda _: program.draws(Block(0, 0, 500)).tobytes(), *range(THREADS))
    assert len(asked) == len({*found}) == 1
