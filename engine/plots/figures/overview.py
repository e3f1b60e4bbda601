"""An outcome at a glance: its exceedance curve, and a fan of the yearly variable that it is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr

from engine.plots import labels, selection, style
from engine.plots.figures import exceedance, fan
from engine.plots.sheet import labelled, sheet
from engine.plots.style import Figure
from engine.study.study import Study


@style.styled
def overview(
    cube: xr.DataTree,
    study: Study,
    variable: str | None = None,
    where: Mapping[str, str] | None = None,
    policies: Sequence[str] | None = None,
) -> Figure:
    """Exceedance curves of an outcome, beside a fan of the first recorded yearly variable that it is folded from.

    The curves alone for a model without years, or an outcome that is folded from no recorded variable.

    Args:
      cube: what `engine.open_cube` gives.
      study: its study, whose model says how outcomes are folded from yearly variables.
      variable: an outcome kept per path; the first if not given.
      where: label by dimension, of the fan; the first that the outcome takes of each dimension if not given.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: the outcome is not kept per path, no such label or policy.
    """
    kept = selection.outcome(cube, variable, policies, "overview")
    outcome = study.model.outcomes[str(kept.values.name)]
    made_of = [term for term in outcome.terms if term.variable in study.model.yearly]
    if not made_of or not selection.by_year(cube, "distribution"):
        on = sheet(1, 1, (5.4, 3.3))
        keys, worst = exceedance.curves(on.panels[0], kept)
        return on.close(exceedance.title(kept, worst), exceedance.note(kept), keys)
    term = made_of[0]
    values = selection.yearly(cube, "distribution", term.variable, where, "overview").load()
    taken = dict(term.over)
    first = {dim: taken.get(dim, tuple(map(str, values[dim].values)))[0] for dim in selection.place_dims(values)}
    values = values.sel(first)
    on = sheet(2, 2, (4.6, 3.3))
    left, right = on.panels
    keys, worst = exceedance.curves(left, kept)
    left.set_title("How likely each level is passed")
    fan.draw(right, values, kept.policies, fan.count(cube, values))
    place = labels.place({**(where or {}), **first})
    labelled(right, "year", labels.label(values), f"{labels.name(values)}{place}, year by year")
    right_note = fan.note(values, len(kept.policies) > fan.MOST_BANDS)
    note = f"Left: {exceedance.note(kept)} Right: {right_note}"
    return on.close(exceedance.title(kept, worst), note, keys)
