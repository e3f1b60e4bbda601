"""One path in full: yearly variables behind the outcomes under each policy; without years, the outcomes themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.figures.fan import by_place
from engine.plots.sheet import Sheet, blank, labelled, sheet
from engine.plots.style import Axes, Figure, Look
from engine.study.study import Study

MOST = 12
"""Most variables that are drawn together."""
_ACROSS = {"sum": "sum", "mean": "mean", "peak": "max", "lowest": "min"}
_WORDS = {"sum": "sum over", "mean": "mean over", "peak": "highest of", "lowest": "lowest of"}

Place = Mapping[str, str]


@dataclass(frozen=True)
class Line:
    """One number per year of a variable: which of its cells are taken, and how they are aggregated."""

    variable: str
    over: Mapping[str, tuple[str, ...]]
    across: str = "mean"


@style.styled
def replay(
    story: xr.DataTree,
    study: Study,
    variable: str | None = None,
    where: Place | None = None,
    policies: Sequence[str] | None = None,
) -> Figure:
    """One path: a panel per yearly variable that an outcome is folded from, its cells aggregated as the outcome does.

    For one variable: a panel per place. Nothing here is an estimate, so nothing has an interval: it is one future.

    Args:
      story: what `engine.runs.replay` gives for one path.
      study: its study, whose model says how outcomes are folded from yearly variables.
      variable: one yearly variable; if not given, those that outcomes are folded from.
      where: label by dimension, for the variables that have it.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: no such variable, label or policy.
    """
    number = f"Path {story.attrs.get('path', '')}".strip()
    if "yearly" not in story.children:
        return _outcomes(story, number, variable, policies)
    group = story["yearly"].to_dataset()
    lines = headline(study) if variable is None else [Line(variable, {})]
    has = {dim for values in group.data_vars.values() for dim in selection.place_dims(values)}
    for name in [variable] if variable is not None else map(str, group.data_vars):
        own = {
            dim: v for dim, v in (where or {}).items() if name not in group or dim not in has or dim in group[name].dims
        }
        selection.yearly(story, "yearly", name, own, "replay")
    first = group[lines[0].variable]
    shown = selection.policies_to_show(first, policies)
    years = [int(year) for year in group["year"].values]
    if variable is None:
        on, what = _variables(group, lines, where or {}, shown), labels.counted(len(lines), "yearly variable")
        left = f" Those of {len(group.data_vars)} that outcomes are made of."
    else:
        here = first.sel({dim: label for dim, label in (where or {}).items() if dim in first.dims})
        on, what = by_place(here, lambda ax, values: _panel(ax, values, shown)), labels.heading(first)
        left = labels.meaning(first)
    called = selection.called(first)
    under = labels.policies([called[name] for name in shown])
    span = f"{years[0]}-{years[-1]}" if len(years) > 1 else f"{years[0]}"
    title = f"{number}{labels.place(where or {})}: {what}, {span}, under {under}"
    seed = f", seed {story.attrs['seed']}" if "seed" in story.attrs else ""
    note = f"{story.attrs.get('title', '')}{seed}. One future, no estimate: no interval.{left}"
    return on.close(title, note, style.keys(selection.looks(first), selection.titles(first), shown))


def headline(study: Study) -> list[Line]:
    """The recorded variables that outcomes are folded from, each once, in that order; else the model's first ones."""
    model = study.model
    lines: dict[str, Line] = {}
    for outcome in model.outcomes.values():
        for term in outcome.terms:
            if term.variable in model.yearly:
                lines.setdefault(term.variable, Line(term.variable, dict(term.over), term.across))
    return [*lines.values()][:MOST] or [Line(name, {}) for name in [*model.yearly][:MOST]]


def _variables(group: xr.Dataset, lines: Sequence[Line], where: Place, shown: Sequence[str]) -> Sheet:
    """A panel for each variable, a line for each policy."""
    on = sheet(len(lines), min(len(lines), 4), (2.5, 1.7) if len(lines) > 1 else (5.4, 3.3))
    for ax, line in zip(on.panels, lines, strict=True):
        values = group[line.variable]
        here = {dim: label for dim, label in where.items() if dim in values.dims}
        values = values.sel(here)
        free = selection.place_dims(values)
        taken = {dim: chosen for dim, chosen in line.over.items() if dim in free}
        cells = values.sel({dim: list(chosen) for dim, chosen in taken.items()})
        one = getattr(cells, _ACROSS[line.across])(list(free), skipna=False) if free else cells
        over = f"{_WORDS[line.across]} {_cells(taken, free)}" if free else ""
        place = ", ".join(here.values())
        _panel(ax, one, shown)
        about = " ".join(filter(None, (", ".join(filter(None, (place, over))), labels.unit(values))))
        labelled(ax, "year", about, labels.name(values))
    return on


def _cells(taken: Mapping[str, tuple[str, ...]], free: Sequence[str]) -> str:
    """The labels that are taken, and the dimensions of which all are, such as `Liaoning, Jilin by sector`."""
    named = ", ".join(label for chosen in taken.values() for label in chosen)
    whole = " and ".join(dim for dim in free if dim not in taken)
    return " by ".join(filter(None, (named, whole)))


def _panel(ax: Axes, values: xr.DataArray, shown: Sequence[str]) -> None:
    years, looks = values["year"].values.astype(int), selection.looks(values)
    for k, policy in enumerate(shown):
        aside = (k + 1) / (len(shown) + 1) - 0.5
        _line(ax, years, values.sel(policy=policy).values, looks[policy], aside)
    if not np.isfinite(values.sel(policy=list(shown)).values).any():
        blank(ax, "not finite")
        return
    ax.margins(x=0.03)
    ticks.years(ax, int(years[0]), int(years[-1]))
    ticks.numbers(ax, x=False)


def _line(ax: Axes, years: np.ndarray, values: np.ndarray, look: Look, aside: float) -> None:
    if len(years) == 1:
        ax.plot(years + aside, values, **look.dot, markersize=4)
        return
    # each policy has its markers at other years, so that lines over one another can still be distinguished
    every = max(len(years) // 4, 1)
    first = round((aside + 0.5) * every) % every
    ax.plot(years, values, **look.line, marker=look.marker, markevery=(first, every), markersize=4)


def _outcomes(story: xr.DataTree, number: str, variable: str | None, policies: Sequence[str] | None) -> Figure:
    """A dot for each policy, one panel an outcome."""
    group = story["outcomes"].to_dataset()
    names = [str(name) for name in group.data_vars]
    if variable is not None:
        selection.refuse_unknown("variable", variable, names, "replay")
        names = [variable]
    first = group[names[0]]
    shown, looks = selection.policies_to_show(first, policies), selection.looks(first)
    on = sheet(len(names), 4, (2.2, 1.6) if len(names) > 1 else (5.4, 3.3))
    for ax, name in zip(on.panels, names, strict=True):
        for k, policy in enumerate(shown):
            ax.plot([k], [float(group[name].sel(policy=policy))], **looks[policy].dot, markersize=6)
        ax.set_xlim(-0.6, len(shown) - 0.4)
        ax.set_xticks([])
        if not np.isfinite(group[name].values).any():
            blank(ax, "not finite")
        else:
            ticks.numbers(ax, x=False)
        labelled(ax, "policy [in the order of the legend]", labels.unit(group[name]), labels.name(group[name]))
    called = selection.called(first)
    under = labels.policies([called[name] for name in shown])
    title = f"{number}: {labels.counted(len(names), 'outcome')} under {under}"
    note = f"{story.attrs.get('title', '')}. One future, no estimate: no interval; a model without years."
    return on.close(title, note, style.keys(looks, selection.titles(first), shown, lined=False))
