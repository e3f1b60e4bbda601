"""A GPU's threads, played by this processor's: the very code of a card, one path a thread, a barrier between them."""

import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor

import llvmlite.binding as llvm
import numpy as np

from engine.program.emitting.gpu_code import ARRAYS, GpuCode
from engine.program.running import gpu, machine_code
from engine.study.study import Study

_BARRIER: list[threading.Barrier] = []


@ctypes.CFUNCTYPE(None)
def _together() -> None:
    _BARRIER[-1].wait()


def outcomes(code: GpuCode, study: Study, inputs, first: int) -> np.ndarray:
    """Outcomes [policy, outcome, path] of one launch, of the paths from `first` on."""
    layout = code.layout
    pointers = ", ".join(f"ptr %{name}" for name in (*ARRAYS, "numbers"))
    numbers = "i32 %thread, i32 %block, i32 %strip"
    llvm.add_symbol("together", ctypes.cast(_together, ctypes.c_void_p).value)
    held = machine_code.loaded(f"""
declare void @together()
{code.thread}
define void @one({pointers}, {numbers}) {{
  call void @body({pointers}, {numbers})
  ret void
}}""")
    one = machine_code.function(held, "one", [ctypes.c_void_p] * (len(ARRAYS) + 1) + [ctypes.c_uint32] * 3)
    shape = (layout.policies, layout.outcomes, layout.lanes)
    given = gpu.arrays(code, study, inputs)
    given["outcomes"] = np.full(shape, np.nan, layout.dtype)
    given["counter"] = np.array([first // layout.group, 0], np.uint32)
    places = [given[name].ctypes.data for name in ARRAYS]
    along, strips = layout.grid
    _BARRIER.append(threading.Barrier(layout.threads))

    def thread(number: int) -> None:
        for strip in range(strips):
            for block in range(along):
                shared = rooms[strip * along + block]
                one(*places, shared.ctypes.data, number, block, strip)

    rooms = [np.zeros(layout.shared + 16, np.uint32) for _ in range(along * strips)]
    with ThreadPoolExecutor(layout.threads) as threads:
        list(threads.map(thread, range(layout.threads)))
    _BARRIER.pop()
    return given["outcomes"]
