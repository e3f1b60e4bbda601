"""Memory that is used again: a fresh page costs a processor more than what is computed into it, .4 to 2 ms a megabyte."""

from __future__ import annotations

import ctypes
import threading
import weakref
from contextlib import suppress
from typing import Any

import numpy as np

Room = np.ndarray[Any, np.dtype[np.uint8]]
LARGEST = 1 << 28
"""Bytes that are kept for arrays to come; what has lain there longest goes first."""
SMALLEST = 1 << 20
"""Bytes of an array from which on it is worth while."""
_GIVEN_BACK, _FROM_THE_SYSTEM = -1, -3
"""What glibc calls the free bytes from which on it gives memory back (M_TRIM_THRESHOLD), and the size from which on it asks for each array (M_MMAP_THRESHOLD)."""
_ROOM = threading.local()
_FREE: dict[int, Room] = {}
"""By their addresses, those first that have lain there longest. There is no lock: memory may come back in the middle of anything."""


def keep() -> None:
    """Has this process keep what it has let go of, up to `LARGEST`, for what it allocates next; where the C library can be told so."""
    with suppress(AttributeError, OSError, TypeError):
        tell = ctypes.CDLL(None).mallopt
        tell(_FROM_THE_SYSTEM, 1 << 25)  # the most that it takes
        tell(_GIVEN_BACK, LARGEST)


def array(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array with nothing in particular in it; its memory is taken back when neither it nor any view of it is held any more."""
    kind = np.dtype(dtype)
    size = kind.itemsize * int(np.prod(shape))
    if size < SMALLEST:
        return np.empty(shape, kind)
    room = _taken(size)
    # what lies between is no array, so that views hold this one and not the room
    own = np.frombuffer(memoryview(room), np.uint8, size)  # type: ignore[arg-type]
    weakref.finalize(own, _give_back, room).atexit = False
    return own.view(kind).reshape(shape)


def scratch(size: int) -> Room:
    """A room for this thread to work in, on a line of the cache."""
    held = getattr(_ROOM, "held", None)
    if held is None or len(held) < size + 64:
        held = _ROOM.held = np.zeros(size + 64, np.uint8)
    start = -held.ctypes.data % 64
    return held[start : start + size]


def _taken(size: int) -> Room:
    """A room of at least this size, and at most twice of it."""
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
