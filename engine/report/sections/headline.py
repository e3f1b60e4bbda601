"""The tables: events, and the outcomes over all futures and in their worst 1 %."""

from __future__ import annotations

from collections.abc import Sequence

from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import cell
from engine.risk.as_text import BINNED, HEAVY, NO_INTERVAL, Cell, places, reasons, shown_in
from engine.risk.evidence import measures
from engine.risk.exclusion import notice
from engine.risk.flags import Flag, Reason, text

MAIN = ("mean", "ES99")
Row = tuple[int | None, str, list[Cell]]
Group = tuple[str, str, list[Row]]
NAMES = {"mean": "Mean", "median": "Median", "sd": "Standard deviation"}


def section(run: RunRecords) -> Section:
    """Every outcome and event, by policy, with the difference from the baseline."""
    study = run.study
    events = [
        (run.title("events", event.name), event.about, _rows(run, event.name, ("probability",), 100.0, True))
        for event in run.events
    ]
    outcomes = [_outcome(run, name, MAIN) for name in run.outcomes]
    known = [name for name in measures(study.levels) if any(key[0] == name for key in run.risk)]
    shown = [row for group in (*events, *outcomes) for row in group[2]]
    markup = render(
        "headline.html",
        policies=study.policy_names,
        compared=bool(run.others),
        baseline=study.baseline,
        events=events,
        outcomes=outcomes,
        everything=[_outcome(run, name, known) for name in run.outcomes],
        event_columns=columns(run, ("Probability [%]",), shown_in("difference_probability")[1]),
        outcome_columns=columns(run, [_heading(m) for m in MAIN]),
        all_columns=columns(run, [_heading(m) for m in known]),
        marks=[*notes(shown), *([("", f"{notice(run.excluded, run.paths)}.")] if run.excluded else [])],
    )
    parts = ((("events", "Events"),) if events else ()) + (("outcomes", "Outcomes"),)
    return Section("numbers", "The numbers", markup, parts=parts)


def _heading(measure: str) -> str:
    return NAMES.get(measure, f"{measure.rstrip('0123456789.')} {measure.lstrip('VaRES')} %")


def columns(run: RunRecords, names: Sequence[str], unit: str = "") -> list[str]:
    """Heads of a table of estimates, each followed by one for the difference from the baseline, with its unit, where policies are compared."""
    gap = f"less “{run.study.baseline}”" + (f" [{unit}]" if unit else "")
    return [column for name in names for column in ((name, gap) if run.others else (name,))]


def _outcome(run: RunRecords, name: str, measures: Sequence[str]) -> Group:
    outcome = run.study.model.outcomes[name]
    worse = "high is worse" if outcome.loss else "low is worse"
    about = ", ".join(part for part in (outcome.about, worse) if part)
    return run.heading("outcomes", name, outcome.unit), about, _rows(run, name, measures, 1.0, outcome.loss)


def _rows(run: RunRecords, variable: str, measures: Sequence[str], scale: float, loss: bool) -> list[Row]:
    rows: list[Row] = []
    for k, policy in enumerate(run.study.policy_names):
        cells = []
        for measure in measures:
            cells.append(cell(run.risk.get((measure, policy, variable)), scale))
            if run.others:
                gap = run.comparison.get((f"difference_{measure}", policy, variable))
                cells.append(cell(gap, scale, loss) if gap else Cell(""))
        rows.append((k, policy, cells))
    return rows


def notes(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """What the marks on numbers stand for, with the reasons that the records give."""
    cells = [one for _, _, cells in rows for one in cells]
    sentences = []
    marked = {
        mark: [one.record for one in cells if one.mark == mark and one.record]
        for mark in (NO_INTERVAL, HEAVY)
    }
    if why := reasons(marked[NO_INTERVAL]):
        sentences.append((NO_INTERVAL, f"No interval that could be trusted, and so no comparison: {why}."))
    if where := places(marked[HEAVY]):
        text_of = "A heavy tail: more paths may move it further than its interval says"
        sentences.append((HEAVY, f"{text_of} ({where})."))
    if any(one.mark == BINNED for one in cells):
        sentences.append((BINNED, f"{text(Flag(Reason.BINNED)).capitalize()}."))
    return sentences
