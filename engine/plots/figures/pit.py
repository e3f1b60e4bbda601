"""Probability integral transform: ECDF of observed figures' places among their futures, with a pointwise band."""

from __future__ import annotations

from engine.answers.answer import Answer
from engine.plots import style
from engine.plots.observations import BAND, places_of
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import COLOURS, DASHES, Figure, Look

SIZE = (3.4, 3.0)


@style.styled
def pit(backtest: Answer) -> Figure:
    """ECDF of observed figures' places among their futures, a line per reading, with bands and the expected diagonal.

    Args:
      backtest: the run's answer to the question `backtest`.
    """
    every = places_of(backtest)
    on = sheet(1, 1, SIZE)
    (ax,) = on.panels
    if not every:
        blank(ax, "no figure is scored")
        labelled(ax, "place among the futures [1]", None)
        return on.close("No figure is scored")
    looks = [Look(COLOURS[(k + 1) % len(COLOURS)], DASHES[k % len(DASHES)], "") for k in range(len(every))]
    for one, look in zip(every, looks, strict=True):
        ax.fill_between(one.at, one.low, one.high, step="post", color=look.colour, alpha=0.3 / len(every), linewidth=0)
        ax.plot(one.at, one.share, **look.line, drawstyle="steps-post", label=one.reading)  # fmt: skip
    ax.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.9, linestyle=(0, (4, 2)))
    ax.set(xlim=(0, 1), ylim=(-0.01, 1.01), xticks=[0, 0.25, 0.5, 0.75, 1], yticks=[0, 0.25, 0.5, 0.75, 1])
    labelled(ax, "place among the futures [1]", "share of figures there or below [1]")
    keys = [style.key(look, f"read “{one.reading}”") for one, look in zip(every, looks, strict=True) if one.reading]
    note = f"Band: {BAND}. Dashed: what is expected, as many figures at each place."
    return on.close("; ".join(one.finding for one in every), note, keys)
