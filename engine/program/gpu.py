"""Launches a study's kernel on a graphics card by `cuda.core`, and waits for it. **None of this has run on a card.**

Work that may hang is done by threads that do not keep the process from ending. Where some fails, all cards are given up
for the rest of the process, as its context on them may be dead.
"""

from __future__ import annotations

import atexit
import signal
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import jax
import numpy as np

from engine.lanes import cpu, ptx
from engine.lanes.ptx import Kernel
from engine.program.contract import CardFailed, in_words
from engine.program.path import OUTCOMES

AT_ONCE = 1 << 15
"""Most lanes of a launch: about as many as the newest cards compute at once, each with its scratch memory."""
PATIENCE = 180.0
"""Time limit for a pass or a reduction [s]."""
ENDING = 30
"""Seconds that this process has to end where a launch hangs, as JAX and the driver would wait for it forever."""
_LOST: list[str] = []
"""Why this process has given up its cards; empty as long as it has not."""
_LOCK = threading.Lock()

Given = TypeVar("Given")


class Launcher:
    """Launches of a kernel on one card.

    Args:
      kernel: gives a study's outcomes.
      card: the JAX device.
      lanes: lanes of a call, a power of two.
    """

    def __init__(self, kernel: Kernel, card: Any, lanes: int):
        self._kernel, self._card, self._lanes = kernel, card, lanes
        self._run: Any = None
        self._lock = threading.Lock()

    def outcomes(self, shared: Any, low: int) -> jax.Array:
        """Outcomes [policy, outcome, path] on the card, of the lanes from number `low` on, as a JAX array."""
        from cuda import core
        from cuda.core.utils import StridedMemoryView

        layout, lanes = self._kernel.layout, self._lanes
        dtype, at = layout.outputs[OUTCOMES]
        shape, each = (*at.shape[1:], lanes * layout.items), min(lanes, AT_ONCE)
        config = core.LaunchConfig(grid=each // ptx.THREADS, block=ptx.THREADS)
        with self._lock:  # each call has scratch memory of its own
            device = core.Device(self._card.local_hardware_id)
            device.set_current()
            stream = device.create_stream()
            if self._run is None:
                self._run = core.ObjectCode.from_ptx(self._kernel.text.encode()).get_kernel(ptx.KERNEL)
            made = device.allocate(int(np.prod(shape)) * dtype.itemsize, stream=stream)
            scratch = device.allocate(4 * layout.scratch * each, stream=stream)
            table = cpu.row_table([(int(made.handle), shape[-1], dtype, at)], 4)
            held = [_on_card(one, self._card) for one in (cpu.shared_words(layout, shared), table)]
            read, rows = (one.__cuda_array_interface__["data"][0] for one in held)
            tables = rows, np.int64(len(table)), 0, np.int64(0)  # none of outputs of eight bytes
            for before in range(0, lanes, each):
                first = np.int64(before), np.uint32(low + before)
                core.launch(stream, config, self._run, *first, read, scratch, *tables)
            stream.sync()
            scratch.close(stream)
            return jax.dlpack.from_dlpack(StridedMemoryView.from_buffer(made, shape, dtype=dtype))


def _on_card(array: np.ndarray, card: Any) -> Any:
    """The words of an array on a card."""
    return jax.block_until_ready(jax.device_put(np.ascontiguousarray(array).view(np.uint32).ravel(), card))


def begun(work: Callable[[], Given]) -> Future[Given]:
    """A future of work done by a daemon thread, which does not keep the process from ending."""
    given: Future[Given] = Future()

    def do() -> None:
        try:
            given.set_result(work())
        except BaseException as failure:
            given.set_exception(failure)

    threading.Thread(target=do, daemon=True).start()
    return given


def result(running: Future[Given]) -> Given:
    """The result of work on a card.

    Raises:
      CardFailed: it failed or took too long, or the cards have been given up.
    """
    if failure():
        raise CardFailed(failure())
    try:
        return running.result(timeout=PATIENCE)
    except TimeoutError:
        atexit.register(signal.alarm, ENDING)  # neither Python nor Ctrl-C can end the process then
        raise give_up(f"a launch had not come back after {PATIENCE:,.0f} s") from None
    except Exception as raised:  # whatever a driver, a card or XLA may raise
        raise give_up(in_words(raised)) from None


def failure() -> str:
    """Why this process has given up its cards; "" as long as it has not."""
    return _LOST[0] if _LOST else ""


def give_up(why: str) -> CardFailed:
    """Stops launches for every program of this process, with one warning; gives the exception to raise."""
    with _LOCK:
        if not _LOST:
            _LOST.append(why)
            text = f"GPUs are not used any more; the CPU continues with the same numbers: {why}"
            warnings.warn(f"{text.rstrip('.')}.", stacklevel=2)
    return CardFailed(failure())
