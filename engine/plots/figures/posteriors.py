"""What facts say: posteriors of factors beside their priors, and probabilities of events before and given the facts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.answers.answer import Answer
from engine.plots import labels, style, ticks
from engine.plots.bars import arms
from engine.plots.conditioning import MOST, Chance, Learnt, chances, learnt
from engine.plots.sheet import blank, labelled, row_names, sheet
from engine.plots.style import Artist, Axes, Figure, Look
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

ROWS = 16
"""Most rows of events by policy."""
TALLEST = 0.4
"""Largest height of a factor's row [inch]."""
BARS = ((2.0, 0.5), (1.0, 1.0))
"""Standard deviations that a bar reaches on either side, and its thickness relative to the thickest bar."""
AXIS = "from the prior’s mean [standard deviations]"
NOTE = (
    "Thick bars reach one standard deviation to either side of the mean, thin ones two; the point is the mean given the"
    " facts, with its 95 % interval. Beside them the mean before and given the facts."
)


@style.styled
def known(study: Study, condition: Answer, *, most: int = MOST) -> Figure:
    """The factors that facts shift most, priors pale and posteriors dark; beside them, probabilities of events.

    Args:
      study: that the answer is of, for what its parts are called.
      condition: the run's answer to the question `condition`.
      most: factors that are shown.
    """
    factors, events = learnt(condition, most), chances(condition, ROWS)
    panels = [bool(factors), bool(events)]
    if not any(panels):
        on = sheet(1, 1, (4.2, 1.6))
        blank(on.panels[0], "no factor varies, and there is no event; or what is known was not asked for")
        labelled(on.panels[0], AXIS, None)
        return on.close("Nothing is drawn: rustbelt condition STUDY says what is known")
    high = max(1.6, 0.25 * max(len(factors), len(events)))
    on = sheet(sum(panels), 2, (2.8, high))
    left, right = on.panels[0], on.panels[-1]
    note, keys = "", list[Artist]()
    if factors:
        _factors(left, study, factors, int(high / TALLEST))
        note += NOTE
        keys += [style.shade("prior", style.PALE, 1.0), style.shade("given the facts", style.INK, 1.0)]
    if events:
        policies = [name for name in study.policy_names if any(one.policy == name for one in events)]
        looks = style.looks(study.policy_names)
        _events(right, study, events, policies, looks)
        note += " Hollow marks: the chance before; filled ones: given the facts; with 95 % intervals."
        titles = {name: study.title("policies", name) for name in policies}
        keys += style.keys(looks, titles, policies, lined=False)
    return on.close(condition.finding, note.strip(), keys)


def _factors(ax: Axes, study: Study, factors: Sequence[Learnt], room: int) -> None:
    """Draws factors.

    Args:
      room: number of rows to leave room for, if there are fewer factors.
    """
    for y, one in enumerate(factors):
        _bar(ax, 0.0, 1.0, y, style.PALE, 0.72)
        _bar(ax, one.mean.estimate, one.sd, y, style.INK, 0.3)
        ax.errorbar(
            [one.mean.estimate], [y], xerr=arms([one.mean]), color=style.PAPER, marker="o", markersize=3.5,
            markeredgecolor=style.INK, markeredgewidth=0.8, ecolor=style.INK, elinewidth=1, zorder=5,
        )  # fmt: skip
        told = labels.fitted(one.means, 1.7, 8)
        ax.text(1.03, y, told, transform=ax.get_yaxis_transform(), va="center", fontsize=8, linespacing=0.9)
    ax.axvline(0, color=style.GREY, linewidth=0.9, zorder=1)
    row_names(ax, [study.title("factors", one.name) for one in factors], 2.1, max(room, len(factors)))
    ax.use_sticky_edges = False  # keeps a margin between the longest bar and the names
    ax.margins(x=0.05)
    ticks.numbers(ax, y=False)
    labelled(ax, AXIS, None, "What is known of factors")


def _bar(ax: Axes, middle: float, sd: float, y: float, colour: str, thick: float) -> None:
    for reach, share in BARS:
        ax.barh([y], [2 * reach * sd], left=middle - reach * sd, height=thick * share, color=colour, zorder=2)


def _events(ax: Axes, study: Study, events: Sequence[Chance], policies: Sequence[str], looks: dict[str, Look]) -> None:
    names = list(dict.fromkeys(one.event for one in events))
    apart = 0.72 / len(policies)
    for one in events:
        y = names.index(one.event) + apart * (policies.index(one.policy) - (len(policies) - 1) / 2)
        look, ends = looks[one.policy], [_percent(one.before), _percent(one.given)]
        ax.plot([end.estimate for end in ends], [y, y], color=look.colour, linewidth=1.6, alpha=0.4, zorder=2)
        for end, filled in zip(ends, (False, True), strict=True):
            ax.errorbar(
                [end.estimate], [y], xerr=arms([end]), **look.dot, markersize=4, elinewidth=1, zorder=4 + filled,
                markerfacecolor=look.colour if filled else style.PAPER,
            )  # fmt: skip
    row_names(ax, [study.title("events", name) for name in names], 2.1)
    ax.set_xlim(left=min(0.0, ax.get_xlim()[0]))
    ticks.numbers(ax, y=False)
    labelled(ax, "chance [%]", None, "How likely events are")


def _percent(one: Estimate) -> Estimate:
    return Estimate(*(100 * np.array([one.estimate, one.standard_error, one.low, one.high])).tolist())
