"""How long a user waits for the first table: `rustbelt run` of 100,000 paths, with an empty and with a full cache."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import CORES, table

PATHS = 100_000


def _run(cache: Path, out: Path) -> float:
    command = [
        sys.executable,
        "-c",
        "from engine.cli import main; main()",
        "run",
        "rustbelt",
        "--paths",
        str(PATHS),
        "--out",
        str(out),
    ]
    start = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "RUSTBELT_CACHE": str(cache)})
    took = time.perf_counter() - start
    if ended.returncode or "ES99" not in ended.stdout:
        raise SystemExit(f"{ended.stdout}\n{ended.stderr}")
    return took


def report(rounds: int) -> str:
    """The table: best of the rounds."""
    cold, warm = [], []
    for _ in range(max(1, rounds // 2)):
        with tempfile.TemporaryDirectory() as folder:
            cache = Path(folder) / "cache"
            cold.append(_run(cache, Path(folder) / "cold"))
            warm += [_run(cache, Path(folder) / f"warm{k}") for k in range(2)]
    rows = [("nothing compiled before", f"{min(cold):.1f}"), ("with the compilation cache", f"{min(warm):.1f}")]
    return table((f"rustbelt, {PATHS:,} paths, first table, {CORES} cores", "s"), rows)
