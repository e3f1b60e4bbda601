"""Types of the state that a model carries from year to year: booleans and integers stay such, all else is floating."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def kept_as(value: Any, floating: type) -> np.dtype:
    """The type in which a part of the state is kept: bool, int32, uint32, or the floating type of the run."""
    dtype = jnp.result_type(value)
    if dtype == np.bool_:
        return np.dtype(np.bool_)
    if jnp.issubdtype(dtype, np.unsignedinteger):
        return np.dtype(np.uint32)
    return np.dtype(np.int32 if jnp.issubdtype(dtype, np.integer) else floating)


def as_kept(tree: Any, floating: type) -> Any:
    """The state with each part in the type in which it is kept."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, kept_as(leaf, floating)), tree)


def widened(one: Sequence[Any], other: Sequence[Any], floating: type) -> list[np.dtype]:
    """Part by part, the types that hold both values: floating for a part that begins as an integer and becomes a
    float."""
    return [kept_as(jnp.promote_types(a, b), floating) for a, b in zip(one, other, strict=True)]
