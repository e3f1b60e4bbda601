"""Inputs of the table, which holds what all paths share: their layout in 32-bit words, and the words themselves."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from engine.program.lowering.listing import uniform
from engine.program.lowering.stages import Place, words_of
from engine.study.study import Study


def table_places(inputs: Any) -> dict[str, Place]:
    """Kind of input of the table -> place of the first input of this kind."""
    _, levers = lever_places(inputs)
    return {
        "argument": Place("arguments", 0, 0, False),
        "lever": Place("levers", 0, 0, False),
        "lever of year": Place("levers", 0, levers, False),
        "year": Place("levers", levers - 2, levers, False),
        "is first": Place("levers", levers - 1, levers, False),
    }


def streams(inputs: Any) -> tuple[int, int, int]:
    """Counts of a path's random numbers: (drawn once, normal ones of each year, uniform ones of each year)."""
    keys = inputs["shock_keys"]
    normal, uniform = (keys[law].shape[1] if law in keys else 0 for law in ("normal", "uniform"))
    return len(inputs["factor_keys"]), normal, uniform


def lever_places(inputs: Any) -> tuple[list[int], int]:
    """(offset of each lever, words of a year); the last two words are the year, and whether it is the first."""
    sizes = [words_of(np.asarray(leaf).dtype) for leaf in jax.tree.leaves(inputs["levers"])]
    *places, end = np.cumsum([0, *sizes]).tolist()
    return places, end + 2


def argument_words(inputs: Any) -> int:
    """32-bit words of all arguments that are the same for all paths, policies and years."""
    return sum(leaf.size * words_of(leaf.dtype) for leaf in uniform(inputs)[1])


def table_inputs(study: Study, inputs: Any) -> tuple[np.ndarray, np.ndarray]:
    """The inputs of the table as 32-bit words: arguments [word], and levers [policy, year, word]."""
    _, leaves = uniform(inputs)
    arguments = [_as_words(leaf).reshape(-1) for leaf in leaves]
    places, count = lever_places(inputs)
    years = study.years or (0,)
    policies = inputs["levers"]["start"].shape[-1]
    rows: np.ndarray = np.zeros((policies, len(years), count), np.uint32)
    for place, leaf in zip(places, jax.tree.leaves(inputs["levers"]), strict=True):
        held = _as_words(np.asarray(leaf)[..., None])
        rows[..., place : place + held.shape[-1]] = held.swapaxes(0, 1)
    rows[..., -2] = np.asarray(years, np.int32).view(np.uint32)
    rows[:, 0, -1] = 1
    return np.concatenate([np.zeros(0, np.uint32), *arguments]), rows


def _as_words(leaf: np.ndarray) -> np.ndarray:
    kind = np.uint32 if leaf.dtype == bool else leaf.dtype
    return np.ascontiguousarray(leaf, kind).view(np.uint32)
