"""What several threads ask of one program at once: each has its own answer, and a pass that they share is computed
once.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

from engine.program import cpu_program
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


def test_code_that_many_threads_ask_for_is_compiled_once(monkeypatch):
    compiled, asked = cpu_program.compiled, []
    monkeypatch.setattr(cpu_program, "compiled", lambda *of: (asked.append(of[2]), compiled(*of))[1])
    program = lanes(STUDIES["cost-random"](), threads=2)
    found = at_once(lambda _: program.draws(Block(0, 0, 500)).tobytes(), *range(THREADS))
    assert len(asked) == len({*found}) == 1
