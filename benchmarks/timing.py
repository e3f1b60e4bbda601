"""How the benchmarks measure: peers by turns, the best of several rounds; and the machine with its versions."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import distributions, version

from engine.run_folder.provenance import cpu_model

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> str:
    """Processor, cores, system and versions, one line each."""
    packages = ("rustbelt", "jax", "jaxlib", "numpy", "numba", "scipy", "xarray", "zarr")
    versions = ", ".join(f"{name} {version(name)}" for name in packages if any(distributions(name=name)))
    return f"{cpu_model()}, {CORES} cores\n{platform.platform()}\nPython {platform.python_version()}, {versions}"


def best(peers: Mapping[str, Callable[[], float | None]], rounds: int) -> dict[str, float]:
    """Seconds of the best call of each peer: one call to warm up, then by turns, so that a busy spell hits all of them.

    A peer that returns a number has taken its own time, in seconds.
    """
    for call in peers.values():
        call()
    found = dict.fromkeys(peers, float("inf"))
    for _ in range(rounds):
        for name, call in peers.items():
            start = time.perf_counter()
            own = call()
            took = time.perf_counter() - start
            found[name] = min(found[name], took if own is None else own)
    return found


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table, its columns lined up; all but the first are numbers."""
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]

    def line(row: tuple[str, ...]) -> str:
        cells = [
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    rule = "|".join("-" * (width + 2) if k == 0 else "-" * (width + 1) + ":" for k, width in enumerate(widths))
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])
