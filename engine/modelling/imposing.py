"""Imposed yearly values: observed values in place of a model's own, so that the rest of it is judged given these."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from engine.modelling.cells import each

PREFIX = "imposed_"
"""Prefix of the names of the levers that carry imposed values."""


def imposed(levers: Any, name: str, value: Any) -> Any:
    """The value imposed this year on a yearly variable; `value` itself where nothing is imposed, at no cost.

    A model calls it for each variable of its `imposable`, once it has computed the value and before it uses it.
    """
    given = getattr(levers, PREFIX + name, None)
    return value if given is None else _instead(given, value)


@each
def _instead(given: Any, value: Any) -> Any:
    return jnp.where(given == given, given, value)
