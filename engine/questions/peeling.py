"""Boxes of factors by PRIM (patient rule induction method), with the steps of ema_workbench.

It works on columns of numbers, which is much faster than that package's tables. Source: Friedman and Fisher (1999),
Bump hunting in high-dimensional data, Stat. Comput. 9, 123-143.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from engine.risk.drivers.boxes import Box, Draws, Limits

PART = 0.05
"""Share of the paths in a box that a peeling step removes, and of those beyond a limit that a pasting step restores."""
LEAST = 0.05
"""Smallest share of all paths that a box may hold."""
Columns = Float[np.ndarray, "column path"]
Ends = Float[np.ndarray, "2 column"]


def proposed(draws: Draws, cases: Bool[np.ndarray, "path"], categories: Mapping[str, Sequence[float]]) -> list[Box]:
    """The boxes of factors that peeling and pasting pass through, without those that hold everything.

    Args:
      draws: values of each factor [path].
      cases: which paths are looked for; at least one, and not all.
      categories: all values of each categorical factor; a box allows a subset of them.
    """
    columns = {
        (name, one): values if one is None else values == one
        for name, values in draws.items()
        for one in categories.get(name, [None])
    }
    whole, *boxes = passed_through(np.array([*columns.values()], np.float64), cases)
    open_ends = np.array([[-np.inf], [np.inf]])
    limits = (np.where(ends == whole, open_ends, ends).T.tolist() for ends in boxes)
    made = (_box(draws, dict(zip(columns, ends, strict=True)), categories) for ends in limits)
    return [box for box in made if box]


def _box(
    names: Iterable[str],
    ends: Mapping[tuple[str, float | None], Sequence[float]],
    categories: Mapping[str, Sequence[float]],
) -> Box:
    """The limited factors of a box.

    Args:
      ends: limits of each column, which is a factor, or whether a factor has one of its categories.
    """
    box: dict[str, Limits] = {}
    for name in names:
        if name in categories:
            own = {one: ends[name, one] for one in categories[name]}
            left = tuple(one for one in own if all(low <= (one == other) <= high for other, (low, high) in own.items()))
            limits = Limits(allowed=left if len(left) < len(own) else None)
        else:
            low, high = ends[name, None]
            limits = Limits(low, high)
        box |= {name: limits} if limits != Limits() else {}
    return box


def passed_through(columns: Columns, cases: Bool[np.ndarray, "path"]) -> list[Ends]:
    """The boxes in turn, the first holding everything: the limits of each column [low and high, column].

    Args:
      columns: values of the paths [column, path].
      cases: which paths are looked for; at least one, and not all.
    """
    boxes = [np.stack([columns.min(axis=1), columns.max(axis=1)])]
    for peels in (True, False):
        while (box := _next(columns, cases, boxes[0], boxes[-1], peels)) is not None:
            boxes.append(box)
    return boxes


def _next(columns: Columns, cases: np.ndarray, whole: Ends, box: Ends, peels: bool) -> Ends | None:
    """The box with one limit moved: the move that raises the share of cases most per path removed or restored.

    Among equal moves it is the one with the fewest limited columns. None where no move raises the share, or the box
    holds too few paths.

    Args:
      peels: whether limits are moved inwards, by the highest or lowest values in the box; else the limits that there
        are move outwards, by the values next beyond them.
    """
    outside = (columns < box[0, :, None]) | (columns > box[1, :, None])
    misses = outside.sum(axis=0)
    within = misses == 0
    count = int(within.sum())
    rate = int(cases[within].sum()) / count
    moves: list[tuple[float, int, int, Ends]] = []
    for column in range(len(columns)) if peels else np.flatnonzero((box != whole).any(axis=0)):
        values, others = columns[column], misses == outside[column]
        low, high = box[:, column]
        for side in (1, 0) if peels else (0, 1):
            some = within if peels else others & (values >= high if side else values <= low)
            is_top = side == peels  # an upper limit moves in, or a lower one out, from the largest of these values
            moved = box.copy()
            moved[side, column] = whole[side, column]
            if some.any():
                moved[side, column] = _quantile(np.sort(values[some]), 1 - PART if is_top else PART)
            inside = others & (values >= moved[0, column]) & (values <= moved[1, column])
            size, limited = int(inside.sum()), int((moved != whole).any(axis=0).sum())
            rise = int(cases[inside].sum()) / max(size, 1) - rate
            moves.append((rise / max(abs(count - size), 1), -limited, size, moved))
    score, _, size, moved = max(moves, key=lambda move: move[:2], default=(0.0, 0, 0, box))
    return moved if score > 0 and size / len(cases) >= LEAST else None


def _quantile(ascending: Float[np.ndarray, "path"], share: float) -> float:
    """A quantile midway between two distinct values; for a tie with the next value farther in."""
    last = len(ascending) - 1
    low, high = ascending[math.floor(last * share)], ascending[math.ceil(last * share)]
    if low == high:
        farther = np.searchsorted(ascending, low) - 1 if share > 0.5 else np.searchsorted(ascending, low, "right")
        high = ascending[np.clip(farther, 0, last)]
    return float(low + high) / 2
