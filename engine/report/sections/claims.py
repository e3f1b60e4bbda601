"""The study's claims: how each fares is shown with the assumptions, and their universes in a section of their own."""

from __future__ import annotations

from dataclasses import replace

from engine.report.markup import Section
from engine.report.run_records import RunRecords
from engine.report.sections import any_answer, challenge_charts

RESTS = ("assumptions", "claims", "reversals")
"""Tables of a challenge's answer that are shown first."""
DRAWN = "profile"
"""Table of a challenge's answer that its chart already contains."""


def rests(run: RunRecords) -> Section | None:
    """The section on rankings by assumption and on claims; None without a challenge."""
    challenged = any_answer.answer_of(run, "challenge")
    if challenged is None:
        return None
    own = replace(challenged, tables=tuple(one for one in challenged.tables if one.name in RESTS))
    return replace(any_answer.of_answer(run, "assumptions", own), title="What it rests on")


def universes(run: RunRecords) -> Section | None:
    """The section with charts of a challenge, and its tables that are shown nowhere else; None without one."""
    answer = any_answer.answer_of(run, "challenge")
    if answer is None or DRAWN not in answer:
        return None
    drawn = tuple(challenge_charts.charts(run, answer))
    tables = tuple(one for one in answer.tables if one.name not in (*RESTS, DRAWN))
    rest = replace(answer, findings=(), tables=tables, reading="")
    return any_answer.of_answer(run, "challenge", rest, lambda *_: drawn)
