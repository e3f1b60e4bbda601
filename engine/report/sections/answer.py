"""The first page: the question, the answer, what gets worse, and one figure."""

from __future__ import annotations

from engine.report.charts import Chart
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.sections import chances, curves, every_pair
from engine.report.sections.subject import first_outcome, headline, subject_of
from engine.report.sentences import answer, small, worsened


def section(run: RunRecords) -> Section:
    """The answer in sentences, the worst trade-off by name, and the figure that goes with them."""
    subject, chart = subject_of(run), figure(run)
    partial = str(run.tree.attrs.get("status", "complete")) == "partial"
    markup = render(
        "answer.html",
        sentences=[*answer(subject), *every_pair.unnamed(run)],
        worse=worsened(subject, headline(run)),
        under=f" under {small(subject.better)}" if subject.better else "",
        partial=(run.paths, int(run.tree.attrs.get("paths_asked", 0))) if partial else None,
        policies=run.study.policy_names,
        charts=[chart] if chart else [],
    )
    return Section("answer", "The answer", markup, (chart,) if chart else (), brief=True)


def figure(run: RunRecords) -> Chart | None:
    """Probabilities of events by policy; for a study without events, the exceedance curves of the first outcome."""
    return chances.of_events(run) or curves.of_outcome(run, first_outcome(run))
