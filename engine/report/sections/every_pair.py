"""Every policy against every other, of three or more: who is clearly ahead of whom."""

from __future__ import annotations

from engine.answers import every_pair
from engine.answers.answer import Answer, Subject
from engine.report.markup import Section
from engine.report.run_records import RunRecords
from engine.report.sections import asked

FIRST = 2
"""Policies that the answer speaks of in any case."""


def section(run: RunRecords) -> Section | None:
    """Sentences and a table of who is ahead of whom; None of fewer than three policies, and where `compare` was asked for the same."""
    asked_for = asked.answer_of(run, "compare")
    if not run.pairs or (asked_for is not None and "standings" in asked_for):
        return None
    study = run.study
    basis = f"{run.paths:,} paths, held against each other, on the same futures"
    answer = Answer(
        Subject.of(study), tuple(every_pair.sentences(study, run.pairs)), (every_pair.standings(study, run.pairs),), basis,
        every_pair.READING, heading="Every policy against every other",
    )  # fmt: skip
    return asked.of_answer(run, "every-pair", answer)


def unnamed(run: RunRecords) -> list[str]:
    """Which policy is ahead most often, in a sentence, where that is none of the first two; else nothing."""
    if not run.pairs or every_pair.most_ahead(run.pairs).min() < FIRST:
        return []
    return [every_pair.standing(run.study, run.pairs)]
