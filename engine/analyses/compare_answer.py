"""Policies against a baseline on the same futures, as an answer: its sentences and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.analyses import comparison_tables, comparison_years
from engine.analyses.comparison import Some, compared, comparison, refuse
from engine.analyses.comparison_sentence import sentence
from engine.analyses.comparison_tables import MOST, outcomes_of, shown, verdict
from engine.analyses.findings import Findings, Question
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.risk.dominance import Verdict
from engine.risk.regrets import LARGEST, least
from engine.risk.tables import tables_of_paths

READING = (
    "Brackets: 95 % intervals, each by itself; those of ranks and of all pairs, lowest and highest, and ranges of thresholds hold all at once. "
    "regret: what a policy lacks of the best policy of the same future, its mean, what the worst 5 % of futures reach or pass (VaR95), its largest. "
    "dominance: better at every level (first order), or for everybody who shuns risk (second order); said wrongly in at most 5 %. "
    "thresholds: at quantiles of all policies together, from .1 to 99.9 % of futures, and at the study's own. "
    "variance ratio: so many times as many paths would be needed if each policy had futures of its own."
)


def answer(of: Asked, wanted: Question, policies: Sequence[str]) -> Answer:
    """Everything that the paths of a run say of its policies against the baseline.

    Raises:
      UserError: as `engine.analyses.comparison.refuse`, `compared` and `comparison`.
    """
    refuse(of.study, wanted)
    study, rows = compared(of.study, policies or None)
    if rows == list(range(len(of.study.policies))):
        given = comparison(study, of.outcomes, of.tables(), of.cube, wanted, of.device)
    else:
        some = Some(of.outcomes, rows)
        given = comparison(study, some, tables_of_paths(study, some), of.cube, wanted, of.device)
    basis = f"{study.name}: {study.paths:,} paths, seed {study.seed}; held against {study.baseline}, on the same futures"
    if given.years_paths:
        basis += f"; what is by year on the first {given.years_paths:,}"
    made = (*comparison_tables.tables(given), *comparison_years.tables(given))
    tables = sorted((table for table in made if len(table)), key=lambda table: not any(table.brief or [True]))
    return Answer(Subject.of(study), tuple(_findings(given)), tuple(tables), basis, READING, given)


def _findings(of: Findings) -> Iterator[str]:
    """The answer; in how many outcomes each policy is clearly better and worse, and dominates; with which there is least to regret."""
    yield sentence(of)
    names = outcomes_of(of)
    for policy in of.others[:MOST] if len(names) > 1 else ():
        signs = [verdict(of, "difference_mean", policy, name) for name in names]
        orders = [[one.verdict for one in of.orders.get((name, policy), ())] for name in names]
        better, worse = (sum(one in own for own in orders) for one in (Verdict.BETTER, Verdict.WORSE))
        yield (
            f"{policy} against {of.study.baseline}: clearly better in the mean of {signs.count('better')} and clearly worse in that of "
            f"{signs.count('worse')} of {len(names)} outcomes; for everybody who shuns risk better in {better}, worse in {worse}."
        )
    for name in shown(of):
        parts = []
        for measure, words in (("regret", "mean"), (LARGEST, "largest")):
            held = {
                p: one.estimate for p in of.study.policy_names if (one := of.by_key.get((measure, p, name)))
            }
            if len(held) == len(of.study.policies):
                parts.append(f"the least {words} regret under {least(held)}")
        if parts:
            yield f"{name} has {' and '.join(parts)}, on these paths."
