"""The sections of the page, in order: each is a function from the records of a run to a `Section`, or None."""

from __future__ import annotations

from collections.abc import Callable

from engine.answers import registry
from engine.report.markup import Section
from engine.report.run_records import RunRecords
from engine.report.sections import (
    answer,
    any_answer,
    assumptions,
    backtest_charts,
    certainty,
    chances,
    claims,
    computation,
    curves,
    every_pair,
    headline,
    known_charts,
    limits,
    places,
    threshold_charts,
)

OWN: dict[str, Callable[[RunRecords], Section | None]] = {
    "compare": any_answer.section("compare", threshold_charts.charts),
    "challenge": claims.universes,
    "backtest": any_answer.section("backtest", backtest_charts.charts),
    "condition": any_answer.section("condition", known_charts.charts),
}
"""Question -> its section, for answers that are shown with more than their tables."""
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
    claims.rests,
    *(OWN.get(question) or any_answer.section(question) for question in registry.QUESTIONS),
    limits.section,
    assumptions.section,
    computation.section,
)
"""All sections in the order of the page, those of the first two pages first; one that gives None is left out."""
