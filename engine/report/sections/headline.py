"""The tables: headline outcomes and events on the first pages, all outcomes in the appendix."""

from __future__ import annotations

from collections.abc import Sequence

from engine.answers.as_text import BINNED, HEAVY, NO_INTERVAL, Cell
from engine.formatting import begun
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.sections.subject import headline, ordered_events, subject_of
from engine.report.sentences import NAMED, TAIL, small
from engine.report.text import cell
from engine.risk.estimation.evidence import measures
from engine.risk.estimation.exclusion import notice
from engine.risk.estimation.flags import Flag, Reason, text

MAIN = {"mean": "On average", TAIL: "Worst 1 %"}
"""Measures of the short tables -> titles of their rows."""
Row = tuple[int | None, str, list[Cell]]
Group = tuple[str, str, list[Row]]
NAMES = {"mean": "Mean", "median": "Median", "sd": "Standard deviation"}


def section(run: RunRecords) -> Section:
    """The section with events and headline outcomes: policies side by side, with differences from the baseline."""
    groups = brief_groups(run)
    markup = render("headline.html", groups=groups, **_side_by_side(run), notes=notes(groups))
    return Section("numbers", "The numbers", markup, brief=True)


def brief_groups(run: RunRecords) -> list[Group]:
    """The rows of the short table."""
    rows: list[Row] = [
        (None, run.title("events", event.name), _across(run, event.name, "probability"))
        for event in ordered_events(run)
    ]
    events = (
        [("Events", "share of futures in which each happens, in percent; differences in percentage points", rows)]
        if rows
        else []
    )
    return [*events, *(_compact(run, name) for name in headline(run))]


def whole(run: RunRecords) -> Section | None:
    """The section with the outcomes that the short table leaves out, and every measure of all outcomes."""
    study, shown = run.study, headline(run)
    known = [name for name in measures(study.levels) if any(key[0] == name for key in run.risk)]
    everything = [_by_policy(run, name, known) for name in run.outcomes]
    left = len(study.policies) - len(_columns(run))
    others: list[Group] = []
    if left:  # the short table leaves policies out
        others = [
            (run.title("events", event.name), event.about, _rows(run, event.name, ["probability"], 100.0, True))
            for event in run.events
        ]  # fmt: skip
    rest = [_compact(run, name) for name in run.outcomes if name not in shown or left]
    markup = render(
        "outcomes.html", policies=study.policy_names, groups=rest, **_side_by_side(run), events=others,
        event_columns=columns(run, ("Probability [%]",), "points"), everything=everything,
        all_columns=columns(run, [_heading(m) for m in known]), marks=notes([*rest, *others, *everything]),
        excluded=f"{notice(run.excluded, run.paths)}." if run.excluded else "",
    )  # fmt: skip
    return Section("outcomes", "All outcomes", markup)


def _columns(run: RunRecords) -> list[str]:
    """Policies shown side by side: the baseline and the others; of many, only the best by the answer's first number."""
    subject = subject_of(run)
    first, measure = next(((name, "probability") for name in subject.events), (next(iter(subject.outcomes)), TAIL))
    others = list(run.others)
    ranked = sorted(others, key=lambda p: (subject.risk[measure, p, first].estimate, others.index(p)))
    if not subject.spoken(first).loss:
        ranked.reverse()
    kept = others if len(others) < NAMED else ranked[: NAMED - 1]
    return [run.study.baseline, *(p for p in others if p in kept)]


def _side_by_side(run: RunRecords) -> dict[str, object]:
    """Template values of a table with policies as columns: heads, which are differences, and policies left out."""
    chosen, base = _columns(run), small(run.study.baseline)
    heads = [chosen[0], *(head for p in chosen[1:] for head in (p, f"{p} less {base}"))]
    left = len(run.study.policies) - len(chosen)
    more = f"{left} more policies: the tables of all outcomes in the appendix." if left else ""
    return {"columns": heads, "gaps": tuple(range(2, len(heads), 2)), "left": more}


def _across(run: RunRecords, variable: str, measure: str) -> list[Cell]:
    """Cells of a measure under the policies of `_columns`, each with its difference from the baseline."""
    scale = 100.0 if measure == "probability" else 1.0
    loss = run.study.loss_of(variable)
    made = []
    for policy in _columns(run):
        made.append(cell(run.risk.get((measure, policy, variable)), scale))
        if policy != run.study.baseline:
            made.append(cell(run.comparison.get((f"difference_{measure}", policy, variable)), scale, loss))
    return made


def _compact(run: RunRecords, name: str) -> Group:
    """An outcome with policies side by side."""
    title, about = _about(run, name)
    return title, about, [(None, head, _across(run, name, measure)) for measure, head in MAIN.items()]


def _about(run: RunRecords, name: str) -> tuple[str, str]:
    outcome = run.study.model.outcomes[name]
    about = ", ".join(filter(None, (outcome.about, run.study.worse_side(name))))
    return run.heading("outcomes", name, outcome.unit), about


def _heading(measure: str) -> str:
    return NAMES.get(measure, f"{measure.rstrip('0123456789.')} {measure.lstrip('VaRES')} %")


def columns(run: RunRecords, names: Sequence[str], unit: str = "") -> list[str]:
    """Heads of a table of estimates; with several policies one for the difference from the baseline follows each."""
    gap = f"less {small(run.study.baseline)}" + (f" [{unit}]" if unit else "")
    return [column for name in names for column in ((name, gap) if run.others else (name,))]


def _by_policy(run: RunRecords, name: str, measures: Sequence[str]) -> Group:
    """An outcome with a row for each policy."""
    return *_about(run, name), _rows(run, name, measures, 1.0, run.study.loss_of(name))


def _rows(run: RunRecords, variable: str, measures: Sequence[str], scale: float, loss: bool | None) -> list[Row]:
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


def notes(groups: Sequence[Group]) -> list[tuple[str, str]]:
    """Pairs of a mark on numbers and its explanation, with the reasons from the records; for marks that occur."""
    cells = [one for _, _, rows in groups for _, _, own in rows for one in own]
    bare = [one.record for one in cells if one.mark == NO_INTERVAL and one.record]
    texts = (text for record in bare for text in (record.withheld or record.flag).split("; "))
    why = list(dict.fromkeys(map(begun, texts)))
    sentences = []
    if why:
        more = [f"And {len(why) - NAMED} more reasons"] if len(why) > NAMED else []
        said = ["Not compared, for want of an interval that could be trusted", *why[:NAMED], *more]
        sentences.append((NO_INTERVAL, f"{'. '.join(said)}."))
    fixed = (
        (HEAVY, "A heavy tail: more paths may move it further than its interval says."),
        (BINNED, f"{text(Flag(Reason.BINNED)).capitalize()}."),
    )
    return sentences + [(mark, said) for mark, said in fixed if any(one.mark == mark for one in cells)]
