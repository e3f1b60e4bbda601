"""Hindcast: a fan of the futures and the observed figures for each series, all on the same scale of years."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.answers.answer import Answer
from engine.plots import style, ticks
from engine.plots.bars import bar
from engine.plots.figures.fan import bands
from engine.plots.observations import LEVELS, Point, Series, apart, markers, series_of
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Artist, Axes, Figure, Look

FUTURES = Look(style.COLOURS[1], "-", "")
"""The look of the futures, which are those of one policy."""
COLUMNS = 4


@style.styled
def hindcast(backtest: Answer) -> Figure:
    """Futures and observed figures of every series by year; figures that are scored are filled, others hollow.

    Args:
      backtest: the run's answer to the question `backtest`.
    """
    every = series_of(backtest)
    if not every:
        on = sheet(1, 1, (4.2, 1.6))
        blank(on.panels[0], "nothing was observed")
        labelled(on.panels[0], "year", None)
        return on.close("No figure was observed")
    years = [year for one in every for year in (*one.years, *(point.year for point in one.points))]
    on, looks = sheet(len(every), COLUMNS, (1.9, 1.3) if len(every) > 2 else (2.6, 1.9)), markers(every)
    for k, (ax, one) in enumerate(zip(on.panels, every, strict=True)):
        lowest = k + on.columns >= len(every)
        _futures(ax, one)
        for point in one.points:
            _observed(ax, point, looks[point.reading], float(np.clip(100 / len(one.points), 2.5, 4)))
        ticks.years(ax, min(years), max(years))
        ticks.numbers(ax, x=False)
        ax.tick_params(labelbottom=lowest)
        labelled(ax, "year" if lowest else None, f"[{one.unit}]", one.name)
    return on.close(backtest.finding, _note(every), _keys(looks))


def _futures(ax: Axes, one: Series) -> None:
    """Draws bands and median by year; bars for figures of several years at once, or where the study has one year."""
    levels = np.array([*LEVELS.values()])
    if len(one.years) > 1:
        bands(ax, np.array(one.years), levels, one.quantiles, FUTURES)
        ax.plot(one.years, one.quantiles[2], **FUTURES.line, linewidth=1.2, label="futures")
    lone = [(year, one.quantiles[:, 0]) for year in one.years] if len(one.years) == 1 else []
    for year, quantiles in [*lone, *((point.year, point.quantiles) for point in one.beside)]:
        bar(ax, year, dict(zip(levels.tolist(), quantiles.tolist(), strict=True)), FUTURES)


def _observed(ax: Axes, point: Point, marker: str, size: float) -> None:
    ax.errorbar(
        [point.year],
        [point.value],
        [point.error] if point.error > 0 else None,
        color=style.INK,
        marker=marker,
        markersize=size,
        markerfacecolor=style.PAPER if point.apart else style.INK,
        markeredgewidth=0.8,
        elinewidth=1,
        linestyle="none",
        zorder=4,
        label="shown" if point.apart else "scored",
    )


def _keys(looks: Mapping[str, str]) -> list[Artist]:
    hollow = style.mark("observed, not scored", style.INK, "o")
    hollow.set_markerfacecolor(style.PAPER)
    return [
        style.mark("median of the futures", FUTURES.colour, line=True),
        style.mark("observed, scored", style.INK, "o"),
        hollow,
        *(style.mark(f"read “{name}”", style.INK, looks[name]) for name in looks if name),
    ]


def _note(every: tuple[Series, ...]) -> str:
    reasons = apart(every)
    shown = f" Not scored: {reasons}." if reasons else ""
    return f"Bands: half and nine tenths of the futures. Bars of figures: their standard error.{shown}"
