"""How much memory and disk a run takes, and whether there is as much."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np

from engine.errors import UserError
from engine.execution import summing
from engine.formatting import size_as_text
from engine.lanes import memory
from engine.modelling.cell_axis import cell_count
from engine.program import devices
from engine.program.devices import memory_free
from engine.program.programs import has_lanes
from engine.risk.estimation.events import event_outcomes, known_events
from engine.risk.estimation.tables import THREADS
from engine.risk.estimation.tallies import GROUPS, GROUPS_OF_BLOCK, TOGETHER, unkept
from engine.run_folder import reading
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK, Study

AHEAD = 2
"""Most blocks computed at a time: threads that the first leaves idle begin on the second."""
MOST_WRITERS = 16
"""Most blocks written at a time: beyond that the disk is the bottleneck."""
PROCESS = 1 << 30
"""Bytes that Python, its libraries and the compiler take."""
WORK = 56
"""Bytes per path that the measures of an outcome take in addition to its values."""
HISTOGRAM = 16
"""Bytes per path and policy that the display histogram of an outcome takes, its values included."""
BINS_HELD = 4096
"""Most bins of a histogram that are expected not to be empty."""


def memory_needed(study: Study, workers: int = 0, memory: int | str | None = None, launch: int = 0) -> int:
    """Approximate peak of main memory of a run [bytes]: blocks in flight, the yearly sample, the tables.

    Where no outcome is kept path by path, it does not grow with the number of paths.

    Args:
      workers: processes beside this one that compute blocks; 0 where it computes them itself.
      memory: allowed, in bytes or as "4GiB"; None for what is free. As many blocks are written at a time as fit into
        it.
      launch: blocks per launch where cards compute, as `devices.blocks_of_launch`; 0 elsewhere.
    """
    return _memory_needed(study, workers or 1, 1 if workers else writers_for(study, memory, launch), launch)


def _memory_needed(study: Study, processes: int, writers: int, launch: int) -> int:
    policies, each = len(study.policies), np.dtype(study.dtype).itemsize
    block = each * policies * len(study.model.outcomes) * min(study.paths, BLOCK)
    held = (min(writers, AHEAD) + 1 + 2 * writers) * block + (launch * _of_launch(study, each) if launch else 0)
    sample = min(study.keep.yearly, study.paths) if study.has_yearly else 0
    yearly = each * policies * len(study.years) * cell_count(study.model) * sample
    named = [len(event_outcomes(study, event)) for event in known_events(study, study.keep.outcomes)]
    outcome = each * policies * max(named, default=1) + WORK
    paths = study.paths * THREADS * max(outcome, HISTOGRAM * policies) if study.keep.outcomes else 0
    paths += min(each * policies * len(study.keep.outcomes) * study.paths, reading.HELD)
    groups = 3 * GROUPS + TOGETHER * GROUPS_OF_BLOCK
    tallies = 8 * groups * BINS_HELD * policies * len(unkept(study))
    return processes * (PROCESS + held) + max(3 * yearly, yearly + paths, yearly + tallies)


def _of_launch(study: Study, each: int) -> int:
    """Bytes of main memory per block of a launch on cards, held while blocks of the launch before are written.

    Where blocks are reduced on the cards: the outcomes that are kept, and the counts. Elsewhere: all outcomes three
    times, of two launches and of one that is being put in order.

    Args:
      each: bytes of a number.
    """
    policies, tallied = len(study.policies), len(unkept(study))
    if not tallied or study.dtype != np.float32 or not has_lanes(study):
        return 3 * each * policies * len(study.model.outcomes) * BLOCK
    counts = 2 * GROUPS_OF_BLOCK * BINS_HELD * policies * tallied
    return each * policies * len(study.keep.outcomes) * BLOCK + counts


def writers() -> int:
    """Most blocks that a process computing a run alone writes at a time; memory holds each as outcomes and as files."""
    return max(2, min(len(devices.cores()), MOST_WRITERS))


def writers_for(study: Study, memory: int | str | None = None, launch: int = 0) -> int:
    """Number of blocks of a run that are written at a time: as many as fit into memory, from 1 to `writers()`.

    Args:
      memory, launch: as `memory_needed` takes them.
    """
    free = memory_free() if memory is None else bytes_of(memory)
    count = min(writers(), -(-study.paths // BLOCK))
    while free is not None and count > 1 and _memory_needed(study, 1, count, launch) > free:
        count -= 1
    return count


def refuse_if_memory_too_small(study: Study, memory: int | str | None, workers: int = 0, launch: int = 0) -> None:
    """Raises a UserError where the memory that is free, or allowed, is less than the run needs.

    Args:
      memory: allowed, in bytes or as "4GiB"; None for what is free.
      workers, launch: as `memory_needed` takes them.
    """
    remedy = "Ask for fewer paths, or keep less"
    if memory is None:
        needed = memory_needed(study, workers, launch=launch)
        free = memory_free()
        if free is not None and needed > free:
            needs = (
                f"{study.paths:,} paths take about {size_as_text(needed)} of memory, and there are {size_as_text(free)}"
                " free"
            )
            raise UserError(study.source, [f"{needs}. {remedy}."])
        return
    try:
        allowed = bytes_of(memory)
    except ValueError as wrong:
        raise UserError("--memory", [str(wrong)]) from wrong
    needed = memory_needed(study, workers, allowed, launch)
    if needed > allowed:
        expected = (
            f"expected at least {size_as_text(needed)}, which {study.paths:,} paths of {study.source} take, got"
            f" {size_as_text(allowed)}"
        )
        raise UserError("--memory", [f"{expected}. {remedy}, or allow more."])


def room(allowed: int | None) -> tuple[int | None, str]:
    """Main memory that a run may take [bytes], None where it is unknown; and its origin, "allowed" or "free"."""
    return (allowed, "allowed") if allowed else (memory_free(), "free")


def bytes_of(size: str | int) -> int:
    """Bytes that a size means: 4GiB, 512 MB, 1.5T; a unit with an i counts by 1024, the others by 1000.

    Raises:
      ValueError: it is no size, or none above zero; the text says what was expected.
    """
    from dask.utils import parse_bytes

    text, count = str(size).strip(), 0
    if text.lstrip(".")[:1].isdigit():  # dask takes a unit without a number for one of it
        with suppress(ValueError, OverflowError):
            count = parse_bytes(text)
    if count < 1:
        raise ValueError(f"expected a size above zero, such as 4GiB or 512MB, got '{size}'.")
    return count


def bytes_needed(study: Study) -> int:
    """Bytes that a finished run folder takes at most: shards uncompressed, and the ledger with its tallies."""
    blocks = -(-study.paths // BLOCK)
    draw_blocks = -(-min(study.keep.draws, study.paths) // BLOCK)
    shards = (
        np.dtype(study.dtype).itemsize
        * BLOCK
        * (blocks * len(study.policies) * len(study.keep.outcomes) + draw_blocks * len(study.inputs))
    )
    cells = len(study.policies) * len(study.years) * cell_count(study.model)
    tallies = len(study.policies) * (len(study.model.outcomes) - len(study.keep.outcomes)) << 16
    return shards + blocks * (tallies + 4096) + 8 * 80 * cells + (1 << 20)


def bytes_free(folder: Path) -> int:
    """Bytes free on the disk that the folder is, or will be, on."""
    return shutil.disk_usage(above(folder)).free


def above(folder: Path) -> Path:
    """The folder, or its nearest ancestor that exists."""
    place = folder.resolve()
    while not place.is_dir():
        place = place.parent
    return place


def bytes_held(folder: Path) -> int:
    """Bytes of all files in a folder; files that vanish while it is read are left out."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


def refuse_if_too_large(folder: RunFolder) -> None:
    """Raises a `UserError` where the disk has no room for what the run needs beyond what its folder holds already."""
    free, needed = bytes_free(folder.path), bytes_needed(folder.study)
    if needed > free and needed - bytes_held(folder.path) > free:
        message = (
            f"{folder.study.paths:,} paths take {size_as_text(needed)} on disk, and there are {size_as_text(free)}"
            " free. Ask for fewer paths, keep fewer outcomes, or choose another --out."
        )
        raise UserError(str(folder.path), [message])


def take_every_core() -> None:
    """Sets up a process of the engine's own: all allowed cores, memory kept for reuse, sums in machine code.

    To be called before the process computes anything.
    """
    devices.use_every_core()
    memory.keep()
    summing.in_machine_code()
