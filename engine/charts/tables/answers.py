"""Tables of answers: return levels, drivers of the worst futures, shares of inputs, boxes, break-even moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.answers.answer import Answer
from engine.answers.layout import UNIT, head
from engine.answers.table import SCALES, Column, Kind, Table
from engine.charts import labels, selection
from engine.charts.tables.frames import ends, frame, rows_of
from engine.formatting import begun, words
from engine.risk.estimation.intervals import Estimate

TAIL = 10.0
"""Return period from which on all levels must be above zero for the axis of levels to be logarithmic."""


def beyond(extremes: Answer, *, most: int = 6) -> pd.DataFrame:
    """Return levels by policy, a panel for each variable: from the futures themselves, and by a fitted Pareto law.

    Args:
      extremes: the run's answer to the question `extremes`.
      most: panels that are shown.
    """
    rows, panels = list[dict[str, Any]](), dict[str, dict[str, Any]]()
    for row in rows_of(extremes, "curve"):
        level = row["level"]
        name = ", ".join(filter(None, (words(str(row["variable"])), str(row["of"]))))
        if not np.isfinite(level.estimate) or (name not in panels and len(panels) == most):
            continue
        panels.setdefault(name, {"label": labels.with_unit("level", str(row["unit"])), "counted": str(row["counted"])})
        kind = "extrapolated" if row["extrapolated"] else "futures"
        rows.append({"panel": name, "policy": str(row["policy"]), "period": row["period"], "kind": kind, **ends(level)})
    for name, panel in panels.items():
        own = sorted((row for row in rows if row["panel"] == name), key=lambda row: row["period"])
        panel["log"] = all(row["estimate"] > 0 for row in own if row["period"] >= TAIL)
        panel["reverse"] = own[-1]["estimate"] < own[0]["estimate"]
    note = (
        "Solid: the futures themselves, up to the point where 100 of them lie beyond. Dashed: extrapolated by a"
        " generalised Pareto law fitted to the worst. Bands: 95 % intervals of the level."
    )
    policies = list(extremes.subject.policies)
    return frame(rows, extremes.finding, note, panels=panels, policies=policies, nothing="too few futures")


def drivers(explain: Answer, *, most: int = 12) -> pd.DataFrame:
    """The inputs that differ most from their priors in the worst futures: shift of the mean, and share by prior tenth.

    Rows with `part` "shift" have the shift in standard deviations with its interval; "density" the share of the worst
    futures in a tenth of the prior, over that of all futures.

    Args:
      explain: the run's answer to the question `explain`.
      most: inputs that are shown.
    """
    shown, every = list[str](), 0
    rows = list[dict[str, Any]]()
    if "inputs" in explain:
        inputs, cells = explain["inputs"], explain["densities"]["density"]
        tenths = [one.estimate if isinstance(one, Estimate) else np.nan for one in cells]
        for k, (name, shift) in enumerate(zip(inputs["input"], inputs["shift"], strict=True)):
            every += isinstance(shift, Estimate)
            if not isinstance(shift, Estimate) or len(shown) == most:
                continue
            shown.append(words(str(name)))
            own = tenths[k * len(tenths) // len(inputs) :][:10]
            rows.append({"part": "shift", "row": shown[-1], **ends(shift)})
            rows += [{"part": "density", "row": shown[-1], "tenth": n, "share": x} for n, x in enumerate(own, 1)]
    note = (
        f"{explain.basis} {len(shown)} of {labels.counted(every, 'input')}, those farthest from their priors. Points:"
        " mean there with its 95 % interval, each by itself; shades: share of the worst futures in each tenth of the"
        " prior, 1 where they are as the prior has them."
    )
    title = explain.finding if shown else "No input differs from its prior in the worst futures"
    return frame(rows, title, note if shown else "", rows=shown, nothing="no input is drawn")


def inputs(
    sensitivity: Answer, variable: str | None = None, measure: str | None = None, *, most: int = 12
) -> pd.DataFrame:
    """Largest Shapley effects with 95 % intervals, and their range from the first-order to the total-effect index.

    Args:
      sensitivity: the run's answer to the question `sensitivity`.
      variable: an outcome or event that was looked at; the first if not given.
      measure: "mean" or "ES99" of an outcome, "probability" of an event; the first that there is if not given.
      most: inputs that are shown.

    Raises:
      UserError: the variable or measure was not looked at.
    """
    if "shares" not in sensitivity:
        return frame([], "No input of the answer is drawn", panels=[], rows=[], nothing="no input is drawn")
    table = rows_of(sensitivity, "shares")
    chosen, table = _of("variable", variable, table)
    of, table = _of("measure", measure, table)
    largest: dict[str, float] = {}
    for row in table:
        name = str(row["input"])
        largest[name] = max(largest.get(name, 0.0), float(np.nan_to_num(row["share"].estimate)))
    order = sorted(largest, key=lambda name: -largest[name])[:most]
    rows = []
    for row in table:
        policy, against = words(str(row["policy"])), words(str(row["against"]))
        panel = f"{policy} less {against}" if against else policy
        if str(row["input"]) in order:
            span = {"from": 100 * row["alone"].estimate, "to": 100 * row["total"].estimate}
            rows.append({"panel": panel, "row": words(str(row["input"])), **ends(row["share"], 100), **span})
    names = [words(name) for name in order]
    what = f"{words(chosen)}, {of}"
    note = (
        f"{what}: {labels.counted(sensitivity.subject.paths, 'path')}, {len(order)} of {len(largest)} inputs. Points:"
        " Shapley effect with its 95 % interval; bars from the first-order to the total-effect index."
    )
    title = begun(f"{what} depends most on {names[0]}" if names else what)
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    return frame(
        rows, title, note, rows=names, panels=panels, label="share of the variance [%]", nothing="no input is drawn"
    )


def _of(what: str, wanted: str | None, rows: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The variable or measure that is wanted, by default the first, and the rows that have it."""
    known = list(dict.fromkeys(str(row[what]) for row in rows))
    chosen = known[0] if wanted is None else wanted
    selection.refuse_unknown(what, chosen, known, "inputs")
    return chosen, [row for row in rows if row[what] == chosen]


def boxes(discover: Answer) -> pd.DataFrame:
    """The limits of each box as quantiles of the priors, a panel for each box.

    Args:
      discover: the run's answer to the question `discover`.
    """
    (futures,) = discover["futures"].rows()
    rate = labels.with_interval(futures["share"], 100, " %")
    title = f"Where “{futures['where']}” holds, which is in {rate} of futures"
    note = (
        "Dark: the part of a factor's prior that is within. Coverage: share of the futures where it holds that lie"
        " within, and in no earlier box; density: share of the futures within where it holds. Brackets: 95 %"
        f" intervals, on {labels.counted(futures['judged_on'], 'path')} that did not find the boxes."
    )
    rows, panels = list[dict[str, Any]](), list[str]()
    for box in rows_of(discover, "boxes"):
        if not box["number"]:
            continue
        said = ", ".join(f"{name} {labels.with_interval(box[name], 100, ' %')}" for name in ("coverage", "density"))
        panels.append(f"{box['box']}: {said}")
        rows += [
            {
                "panel": panels[-1],
                "row": str(row["limit"]).rpartition(", ")[0],
                "below": row["below"],
                "above": 1 - row["above"],
            }
            for row in discover["limits"].where(box=box["box"])
        ]
    return frame(rows, title, note, panels=panels, nothing="no box of factors separates these futures from the others")


def turns(flip: Answer, *, most: int = 12) -> pd.DataFrame:
    """Moves of single priors that reverse a ranking, the smallest first, with intervals; and the smallest joint move.

    Args:
      flip: the run's answer to the question `flip`.
      most: priors that are shown.
    """
    alone = list(flip["priors"].where(turns=True))[:most] if "priors" in flip else []
    joint = rows_of(flip, "joint")[:most]
    rows = [{"panel": "one prior at a time", "row": words(str(row["factor"])), **ends(row["move"])} for row in alone]
    rows += [
        {"panel": "all priors together", "row": words(str(row["factor"])), **ends(Estimate(float(row["move"])))}
        for row in joint
    ]
    rows = [row | {"from": 0.0, "to": row["estimate"]} for row in rows]
    (stated,) = flip["difference"].rows()
    note = (
        f"{words(str(stated['measure']))}: {words(str(stated['policy']))} against {words(str(stated['against']))};"
        f" {labels.counted(flip.subject.paths, 'path')}. Where the ranking turns, in standard deviations of a prior's"
        " normal score, with the 95 % interval within which the policies cannot be distinguished; up to 3 of them are"
        " searched. Right: the smallest move of all priors together that turns it."
    )
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    return frame(
        rows,
        flip.finding,
        note,
        panels=panels,
        rows=list(dict.fromkeys(row["row"] for row in rows)),
        label="its median moves by [standard deviations]",
        nothing="no prior turns the ranking",
    )


def answer(of: Answer, *, most: int = 6) -> pd.DataFrame:
    """Estimates of the first brief table that has any, for the answer to any question: a panel for a column and unit.

    Args:
      of: the answer.
      most: panels that are shown.
    """
    for table in of.tables:
        columns = [column for column in table.columns if column.kind is Kind.ESTIMATE and column.brief]
        rows = [row for column in columns for row in _estimates(table, column) if np.isfinite(row["estimate"])]
        if rows:
            panels = list(dict.fromkeys(row["panel"] for row in rows))[:most]
            rows = [row for row in rows if row["panel"] in panels]
            names = list(dict.fromkeys(row["row"] for row in rows))
            note = f"{table.title}. Brackets: 95 % intervals. {of.basis}"
            return frame(rows, of.finding, note, panels=panels, rows=names, label="", own="xy", nothing="no estimate")
    return frame([], of.finding, of.basis, panels=[], rows=[], nothing="no estimate")


def _estimates(table: Table, column: Column) -> Iterator[Mapping[str, Any]]:
    for k, row in enumerate(table.rows()):
        if isinstance(row[column.name], Estimate) and (not table.brief or table.brief[k]):
            unit = str(row.get(UNIT) or "1")
            yield {
                "panel": head(column) + (f" [{unit}]" if unit != "1" else ""),
                "row": ", ".join(str(row[dim]) for dim in table.dims if row[dim] != ""),
                **ends(row[column.name], SCALES[column.shown]),
            }
