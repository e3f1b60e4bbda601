"""Runs work that may crash or hang in another process, which is given bytes, answers bytes and has a time limit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine.program.running.contract import CardFailed

ENDING = 5
"""Seconds that a process has to end after its answer, or after it was killed; one that hangs in a driver may never end.
"""


def answered(module: str, given: bytes, seconds: float, what: str) -> bytes:
    """The bytes that a module, run as a script in another process, answers; the script has to call `answer`.

    Args:
      module: name of the module.
      given: bytes that the script reads.
      seconds: time limit, including the start of the process.
      what: what the process does, in words that begin a sentence of an error.

    Raises:
      CardFailed: it could not be started, ended without an answer, or did not end in time.
    """
    paths = os.pathsep.join([str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
    except OSError as failure:
        raise CardFailed(f"no process could be started for {what} ({failure})") from None
    try:
        answer, told = child.communicate(given, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise CardFailed(f"{what} had not ended after {seconds:,.0f} s") from None
    finally:
        if child.poll() is None:
            child.kill()
            with suppress(subprocess.TimeoutExpired):
                child.wait(ENDING)
            for stream in (child.stdin, child.stdout, child.stderr):
                with suppress(OSError):
                    assert stream is not None
                    stream.close()
    if not answer:
        last = told.decode(errors="replace").strip().rpartition("\n")[2]
        ended = signal.Signals(-child.returncode).name if child.returncode < 0 else "an error"
        raise CardFailed(f"{what} ended by {ended}: {last or 'without a word'}")
    return answer


def answer(made: Callable[[bytes], bytes], seconds: float) -> None:
    """Writes `made` of the bytes on standard input to standard output: the called side of `answered`.

    Args:
      seconds: after one second more the system ends this process, in case the calling process was killed and cannot.
    """
    signal.alarm(int(seconds) + 1)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print goes to standard error, not into the answer
    with answers:
        answers.write(made(sys.stdin.buffer.read()))
    signal.alarm(ENDING)  # where a card has failed JAX may hang as it exits
