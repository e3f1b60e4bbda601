"""In which boxes of factors futures of a kind are frequent: what `rustbelt discover` has left beside the cube."""

from __future__ import annotations

import numpy as np
import xarray as xr

from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import compact, minus, with_interval
from engine.risk.box_words import CALLED
from engine.risk.tables import record
from engine.run_folder.stored_estimates import put_together

Rows = list[tuple[object, ...]]


def section(run: RunRecords) -> Section | None:
    """The finding, how much each box covers, and the limits of each; None of a run that was asked for no boxes."""
    answer = run.answers.get("discover")
    if answer is None:
        return None
    about = answer.attrs
    groups = {name: put_together(node) for name, node in answer.children.items()}
    markup = render(
        "discovery.html",
        finding=minus(str(about["summary"])),
        because=minus(str(about.get("because", ""))),
        where=str(about["where"]),
        boxes=_boxes(groups["boxes"]) if "boxes" in groups else [],
        limits=_limits(groups) if "restrictions" in groups else [],
        paths=int(about["paths"]),
        searched=int(about["searched"]),
        judged_on=int(about["judged_on"]),
        resamples=int(about["resamples"]),
    )
    return Section("discovery", "Where such futures lie", markup)


def _boxes(group: xr.Dataset) -> Rows:
    """A row a box, and one for all boxes of a method that has several."""
    rows: Rows = []
    for method in map(str, group["search"].values):
        own = group.sel(search=method)
        numbers = [int(k) for k in own["box"].values if np.isfinite(own["mass"].sel(box=k).item().estimate)]
        for k in numbers:
            cells = (_share(own[name].sel(box=k)) for name in ("coverage", "density", "mass"))
            rows.append((f"{CALLED[method]}, box {k}", *cells))
        if len(numbers) > 1:
            cells = (_share(own[f"{name}_together"]) for name in ("coverage", "density", "mass"))
            rows.append((f"{CALLED[method]}, any box", *cells))
    return rows


def _share(row: xr.DataArray) -> str:
    return with_interval(record("share", "", "", row.item()), 100.0)


def _limits(groups: dict[str, xr.Dataset]) -> Rows:
    """A row a factor of a box, in words, with what it is worth."""
    group = groups["restrictions"]
    rows: Rows = []
    stability = groups["factors"]["stability"]
    for k in range(group.sizes["row"]):
        own = group.isel(row=k)
        method, number, name = (
            str(own["row_search"].values),
            int(own["row_box"]),
            str(own["row_factor"].values),
        )
        first = method == "prim" and number == 1
        share = float(stability.sel(factor=name)) if first else np.nan
        quasi_p = [float(own[f"quasi_p_{end}"]) for end in ("low", "high")]
        rows.append(
            (
                (str(own["row_words"].values), f"{CALLED[method]}, box {number}"),
                f"{100 * float(own['coverage_without']):.1f}", f"{100 * float(own['density_without']):.1f}",
                ", ".join("< 1e-6" if p < 1e-6 else compact(float(f"{p:.2g}")) for p in quasi_p if np.isfinite(p)),
                f"{100 * share:.0f}" if np.isfinite(share) else "–",
            )
        )  # fmt: skip
    return rows
