"""The comparison of policies on the same futures as an answer: its sentences and its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.analyses import comparison_tables
from engine.analyses.comparison import Question, Some, compared, comparison, pairs, refuse
from engine.analyses.comparison_sentence import sentences
from engine.answers import every_pair
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.errors import UserError
from engine.formatting import begun
from engine.risk.estimation.intervals import as_units
from engine.risk.estimation.tables import Record, tables_of_paths
from engine.risk.estimation.wording import undecided
from engine.study.study import Study

READING = (
    "Brackets: 95 % intervals, each by itself; those of ranks and of all pairs hold all at once. Bands over"
    " thresholds hold point by point. regret: what a policy lacks of the best policy of the same future, its mean, what"
    " the worst 5 % of futures reach or pass (VaR95), its largest. dominance: better at every level (first order), or"
    " for everybody who shuns risk (second order); said wrongly in at most 5 %. thresholds: at quantiles of all"
    " policies together, from .1 to 99.9 % of futures, and at the study's own. variance ratio: so many times as many"
    " paths would be needed if each policy had futures of its own."
)


EVERY = "every"
"""Value of the option `against` by which every policy is compared with every other."""


def answer(of: Asked, wanted: Question, policies: Sequence[str], against: str | None = None) -> Answer:
    """The answer to `compare`: every policy against one (if not given, the baseline), or all pairs if that is "every".

    Raises:
      UserError: as `engine.analyses.comparison.refuse` and `compared`; or all pairs are asked for of variables not kept
        path by path.
    """
    refuse(of.study, wanted)
    every = against == EVERY and EVERY not in of.study.policy_names
    study, rows = compared(of.study, policies or None, None if every else against)
    outcomes = of.outcomes
    if rows != list(range(len(of.study.policies))) or study.baseline != of.study.baseline:
        outcomes = Some(of.outcomes, rows)
        tables = tables_of_paths(study, outcomes)
    else:
        tables = of.stored_tables
    held = f"{study.name}: {study.futures}; held against"
    if every:
        return _every(study, outcomes, tables.comparison, wanted, f"{held} each other, on the same futures")
    given = comparison(study, outcomes, tables, wanted, of.device)
    basis = f"{held} {study.baseline}, on the same futures"
    if given.years_paths:
        basis += f"; what is by year on the first {given.years_paths:,}"
    shown = sorted(filter(len, comparison_tables.tables(given)), key=lambda table: not any(table.brief or [True]))
    return Answer(Subject.of(study), tuple(sentences(given)), tuple(shown), basis, READING, given)


def _every(
    study: Study, outcomes: Mapping[str, np.ndarray], records: Sequence[Record], wanted: Question, basis: str
) -> Answer:
    by_measure = pairs(study, outcomes, records, wanted)
    counted = every_pair.counted(study, by_measure, wanted.variables)
    if not counted and as_units(study.paths, study.unit).count < 2:
        return Answer(Subject.of(study), (f"{begun(undecided(study.paths))} between policies.",), (), basis)
    if not counted:
        got = ", ".join(wanted.variables) or "none"
        raise UserError("--against every", [f"expected an outcome or event that is kept path by path, got {got}."])
    tables = every_pair.standings(study, counted), every_pair.pairs(study, by_measure)
    return Answer(
        Subject.of(study), tuple(every_pair.sentences(study, counted)), tables, basis, every_pair.READING, by_measure
    )
