"""The memories of a launch, and who touches what: accesses that a card would not survive, and those whose order it does
not fix.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.program.ptx_arithmetic import Fault

WINDOW = 40
"""Bits of an address within an array: a pointer that leaves its array is seen."""
_NOBODY = -1


class GlobalMemory:
    """The arrays that a kernel is handed: those that are read, and behind them one that is written, each word once.

    Args:
      arrays: what is read, words each.
      size: words of what is written.
    """

    def __init__(self, arrays: Sequence[np.ndarray], size: int):
        self.arrays, self.size = arrays, size
        self._stored: list[tuple[np.ndarray, np.ndarray]] = []

    def address(self, parameter: int) -> int:
        """Where the array of a parameter begins."""
        return (parameter + 1) << WINDOW

    def load(self, at: np.ndarray) -> np.ndarray:
        """Words at addresses.

        Raises:
          Fault: there is no such word, or it is one of those that are written.
        """
        which, place = self._found(at)
        if which == len(self.arrays):
            raise Fault("reads what is written")
        return self.arrays[which][place]

    def store(self, at: np.ndarray, words: np.ndarray) -> None:
        """Writes words.

        Raises:
          Fault: they are none of the last array's.
        """
        which, place = self._found(at)
        if which != len(self.arrays):
            raise Fault(f"writes array {which}")
        self._stored.append((place, words))

    def written(self) -> tuple[np.ndarray, np.ndarray]:
        """Places in the last array, in their order, and the words there.

        Raises:
          Fault: one was written twice.
        """
        if not self._stored:
            return np.zeros(0, int), np.zeros(0, np.uint32)
        places, words = (np.concatenate(parts) for parts in zip(*self._stored, strict=True))
        order = np.argsort(places)
        if (np.diff(places[order]) == 0).any():
            raise Fault("a word is written twice")
        return places[order], words[order]

    def _found(self, at: np.ndarray) -> tuple[int, np.ndarray]:
        which, place = (at >> WINDOW) - 1, (at & ((1 << WINDOW) - 1)) >> 2
        first, sizes = int(which[0]), [*(one.size for one in self.arrays), self.size]
        if not 0 <= first < len(sizes) or (which != first).any() or (place >= sizes[first]).any():
            raise Fault("out of bounds")
        return first, place


class SharedMemory:
    """The memory that each block of threads has, and which of its threads touched each word since they last waited for
    each other.

    Args:
      blocks: how many there are.
      size: words of each.
    """

    def __init__(self, blocks: int, size: int):
        self.size = size
        self.touched = False
        self._words = np.zeros(blocks * size, np.uint32)
        self._written = np.zeros(blocks * size, bool)
        self.waited()

    def waited(self) -> None:
        """All threads have reached a barrier: what they did is done."""
        count = self._words.size
        self.touched = False
        self._writer = np.full(count, _NOBODY)
        self._lowest_reader, self._highest_reader = np.full(count, np.iinfo(int).max), np.full(count, _NOBODY)

    def load(self, blocks: np.ndarray, at: np.ndarray, threads: np.ndarray) -> np.ndarray:
        """Words at addresses, as threads read them.

        Raises:
          Fault: there is no such word, it was never written, or another thread may write it at the same time.
        """
        place = self._found(blocks, at)
        if not self._written[place].all():
            raise Fault("read before it is written")
        writer = self._writer[place]
        if ((writer != _NOBODY) & (writer != threads)).any():
            raise Fault("a race: read as another thread writes")
        np.minimum.at(self._lowest_reader, place, threads)
        np.maximum.at(self._highest_reader, place, threads)
        return self._words[place]

    def store(self, blocks: np.ndarray, at: np.ndarray, threads: np.ndarray, words: np.ndarray) -> None:
        """Writes words, a thread each.

        Raises:
          Fault: there is no such word, or another thread may read or write it at the same time.
        """
        place = self._found(blocks, at)
        writer, lowest, highest = self._writer[place], self._lowest_reader[place], self._highest_reader[place]
        is_read = (highest != _NOBODY) & ((lowest != threads) | (highest != threads))
        if is_read.any():
            raise Fault("a race: written as another thread reads")
        if ((writer != _NOBODY) & (writer != threads)).any() or np.unique(place).size < place.size:
            raise Fault("a race: written by two threads")
        self._words[place], self._written[place], self._writer[place] = words, True, threads

    def _found(self, blocks: np.ndarray, at: np.ndarray) -> np.ndarray:
        self.touched = True
        if (at < 0).any() or (at >= 4 * self.size).any():
            raise Fault("out of bounds of the block's memory")
        return blocks * self.size + (at >> 2)
