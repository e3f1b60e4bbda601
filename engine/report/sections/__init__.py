"""What the page is made of: a section is one function from the records of a run to markup, and stands in this list."""

from __future__ import annotations

from collections.abc import Callable

from engine.report.markup import Section
from engine.report.run_records import RunRecords
from engine.report.sections import (
    answer,
    asked,
    assumptions,
    chances,
    computation,
    curves,
    headline,
    limits,
    places,
    threshold_charts,
)

SECTIONS: tuple[Callable[[RunRecords], Section | None], ...] = (
    answer.section,
    headline.section,
    chances.section,
    curves.section,
    places.section,
    asked.section("explain"),
    asked.section("compare", threshold_charts.charts),
    asked.section("attribute"),
    asked.section("sensitivity"),
    asked.section("discover"),
    asked.section("assumptions"),
    asked.section("flip"),
    limits.section,
    assumptions.section,
    computation.section,
)
"""In the order of the page; None of a section is for a run that has nothing of its kind."""
