"""Axis ticks: numbers as short as they can be and still differ, years, shares in percent, return periods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, Formatter, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from engine.plots import labels
from engine.plots.sheet import size_of

LONGEST = 100_000.0
"""Numbers from this size on are written with an exponent."""
MOST_DIGITS = 1e9
"""Numbers from this size on are written with an exponent on logarithmic axes."""
LOG_GAP = 0.5
"""Least distance of ticks on a logarithmic axis [inch]."""


class Numbers(Formatter):
    """A formatter with as many decimals as the ticks' step needs, and one common exponent for large or small ones."""

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """All ticks as text."""
        return _texts(np.asarray(values, np.float64)).tolist()

    def __call__(self, x: float, pos: Any = None) -> str:
        """One tick as text."""
        return self.format_ticks([x])[0]


def _texts(at: np.ndarray) -> np.ndarray:
    """Ticks as text [tick]."""
    if not at.size or not np.abs(at).max() > 0:
        return np.full(at.shape, "0", dtype=object)
    gaps = np.diff(np.unique(at))
    largest = float(np.abs(at).max())
    step = float(gaps.min()) if len(gaps) else largest
    exponent = math.floor(math.log10(largest))
    shared = exponent if largest >= LONGEST or exponent < -3 else 0
    tail = f"e{shared}" if shared else ""
    texts = [
        "0" if abs(x) < 1e-9 * step else (_plain(x / 10.0**shared, step / 10.0**shared) + tail).replace("-", "−")
        for x in at.tolist()
    ]
    return np.array(texts, dtype=object)


def _plain(x: float, step: float) -> str:
    places = max(-math.floor(math.log10(step) + 1e-9), 0)
    while places < 9 and abs(round(step, places) - step) > 1e-3 * step:
        places += 1
    return f"{x:,.{places}f}"


def numbers(ax: Axes, x: bool = True, y: bool = True) -> None:
    """Sets number ticks on linear axes, as many as there is room for."""
    wide, high = size_of(ax)
    for on, axis, most in ((x, ax.xaxis, wide / 0.62), (y, ax.yaxis, high / 0.36)):
        if on:
            _roomy(axis)
            axis.set_major_locator(MaxNLocator(max(min(int(most), 7), 1), steps=[1, 2, 2.5, 5, 10]))
            axis.set_major_formatter(Numbers())


def roomy(low: float, high: float, share: float = 0.05) -> tuple[float, float]:
    """Axis limits extended on either side by a share of their distance."""
    return low - share * (high - low), high + share * (high - low)


def _roomy(axis: Axis) -> None:
    """Widens limits that are too close together for ticks to be distinguishable."""
    low, high = sorted(axis.get_view_interval())
    size = max(abs(low), abs(high))
    if high - low < 1e-5 * size:
        middle, half = 0.5 * (low + high), 0.1 * size
        inverted = axis.get_inverted()
        ends = (middle - half, middle + half)
        axis.axes.set(**{f"{axis.axis_name}lim": ends[::-1] if inverted else ends})  # type: ignore[attr-defined]


def percents(ax: Axes) -> None:
    """Formats a logarithmic y axis of probabilities in percent."""
    ax.yaxis.set_major_formatter(FuncFormatter(lambda chance, _: f"{100 * chance:.6f}".rstrip("0").rstrip(".")))
    ax.yaxis.set_minor_formatter(NullFormatter())


def few_logarithmic(ax: Axes) -> None:
    """Sets ticks on a logarithmic x axis at round numbers, even where it spans less than a power of ten."""
    low, high = sorted(ax.get_xlim())
    inches = size_of(ax)[0] / max(math.log10(high / low), 1e-9)
    powers = [10.0**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    at: list[float] = []
    for digit in (1, 2, 5, 3, 1.5, 4, 7):
        for x in (digit * power for power in powers if low <= digit * power <= high):
            if all(abs(math.log10(x / other)) * inches > LOG_GAP for other in at):
                at.append(x)
    ax.xaxis.set_major_locator(FixedLocator(sorted(at) or [low, high]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _alone(x)))


def _alone(x: float) -> str:
    """A tick of a logarithmic axis as text."""
    if 1000 <= x < MOST_DIGITS:
        return f"{x:,.0f}"
    return f"{x:.3g}"


def periods(ax: Axes) -> None:
    """Formats a logarithmic y axis of probabilities p as return periods 1 / p."""
    low, high = sorted(ax.get_ylim())
    powers = [10.0**k for k in range(math.ceil(math.log10(low)), math.floor(math.log10(min(high, 1.0))) + 1)]
    every = math.ceil(len(powers) / max(int(size_of(ax)[1] / 0.3), 1)) if powers else 1
    ax.yaxis.set_major_locator(FixedLocator(powers[::-1][::every]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda chance, _: _alone(1 / chance)))


def counts(ax: Axes, values: Sequence[int]) -> None:
    """Sets ticks of a logarithmic x axis at as many of `values` as there is room for, always at the last one."""
    most = max(int(size_of(ax)[0] / (0.25 + labels.width(f"{values[-1]:,}", 8))), 1)
    every = max(math.ceil(len(values) / most), 1)
    ax.xaxis.set_major_locator(FixedLocator(list(values)[::-1][::every]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))


def years(ax: Axes, first: int, last: int, beyond: float = 0.0) -> None:
    """Sets limits and ticks of an x axis of years: at both ends, and at round years between that leave room.

    Args:
      beyond: years left free after the last.
    """
    room = 0.02 * (last - first) or 1.0
    ax.set_xlim(first - room, last + room + beyond)
    share = (last - first) / (last - first + 2 * room + beyond)
    most = min(share * size_of(ax)[0] / 0.5, 6)
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10_000) if (last - first) / step <= most)
    between = [year for year in range(first, last) if year % step == 0 and year - first >= step / 2]
    inner = [year for year in between if last - year >= step / 2 and year > first]
    ax.set_xticks(sorted({first, *inner, last}))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda year, _: f"{year:.0f}"))
