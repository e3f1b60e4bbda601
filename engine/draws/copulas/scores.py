"""From a normal score to an exponential variable, and from tail probabilities back to a normal score: fine in both tails."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from engine.draws import polynomials, random_words

SMALLEST = 2.0**-33
"""The smallest tail probability that a random word gives."""

_LOG_EXPONENTIAL = polynomials.fit(lambda z: np.log(-special.log_ndtr(z)))


def log_exponential(z: Any) -> Any:
    """Logarithm of a standard exponential variable that falls as z rises: log(-log Phi(z)), within 1e-7 + rounding."""
    return polynomials.value(_LOG_EXPONENTIAL.astype(z.dtype), z)


def score(lower: Any, upper: Any) -> Any:
    """The normal score with these probabilities below and above it, of which the smaller one counts; within `FARTHEST`."""
    tail = jnp.clip(jnp.minimum(lower, upper), SMALLEST, 0.5)
    size = random_words.upper_score(tail) if tail.dtype == np.float32 else -jax.scipy.special.ndtri(tail)
    return jnp.where(upper < lower, size, -size)
