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
    comparison,
    computation,
    curves,
    discovery,
    drivers,
    headline,
    limits,
    places,
    structures,
)

SECTIONS: tuple[Callable[[RunRecords], Section | None], ...] = (
    answer.section,
    headline.section,
    chances.section,
    curves.section,
    places.section,
    drivers.section,
    comparison.section,
    asked.section("attribute"),
    asked.section("sensitivity"),
    discovery.section,
    structures.section,
    asked.section("flip"),
    limits.section,
    assumptions.section,
    computation.section,
)
"""In the order of the page; None of a section is for a run that has nothing of its kind."""
