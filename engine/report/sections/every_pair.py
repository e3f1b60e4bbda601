"""Every policy against every other, for three or more policies: which is significantly better than which."""

from __future__ import annotations

from engine.answers import every_pair
from engine.answers.answer import Answer, Subject
from engine.report.markup import Section
from engine.report.run_records import RunRecords
from engine.report.sections import any_answer

FIRST = 2
"""Number of policies that the answer mentions in any case."""


def section(run: RunRecords) -> Section | None:
    """The section on pairs of policies; None for fewer than three, or if an answer to `compare` has the same table."""
    asked_for = any_answer.answer_of(run, "compare")
    if not run.pairs or (asked_for is not None and "standings" in asked_for):
        return None
    study = run.study
    basis = f"{run.paths:,} paths, held against each other, on the same futures"
    answer = Answer(
        Subject.of(study),
        tuple(every_pair.sentences(study, run.pairs)),
        (every_pair.standings(study, run.pairs),),
        basis,
        every_pair.READING,
        heading="Every policy against every other",
    )
    return any_answer.of_answer(run, "every-pair", answer)


def unnamed(run: RunRecords) -> list[str]:
    """A sentence on the policy that is ahead of most others, if that is none of the first two; else []."""
    if not run.pairs or every_pair.most_ahead(run.pairs).min() < FIRST:
        return []
    return [every_pair.standing(run.study, run.pairs)]
