"""A pool of memory for large arrays: fresh pages cost 0.4 to 2 ms a megabyte, more than filling them."""

from __future__ import annotations

import ctypes
import threading
import weakref
from contextlib import suppress
from typing import Any

import numpy as np

Room = np.ndarray[Any, np.dtype[np.uint8]]
LARGEST = 1 << 28
"""Most bytes that the pool keeps for later arrays; the oldest memory is released first."""
SMALLEST = 1 << 20
"""Least size in bytes of an array that is taken from the pool."""
_GIVEN_BACK, _FROM_THE_SYSTEM = -1, -3
"""glibc's numbers of two settings: free bytes beyond which it returns memory to the system (M_TRIM_THRESHOLD), and the
size from which on it requests each allocation from the system (M_MMAP_THRESHOLD)."""
_FREE: dict[int, Room] = {}
"""The pool: address -> free memory, the oldest first. It has no lock: any thread may return memory at any moment."""


class _Own(threading.local):
    """Memory of each thread."""

    held: Room = np.zeros(0, np.uint8)


_OWN = _Own()


def keep() -> None:
    """Has the C library keep up to `LARGEST` freed bytes for later allocations, where it has such a setting."""
    with suppress(AttributeError, OSError, TypeError):
        tell = ctypes.CDLL(None).mallopt
        tell(_FROM_THE_SYSTEM, 1 << 25)  # the largest value that glibc accepts
        tell(_GIVEN_BACK, LARGEST)


def array(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An uninitialized array from the pool; its memory returns there once neither it nor a view of it is referenced."""
    kind = np.dtype(dtype)
    size = kind.itemsize * int(np.prod(shape))
    if size < SMALLEST:
        return np.empty(shape, kind)
    room = _taken(size)
    # through a memoryview, as views of an array would reference `room` itself and not `own`
    own = np.frombuffer(memoryview(room), np.uint8, size)  # type: ignore[arg-type]
    weakref.finalize(own, _give_back, room).atexit = False
    return own.view(kind).reshape(shape)


def scratch(size: int) -> Room:
    """Scratch memory of this thread, uint8 [size], aligned to 64 bytes; the next call of the thread reuses it."""
    if len(_OWN.held) < size + 64:
        _OWN.held = np.zeros(size + 64, np.uint8)
    start = -_OWN.held.ctypes.data % 64
    return _OWN.held[start : start + size]


def _taken(size: int) -> Room:
    """Memory of at least `size` bytes: from the pool if it has some of at most twice that size, else new."""
    for place, room in list(_FREE.items()):
        if size <= len(room) <= 2 * size and _FREE.pop(place, None) is not None:
            return room
    return np.empty(size, np.uint8)


def _give_back(room: Room) -> None:
    _FREE[room.ctypes.data] = room
    left = sum(map(len, list(_FREE.values())))
    for place, other in list(_FREE.items()):
        if left > LARGEST:
            _FREE.pop(place, None)
            left -= len(other)
