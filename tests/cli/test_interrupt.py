"""Ctrl-C, once: exit code 130, what is kept and how to go on, soon, wherever the command is, and nothing left
running."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.small_files import BRIDGE, MODELS, write

SLOW = """

class Slow(Bridge):
    def evaluate(self, factors, levers):
        import ctypes, os, pathlib, signal, time
        pathlib.Path("reached").write_text("")
        if os.environ["SLOW"] == "compiling":  # as XLA does: Python learns of no signal until it is over
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            ctypes.CDLL(None).sleep(60)
        time.sleep(60)
"""
PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from engine.cli import main; main()"
)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["tracing", "compiling"])
def test_one_interrupt_is_enough(tmp_path, how):
    study = write(tmp_path, BRIDGE)
    (tmp_path / "model.py").write_text(MODELS.read_text() + SLOW)
    words = ["run", study.name, "--model", "model.py:Slow", "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "SLOW": how},
    )  # fmt: skip
    while not (tmp_path / "reached").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == "" and "Traceback" not in err
    assert err.endswith(f": rustbelt {' '.join(words)}\n")
