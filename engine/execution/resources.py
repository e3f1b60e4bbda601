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


def memory_needed(study: Study, workers: int = 0, writers: int = 1, launch: int = 0) -> int:
    """Approximate peak of main memory of a run [bytes]: blocks in flight, the yearly sample, the tables.

    Where no outcome is kept path by path, it does not grow with the number of paths.

    Args:
      workers: processes beside this one that compute blocks; 0 where it computes them itself.
      writers: blocks that a process writes at a time, each of which memory holds as outcomes and as files.
      launch: blocks per launch where cards compute, as `devices.blocks_of_launch`; 0 elsewhere. Memory holds the
        outcomes of two launches, and of one that is being put in order.
    """
    policies, kept, own = len(study.policies), study.keep.outcomes, unkept(study)
    each = policies * np.dtype(study.dtype).itemsize
    outcomes = len(study.model.outcomes)
    values = 3 * launch * outcomes
    blocks = ((min(writers, AHEAD) + 1 + 2 * writers) * outcomes + values) * each * min(study.paths, BLOCK)
    sample = min(study.keep.yearly, study.paths) if study.has_yearly else 0
    yearly = each * len(study.years) * cell_count(study.model) * sample
    groups = 3 * GROUPS + TOGETHER * GROUPS_OF_BLOCK
    tables = 8 * groups * BINS_HELD * policies * len(own)
    if kept:
        named = max((len(event_outcomes(study, event)) for event in known_events(study, kept)), default=1)
        outcome = max(each * named + WORK, HISTOGRAM * policies)
        tables = max(tables, study.paths * THREADS * outcome + min(each * len(kept) * study.paths, reading.HELD))
    return (workers or 1) * (PROCESS + blocks) + yearly + max(2 * yearly, tables)


def writers_for(study: Study, memory: int | str | None = None, launch: int = 0) -> int:
    """Number of blocks of a run that are written at a time: as many as fit into memory, 1 at least.

    Args:
      memory: allowed, in bytes or as "4GiB"; None for what is free.
      launch: as `memory_needed` takes it.
    """
    there, _ = room(memory)
    most = min(max(2, min(len(devices.cores()), MOST_WRITERS)), -(-study.paths // BLOCK))
    fit = (n for n in range(most, 1, -1) if there is None or memory_needed(study, 0, n, launch) <= there)
    return next(fit, 1)


def refuse_if_memory_too_small(study: Study, memory: int | str | None, workers: int = 0, launch: int = 0) -> None:
    """Raises a UserError where the memory that is free, or allowed, is less than the run needs.

    Args:
      memory: allowed, in bytes or as "4GiB"; None for what is free.
      workers, launch: as `memory_needed` takes them.
    """
    try:
        there, whose = room(memory)
    except ValueError as wrong:
        raise UserError("--memory", [str(wrong)]) from wrong
    needed = memory_needed(study, workers, launch=launch)
    if there is not None and needed > there:
        place, remedy = (study.source, "keep less") if memory is None else ("--memory", "allow more")
        needs = (
            f"{study.paths:,} paths take about {size_as_text(needed)} of memory, and there are {size_as_text(there)}"
        )
        raise UserError(place, [f"{needs} {whose}. Use fewer paths, or {remedy}."])


def room(memory: int | str | None) -> tuple[int | None, str]:
    """Main memory that a run may take [bytes], None where it is unknown; and its origin, "allowed" or "free".

    Args:
      memory: allowed, in bytes or as "4GiB"; None for what is free.

    Raises:
      ValueError: it is no size.
    """
    return (memory_free(), "free") if memory is None else (bytes_of(memory), "allowed")


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
    blocks, draws = (-(-paths // BLOCK) for paths in (study.paths, min(study.keep.draws, study.paths)))
    policies, shard = len(study.policies), np.dtype(study.dtype).itemsize * BLOCK
    shards = shard * (blocks * policies * len(study.keep.outcomes) + draws * len(study.inputs))
    tallies = policies * len(unkept(study)) << 16
    years = 8 * 80 * policies * len(study.years) * cell_count(study.model)
    return shards + blocks * (tallies + 4096) + years + (1 << 20)


def bytes_free(folder: Path) -> int:
    """Bytes free on the disk that the folder is, or will be, on."""
    return shutil.disk_usage(above(folder)).free


def above(folder: Path) -> Path:
    """The folder, or its nearest ancestor that exists."""
    place = folder.resolve()
    return next(filter(Path.is_dir, (place, *place.parents)))


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
        needs = f"{folder.study.paths:,} paths take {size_as_text(needed)} on disk, and there are {size_as_text(free)}"
        remedy = "Use fewer paths, keep fewer outcomes, or choose another --out."
        raise UserError(folder.path, [f"{needs} free. {remedy}"])


def take_every_core() -> None:
    """Sets up a process of the engine's own: all allowed cores, memory kept for reuse, sums in machine code.

    To be called before the process computes anything.
    """
    devices.use_every_core()
    memory.keep()
    summing.in_machine_code()
