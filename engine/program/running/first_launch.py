"""Tests a program's first launches on cards in another process, so that a crash or a hang does not reach this one.

The file is also the script of that process. It reads the program, its arrays and the first path of each launch, and
answers the outcomes of the first and last paths of each launch. These are compared byte by byte with the processors'.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from engine.program.emitting.gpu_code import GpuCode, GpuLayout
from engine.program.lowering.stages import as_plain, of_plain
from engine.program.running import child_process, compilation_cache, gpu, hardware, machine_code
from engine.program.running.contract import CardFailed, Outcomes, in_words
from engine.program.running.native import LoopProgram
from engine.study.study import Block

COMPARED = 1 << 12
"""Paths at each end of a launch, on each card, that are compared with the processors'."""
_MODULE = "engine.program.running.first_launch"

Ends = Float[np.ndarray, "launch device end policy outcome path"]


def refuse_unfit(code: GpuCode, text: str, mesh: Mesh, arrays: tuple[np.ndarray, ...], host: LoopProgram) -> None:
    """Tests a program's first launches on cards; once for the same cards, driver and versions, as a success is kept.

    Args:
      text: PTX of the program.
      arrays: the arrays that launches read, without the counters.
      host: the same program on the processors.

    Raises:
      CardFailed: a launch fails, does not end in time, or has other bytes than `host`.
    """
    layout, row = code.layout, mesh.devices.flat
    of_cards = [f"{card.id} {card.device_kind} {hardware.capability(card)}" for card in row]
    versions = jax.__version__, row[0].client.platform_version, hardware.driver()
    key = machine_code.key_of("\0".join([text, repr(layout), *of_cards, *versions]))
    if compilation_cache.held("trial", key) is not None:
        return
    for first, end in stretches(layout, text, mesh, arrays):
        refuse_other(host, first, end)
    compilation_cache.keep("trial", key, b"the same bytes")


def firsts_of(layout: GpuLayout, reach: int) -> tuple[int, ...]:
    """First paths of the three launches to test: the first two of a run, and one whose counters exceed 32 bits.

    Args:
      reach: paths of a launch on all cards together.
    """
    return 0, reach, ((1 << 32) * layout.group // reach + 1) * reach


def ends_of(layout: GpuLayout) -> tuple[int, int]:
    """Offsets, in a card's part of a launch, of the two stretches of `COMPARED` paths that are compared."""
    return 0, layout.lanes - COMPARED


def stretches(layout: GpuLayout, text: str, mesh: Mesh, arrays: Sequence[np.ndarray]) -> Iterator[tuple[int, Outcomes]]:
    """The stretches to compare of the launches of `firsts_of`, one by one: (number of the first path, outcomes).

    Raises:
      CardFailed: as `ends_apart`.
    """
    firsts = firsts_of(layout, layout.lanes * mesh.devices.size)
    for first, launch in zip(firsts, ends_apart(layout, text, mesh, arrays, firsts), strict=True):
        for device, ends in enumerate(launch):
            for at, end in zip(ends_of(layout), ends, strict=True):
                yield first + device * layout.lanes + at, end


def of_host(host: LoopProgram, first: int, count: int) -> Outcomes:
    """Outcomes of paths `first` to `first + count - 1`, computed by the processors."""
    block = Block(0, first, count)
    return host.submit(block).of(block)


def refuse_other(host: LoopProgram, first: int, values: Outcomes) -> None:
    """Raises a CardFailed if the outcomes of the paths from `first` on differ from the processors' in any byte."""
    count = values.shape[-1]
    if of_host(host, first, count).tobytes() != np.ascontiguousarray(values).tobytes():
        raise CardFailed(f"paths {first:,} to {first + count - 1:,} have other bytes than on the processor")


def ends_apart(layout: GpuLayout, text: str, mesh: Mesh, arrays: Sequence[np.ndarray], firsts: Sequence[int]) -> Ends:
    """Outcomes of the first and last paths of launches on each card, run by another process.

    Args:
      firsts: first paths of the launches.

    Raises:
      CardFailed: the process failed, did not end in time, or is kept from a card that is in exclusive mode.
    """
    hardware.refuse_exclusive(mesh)
    row = mesh.devices.flat
    about = {
        "layout": as_plain(layout), "text": text, "firsts": firsts,
        "platform": row[0].client.platform, "cards": [card.id for card in row],
    }  # fmt: skip
    given = io.BytesIO()
    np.savez(given, *arrays, about=np.array(json.dumps(about)))
    found = np.load(io.BytesIO(child_process.answered(_MODULE, given.getvalue(), gpu.FIRST, "its first launch")))
    if "failure" in found:
        raise CardFailed(f"its first launch failed: {found['failure']}")
    return found["ends"]


def ends_here(layout: GpuLayout, text: str, mesh: Mesh, arrays: Sequence[np.ndarray], firsts: Sequence[int]) -> Ends:
    """As `ends_apart`, but run by this process."""
    run = gpu.on_mesh(layout, text, mesh)
    ends = []
    for first in firsts:
        values = jax.device_get(run(gpu.counters(layout, first, mesh.devices.size), *arrays))
        ends.append(np.stack([values[..., at : at + COMPARED] for at in ends_of(layout)], axis=1))
    return np.stack(ends)


def main() -> None:
    """The script of the other process: runs the launches it reads about, and answers their ends or the failure."""
    child_process.answer(_answer, gpu.FIRST)


def _answer(given: bytes) -> bytes:
    written = io.BytesIO()
    try:
        held = np.load(io.BytesIO(given))
        about = json.loads(str(held["about"]))
        arrays = [held[f"arr_{k}"] for k in range(len(held.files) - 1)]
        mesh = hardware.by_number(about["platform"], about["cards"])
        ends = ends_here(of_plain(GpuLayout, about["layout"]), about["text"], mesh, arrays, about["firsts"])
        np.savez(written, ends=ends)
    except Exception as failure:  # whatever a driver, a card or XLA may raise
        np.savez(written, failure=np.array(in_words(failure)))
    return written.getvalue()


if __name__ == "__main__":
    main()
