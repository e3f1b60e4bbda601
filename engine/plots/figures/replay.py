"""One path in full: every yearly variable under each policy; outcomes where there are no years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Axes, Figure, Look


@style.styled
def replay(
    story: xr.DataTree,
    variable: str | None = None,
    where: Mapping[str, str] | None = None,
    policies: Sequence[str] | None = None,
) -> Figure:
    """What happens on one path, one panel a variable: a line for each policy, and for each label that `where` leaves open.

    Nothing here is an estimate, so nothing has an interval: it is one future.

    Args:
      story: what `engine.execution.replay` gives for one path.
      variable: one yearly variable; all if not given.
      where: label by dimension, for the variables that have it.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: no such variable, label or policy.
    """
    number = f"Path {story.attrs.get('path', '')}".strip()
    if "yearly" not in story.children:
        return _outcomes(story, number, variable, policies)
    group = story["yearly"].to_dataset()
    names = [str(name) for name in group.data_vars] if variable is None else [variable]
    has = {dim for values in group.data_vars.values() for dim in selection.place_dims(values)}
    for name in names:
        own = {
            dim: v
            for dim, v in (where or {}).items()
            if name not in group or dim not in has or dim in group[name].dims
        }
        selection.yearly(story, "yearly", name, own, "replay")
    first = group[names[0]]
    shown, looks = selection.shown(first, policies), selection.looks(first)
    on = sheet(len(names), min(len(names), 6), (1.75, 1.25) if len(names) > 1 else (5.4, 3.3))
    years = group["year"].values.astype(int)
    for ax, name in zip(on.panels, names, strict=True):
        values = group[name].sel({dim: v for dim, v in (where or {}).items() if dim in group[name].dims})
        labelled(ax, "year", labels.unit(values), labels.heading(name))
        for k, policy in enumerate(shown):
            _lines(ax, years, values.sel(policy=policy), looks[policy], (k + 1) / (len(shown) + 1) - 0.5)
        if not np.isfinite(values.values).any():
            blank(ax, "not finite")
            continue
        ax.margins(x=0.03)
        ticks.years(ax, int(years[0]), int(years[-1]))
        ticks.numbers(ax, x=False)
    dims = sorted(has - set(where or {}))
    each = f" A line for each {' and '.join(dims)}." if dims else ""
    seed = f", seed {story.attrs['seed']}" if "seed" in story.attrs else ""
    what = f"{len(names)} yearly variables" if len(names) > 1 else labels.words(names[0])
    title = (
        f"{number}{labels.place(where or {})}: {what}, {years[0]}-{years[-1]}, under {labels.policies(shown)}"
    )
    note = f"{story.attrs.get('title', '')}{seed}. One future, no estimate: no interval.{each}"
    return on.close(title, note, style.keys(looks, shown))


def _lines(ax: Axes, years: np.ndarray, values: xr.DataArray, look: Look, aside: float) -> None:
    rows = np.moveaxis(values.transpose("year", ...).values.reshape(len(years), -1), -1, 0)
    wide, strength = (1.5, 1.0) if len(rows) == 1 else (0.8, 0.75)
    for row in rows:
        if len(years) == 1:
            ax.plot(years + aside, row, **look.dot, markersize=4)
        else:
            ax.plot(years, row, **look.line, linewidth=wide, alpha=strength)


def _outcomes(
    story: xr.DataTree, number: str, variable: str | None, policies: Sequence[str] | None
) -> Figure:
    """A dot for each policy, one panel an outcome."""
    group = story["outcomes"].to_dataset()
    names = [str(name) for name in group.data_vars]
    if variable is not None:
        selection.refuse_unknown("variable", variable, names, "replay")
        names = [variable]
    first = group[names[0]]
    shown, looks = selection.shown(first, policies), selection.looks(first)
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
        labelled(ax, "policy [in the order of the legend]", labels.unit(group[name]), labels.heading(name))
    title = f"{number}: {labels.counted(len(names), 'outcome')} under {labels.policies(shown)}"
    note = f"{story.attrs.get('title', '')}. One future, no estimate: no interval; a model without years."
    return on.close(title, note, style.keys(looks, shown, marked=True, lined=False))
