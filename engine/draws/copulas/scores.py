"""Normal score to exponential variable, and tail probabilities to normal score; accurate in both tails."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from engine.draws import polynomials, random_words

SMALLEST = 2.0**-33
"""Smallest tail probability that a random word can give."""

_LOG_EXPONENTIAL = polynomials.fit(lambda z: np.log(-special.log_ndtr(z)))


def log_exponential(z: Any) -> Any:
    """Log of a standard exponential variable that falls as z rises: log(-log Phi(z)), within 1e-7 plus rounding."""
    return polynomials.value(_LOG_EXPONENTIAL.astype(z.dtype), z)


def score(lower: Any, upper: Any) -> Any:
    """Normal score with these probabilities below and above it, computed from the smaller one; within +-`FARTHEST`."""
    tail = jnp.clip(jnp.minimum(lower, upper), SMALLEST, 0.5)
    size = random_words.size_exceeded(tail + tail) if tail.dtype == np.float32 else -jax.scipy.special.ndtri(tail)
    return jnp.where(upper < lower, size, -size)
