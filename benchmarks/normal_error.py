"""Prints the error of the engine's normals against SciPy over all 2^32 words.

python benchmarks/normal_error.py (some minutes)
"""

import argparse
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special
from timing import machine, table

from engine.draws import random_words

CHUNK = 1 << 22
HALF = 1 << 31
BANDS = (0.0, 0.05, 0.5, 2.0, 4.0, np.inf)
"""Ends of the ranges of |z| that are reported apart."""


@dataclass
class Worst:
    """Largest errors so far: of z, of z relative to it, and of the tail's probability relative to it."""

    absolute: float = 0.0
    relative: float = 0.0
    tail: float = 0.0

    def take(self, z: np.ndarray, exact: np.ndarray, p: np.ndarray) -> None:
        """Takes in more words.

        Args:
          z: absolute values of the normals.
          exact: what they should be.
          p: the probability beyond each.
        """
        if z.size:
            error = np.abs(z - exact)
            self.absolute = max(self.absolute, float(error.max()))
            self.relative = max(self.relative, float((error / exact).max()))
            self.tail = max(self.tail, float(np.abs(special.ndtr(-z) / p - 1).max()))


def main() -> None:
    """Prints the errors over the lower half of the words, and whether the upper half mirrors it bit for bit."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    normal = jax.jit(random_words.normal)
    worst = [Worst() for _ in BANDS[1:]]
    before, mirrored, largest, fall, same = np.inf, True, 0.0, 0.0, 0
    for first in range(0, HALF, CHUNK):
        word = np.arange(first, first + CHUNK, dtype=np.uint32)
        score = np.asarray(normal(jnp.asarray(word)))
        mirrored &= np.array_equal(np.asarray(normal(jnp.asarray(~word))), -score)
        z = -score.astype(np.float64)
        p = (word + 0.5) * 2.0**-32
        exact = -special.ndtri(p)
        band = np.searchsorted(BANDS, exact, "right") - 1
        for k, found in enumerate(worst):
            chosen = band == k
            found.take(z[chosen], exact[chosen], p[chosen])
        step = np.diff(z, prepend=before if first else z[0])
        fall, same = max(fall, float(step.max())), same + int(np.sum(step == 0)) - (first == 0)
        largest, before = max(largest, float(z.max())), z[-1]
    print(machine())
    rows = [
        (f"{low:g} to {high:g}", *(f"{value:.2e}" for value in (w.absolute, w.relative, w.tail)))
        for low, high, w in zip(BANDS, BANDS[1:], worst, strict=False)
    ]
    print("\n" + table(("size of z", "error of z", "relative", "tail probability, relative"), rows))
    print(f"\nmirrored bit for bit: {mirrored}; largest: {largest:.6f}; last below zero: {-before:.3e}")
    print(f"z falls where the word rises: by {fall:.2e} at most; neighbours that are the same: {same / HALF:.1%}")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
