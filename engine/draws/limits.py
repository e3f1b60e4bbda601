"""How far a normal score goes, and how large a draw may be. Here no compiler is loaded: `rustbelt fit` needs these alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.draws.distributions.law import Law

FARTHEST = 6.34
"""Size of the largest normal score that a random word gives, rounded up."""
LARGEST = float(np.finfo(np.float32).max)
"""The largest number that a device can be fed or can draw: it computes in single precision."""


def reach(law: Law) -> tuple[float, float]:
    """The lowest and the highest draw of a law."""
    low, high = law.at_score(np.array([-FARTHEST, FARTHEST]))
    return float(low), float(high)
