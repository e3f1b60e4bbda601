"""The tables: events, and the outcomes over all futures and in their worst 1 %."""

from __future__ import annotations

from collections.abc import Sequence

from engine.report.markup import Section, render
from engine.report.run_records import Material
from engine.report.text import cell
from engine.risk.as_text import BINNED, NO_INTERVAL, Cell, reasons
from engine.risk.evidence import MEASURES
from engine.risk.flags import Flag, Reason, text

MAIN = ("mean", "ES99")
Row = tuple[int | None, str, list[Cell]]
Group = tuple[str, str, list[Row]]
NAMES = {"mean": "Mean"} | {
    m: f"{m.rstrip('0123456789.')} {m.lstrip('VaRES')} %" for m in MEASURES if m != "mean"
}


def section(material: Material) -> Section:
    """Every outcome and event, by policy, with the difference from the baseline."""
    study = material.study
    names = [name for name in study.model.outcomes if ("mean", study.baseline, name) in material.risk]
    events = [
        (material.title(event.name), event.about, _rows(material, event.name, ("probability",), 100.0, True))
        for event in study.events
        if ("probability", study.baseline, event.name) in material.risk
    ]
    outcomes = [_outcome(material, name, MAIN) for name in names]
    shown = [row for group in (*events, *outcomes) for row in group[2]]
    markup = render(
        "headline.html",
        policies=study.policy_names,
        compared=bool(material.others),
        baseline=study.baseline,
        events=events,
        outcomes=outcomes,
        everything=[_outcome(material, name, MEASURES) for name in names],
        event_columns=_columns(material, ("Probability",)),
        outcome_columns=_columns(material, [NAMES[m] for m in MAIN]),
        all_columns=_columns(material, [NAMES[m] for m in MEASURES]),
        marks=notes(shown),
    )
    parts = ((("events", "Events"),) if events else ()) + (("outcomes", "Outcomes"),)
    return Section("numbers", "The numbers", markup, parts=parts)


def _columns(material: Material, names: Sequence[str]) -> list[str]:
    gap = f"less “{material.study.baseline}”"
    return [column for name in names for column in ((name, gap) if material.others else (name,))]


def _outcome(material: Material, name: str, measures: Sequence[str]) -> Group:
    outcome = material.study.model.outcomes[name]
    worse = "high is worse" if outcome.loss else "low is worse"
    unit = "" if outcome.unit == "1" else f"[{outcome.unit}]"
    about = ", ".join(part for part in (outcome.about, worse) if part)
    return f"{material.title(name)} {unit}".strip(), about, _rows(material, name, measures, 1.0, outcome.loss)


def _rows(material: Material, variable: str, measures: Sequence[str], scale: float, loss: bool) -> list[Row]:
    rows: list[Row] = []
    for k, policy in enumerate(material.study.policy_names):
        cells = []
        for measure in measures:
            cells.append(cell(material.risk.get((measure, policy, variable)), scale))
            if material.others:
                gap = material.comparison.get((f"difference_{measure}", policy, variable))
                cells.append(cell(gap, scale, loss) if gap else Cell(""))
        rows.append((k, policy, cells))
    return rows


def notes(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """What the marks on numbers stand for, with the reasons that the records give."""
    cells = [one for _, _, cells in rows for one in cells]
    sentences = []
    if why := reasons(one.flag for one in cells if one.mark == NO_INTERVAL):
        sentences.append((NO_INTERVAL, f"No interval that could be trusted, and so no comparison: {why}."))
    if any(one.mark == BINNED for one in cells):
        sentences.append((BINNED, f"{text(Flag(Reason.BINNED)).capitalize()}."))
    return sentences
