"""What a whole run of the rustbelt would take on a card, stage by stage, computed without a card.

python benchmarks/card_end_to_end.py [--rounds N]

**Counted, not measured on a card.** The kernel's time follows from the instructions of `card.py`, that of the copy from
its bytes at two rates of a bus, that of the processors' work from processor seconds of a million futures here
(`pipeline.py`): the least of some rounds, shared by as many cores as a stage uses. Where no outcome is kept, a block is
reduced on the card (`program/reductions.py`), and only the arrays of its result are copied; the reduction's
time is the bytes that XLA counts in its program for this processor, at the rate of the card's memory. Files are made of
the copied arrays, and tallies are folded as blocks are written. The time of the tables is then the same for any number
of futures.

Needs `ptxas` and `nvdisasm`: pip install '.[benchmark]'.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
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

from engine.execution import device_reduction
from engine.execution.planning import measure
from engine.execution.resources import MOST_WRITERS
from engine.execution.work import Work
from engine.formatting import size_as_text
from engine.program import reductions
from engine.program.hardware import processors
from engine.program.programs import program_on
from engine.risk.estimation.tallies import FINE, Folding
from engine.run_folder.folder import RunFolder
from engine.study.loading import load_study
from engine.study.study import BLOCK

PATHS = 1_000_000
"""Futures of the runs that are measured."""
ASKED = (10**6, 10**8, 10**9)
NAMED = ("H100", "RTX 4090")
BUS = (25e9, 2.7e9)
"""Bytes a second copied to main memory: PCIe 5 with pinned memory, and XLA's plain copy on an H100 (jax #21438)."""
WRITERS = MOST_WRITERS
TABLES = ("tables and summaries", "cube finished")
FILES = ("files of a block", "hashed and written")


@dataclass(frozen=True)
class Host:
    """The processor time and disk space that `PATHS` futures take on this machine.

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
    """The cost of a block that is reduced on the card, as none of its outcomes is kept.

    Args:
      crossing: bytes that go to main memory.
      moved: bytes that the card reads and writes for it.
      files: seconds of the processor for its files.
      fold: seconds to add its tally to those of the blocks before.
      written: bytes of its files.
    """

    crossing: float
    moved: float
    files: float
    fold: float
    written: int


def reduction(index: int, rounds: int) -> Reduction:
    """The `Reduction` of one block of the rustbelt, given by its number."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "study.toml"
        written.write_text(study_that_keeps("rustbelt", "none"), encoding="utf-8")
        study = load_study(str(written))
        study = replace(study, paths=(index + 1) * BLOCK, keep=replace(study.keep, draws=0))
        program, block = program_on(study, processors()), study.blocks()[index]
        outcomes = program.submit(block).of(block)
        asked = device_reduction.reduction(study, block)
        room = int(reductions.by_processor(outcomes, asked, 1)["held"] * 9 // 8)
        arrays = reductions.by_processor(outcomes, asked, room)
        left, work = (reductions.as_result(block, arrays), Work(RunFolder(Path(folder) / "run", study), program))
        made, tally = work.files(left)
        assert tally is not None
        folding = Folding(tally)
        folding.add(tally)
        files = _least(lambda: work.files(left), rounds)
        fold = _least(lambda: folding.add(tally), rounds)
    with jax.enable_x64(True):
        lowered = reductions._reduced.lower(jax.device_put(outcomes[None]), np.int32(0), asked, room)
        moved = lowered.compile().cost_analysis()["bytes accessed"]
    crossing = sum(one.nbytes for one in arrays.values())
    return Reduction(crossing, moved, files, fold, sum(map(len, made.values())))


def _least(function: Callable[[], object], rounds: int) -> float:
    """Least processor seconds that a call takes in this thread, of some rounds."""
    found = []
    for _ in range(rounds):
        began = time.thread_time()
        function()
        found.append(time.thread_time() - began)
    return min(found)


def rows_of_all(here: Host, kernel: card.Figures) -> list[tuple[str, ...]]:
    """A row for each number of futures, all outcomes of which are kept."""
    each = kernel.written * kernel.layout.years
    made = []
    for paths in ASKED:
        files = [here.of(FILES, paths, cores) for cores in (1, WRITERS)]
        tables = [here.of(TABLES, paths, cores) for cores in (2, CORES)]
        made.append(
            _row(
                f"{paths:.0e}, all",
                paths,
                kernel,
                [0, 0],
                each * paths,
                files,
                here.written * paths / BLOCK,
                None,
                tables,
                here,
            )
        )
    return made


def rows_of_none(here: Host, kernel: card.Figures, early: Reduction, late: Reduction) -> list[tuple[str, ...]]:
    """A row for each number of futures, none of whose outcomes is kept: blocks are reduced on the card."""
    made = []
    for paths in ASKED:
        blocks = paths / BLOCK

        def of(what: str, blocks: float = blocks) -> float:
            return min(blocks, FINE) * getattr(early, what) + max(blocks - FINE, 0) * getattr(late, what)

        reducing = [of("moved") / (CARDS[name].bandwidth * 1e12) for name in NAMED]
        # the time to hash and write is proportional to the bytes
        written = of("files") + here.of(FILES[1:], paths, 1) * of("written") / (blocks * early.written)
        files = [written / cores for cores in (1, WRITERS)]
        tables = [sum(here.seconds[name] for name in TABLES)] * 2
        made.append(
            _row(
                f"{paths:.0e}, none",
                paths,
                kernel,
                reducing,
                of("crossing"),
                files,
                of("written"),
                of("fold"),
                tables,
                here,
            )
        )
    return made


def _row(
    name: str,
    paths: int,
    kernel: card.Figures,
    reducing: list[float],
    crossing: float,
    files: list[float],
    written: float,
    fold: float | None,
    tables: list[float],
    here: Host,
) -> tuple[str, ...]:
    """A row; the whole run takes as long as the slowest of the stages that run side by side, and then the tables."""
    clocks = {name: CARDS[name].multiprocessors * CARDS[name].clock for name in NAMED}
    rates = [kernel.rate / kernel.layout.years * clocks[name] / clocks["H100"] for name in NAMED]
    computed = [paths / rate for rate in rates]
    copied = [crossing / bus for bus in BUS]
    beside = {"card": computed[0] + reducing[0], "copy": copied[0], "files": files[1], "fold": fold or 0.0}
    slowest = max(beside, key=beside.__getitem__)
    whole = beside[slowest] + tables[1]
    return (
        name.replace("e+0", "e"),
        _both(computed),
        "" if fold is None else _both(reducing),
        _both(copied),
        _both(files),
        size_as_text(round(written)),
        "" if fold is None else f"{fold:,.3g}",
        _both(tables),
        f"{here.of(('kernel',), paths, CORES):,.3g}",
        slowest,
        f"{whole:,.3g}, {whole / computed[0]:,.3g} times",
    )


def _both(numbers: list[float]) -> str:
    return " / ".join(f"{number:,.3g}" if number < 1000 else f"{number:,.0f}" for number in numbers)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of which the least counts")
    asked = parser.parse_args()
    kernel = card.figures(studies()["rustbelt"])
    head = (
        "counted seconds: futures, outcomes kept",
        f"kernel, {' / '.join(NAMED)}",
        "made of it there",
        "copy, 25 / 2.7 GB/s",
        f"files, 1 / {WRITERS} writers",
        "disk",
        "tallies folded",
        f"tables, 2 / {CORES} cores",
        f"the processors' loop, {CORES} cores",
        "slowest side by side",
        f"whole run, H100, {CORES} cores, and by its kernel",
    )
    found = rows_of_all(host("all", asked.rounds), kernel)
    early, late = (reduction(index, asked.rounds) for index in (1, FINE))
    found += rows_of_none(host("none", asked.rounds), kernel, early, late)
    for name, one in (("first", early), ("later", late)):
        print(
            f"a future of the {name} blocks, nothing kept: {one.crossing / BLOCK:,.1f} bytes cross, of"
            f" {kernel.written * kernel.layout.years:,.0f}; the card reads and writes {one.moved / BLOCK:,.0f} more;"
            f" {1000 * one.files:.3g} ms for the files of a block, {1000 * one.fold:.3g} ms to fold its tally"
        )
    print(f"{machine()}\n\n{table(head, found)}")


if __name__ == "__main__":
    main()
