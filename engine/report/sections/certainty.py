"""How certain the numbers are, and what would change the answer: the end of the first two pages."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from engine.answers import registry
from engine.answers.as_text import NO_INTERVAL
from engine.answers.question import fields
from engine.formatting import begun, command_line
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.sections import any_answer
from engine.report.sections.headline import brief_groups
from engine.report.sections.subject import first_outcome, ordered_events, subject_of
from engine.report.sentences import HEAVY
from engine.report.text import minus
from engine.risk.estimation.exclusion import notice
from engine.risk.estimation.flags import Reason

FEW = {Reason.FEW_EFFECTIVE_EXCEEDANCES, Reason.FEW_EXCEEDANCES, Reason.FEW_REPLICATES}
"""Reasons for a missing interval that more futures would remove; their flags hold the number got and that needed."""


def sure(run: RunRecords) -> Section:
    """The section on Monte Carlo error: its size, numbers withheld because of it, and what no interval covers."""
    subject, facts = subject_of(run), run.study.facts
    drawn = f"moved to where the figures to {facts.until} are likely" if facts else "drawn by chance"
    said = [
        f"The numbers rest on {run.paths:,} future{'s' * (run.paths > 1)}, {drawn}"
        + (", the same under every policy." if run.others else "."),
        "Brackets hold, 19 times in 20, what endlessly many futures would give.",
    ]
    if event := next(iter(subject.events), None):
        records = [subject.risk["probability", p, event] for p in subject.policies]
        sides = [side for r in records if r.high >= r.low for side in (r.high - r.estimate, r.estimate - r.low)]
        if sides:
            name, within = subject.events[event].name, up(100.0 * max(sides))
            said.append(f"The probability of “{name}” is known to within {within:g} points.")
    said += _withheld(run)
    if run.excluded or (lost := _lost(run)):
        said.append(f"{notice(run.excluded or lost, run.paths)}.")
    said.append("No bracket says how well the model tells the truth.")
    return Section("sure", "How sure", render("sure.html", sentences=said, limits=run.study.model.limits), brief=True)


def up(size: float) -> float:
    """A size rounded up to one significant digit, so that no more precision is claimed than the interval supports."""
    unit = Decimal(1).scaleb(Decimal(size).adjusted()) if size > 0 else Decimal(1)
    return float((Decimal(size) / unit).to_integral_value(ROUND_CEILING) * unit)


def _lost(run: RunRecords) -> int:
    """The largest number of paths that an estimate of the short table leaves out because of non-finite values."""
    cells = [one for _, _, rows in brief_groups(run) for _, _, own in rows for one in own if one.record]
    flags = [flag for one in cells if one.record for flag in one.record.flags]
    return int(max((flag.got for flag in flags if flag.reason is Reason.NOT_FINITE), default=0))


def _withheld(run: RunRecords) -> list[str]:
    """Sentences: how many numbers of the short table have no interval, why, and how many futures would give one."""
    cells = [one for _, _, rows in brief_groups(run) for _, _, own in rows for one in own if one.record]
    bare = [one.record for one in cells if one.mark == NO_INTERVAL and one.record]
    if not bare:
        return ["No number above is withheld for want of futures."]
    numbers = (
        f"{len(bare)} of the {len(cells)} numbers above, marked {NO_INTERVAL}, {'has' if len(bare) == 1 else 'have'} no"
        " bracket"
    )
    said = [f"{numbers}: nothing is compared by them."]
    flags = [flag for record in bare for flag in record.flags]
    needed = [run.paths * flag.limit / flag.got for flag in flags if flag.reason in FEW and flag.got > 0]
    if needed:
        enough = 2 ** (int(max(needed)).bit_length())
        said.append(f"Too few futures are the reason; about {enough:,} would be enough.")
    heavy = sum(any(flag.reason in HEAVY for flag in record.flags) for record in bare)
    if heavy:
        which = "one" if heavy == 1 else str(heavy)
        said.append(f"For {which} of them the tail is too heavy for a bracket that could be trusted.")
    return said


def turns(run: RunRecords) -> Section:
    """The section with the finding of each question that was asked, a line each, and the command for each other."""
    rows = []
    for question in dict.fromkeys([*registry.QUESTIONS, *run.answers]):
        answer = any_answer.answer_of(run, question)
        if answer is not None:
            rows.append((answer.heading, minus(begun(any_answer.spoken(run, answer)(answer.finding))), "", question))
        elif question in registry.QUESTIONS:
            rows.append((registry.question(question).heading, "", _command(run, question), ""))
    return Section("turns", "What turns it", render("turns.html", rows=rows), brief=True)


def _command(run: RunRecords, question: str) -> str:
    """The command that asks a question, with its required options filled in from the study."""
    base, other, events = run.study.baseline, next(iter(run.others), ""), ordered_events(run)
    known = {"outcome": first_outcome(run), "from": run.names[base], "to": run.names.get(other, "POLICY")}
    if events:
        known["where"] = f"{events[0].name} under {run.names[base]}"
    required = [field for field in fields(registry.question(question)) if field.required]
    options = (word for f in required for word in (f.flag, known.get(f.flag.lstrip("-")) or f.option.metavar))
    return command_line(question, "RUN", *options)
