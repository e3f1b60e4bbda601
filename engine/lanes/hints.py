"""Functions that tell the compiler how to compute: a fused multiply-add, and a value that is rarely needed.

Under `jax.jit` they are plain JAX functions; in a jaxpr the compiler recognizes their calls by name.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

FUSED, RARELY = "lanes.fused", "lanes.rarely"
"""Names of traced calls of `fused` and `rarely`."""


def _fused(a: Float[Array, "..."], b: Float[Array, "..."], c: Float[Array, "..."]) -> Float[Array, "..."]:
    """a b + c: a fused multiply-add in compiled lanes; XLA may round the product too."""
    return a * b + c


def _rarely(usual: Bool[Array, "..."], value: Array, other: Array) -> Array:
    """`value` where `usual` holds, else `other`; compiled lanes compute `other` only where a lane needs it."""
    return jnp.where(usual, value, other)


_fused.__name__, _rarely.__name__ = FUSED, RARELY
fused, rarely = jax.jit(_fused), jax.jit(_rarely)
