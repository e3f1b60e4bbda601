"""Memory is used again when nobody holds any view of it, and not before."""

import numpy as np

from engine.lanes import memory

SHAPE = 3, memory.SMALLEST


def test_memory_comes_back_with_the_last_view():
    memory._FREE.clear()
    one = memory.array(SHAPE, np.float32)
    place, view = one.ctypes.data, one[1:2, 5:].view(np.uint32)
    view[:] = 7
    del one
    other = memory.array(SHAPE, np.float32)
    assert other.ctypes.data != place
    other[:] = 1
    assert (view == 7).all()
    del view
    again = memory.array(SHAPE, np.float32)
    assert again.ctypes.data == place and again.shape == SHAPE and again.flags.c_contiguous


def test_no_more_is_kept_than_is_said():
    held = [memory.array((memory.LARGEST // 4,), np.uint8) for _ in range(8)]
    del held
    assert sum(map(len, memory._FREE.values())) <= memory.LARGEST
    memory._FREE.clear()
