"""What a whole run of the rustbelt would take on a card, stage by stage, without a card: python benchmarks/card_end_to_end.py [--rounds N]

**Counted, not measured on a card.** The kernel by the instructions of `card.py`, the copy by bytes at two rates of a bus; what the processors do by processor
seconds of a million futures here (`pipeline.py`), the least of some rounds, shared by as many cores as a stage makes use of. Where no outcome is kept, a block is
reduced on the card (`program/reductions.py`): what crosses are the arrays that this gives; what it takes are the bytes that XLA counts in the program that it makes of it
for this processor, at the rate of the card's memory; the files are made of what crossed.

Needs `ptxas` and `nvdisasm`: pip install '.[benchmark]'.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import card
import jax
import numpy as np
from memory import _study as study_that_keeps
from on_device import studies
from pipeline import CORES, FIXED, measured
from roofline import CARDS
from timing import machine, table

from engine.execution import reduced
from engine.execution.planning import measure
from engine.execution.work import Work
from engine.formatting import size_as_text
from engine.program import reductions
from engine.program.hardware import processors
from engine.program.kernel import program_on
from engine.run_folder.folder import RunFolder
from engine.study.loading import load_study
from engine.study.study import BLOCK

PATHS = 1_000_000
"""Futures of the runs that are measured."""
ASKED = (10**6, 10**8, 10**9)
NAMED = ("H100", "RTX 4090")
BUS = (25e9, 2.7e9)
"""Bytes a second that go to main memory: PCIe 5 with pinned memory, and a plain copy as XLA did it on an H100 (jax #21438)."""
WRITERS = 8
TABLES = ("tables and summaries", "cube finished")
FILES = ("files of a block", "hashed and written")


@dataclass(frozen=True)
class Host:
    """What this machine takes for `PATHS` futures.

    Args:
      seconds: of the processor, by stage.
      written: bytes of a block's files.
    """

    seconds: dict[str, float]
    written: int

    def of(self, stages: tuple[str, ...], paths: int, cores: int) -> float:
        """Seconds of some stages for so many futures on so many cores."""
        return sum(self.seconds[name] * (1 if name in FIXED else paths / PATHS) / cores for name in stages)


def host(keep: str, rounds: int) -> Host:
    """Processor seconds of every stage, and bytes written, of the rustbelt with outcomes kept or not."""
    found = [measured("rustbelt", keep, PATHS, 2, 1)["stages"] for _ in range(rounds)]
    seconds = {name: min(one[name][1] for one in found) for name in found[0]}
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "study.toml"
        written.write_text(study_that_keeps("rustbelt", keep), encoding="utf-8")
        study = replace(load_study(str(written)), paths=PATHS)
        size = measure(RunFolder(Path(folder) / "run", study), "cpu").size
    return Host(seconds, size)


@dataclass(frozen=True)
class Reduction:
    """What a future takes where none of its outcomes is kept: nothing of the kind where all are.

    Args:
      crossing: bytes that go to main memory.
      moved: bytes that the card reads and writes for it.
      seconds: of the processor, for the files of a block.
    """

    crossing: float
    moved: float
    seconds: float


def reduction(rounds: int) -> Reduction:
    """That of the rustbelt, by the second of its blocks."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "study.toml"
        written.write_text(study_that_keeps("rustbelt", "none"), encoding="utf-8")
        study = load_study(str(written))
        study = replace(study, paths=2 * BLOCK, keep=replace(study.keep, draws=0))
        program, block = program_on(study, processors()), study.blocks()[1]
        outcomes = program.collect(block, program.submit(block)).outcomes
        asked = reduced.asked(study, block)
        room = int(reductions.by_processor(outcomes, asked, 1)["held"] * 9 // 8)
        arrays = reductions.by_processor(outcomes, asked, room)
        left, work = (
            reductions.as_result(block, arrays),
            Work(RunFolder(Path(folder) / "run", study), program),
        )
        seconds = []
        for _ in range(rounds):
            began = time.thread_time()
            work.files(left)
            seconds.append(time.thread_time() - began)
    with jax.enable_x64(True):
        lowered = reductions._reduced.lower(jax.device_put(outcomes[None]), np.int32(0), asked, room)
        moved = lowered.compile().cost_analysis()["bytes accessed"]
    return Reduction(sum(one.nbytes for one in arrays.values()) / BLOCK, moved / BLOCK, min(seconds) / BLOCK)


def rows(keep: str, here: Host, kernel: card.Figures, on_card: Reduction | None) -> list[tuple[str, ...]]:
    """A row for each number of futures.

    Args:
      on_card: where nothing but what it says leaves the card.
    """
    clocks = {name: CARDS[name].multiprocessors * CARDS[name].clock for name in NAMED}
    rates = [kernel.rate / kernel.layout.years * clocks[name] / clocks["H100"] for name in NAMED]
    each = on_card.crossing if on_card else kernel.written * kernel.layout.years
    moved = on_card.moved if on_card else 0.0
    if on_card:
        here = replace(here, seconds={**here.seconds, FILES[0]: on_card.seconds * PATHS})
    made = []
    for paths in ASKED:
        computed = [paths / rate for rate in rates]
        reducing = [moved * paths / (CARDS[name].bandwidth * 1e12) for name in NAMED]
        stages = {
            "reduction": reducing[0],
            "copy": each * paths / BUS[0],
            "files": here.of(FILES, paths, WRITERS),
            "tables": here.of(TABLES, paths, CORES),
        }
        slowest = max(stages, key=stages.__getitem__)
        made.append(
            (
                f"{paths:.0e}, {keep}".replace("e+0", "e"),
                _both(computed),
                _both(reducing) if on_card else "",
                _both([each * paths / bus for bus in BUS]),
                _both([here.of(FILES, paths, cores) for cores in (1, WRITERS)]),
                size_as_text(round(here.written * paths / BLOCK)),
                _both([here.of(TABLES, paths, cores) for cores in (2, CORES)]),
                f"{here.of(('kernel',), paths, CORES):,.3g}",
                f"{slowest}, {stages[slowest] / computed[0]:,.3g} times",
            )
        )
    return made


def _both(numbers: list[float]) -> str:
    return " / ".join(f"{number:,.3g}" if number < 1000 else f"{number:,.0f}" for number in numbers)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of which the least counts")
    asked = parser.parse_args()
    kernel = card.figures(studies()["rustbelt"])
    head = (
        "counted seconds: futures, outcomes kept", f"kernel, {' / '.join(NAMED)}", "made of it there", "copy, 25 / 2.7 GB/s", f"files, 1 / {WRITERS} writers", "disk",
        f"tables, 2 / {CORES} cores", f"the processors' loop, {CORES} cores", f"slowest beside the kernel, H100, {CORES} cores",
    )  # fmt: skip
    on_card = reduction(asked.rounds)
    found = rows("all", host("all", asked.rounds), kernel, None)
    found += rows("none", host("none", asked.rounds), kernel, on_card)
    outcomes = kernel.written * kernel.layout.years
    print(
        f"a future, nothing kept: {on_card.crossing:,.1f} bytes cross, of {outcomes:,.0f}; the card reads and writes {on_card.moved:,.0f} more"
    )
    print(f"{machine()}\n\n{table(head, found)}")


if __name__ == "__main__":
    main()
