"""Yearly values imposed on a model: what was observed in place of what it would compute, so that what follows from them is seen apart."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from engine.modelling.cells import each

PREFIX = "imposed_"
"""How the levers begin that carry what is imposed."""


def imposed(levers: Any, name: str, value: Any) -> Any:
    """What is imposed this year in place of a yearly value; the value itself where nothing is, at no cost.

    A model calls it where it has computed a value that it lets be imposed, one of its `imposable`, before anything follows from it.
    """
    given = getattr(levers, PREFIX + name, None)
    return value if given is None else _instead(given, value)


@each
def _instead(given: Any, value: Any) -> Any:
    return jnp.where(given == given, given, value)
