"""Boxes of factors that two algorithms propose: PRIM, by `peeling.py`, and CART, by ema_workbench."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engine.analyses.peeling import passed_through
from engine.errors import UserError, install
from engine.risk.drivers.boxes import Box, Limits

PRIM, CART = "prim", "cart"
LEAST_MASS = 0.05
"""Smallest share that a box may hold of the searched futures, among which the rarer kind may be over-represented."""
_OF = "\x1f"
"""Separator of a factor and one of its categories in the name of an indicator column."""


@dataclass(frozen=True)
class Pace:
    """How patient PRIM is: the size of its steps.

    Args:
      peel: share of the futures in a box that one step removes.
      paste: share of the futures beyond a limit that one step puts back, at the end.
    """

    peel: float
    paste: float


PATIENT, HASTY = Pace(0.05, 0.05), Pace(0.1, 0.5)


def refuse_missing() -> None:
    """Refuses to go on without ema_workbench, which CART needs.

    Raises:
      UserError: it is not installed.
    """
    with _quietly():
        _cart()


def proposed(
    method: str,
    draws: Mapping[str, np.ndarray],
    cases: np.ndarray,
    categories: Mapping[str, Sequence[float]],
    pace: Pace = PATIENT,
) -> list[Box]:
    """The boxes that a method proposes: PRIM's sequence of peeling and pasting, or the leaves of CART's tree.

    The box without any limit is left out.

    Args:
      method: `PRIM` or `CART`.
      draws: values of each factor [path].
      cases: which futures are looked for; at least one, and not all.
      categories: all values of each categorical factor; a box then allows a subset of them.
      pace: the size of PRIM's steps.

    Raises:
      UserError: CART is asked for, and ema_workbench is not installed.
    """
    columns: dict[str, np.ndarray] = {}
    for name, values in draws.items():
        if name in categories:
            columns |= {f"{name}{_OF}{k}": values == one for k, one in enumerate(categories[name])}
        else:
            columns[name] = values
    table = pd.DataFrame({name: values.astype(np.float64) for name, values in columns.items()})
    if method == PRIM:
        columns_of = np.ascontiguousarray(table.to_numpy().T)
        found = passed_through(columns_of, cases.astype(bool), pace.peel, pace.paste, LEAST_MASS)
    else:
        with _quietly():
            search = _cart().CART(table, cases.astype(int), LEAST_MASS)
            search.build_tree()
            search.feature_names.append("")  # the workbench looks up leaves by -2, also where one factor is all
            boxes = search.boxes if search.clf.tree_.node_count > 1 else []
            found = [limits.to_numpy(np.float64) for limits in boxes]
    ends = {name: (values.min(), values.max()) for name, values in table.items()}
    made = [_box(limits, ends, categories) for limits in found]
    return [box for box in made if box]


def _box(limits: np.ndarray, ends: Mapping[Any, tuple[float, float]], categories: Mapping[str, Sequence[float]]) -> Box:
    """The box of a table of limits [low and high, column]: those that restrict a factor."""
    box: dict[str, Limits] = {}
    kept: dict[str, set[int]] = {}
    for (column, (least, most)), (low, high) in zip(ends.items(), limits.T, strict=True):
        name, _, category = str(column).partition(_OF)
        if category:
            held = kept.setdefault(name, {*range(len(categories[name]))})
            if low > 0:  # this category alone is left
                held &= {int(category)}
            elif high < 1:
                held -= {int(category)}
        elif low > least or high < most:
            box[name] = Limits(float(low) if low > least else -np.inf, float(high) if high < most else np.inf)
    for name, held in kept.items():
        if len(held) < len(categories[name]):
            box[name] = Limits(allowed=tuple(categories[name][k] for k in sorted(held)))
    return box


def _cart() -> Any:
    try:
        from ema_workbench.analysis import cart
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("ema_workbench", "sklearn", "seaborn"):
            raise
        raise UserError("rustbelt discover", [f"CART needs ema_workbench: {install('discover')}"]) from error
    return cart


@contextmanager
def _quietly() -> Iterator[None]:
    """Silences the workbench's log, and warnings from it and pandas."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
