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
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from engine.__main__ import main; main()"
)
IMPORTED = """\
import os, signal

try:
    os.kill(os.getpid(), signal.SIGINT)
except BaseException as error:  # as extension modules do
    raise SystemError("not initialized") from error
"""


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


@pytest.mark.parametrize("module", [pytest.param("click", marks=pytest.mark.slow), "imported_by_a_model"])
def test_a_process_that_imports_modules_ends(tmp_path, module):
    study = write(tmp_path, BRIDGE)
    (tmp_path / f"{module}.py").write_text(IMPORTED)
    (tmp_path / "model.py").write_text(f"import {module}\n{MODELS.read_text()}")
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "check", study.name, "--model", "model.py:Bridge"], cwd=tmp_path, text=True,
        capture_output=True, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert ended.returncode == 130
    assert ended.stdout == "" and "Traceback" not in ended.stderr
    assert "Stopped." in ended.stderr
