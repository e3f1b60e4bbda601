"""What does not differ by path: where its numbers lie, in words, and these words."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from engine.program.lowering.listing import uniform
from engine.program.lowering.stages import Place, words_of
from engine.study.study import Study


def table_places(inputs: Any) -> dict[str, Place]:
    """Where the first input of each kind lies that the table is computed from."""
    _, levers = lever_places(inputs)
    return {
        "argument": Place("arguments", 0, 0, False),
        "lever": Place("levers", 0, 0, False),
        "lever of year": Place("levers", 0, levers, False),
        "year": Place("levers", levers - 2, levers, False),
        "is first": Place("levers", levers - 1, levers, False),
    }


def streams(inputs: Any) -> tuple[int, int, int]:
    """Random numbers of a path: of all years, and of each year those that are normal and those that are uniform."""
    keys = inputs["shock_keys"]
    normal, uniform = (keys[law].shape[1] if law in keys else 0 for law in ("normal", "uniform"))
    return len(inputs["factor_keys"]), normal, uniform


def lever_places(inputs: Any) -> tuple[list[int], int]:
    """Where each lever of a year lies, in words, and how many words a year takes: behind them the year, and whether it is the first."""
    sizes = [words_of(np.asarray(leaf).dtype) for leaf in jax.tree.leaves(inputs["levers"])]
    ends = np.cumsum([0, *sizes])
    return [int(end) for end in ends[:-1]], int(ends[-1]) + 2


def argument_words(inputs: Any) -> int:
    """Words of the arguments that are the same for all paths, policies and years."""
    return sum(leaf.size * words_of(leaf.dtype) for leaf in uniform(inputs)[1])


def table_inputs(study: Study, inputs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Arguments and levers as the table is computed from: words [argument], and [policy, year, lever]."""
    _, leaves = uniform(inputs)
    arguments = [_as_words(leaf).reshape(-1) for leaf in leaves]
    places, count = lever_places(inputs)
    years = study.years if study.is_path_model else (0,)
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
