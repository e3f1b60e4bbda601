"""Limits of normal scores and of draws. This module loads no compiler, so that `rustbelt fit` starts quickly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.draws.distributions.law import Law

FARTHEST = 6.34
"""Largest absolute value of a normal score from a random word, rounded up."""
LARGEST = float(np.finfo(np.float32).max)
"""Largest number that a device can take or draw in single precision."""


def reach(law: Law) -> tuple[float, float]:
    """Lowest and highest possible draw of a distribution."""
    low, high = law.at_score(np.array([-FARTHEST, FARTHEST]))
    return float(low), float(high)
