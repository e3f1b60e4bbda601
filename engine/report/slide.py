"""The answer as one slide: its first sentence as title, the first page's figure, more sentences, what gets worse."""

from __future__ import annotations

from engine.errors import UserError
from engine.plots import slide
from engine.report.page import facts
from engine.report.run_records import RunRecords
from engine.report.sections.answer import figure
from engine.report.sections.subject import headline, subject_of
from engine.report.sentences import answer, worsened

MOST = 3
"""Most sentences beside the figure, without those on what gets worse."""


def slide_of(run: RunRecords, suffix: str) -> bytes:
    """The slide of a run as the content of a file with this suffix, ".png" or ".svg".

    Raises:
      UserError: there is nothing to draw.
    """
    chart, subject = figure(run), subject_of(run)
    if chart is None or not chart.columns["p"]:
        raise UserError("rustbelt report --slide", ["the run has nothing that a slide could show."])
    title, *said = answer(subject)
    return slide.as_file(
        slide.Slide(
            above=run.study.question or run.study.title("", run.study.name),
            title=title,
            heading=chart.title,
            axis=chart.options.get("title") or chart.options.get("axis", ""),
            policies=run.study.policy_names,
            columns=chart.columns,
            reverse=bool(chart.options.get("reverse")),
            said=said[:MOST],
            costs=worsened(subject, headline(run)),
            source=" · ".join([*facts(run), "points and lines with 95 % intervals of the Monte Carlo error"]),
        ),
        suffix,
    )
