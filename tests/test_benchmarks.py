"""Every script of benchmarks/ starts and prints its help; no file there hides a package that a peer imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(path.name for path in HERE.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))
NUMBA = """\
import coverage

coverage.types.Tracer


def njit(**_):
    return lambda function: function
"""
"""A stand-in, as the package need not be installed. numba imports coverage where that is installed, and reads this."""


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_prints_its_help(script, tmp_path):
    (tmp_path / "numba.py").write_text(NUMBA)
    (tmp_path / "coverage").mkdir()
    (tmp_path / "coverage" / "__init__.py").write_text("from coverage import types\n")
    (tmp_path / "coverage" / "types.py").write_text("class Tracer:\n    pass\n")
    command = [sys.executable, str(HERE / script), "--help"]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"usage: {script}")
