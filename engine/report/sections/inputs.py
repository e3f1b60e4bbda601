"""What the answer hangs on, as the run was last asked: the parts of inputs in the spread, and what it is worth to know them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import with_interval
from engine.risk.tables import record
from engine.run_folder.stored_estimates import put_together

SHOWN = 8


def section(run: RunRecords) -> Section | None:
    """A sentence and a table for each variable; None of a run that was not asked for its sensitivity."""
    answer = run.answers.get("sensitivity")
    if answer is None:
        return None
    markup = render(
        "inputs.html",
        finding=answer.attrs["summary"],
        paths=int(answer.attrs["paths"]),
        tables=_shares(run, answer),
        worth=_worth(run, answer),
    )
    return Section("inputs", "What it hangs on", markup)


def _shares(run: RunRecords, answer: xr.DataTree) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Title, head and rows: the Shapley effects of the inputs with the largest, in percent."""
    if "shares" not in answer.children:
        return []
    held = put_together(answer.children["shares"])
    share = held["share"].sel(index="shapley").transpose("quantity", "input").values
    sizes = np.array([[one.estimate for one in row] for row in share])
    names = [run.words("factors", str(name)) for name in held["input"].values]
    columns = [_texts(held[name]) for name in ("variable", "measure", "policy", "against")]
    tables = []
    for variable, measure in dict.fromkeys(zip(columns[0], columns[1], strict=True)):
        at = np.flatnonzero((columns[0] == variable) & (columns[1] == measure))
        order = np.argsort(-np.nan_to_num(sizes[at]).max(axis=0))[:SHOWN]
        sides = [f"{columns[2][q]} less {columns[3][q]}" if columns[3][q] else columns[2][q] for q in at]
        rows = [
            (
                names[k],
                *(with_interval(record(measure, columns[2][q], variable, share[q, k]), 100.0) for q in at),
            )
            for k in order
        ]
        kind = "events" if measure == "probability" else "outcomes"
        tail = f", {measure}" if measure.startswith("ES") else ""
        tables.append((f"{run.title(kind, variable)}{tail} [% of the variance]", ("Input", *sides), rows))
    return tables


def _worth(run: RunRecords, answer: xr.DataTree) -> list[tuple[str, ...]]:
    """What it is worth to know all, all factors, and the input that is worth most, for each choice."""
    if "worth" not in answer.children:
        return []
    held = put_together(answer.children["worth"])
    values = held["worth"].transpose("decision", "knowing").values
    rows = []
    for k, (outcome, measure, choice) in enumerate(
        zip(*(_texts(held[name]) for name in ("outcome", "measure", "choice")), strict=True)
    ):
        unit = run.study.model.outcomes[outcome].unit
        cells = [
            with_interval(record(measure, choice, outcome, row), 1.0) for row in (values[k, 0], values[k, 1])
        ]
        single = np.array([one.estimate for one in values[k, 2:]], np.float64)
        best = int(np.nanargmax(single)) if np.isfinite(single).any() else -1
        most = "none"
        if best >= 0 and values[k, 2 + best].low > 0:
            name = run.words("factors", str(held["knowing"].values[2 + best]))
            most = f"{name}: {with_interval(record(measure, choice, outcome, values[k, 2 + best]), 1.0)}"
        rows.append((run.heading("outcomes", outcome, unit, (measure,)), choice, *cells, most))
    return rows


def _texts(labels: xr.DataArray) -> np.ndarray:
    return np.array([str(label) for label in labels.values], object)
