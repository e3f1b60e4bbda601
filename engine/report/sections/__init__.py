"""What the page is made of: a section is one function from the records of a run to markup, and stands in this list."""

from __future__ import annotations

from collections.abc import Callable

from engine.answers import registry
from engine.report.markup import Section
from engine.report.run_records import RunRecords
from engine.report.sections import (
    answer,
    asked,
    assumptions,
    certainty,
    challenge_charts,
    chances,
    computation,
    curves,
    every_pair,
    headline,
    limits,
    places,
    threshold_charts,
)

CHARTS = {"compare": threshold_charts.charts, "challenge": challenge_charts.charts}
"""What is drawn of an answer, by its question."""
SECTIONS: tuple[Callable[[RunRecords], Section | None], ...] = (
    answer.section,
    headline.section,
    certainty.sure,
    certainty.turns,
    curves.section,
    chances.section,
    headline.whole,
    every_pair.section,
    places.section,
    *(asked.section(question, CHARTS.get(question, asked.nothing)) for question in registry.QUESTIONS),
    limits.section,
    assumptions.section,
    computation.section,
)
"""In the order of the page, those of the first two pages first; None of a section is for a run that has nothing of its kind."""
