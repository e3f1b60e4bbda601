"""The memory of a launch, and which thread touches what: accesses that a card would not survive, and those whose order
it does not fix.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.program.ptx_arithmetic import Fault

WINDOW = 40
"""Bits of an address within an array: a pointer that leaves its array is seen."""
UNWRITTEN = 0xDEADBEEF
"""What words that are written hold before."""
_NOBODY = -1


def address(number: int) -> int:
    """Where an array begins, by its number."""
    return (number + 1) << WINDOW


class GlobalMemory:
    """The arrays of a launch: those that are read, and those that threads write, in which each word is one thread's.

    Args:
      read: what is read, words each; the numbers of these arrays are the first.
      sizes: words of the others.
    """

    def __init__(self, read: Sequence[np.ndarray], sizes: Sequence[int]):
        self._fixed = len(read)
        self.arrays = [*read, *(np.full(size, UNWRITTEN, np.uint32) for size in sizes)]
        self._writers = [np.full(size, _NOBODY) for size in sizes]

    def load(self, at: np.ndarray, threads: np.ndarray, is_constant: bool) -> np.ndarray:
        """Words at addresses.

        Args:
          is_constant: whether the instruction holds for memory that nobody writes.

        Raises:
          Fault: there is no such word, nobody or another thread has written it, or it is written and read as constant.
        """
        which, place = self._found(at)
        if which >= self._fixed:
            if is_constant:
                raise Fault("reads what is written")
            writers = self._writers[which - self._fixed][place]
            if (writers == _NOBODY).any():
                raise Fault("read before it is written")
            if (writers != threads).any():
                raise Fault("reads what another thread writes")
        return self.arrays[which][place]

    def store(self, at: np.ndarray, threads: np.ndarray, words: np.ndarray) -> None:
        """Writes words.

        Raises:
          Fault: they are none that may be written, or another thread's.
        """
        which, place = self._found(at)
        if which < self._fixed:
            raise Fault(f"writes array {which}")
        writers = self._writers[which - self._fixed]
        others = writers[place]
        if np.unique(place).size < place.size or ((others != _NOBODY) & (others != threads)).any():
            raise Fault("written by two threads")
        writers[place], self.arrays[which][place] = threads, words

    def _found(self, at: np.ndarray) -> tuple[int, np.ndarray]:
        which, place = (at >> WINDOW) - 1, (at & ((1 << WINDOW) - 1)) >> 2
        first = int(which[0])
        if not 0 <= first < len(self.arrays) or (which != first).any() or (place >= self.arrays[first].size).any():
            raise Fault("out of bounds")
        return first, place
