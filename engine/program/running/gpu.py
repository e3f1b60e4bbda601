"""The one loop as a GPU kernel that XLA launches. **It has never run on a card**, only been compiled for one.

This process survives a failing card: once a launch raises or exceeds its time limit no more are started, and whoever
waits for it gets a CardFailed.
"""

from __future__ import annotations

import atexit
import json
import signal
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, UInt32

from engine.program.emitting import gpu_code, ptx
from engine.program.emitting.gpu_code import ARRAYS, GpuCode, GpuLayout
from engine.program.lowering.stages import as_plain, of_plain
from engine.program.running import cache_keys, compilation_cache, hardware, machine_code
from engine.program.running.cache_keys import Unlisted
from engine.program.running.contract import CardFailed, in_a_row, in_words
from engine.program.running.native import filled
from engine.program.running.xla import DIVIDED, WHOLE, counters_of
from engine.program.tracing import arguments
from engine.study.study import Study

FIRST = hardware.PATIENCE
"""Time limit of a program's first launch [s], with the start of JAX; about ten times the estimate."""
LEAST = 60.0
"""Least time limit of a pass [s]; a pass of the shipped model takes about 0.01 s."""
TIMES = 100
"""Time limit of a pass as a multiple of the longest of the first `TIMED`; other programs may use the card."""
TIMED = 4
"""First passes of a kernel, whose longest sets the time limit of later ones."""
ENDING = 30
"""Seconds that this process has to end where a launch hangs, as JAX and the driver would wait for it forever."""
_CALL = "__gpu$xla.gpu.ptx"
"""XLA's name for a call of a kernel given as PTX."""
_WRITTEN_BY = gpu_code.__name__, ptx.__name__
_LOST: list[str] = []
"""Why this process has given up its cards, on which its context may be dead; empty as long as it has not."""

Given = TypeVar("Given")


class Launches:
    """Launches of a kernel on the cards of a mesh, shared by all programs with the same kernel.

    Args:
      code: the kernel; None until it has passed its tests.
      failure: why the cards have been given up; "" as long as they have not.
      passes: number of passes that have been computed.
      spare: bytes of memory that each card has beyond those for its passes; None where it does not tell.
    """

    def __init__(self, mesh: Mesh):
        self.failure, self.passes = _LOST[0] if _LOST else "", 0
        self.code: GpuCode | None = None
        self.spare: int | None = None
        self.lock = threading.RLock()
        self._mesh, self._longest = mesh, 0.0
        self._run: Callable[..., Any] | None = None

    def give_up(self, why: str) -> CardFailed:
        """Stops launches of this kernel, with one warning; gives the exception for callers to raise."""
        with self.lock:
            if not self.failure:
                self.failure = why
                on = in_a_row(self._mesh)
                text = f"{on} given up; this machine's processors go on with the same numbers: {why}"
                warnings.warn(f"{text.rstrip('.')}.", stacklevel=2)
        return CardFailed(self.failure)

    def open(self, code: GpuCode, text: str, counters: np.ndarray, arrays: tuple[np.ndarray, ...]) -> np.ndarray:
        """Compiles the kernel and launches it for the first time; gives its outcomes, [device, policy, outcome, path].

        Args:
          text: PTX of the kernel.
          counters: as `counters` gives them.
          arrays: the other arrays that the kernel reads, as `launched` gives them.

        Raises:
          CardFailed: the launch failed or exceeded its time limit.
        """
        run = on_mesh(code.layout, text, self._mesh)
        values = self._in_time(begun(lambda: jax.device_get(run(counters, *arrays))), FIRST)
        self._run = run
        return values

    def start(self, counters: np.ndarray, arrays: tuple[np.ndarray, ...]) -> Launch:
        """Starts a pass and gives it without waiting for its outcomes.

        Raises:
          CardFailed: it cannot be started, or the cards have been given up.
        """
        if self.failure or self._run is None:
            raise CardFailed(self.failure)
        began, run = time.monotonic(), self._run
        running = self._in_time(begun(lambda: run(counters, *arrays)), LEAST)
        return Launch(self, running, began)

    def come_back(self, running: Future[Given], began: float, is_first: bool) -> Given:
        """The result of work on a pass; waits for it up to the time limit of a pass.

        Args:
          began: when the pass was launched, in the seconds of `time.monotonic`.
          is_first: whether nothing of the pass has come back yet.

        Raises:
          CardFailed: the work raises or exceeds the limit, or the cards have been given up.
        """
        if self.failure:
            raise CardFailed(self.failure)
        most = max(LEAST, TIMES * self._longest) if self.passes else FIRST
        given = self._in_time(running, most)
        if is_first:
            if self.passes < TIMED:
                self._longest = max(self._longest, time.monotonic() - began)
            self.passes += 1
        return given

    def _in_time(self, running: Future[Given], seconds: float) -> Given:
        try:
            return waited_for(running, seconds)
        except CardFailed as failure:
            raise self.lose(str(failure)) from None

    def lose(self, why: str) -> CardFailed:
        """As `give_up`, but for every program of this process, as its context on the card may be dead."""
        _LOST.append(why)
        return self.give_up(why)


class Launch:
    """A pass that has been launched; its outcomes stay on the cards until they are asked for.

    Args:
      launches: the launches of the kernel, which know its time limit.
      outcomes: JAX array of the outcomes on the cards, [device, policy, outcome, path].
      began: time of the launch, as `Launches.come_back` takes it.
    """

    def __init__(self, launches: Launches, outcomes: Any, began: float):
        self._launches, self._outcomes, self._began = launches, outcomes, began
        self._has_come_back = False

    def values(self) -> np.ndarray:
        """All outcomes in main memory, [device, policy, outcome, path].

        Raises:
          CardFailed: the pass failed or exceeded its time limit.
        """
        return self.begin(jax.device_get)()

    def begin(self, work: Callable[[Any], Given]) -> Callable[[], Given]:
        """Starts work on the outcomes in a thread; gives a function that waits for its result.

        That function raises a CardFailed as `Launches.come_back` does.
        """
        running = begun(lambda: work(self._outcomes))

        def wait() -> Given:
            is_first, self._has_come_back = not self._has_come_back, True
            return self._launches.come_back(running, self._began, is_first)

        return wait


def on_card(outcomes: Any, card: int) -> Any:
    """One card's part of a pass's outcomes, [1, policy, outcome, path], left there; `card` is its index in the mesh."""
    return next(part.data for part in outcomes.addressable_shards if (part.index[0].start or 0) == card)


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


def in_time(work: Callable[[], Given], seconds: float) -> Given:
    """The result of work on a card, done by a thread within a time limit; raises as `waited_for`."""
    return waited_for(begun(work), seconds)


def waited_for(running: Future[Given], seconds: float) -> Given:
    """The result of work on a card that has been started; waits for it up to a time limit.

    Raises:
      CardFailed: the work exceeds the limit, or raises any exception.
    """
    try:
        return running.result(timeout=seconds)
    except TimeoutError:
        atexit.register(_end_within, ENDING)
        raise CardFailed(f"a launch had not come back after {seconds:,.0f} s") from None
    except Exception as failure:
        raise CardFailed(in_words(failure)) from None


def _end_within(seconds: int) -> None:
    """Has the system end this process, which is exiting, after so many seconds, as neither Python nor Ctrl-C can."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def kernel(study: Study, listing: Unlisted, inputs: Any, lanes: int, processor: str) -> tuple[GpuCode, str]:
    """(a study's code for a card, its PTX): from the cache, else written and kept for the next process.

    Args:
      listing: makes the study's list of operations, where the cache does not hold the kernel.
      inputs: as `arguments.of` gives them; only their shapes and types are used.
      lanes: paths of one launch, a power of two.
      processor: architecture of the card, as `ptx.processor` gives it.

    Raises:
      NoMachineForm: as `gpu_code.code`.
    """
    writers = cache_keys.code_of(study, *_WRITTEN_BY)
    key = cache_keys.key_of(study, writers, "kernel", np.dtype(listing.dtype).name, lanes, processor)
    held = compilation_cache.held("kernel", key)
    compilation_cache.asked(held is not None)
    if held is not None:
        found = json.loads(held)
        return GpuCode(found["thread"], found["table"], of_plain(GpuLayout, found["layout"])), found["text"]
    code = gpu_code.code(study, listing.listing(), inputs, lanes)
    text = ptx.text(code, processor)
    if key is not None and cache_keys.code_of(study, *_WRITTEN_BY) == writers:
        content = {"thread": code.thread, "table": code.table, "layout": as_plain(code.layout), "text": text}
        compilation_cache.keep("kernel", key, json.dumps(content).encode())
    return code, text


def target(mesh: Mesh) -> str:
    """Newest architecture whose PTX every card of a mesh takes, as `ptx.processor` gives it."""
    return ptx.processor(min(map(hardware.capability, mesh.devices.flat)))


def counters(layout: GpuLayout, first: int, devices: int) -> UInt32[np.ndarray, "device 2"]:
    """First group of each device, in a launch from path `first` on: (low, high word), uint32 [device, 2]."""
    return counters_of(first + layout.lanes * np.arange(devices, dtype=np.int64), layout.group)


def on_mesh(layout: GpuLayout, text: str, mesh: Mesh) -> Any:
    """A jitted launch on every device: counters, arrays -> outcomes [device, policy, outcome, path].

    Args:
      text: PTX of the kernel.
    """
    along, strips = layout.grid
    quoted = "".join(letter if letter not in '"\\\n\t' else f"\\{ord(letter):02X}" for letter in text)
    config = (
        f'name = "{ptx.KERNEL}", kernel_type = "ptx", kernel_data = "{quoted}",'
        f" grid_x = {along} : i32, grid_y = {strips} : i32, grid_z = 1 : i32,"
        f" block_x = {layout.threads} : i32, block_y = 1 : i32, block_z = 1 : i32,"
        f" shared_mem_bytes = 0 : i32, output_indices = [{len(ARRAYS) - 1} : i32]"
    )
    shape = (layout.policies, layout.outcomes, layout.lanes)
    simulate = jax.ffi.ffi_call(
        _CALL,
        jax.ShapeDtypeStruct(shape, layout.dtype),
        custom_call_api_version=2,
        legacy_backend_config=f"{{{config}}}",
    )

    def of_device(counter: UInt32[Array, "1 2"], *held: Array) -> Array:
        return simulate(counter[0], *held)[None]

    specs = (DIVIDED, *[WHOLE] * (len(ARRAYS) - 2))
    return jax.jit(jax.shard_map(of_device, mesh=mesh, in_specs=specs, out_specs=DIVIDED, check_vma=False))


def launched(code: GpuCode, study: Study, inputs: Any) -> tuple[np.ndarray, ...]:
    """The arrays that a launch reads after the counter, in the kernel's order; an empty one is replaced by one word."""
    found = arrays(code, study, inputs)
    return tuple(found[name] if found[name].size else np.zeros(1, np.uint32) for name in ARRAYS[1:-1])


def arrays(code: GpuCode, study: Study, inputs: Any) -> dict[str, np.ndarray]:
    """The arrays that every launch reads, by name: those of `gpu_code.ARRAYS` without the counter and the outcomes.

    Args:
      inputs: as `arguments.of` gives them.
    """
    layout = code.layout
    made = filled(study, inputs, machine_code.loaded(code.table), layout.table, layout.years, layout.each)
    return {**made, **arguments.keys_as_read(inputs, layout.years)}
