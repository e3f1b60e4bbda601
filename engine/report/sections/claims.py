"""The study's claims: how each fares is shown with the assumptions, and their universes in a section of their own."""

from __future__ import annotations

from dataclasses import replace

from engine.answers import registry
from engine.report.markup import Section, trusted
from engine.report.run_records import RunRecords
from engine.report.sections import any_answer, challenge_charts

RESTS = ("claims", "reversals")
"""Tables of a challenge's answer that are shown with the assumptions."""
DRAWN = "profile"
"""Table of a challenge's answer that its chart already contains."""


def rests(run: RunRecords) -> Section | None:
    """The section on assumptions, then claims, as far as the run was asked about them; None if about neither."""
    assumed, challenged = (any_answer.answer_of(run, question) for question in ("assumptions", "challenge"))
    parts = [] if assumed is None else [any_answer.of_answer(run, "", assumed).markup]
    if challenged is not None:
        own = replace(challenged, tables=tuple(one for one in challenged.tables if one.name in RESTS))
        link = trusted('<h3><a href="#challenge">{}</a></h3>').format(challenged.heading)
        parts += [link, any_answer.of_answer(run, "", own).markup]
    heading = registry.question("assumptions").heading
    return Section("assumptions", heading, trusted("\n").join(parts)) if parts else None


def universes(run: RunRecords) -> Section | None:
    """The section with charts of a challenge, and its tables that are shown nowhere else; None without a challenge."""
    answer = any_answer.answer_of(run, "challenge")
    if answer is None:
        return None
    drawn = tuple(challenge_charts.charts(run, answer))
    tables = tuple(one for one in answer.tables if one.name not in (*RESTS, DRAWN))
    rest = replace(answer, findings=(), tables=tables, reading="")
    return any_answer.of_answer(run, "challenge", rest, lambda *_: drawn)
