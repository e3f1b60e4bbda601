"""Policies against a baseline on the same futures, as an answer: its sentences and its tables."""

from __future__ import annotations

from collections.abc import Sequence

from engine.analyses import comparison_tables, comparison_years
from engine.analyses.comparison import Some, compared, comparison, refuse
from engine.analyses.comparison_sentence import sentences
from engine.analyses.findings import Question
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.risk.tables import tables_of_paths

READING = (
    "Brackets: 95 % intervals, each by itself; those of ranks and of all pairs, lowest and highest, and ranges of thresholds hold all at once. "
    "regret: what a policy lacks of the best policy of the same future, its mean, what the worst 5 % of futures reach or pass (VaR95), its largest. "
    "dominance: better at every level (first order), or for everybody who shuns risk (second order); said wrongly in at most 5 %. "
    "thresholds: at quantiles of all policies together, from .1 to 99.9 % of futures, and at the study's own. "
    "variance ratio: so many times as many paths would be needed if each policy had futures of its own."
)


def answer(of: Asked, wanted: Question, policies: Sequence[str], against: str | None = None) -> Answer:
    """Everything that the paths of a run say of its policies against one, the baseline if not given.

    Raises:
      UserError: as `engine.analyses.comparison.refuse`, `compared` and `comparison`.
    """
    refuse(of.study, wanted)
    study, rows = compared(of.study, policies or None, against)
    if rows == list(range(len(of.study.policies))) and study.baseline == of.study.baseline:
        given = comparison(study, of.outcomes, of.tables(), of.cube, wanted, of.device)
    else:
        some = Some(of.outcomes, rows)
        given = comparison(study, some, tables_of_paths(study, some), of.cube, wanted, of.device)
    basis = f"{study.name}: {study.paths:,} paths, seed {study.seed}; held against {study.baseline}, on the same futures"
    if given.years_paths:
        basis += f"; what is by year on the first {given.years_paths:,}"
    made = (*comparison_tables.tables(given), *comparison_years.tables(given))
    tables = sorted((table for table in made if len(table)), key=lambda table: not any(table.brief or [True]))
    return Answer(Subject.of(study), tuple(sentences(given)), tuple(tables), basis, READING, given)
