"""The first launches of a program on cards, in a process of their own: what ends that process, or hangs in it, does neither here.

The file is also that process's script. It is handed the program, what it reads and where it begins, as arrays, and hands back the first
and the last paths of each launch, which are held against the processors' bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from engine.program.emitting.gpu_code import GpuCode, GpuLayout
from engine.program.running import apart, compilation_cache, gpu, hardware, machine_code
from engine.program.running.contract import CardFailed, Outcomes, in_words
from engine.program.running.native import LoopProgram
from engine.study.study import Block

COMPARED = 1 << 12
"""Paths at each end of a launch on each card that are held against the processors' bytes."""
_MODULE = "engine.program.running.first_launch"

Ends = Float[np.ndarray, "launch device end policy outcome path"]


def refuse_unfit(
    code: GpuCode, text: str, mesh: Mesh, arrays: tuple[np.ndarray, ...], host: LoopProgram
) -> None:
    """Raises a CardFailed where launches of a program fail, do not end in time, or do not have the bytes of `host`.

    Once they have them this is noted, and the same program is not tried again on the same cards, driver and versions.

    Args:
      text: PTX of the program.
      arrays: what launches read beside their counters.
    """
    layout = code.layout
    key = _key(text, layout, mesh)
    if compilation_cache.held("trial", key) is not None:
        return
    firsts = firsts_of(layout, layout.lanes * mesh.devices.size)
    values = ends_apart(layout, text, mesh, arrays, firsts)
    for first, end in by_paths(layout, firsts, values):
        refuse_other(host, first, end)
    compilation_cache.keep("trial", key, b"the same bytes")


def firsts_of(layout: GpuLayout, reach: int) -> tuple[int, ...]:
    """Paths that launches begin with: the first two, and one whose counters need a second word.

    Args:
      reach: paths of a launch on all cards.
    """
    return 0, reach, ((1 << 32) * layout.group // reach + 1) * reach


def ends_of(layout: GpuLayout) -> tuple[int, int]:
    """Where the compared paths of a launch begin."""
    return 0, layout.lanes - COMPARED


def by_paths(layout: GpuLayout, firsts: Sequence[int], values: Ends) -> Iterator[tuple[int, Outcomes]]:
    """The ends of launches one by one, each with the number of its first path.

    Args:
      firsts: paths that the launches begin with.
    """
    for first, launch in zip(firsts, values, strict=True):
        for device, ends in enumerate(launch):
            for at, end in zip(ends_of(layout), ends, strict=True):
                yield first + device * layout.lanes + at, end


def of_host(host: LoopProgram, first: int, count: int) -> Outcomes:
    """Outcomes of some paths by the processors."""
    block = Block(0, first, count)
    return host.collect(block, host.submit(block)).outcomes


def refuse_other(host: LoopProgram, first: int, values: Outcomes) -> None:
    """Raises a CardFailed where some paths have other bytes than on the processors."""
    count = values.shape[-1]
    if of_host(host, first, count).tobytes() != np.ascontiguousarray(values).tobytes():
        raise CardFailed(f"paths {first:,} to {first + count - 1:,} have other bytes than on the processor")


def ends_apart(
    layout: GpuLayout, text: str, mesh: Mesh, arrays: Sequence[np.ndarray], firsts: Sequence[int]
) -> Ends:
    """The first and last paths of launches on each card, by another process.

    Raises:
      CardFailed: it failed, did not end in time, or is not let in.
    """
    hardware.refuse_exclusive(mesh)
    row = mesh.devices.flat
    about = {
        "layout": gpu.plain(layout), "text": text, "firsts": firsts,
        "platform": row[0].client.platform, "cards": [card.id for card in row],
    }  # fmt: skip
    given = io.BytesIO()
    held: dict[str, Any] = {f"array{k}": array for k, array in enumerate(arrays)}
    np.savez(given, about=np.array(json.dumps(about)), **held)
    found = np.load(io.BytesIO(apart.answered(_MODULE, given.getvalue(), gpu.FIRST, "its first launch")))
    if "failure" in found:
        raise CardFailed(f"its first launch failed: {found['failure']}")
    return found["ends"]


def _key(text: str, layout: GpuLayout, mesh: Mesh) -> str:
    row = mesh.devices.flat
    of_cards = [f"{card.id} {card.device_kind} {hardware.capability(card)}" for card in row]
    versions = jax.__version__, row[0].client.platform_version, hardware.driver()
    return machine_code.key_of("\0".join([text, repr(layout), *of_cards, *versions]))


def ends_here(
    layout: GpuLayout, text: str, mesh: Mesh, arrays: Sequence[np.ndarray], firsts: Sequence[int]
) -> Ends:
    """As `ends_apart`, by this process."""
    run = gpu.on_mesh(layout, text, mesh)
    ends = []
    for first in firsts:
        values = np.asarray(jax.device_get(run(gpu.counters(layout, first, mesh.devices.size), *arrays)))
        ends.append(np.stack([values[..., at : at + COMPARED] for at in ends_of(layout)], axis=1))
    return np.stack(ends)


def main() -> None:
    """Launches what is asked for, and answers the ends of each launch, or what failed."""
    apart.answer(_answer, gpu.FIRST)


def _answer(given: bytes) -> bytes:
    written = io.BytesIO()
    try:
        np.savez(written, ends=_asked(np.load(io.BytesIO(given))))
    except Exception as failure:  # whatever a driver, a card or XLA may raise
        np.savez(written, failure=np.array(in_words(failure)))
    return written.getvalue()


def _asked(held: Any) -> Ends:
    about = json.loads(str(held["about"]))
    arrays = [held[f"array{k}"] for k in range(len(held.files) - 1)]
    mesh = hardware.by_number(about["platform"], about["cards"])
    return ends_here(gpu.layout_of(about["layout"]), about["text"], mesh, arrays, about["firsts"])


if __name__ == "__main__":
    main()
