"""Charts of the page: figures of `engine/charts` as Vega-Lite specifications.

Their colours are variables of the page's style sheet, which the light or the dark scheme sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from engine.answers.answer import Answer
from engine.charts import export
from engine.charts.figures.answers import intervals
from engine.charts.kinds import KINDS, chart, is_empty, tables_of
from engine.charts.tables.answers import answer as of_answer
from engine.charts.theme import COLOURS, ON_DARK
from engine.errors import UserError

if TYPE_CHECKING:
    from engine.report.records import RunRecords

MOST = 20
"""Most charts of a page."""
FEW = 2
"""Most outcomes beside the first one, and most yearly variables, of which the page has charts."""
LARGEST = 5000
"""Most rows of a chart's table; a larger one is left out."""


@dataclass(frozen=True)
class Picture:
    """A chart of the page.

    Args:
      anchor: its HTML id.
      title: a sentence with what the numbers say.
      note: what is drawn.
      specification: its Vega-Lite specification without title, its data as columns; screen readers
        read its `description`.
    """

    anchor: str
    title: str
    note: str
    specification: Mapping[str, Any]


def first(run: RunRecords) -> Iterator[Picture]:
    """The chart of the first page: tail and course of the first outcome; none where it is not kept path by path."""
    return _of_run(run, [("overview", run.outcomes[0])])


def of_run(run: RunRecords) -> Iterator[Picture]:
    """Charts of a run: further outcomes, events, differences, what moves the first outcome, yearly variables."""
    study, (name, *others) = run.study, run.outcomes
    terms = (term.variable for one in run.outcomes for term in study.model.outcomes[one].terms)
    yearly = [one for one in dict.fromkeys(terms) if one in study.model.yearly]
    wanted = [("exceedance", one) for one in others[:FEW]]
    wanted += [("thresholds", one.outcome) for one in study.events if one.outcome][:1]
    wanted += [("differences", name)] * bool(run.others)
    wanted += [("tornado", name), *(("fan", one) for one in yearly[:FEW])]
    return _of_run(run, wanted)


def _of_run(run: RunRecords, wanted: Sequence[tuple[str, str]]) -> Iterator[Picture]:
    sources = {"cube": run.tree, "study": run.study}
    return filter(None, (_picture(f"{kind}-{of}", kind, sources, variable=of) for kind, of in wanted))


def of_question(run: RunRecords, question: str, answer: Answer) -> Iterator[Picture]:
    """Charts of an answer: those of its question, else its brief table as points with intervals."""
    kinds = [name for name, kind in KINDS.items() if question in kind.of and (not kind.table or kind.table in answer)]
    sources = {"study": run.study, question: answer}
    yield from filter(None, (_picture(f"{question}-{name}", name, sources) for name in kinds))
    data = of_answer(answer)
    if not kinds and not is_empty((data,)):
        yield _drawn(f"{question}-intervals", (data,), intervals(data))


def _picture(anchor: str, kind: str, sources: Mapping[str, Any], **options: Any) -> Picture | None:
    """The picture of a kind; None where there is nothing to draw, or too much."""
    with suppress(UserError):  # what is drawn is not kept, or nothing is compared
        data = tables_of(kind, sources, options)
        if not is_empty(data) and max(map(len, data)) <= LARGEST:
            return _drawn(anchor, data, chart(kind, data))
    return None


def _drawn(anchor: str, data: tuple[pd.DataFrame, ...], figure: Any) -> Picture:
    specification = export.specification(figure, "page")
    specification["datasets"] = {name: _columns(rows) for name, rows in specification["datasets"].items()}
    title = specification.pop("title")
    note = " ".join(title.get("subtitle", ()))
    return Picture(anchor, data[0].attrs["title"], note, specification)


def _columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows as columns, so that the page has each name once; of texts, each text once and its places."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return {name: _places(values) if isinstance(values[0], str) else values for name, values in columns.items()}


def _places(values: list[Any]) -> dict[str, list[Any]]:
    known = {value: k for k, value in enumerate(dict.fromkeys(values))}
    return {"of": [*known], "at": [known[value] for value in values]}


def style_sheet() -> str:
    """A style sheet with the colours of policies in the light and in the dark scheme."""
    light, dark = (
        ":root { " + " ".join(f"--p{k}: {colour};" for k, colour in enumerate(colours)) + " }"
        for colours in (COLOURS, ON_DARK)
    )
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{ {dark} }}\n"
