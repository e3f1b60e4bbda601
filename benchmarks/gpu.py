"""Prints how fast the engine is on a GPU workstation.

python benchmarks/gpu.py [--device gpu|cpu] [--paths N] [--json FILE]

Paths and path-years a second of the toy workload and the rustbelt, the fraction of what the card could do, the CPU of
the same machine beside it, and how well the two agree on the tail. Each device is measured in a process of its own
(on_device.py), the CPU's without any GPU in sight. With `--device cpu` the CPU stands in for the GPU: no fractions, and
two processes that agree exactly. Needs `pip install -e '.[cuda,benchmark]'`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from timing import machine, table

HERE = Path(__file__).parent
PATHS = {"gpu": 1_000_000_000, "cpu": 1 << 21}
"""Toy paths of the sustained run, if not asked for."""


def measured(kind: str, paths: int, folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Figures of one kind of device, and the events of the rustbelt's first block by name, bool [policy, path]."""
    folder.mkdir()
    environment = os.environ | ({"JAX_PLATFORMS": "cpu"} if kind == "cpu" else {})
    command = [sys.executable, str(HERE / "on_device.py"), kind, str(paths), str(folder)]
    print(f"measuring the {kind} ...", file=sys.stderr, flush=True)
    if subprocess.run(command, env=environment).returncode:
        raise SystemExit(f"nothing measured on the {kind}: see above")
    with np.load(folder / "events.npz") as events:
        return json.loads((folder / "figures.json").read_text()), dict(events)


def agreement(one: tuple[dict, dict], other: tuple[dict, dict]) -> dict[str, Any]:
    """Largest relative difference of the tail tables, its place, and the number of paths on which an event differs."""
    here, there = one[0]["tail"], other[0]["tail"]
    gaps = {
        cell: abs(here[cell] - there[cell]) / max(abs(here[cell]), abs(there[cell]), np.finfo(float).tiny)
        for cell in here
    }
    worst = max(gaps, key=gaps.__getitem__)
    flipped = {name: int(np.sum(happens != other[1][name])) for name, happens in one[1].items()}
    sizes = {happens.size for happens in one[1].values()}
    return {
        "cells": len(gaps),
        "largest_relative_difference": gaps[worst],
        "where": worst,
        "events_flipped": flipped,
        "of_path_policies": sizes.pop(),
    }


def rates(names: list[str], figures: list[dict[str, Any]]) -> str:
    """The table of speed: a row for each workload and device, with the form of the program that ran."""
    rows = []
    for workload in figures[0]["workloads"]:
        for name, found in zip(names, figures, strict=True):
            part = found["workloads"][workload]
            kernel, long = part["kernel"], part["sustained"]
            rows.append(
                (
                    f"{workload}, {name}: {part['form']}",
                    f"{kernel['paths_per_s'] / 1e6:,.3f}",
                    f"{kernel['path_years_per_s'] / 1e6:,.1f}",
                    f"{long['paths_per_s'] / 1e6:,.3f}",
                    f"{long['paths']:,} in {long['seconds']:,.1f} s",
                    f"{part['compile_s']:.1f}",
                )
            )
    head = ("two policies", "M paths/s", "M path-years/s", "sustained, M paths/s", "sustained", "compile, s")
    return table(head, rows)


def fractions(found: dict[str, Any]) -> str:
    """The table of work and limits of one device, or why it has none."""
    head = ["one path and year", "instructions", "ALU", "FMA", "special", "state, floats", "random numbers"]
    rows = []
    for workload, part in found["workloads"].items():
        asked, limits = part["path_year"], part["limits"]
        units = asked["instructions"]
        numbers = [*(units[unit] for unit in ("issued", "alu", "fma", "special")), asked["state"]]
        row = [workload, *(f"{number:,.0f}" for number in numbers), f"{asked['random_numbers']:.1f}"]
        if limits is not None:
            row += [
                f"{limits['instruction_limit'] / 1e9:,.2f} ({limits['limited_by']})",
                f"{100 * limits['fraction_of_instruction_limit']:.0f} %",
                f"{limits['bandwidth_limit'] / 1e9:,.2f}",
                f"{100 * limits['fraction_of_bandwidth_limit']:.0f} %",
            ]
        rows.append(tuple(row))
    each = {name: units["issued"] for name, units in found["per_normal"].items()}
    notes = [f"A normal takes {' and '.join(f'{count:.1f} for its {name}' for name, count in each.items())}."]
    if any(part["limits"] is None for part in found["workloads"].values()):
        device = found["device"]
        why = "a CPU has no such limits here" if device["kind"] == "cpu" else f"unknown card '{device['name']}'"
        notes.append(f"No fraction of a limit: {why}.")
    else:
        head += ["instruction limit, G path-years/s", "reached", "bandwidth limit", "reached"]
        lower = [
            f"{workload} {100 * part['limits']['fraction_of_limit']:.0f} %"
            for workload, part in found["workloads"].items()
        ]
        notes.append(f"Reached by the kernel alone, per card. Of the lower limit: {', '.join(lower)}.")
    return f"{table(tuple(head), rows)}\n\n{' '.join(notes)}"


def main() -> None:
    """Measures both, prints the tables, writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--paths", type=int, help="toy paths of the sustained run on the device")
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args()
    asked = options.paths or PATHS[options.device]
    with tempfile.TemporaryDirectory() as folder:
        one = measured(options.device, asked, Path(folder) / "device")
        other = measured("cpu", min(asked, PATHS["cpu"]), Path(folder) / "cpu")
    device = one[0]["device"]
    found = {"machine": machine(), "device": one[0], "cpu": other[0], "agreement": agreement(one, other)}
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    stands_in = " (standing in for a GPU)" if options.device == "cpu" else ""
    print(f"{machine()}\n{device['count']} x {device['name']}{stands_in}", end="")
    if device["kind"] == "gpu":
        print(f", {device['multiprocessors']} multiprocessors, {device['highest_clock_ghz']} GHz at most", end="")
    names = [device["kind"] + stands_in, "cpu beside it" if stands_in else "cpu"]
    print(f"\n\n{rates(names, [one[0], other[0]])}\n\n{fractions(one[0])}")
    met = found["agreement"]
    gap = met["largest_relative_difference"]
    apart = f"differ by {gap:.1e} at most ({met['where']})" if gap else "are equal"
    flips = ", ".join(f"{name} {count}" for name, count in met["events_flipped"].items())
    print(
        f"\nTail of the rustbelt's first block on device and CPU: {met['cells']} cells of VaR99 and ES99 {apart}.\n"
        f"Events that came out otherwise, of {met['of_path_policies']:,} paths and policies: {flips}."
    )


if __name__ == "__main__":
    main()
