"""Tables of answers: return levels, drivers of the worst futures, shares of inputs, break-even moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from engine.answers.answer import Answer
from engine.answers.layout import UNIT, head
from engine.answers.table import SCALES, Column, Kind, Table
from engine.charts import labels, selection
from engine.charts.tables.frames import Rows, each, ends, frame, rows_of
from engine.formatting import begun, begun_small, counted, titled, words
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

TAIL = 10.0
"""Return period from which on all levels must be above zero for the axis of levels to be logarithmic."""


def beyond(extremes: Answer, *, most: int = 6) -> pd.DataFrame:
    """Return levels by policy, a panel for each variable: from the futures themselves, and by a fitted Pareto law.

    Args:
      extremes: the run's answer to the question `extremes`.
      most: panels that are shown.
    """
    rows, panels = Rows(), dict[str, dict[str, Any]]()
    for row in rows_of(extremes, "curve"):
        level, name = row["level"], ", ".join(filter(None, (words(row["variable"]), row["of"])))
        if not np.isfinite(level.estimate) or (name not in panels and len(panels) == most):
            continue
        panels.setdefault(name, {"label": labels.with_unit("level", row["unit"]), "counted": row["counted"]})
        kind = "extrapolated" if row["extrapolated"] else "futures"
        rows.append({"panel": name, "policy": row["policy"], "period": row["period"], "kind": kind, **ends(level)})
    for name, panel in panels.items():
        own = sorted((row for row in rows if row["panel"] == name), key=lambda row: row["period"])
        panel["log"] = all(row["estimate"] > 0 for row in own if row["period"] >= TAIL)
        panel["reverse"] = own[-1]["estimate"] < own[0]["estimate"]
    note = (
        "Solid lines are estimated from futures, up to the level that 100 of them exceed. Dashed lines are extrapolated"
        " by a generalised Pareto law. Bands are 95 % intervals of the level."
    )
    about = {"panels": panels, "policies": list(extremes.subject.policies), "shown": each(rows, "policy")}
    return frame(rows, extremes.finding, note, **about, nothing="too few futures")


def drivers(explain: Answer, *, most: int = 12) -> pd.DataFrame:
    """The inputs that differ most from their priors in the worst futures: shift of the mean, and share by prior tenth.

    Rows with `part` "shift" have the shift in standard deviations with its interval; "density" the share of the worst
    futures in a tenth of the prior, over that of all futures.

    Args:
      explain: the run's answer to the question `explain`.
      most: inputs that are shown.
    """
    shifts = [row for row in rows_of(explain, "inputs") if row["shift"]]
    shown = [row["input"] for row in shifts[:most]]
    rows: Rows = [{"part": "shift", "row": titled(row["input"]), **ends(row["shift"])} for row in shifts[:most]]
    rows += [
        {"part": "density", "row": titled(row["input"]), "tenth": row["tenth"], "share": row["density"].estimate}
        for row in rows_of(explain, "densities")
        if row["input"] in shown and row["density"]
    ]
    note = (
        f"{explain.basis} The figure shows the {len(shown)} of {counted(len(shifts), 'input')} that differ most from"
        " their priors. Points are means in the worst futures with 95 % intervals, each by itself. Shades are the share"
        " of the worst futures in each tenth of the prior, relative to all futures."
    )
    title = explain.finding if shown else "No input differs from its prior in the worst futures"
    return frame(rows, title, note, rows=[*map(titled, shown)], nothing="no input is drawn")


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
        return frame([], "No input of the answer is drawn", nothing="no input is drawn")
    table = rows_of(sensitivity, "shares")
    for what, wanted in (("variable", variable), ("measure", measure)):
        known = each(table, what)
        chosen = known[0] if wanted is None else wanted
        selection.refuse_unknown(what, chosen, known, "inputs")
        table = [row for row in table if row[what] == chosen]
    rows = [
        {
            "panel": words(" less ".join(filter(None, (row["policy"], begun_small(row["against"]))))),
            "row": titled(row["input"]),
            **ends(row["share"], 100),
            "from": 100 * row["alone"].estimate,
            "to": 100 * row["total"].estimate,
        }
        for row in table
    ]
    largest = pd.DataFrame(rows).groupby("row", sort=False).estimate.max().fillna(0).clip(lower=0)
    names = list(largest.sort_values(ascending=False, kind="stable").index[:most])
    rows = [row for row in rows if row["row"] in names]
    what, most_of = (begun_small(words(one)) for one in (table[0]["variable"], names[0]))
    note = (
        f"{counted(sensitivity.subject.paths, 'path')}, {len(names)} of {len(largest)} inputs. Points are Shapley"
        " effects with 95 % intervals; bars reach from the first-order to the total-effect index."
    )
    about = {"rows": names, "panels": each(rows, "panel"), "label": "share of the variance [%]"}
    title = f"The {table[0]['measure']} of {what} depends most on {most_of}"
    return frame(rows, title, note, **about, nothing="no input is drawn")


def turns(flip: Answer, *, most: int = 12) -> pd.DataFrame:
    """Moves of single priors that reverse a ranking, the smallest first, with intervals; and the smallest joint move.

    Args:
      flip: the run's answer to the question `flip`.
      most: priors that are shown.
    """
    alone = [row for row in rows_of(flip, "priors") if row["turns"]][:most]
    moves = [("one prior at a time", row["factor"], row["move"]) for row in alone]
    joint = rows_of(flip, "joint")[:most]
    moves += [("all priors together", row["factor"], Estimate(row["move"])) for row in joint]
    rows = [
        {"panel": panel, "row": words(name), **ends(move), "from": 0.0, "to": move.estimate}
        for panel, name, move in moves
    ]
    (stated,) = flip["difference"].rows()
    note = (
        f"{begun(words(stated['measure']))}: {words(stated['policy'])} against {words(stated['against'])};"
        f" {counted(flip.subject.paths, 'path')}. Points are moves of one prior that reverse the ranking, of up to 3"
        " standard deviations of its normal score, with 95 % intervals within which the policies do not differ"
        " significantly. The right panel shows the smallest joint move of all priors that reverses it."
    )
    about = {"panels": each(rows, "panel"), "rows": each(rows, "row")}
    label, nothing = "move of the median [standard deviations]", "no prior reverses the ranking"
    return frame(rows, flip.finding, note, **about, label=label, nothing=nothing)


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
            panels = each(rows, "panel")[:most]
            rows = [row for row in rows if row["panel"] in panels]
            note = f"{table.title}. Brackets: 95 % intervals. {of.basis}"
            about = {"panels": panels, "rows": each(rows, "row"), "label": "", "arranged": (1, "xy")}
            return frame(rows, of.finding, note, **about, nothing="no estimate")
    return frame([], of.finding, of.basis, nothing="no estimate")


def _estimates(table: Table, column: Column) -> Iterator[dict[str, Any]]:
    for row, is_brief in zip(table.rows(), table.brief or [True] * len(table), strict=True):
        if is_brief and isinstance(row[column.name], Estimate):
            unit = row.get(UNIT) or "1"
            yield {
                "panel": labels.with_unit(head(column), unit) if unit != "1" else head(column),
                "row": ", ".join(filter(None, (str(row[dim]) for dim in table.dims))),
                **ends(row[column.name], SCALES[column.shown]),
            }


def lever(study: Study, design: Answer) -> pd.DataFrame:
    """The measure along the lever with its interval, and the limit, a row for each look.

    Args:
      study: that the answer is of, for what its parts are called.
      design: the run's answer to the question `design`.
    """
    # answers of earlier versions have texts in place of lists
    measure, _, variable = str(np.ravel(design.asked["subject"])[0]).split()[:3]
    kind = "events" if variable in study.events_by_name else "outcomes"
    name = study.title("levers", str(np.ravel(design.asked["lever"])[0]))
    names = {"value": name, "searched": f"{measure} of {study.phrase(kind, variable)}"}
    titles = {name: labels.with_unit(of, design["looks"].by_name[name].unit) for name, of in names.items()}
    scale = 100.0 ** (measure in ("P", "probability"))
    rows = [
        {"value": row["value"], "limit": scale * row["limit"], **ends(row["searched"], scale)}
        for row in rows_of(design, "looks")
    ]
    note = "The line is the measure at the evaluated values, with its 95 % interval. The dashed line is the limit."
    return frame(rows, " ".join(design.findings[:2]), note, titles=titles, nothing="no value was evaluated")


def front(design: Answer) -> pd.DataFrame:
    """The least of one measure under limits on another, both with their intervals, a row for each point.

    Args:
      design: the run's answer to the question `design`.
    """
    names = {"limited": design.asked["front"], "least": design.asked["minimise"]}
    columns = {name: design["front"].by_name[name] for name in names}
    titles = {name: labels.with_unit(words(of), columns[name].unit) for name, of in names.items()}
    rows = [
        {
            "levers": row["levers"],
            **{f"{name}_{end}": x for name in names for end, x in ends(row[name], SCALES[columns[name].shown]).items()},
        }
        for row in rows_of(design, "front")
    ]
    title = f"The lowest {words(names['least'])} found under limits on {words(names['limited'])}"
    note = "Points are estimates on fresh futures. Bars are 95 % intervals of both measures."
    return frame(rows, title, note, titles=titles, nothing="no point was found")
