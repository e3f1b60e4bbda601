"""Charts of a run: a cube in, matplotlib axes out. The only room that knows matplotlib."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from engine.errors import UserError
from engine.measures import probability

# M. Okabe and K. Ito, Color Universal Design (2008): told apart with every kind of colour vision, and in grey
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK, GRID = "#333333", "#E3E3E3"
_POINTS = 90
_FEWEST = 20


def exceedance(
    cube: xr.DataTree,
    variable: str,
    policies: Sequence[str] | None = None,
    ax: Axes | None = None,
    marked: Iterable[float] = (0.01,),
) -> Axes:
    """How likely each level of an outcome is passed, by policy: P(outcome > x) on a log scale with its 95 % band.

    Where low is worse it is P(outcome < x), and the axis runs from good to bad all the same. A curve ends where fewer
    than 20 paths are left beyond it.

    Args:
      cube: what `engine.open_cube` gives.
      variable: an outcome kept per path.
      policies: which, in this order; all of them if not given.
      ax: axes to draw into; new ones if not given.
      marked: probabilities at which the level of every curve is written.

    Raises:
      UserError: the outcome is not kept per path.
    """
    kept = dict(cube["paths"].data_vars) if "paths" in cube.children else {}
    if variable not in kept:
        listed = ", ".join(map(str, kept)) or "none is"
        remedy = "Keep it: keep.outcomes in the study, and run it."
        raise UserError(
            "exceedance", [f"expected an outcome kept path by path ({listed}), got '{variable}'. {remedy}"]
        )
    ax = _axes(ax)
    values, unit = kept[variable], int(cube.attrs["independent_unit"])
    low_is_worse = values.attrs.get("worse") == "low"
    names = _names(values, policies)
    lowest = 1.0
    for policy, colour in zip(names, _colours(values, names), strict=True):
        bad = np.asarray(values.sel(policy=policy).values, np.float64) * (-1 if low_is_worse else 1)
        levels, chances = _curve(bad, unit)
        sign = -1 if low_is_worse else 1
        ax.fill_between(sign * levels, chances[1], chances[2], color=colour, alpha=0.25, linewidth=0)
        ax.plot(sign * levels, chances[0], color=colour, linewidth=2)
        lowest = min(lowest, float(chances[0].min()))
        at = float(np.interp(np.log(3 * chances[0].min()), np.log(chances[0][::-1]), levels[::-1]))
        ax.annotate(
            policy, (sign * at, 3 * chances[0].min()), (6, 4), textcoords="offset points", color=colour,
            fontweight="bold", ha="left",
        )  # fmt: skip
        for chance in marked:
            at = float(np.interp(-chance, -chances[0], levels))
            ax.plot([sign * at], [chance], "o", color=colour, markersize=6, markeredgecolor="white", zorder=3)
            ax.annotate(
                f"{sign * at:.3g}", (sign * at, chance), (7, 4), textcoords="offset points", color=colour, fontsize=9
            )  # fmt: skip
    for chance in marked:
        ax.axhline(chance, color="#9A9A9A", linewidth=0.8, zorder=0)
    if low_is_worse:
        ax.invert_xaxis()
    ax.set_yscale("log")
    ax.set_ylim(lowest / 1.5, 1.15)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda chance, _: _odds(chance)))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(_label(values))
    ax.set_ylabel("share of futures beyond")
    return ax


def fan(
    cube: xr.DataTree,
    variable: str,
    where: dict[str, str] | None = None,
    policies: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Years of a yearly variable by policy: the median, and the bands that hold half and nine tenths of the futures.

    Args:
      cube: what `engine.open_cube` gives.
      variable: a yearly variable.
      where: label by dimension, such as {"region": "Liaoning"}, for each dimension that the variable has.
      policies: which, in this order; all of them if not given.
      ax: axes to draw into; new ones if not given.
    """
    ax = _axes(ax)
    values = cube["distribution"].to_dataset()[variable].sel(where or {})
    names, years = _names(values, policies), values["year"].values
    ends = []
    for policy, colour in zip(names, _colours(values, names), strict=True):
        band = values.sel(policy=policy).load()
        for low, high, strength in ((0.05, 0.95, 0.12), (0.25, 0.75, 0.26)):
            below, above = (band.sel(quantile=q, method="nearest").values for q in (low, high))
            ax.fill_between(years, below, above, color=colour, alpha=strength, linewidth=0)
        median = band.sel(quantile=0.5, method="nearest").values
        ax.plot(years, median, color=colour, linewidth=2)
        ends.append((float(median[-1]), policy, colour))
    _label_ends(ax, float(years[-1]), ends)
    ax.set_xticks(_year_ticks(int(years[0]), int(years[-1])))
    ax.margins(x=0)
    ax.set_ylabel(_label(values))
    return ax


def _axes(ax: Axes | None) -> Axes:
    ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")[1] if ax is None else ax
    ax.grid(True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(which="both", length=0, colors=INK)
    for name, spine in ax.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color("#9A9A9A")
    ax.xaxis.label.set_color(INK)
    ax.yaxis.label.set_color(INK)
    return ax


def _names(values: xr.DataArray, policies: Sequence[str] | None) -> list[str]:
    return [str(name) for name in (values["policy"].values if policies is None else policies)]


def _colours(values: xr.DataArray, names: Sequence[str]) -> list[str]:
    """One colour a policy, the same whichever of them are drawn."""
    known = [str(name) for name in values["policy"].values]
    return [COLOURS[known.index(name) % len(COLOURS)] for name in names]


def _curve(bad: np.ndarray, unit: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels, and the chance to pass them: estimate, low and high [3, level]; high is bad."""
    bad = bad[np.isfinite(bad)]
    chances = np.geomspace(0.999, max(_FEWEST / bad.size, 1e-9), _POINTS) if bad.size > 2 * _FEWEST else [0.5]
    levels = np.unique(np.quantile(bad, 1 - np.asarray(chances), method="inverted_cdf"))
    found = [probability(bad > level, unit) for level in levels]
    table = np.array([(each.estimate, each.low, each.high) for each in found]).T
    kept = table[0] > 0
    return levels[kept], np.clip(
        np.nan_to_num(table[:, kept], nan=table[0, kept].min(initial=1.0)), 1e-12, 1.0
    )


def _label_ends(ax: Axes, x: float, ends: list[tuple[float, Any, str]]) -> None:
    """Names beside the ends of their lines, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    gap = 0.06 * (high - low)
    last = -np.inf
    for y, name, colour in sorted(ends):
        last = max(y, last + gap)
        ax.annotate(
            name, (x, last), (6, 0), textcoords="offset points", color=colour, fontweight="bold", va="center",
            annotation_clip=False,
        )  # fmt: skip


def _year_ticks(first: int, last: int) -> list[int]:
    """Both ends and the round years between them that do not crowd them."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 10_000) if (last - first) / step <= 6)
    between = [year for year in range(first, last) if year % step == 0 and year - first >= step / 2]
    return [first, *(year for year in between if last - year >= step / 2 and year > first), last]


def _label(values: xr.DataArray) -> str:
    unit = values.attrs.get("units", "1")
    words = values.attrs.get("long_name", str(values.name))
    return words if unit == "1" else f"{words} [{unit}]"


def _odds(chance: float) -> str:
    return f"{100 * chance:.6f}".rstrip("0").rstrip(".") + " %"
