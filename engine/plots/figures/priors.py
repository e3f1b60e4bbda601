"""The prior sheet: the fitted density of every factor, with the quantiles and moments that the study states."""

from __future__ import annotations

import numpy as np

from engine.plots import labels, selection, style, ticks
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import COLOURS, Axes, Figure
from engine.study.study import Input, Study

ENDS = (0.002, 0.998)
"""Quantiles between which a density is drawn; further out where a stated value lies beyond them."""
POINTS = 160
MOST_LABELS = 6
CLOSE = 0.02
"""Largest relative deviation from a stated value at which a law counts as matching it."""


@style.styled
def priors(study: Study, factor: str | None = None) -> Figure:
    """A panel per factor: the density of its law, marks at the stated values, and marks at the fitted law's values.

    Args:
      study: a study, run or not.
      factor: one factor; all if not given.

    Raises:
      UserError: there is no such factor.
    """
    inputs = study.gathered_inputs
    if factor is not None:
        selection.refuse_unknown("factor", factor, [item.name for item in study.inputs], "priors")
        inputs = [item for item in study.inputs if item.name == factor]
    on = sheet(max(len(inputs), 1), 6 if len(inputs) > 6 else 3, (1.7, 1.0) if len(inputs) > 1 else (5.0, 3.0))
    if not inputs:
        blank(on.panels[0], "the model has no factors")
        labelled(on.panels[0], "factor [1]", "density [1]")
        return on.close(f"Priors of {study.name}: none")
    for ax, item in zip(on.panels, inputs, strict=True):
        _panel(ax, item, study.title("factors", item.name))
    keys = [
        style.mark("density as fitted", COLOURS[1], line=True),
        style.mark("asked: quantiles and moments", COLOURS[0], "v"),
        style.mark("what the law gives there", style.INK, "|"),
    ]
    note = (
        "Densities are scaled to the same height; separate values are bars of their probability. No triangle: given by"
        " its parameters."
    )
    return on.close(_claim(study, inputs), note, keys)


def _panel(ax: Axes, item: Input, title: str) -> None:
    law = item.marginal
    # a standard deviation is no place on the axis
    places = [target for target in item.targets if not target.label.endswith("sd")]
    low, high = (float(x) for x in law.quantile(np.array(ENDS)))
    inside = [place.value for place in places if np.isfinite(place.value)]
    low, high = min([low, *inside]), max([high, *inside])
    room = 0.04 * (high - low)
    steps = law.steps
    names = {value: name for name, value in item.labels.items()}
    if not high > low:
        ax.axvline(low, color=COLOURS[1], linewidth=2)
        ax.set_xlim(low - max(abs(low), 1) * 0.5, low + max(abs(low), 1) * 0.5)
    elif steps is not None:
        at = np.asarray(steps[0], np.float64)
        at = at[(at >= low) & (at <= high)]
        chance = law.cdf(at) - law.below(at)
        gap = float(np.diff(at).min()) if len(at) > 1 else 1.0
        ax.bar(at, chance / max(chance.max(), 1e-300), 0.8 * gap, color=COLOURS[1], alpha=0.55, linewidth=0)
    else:
        x, dense = density(item, low - room, high + room)
        ax.fill_between(x, 0, dense, color=COLOURS[1], alpha=0.2, linewidth=0)
        ax.plot(x, dense, color=COLOURS[1], linewidth=1.3)
    for place in places:
        ax.plot([place.value], [1.12], marker="v", color=COLOURS[0], markersize=4.5, clip_on=False)
        ax.plot([place.fitted] * 2, [0.0, 0.14], color=style.INK, linewidth=1)
    ax.set_ylim(0, 1.2)
    ax.set_yticks([])
    if names and len(names) <= MOST_LABELS:
        width = ax.get_window_extent().width / ax.get_figure(root=True).dpi / len(names)  # type: ignore[union-attr]
        ax.set_xticks(list(names), labels=[labels.fitted(name, 0.9 * width, 7) for name in names.values()], fontsize=7)
    else:
        ticks.numbers(ax, y=False)
    labelled(ax, labels.with_unit(item.family or "given", item.unit), None, title)


def density(item: Input, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Points between two ends and the density there, scaled to a maximum of 1, from differences of the cdf."""
    edges = np.linspace(low, high, POINTS + 1)
    share = np.diff(item.marginal.cdf(edges))
    middle = 0.5 * (edges[1:] + edges[:-1])
    return middle, share / max(float(share.max()), 1e-300)


def _claim(study: Study, inputs: list[Input]) -> str:
    """The title: how many laws match what the study states."""
    stated = [item for item in inputs if item.targets]
    off = [
        study.title("factors", item.name)
        for item in stated
        if any(abs(a.fitted - a.value) > CLOSE * max(abs(a.value), 1e-12) for a in item.targets)
    ]
    if len(inputs) == 1:
        head = f"Prior of {study.title('factors', inputs[0].name)}"
    else:
        head = f"{len(inputs)} priors of {study.name}"
    if not stated:
        return f"{head}: given by parameters"
    if not off:
        return f"{head}: what was asked of {len(stated)} is met within {100 * CLOSE:g} %"
    named = f", {off[0]} among them" if len(off) > 1 else f", {off[0]}"
    return f"{head}: of {len(stated)} with something asked, {len(off)} miss it by more than {100 * CLOSE:g} %{named}"
