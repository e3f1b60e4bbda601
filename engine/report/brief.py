"""The first screen of a run in at most 120 words: which policy, by how much, how sure, what would change it.

Where figures were observed, also what they change.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from itertools import chain
from typing import TYPE_CHECKING

from engine.answers import registry
from engine.answers.as_text import is_short
from engine.charts.labels import minus
from engine.formatting import begun, begun_small
from engine.report import sentences
from engine.risk.estimation.exclusion import notice

if TYPE_CHECKING:
    from engine.report.records import RunRecords

WORDS = 120
"""Most words of the first screen."""
DOUBTS = ("challenge", "backtest", "condition", "gates")
"""Questions whose answers say how well the model can be trusted, the first of them first."""
TURNS = ("flip", "sensitivity")
"""Questions whose answers say what would change the ranking, the first of them first."""
Row = tuple[str, ...]
Part = tuple[str, tuple[str, ...], tuple[Row, ...]]
"""A heading of the first screen with its sentences, and its table."""


def first_screen(run: RunRecords) -> tuple[Part, ...]:
    """Headings, each with its sentences, or with a table, whose first row has its heads.

    The last sentences of a heading are left out for want of room.
    """
    policy, doubts, known = which(run), [counting_error(run), *model_error(run)], tuple(before_and_given(run))
    parts = {"Which policy": policy, "How sure": doubts, "What would change it": [what_turns(run)]}
    if known or run.study.observed.rows:
        said = [] if known else ["The results given the observed figures have not been computed."]
        parts["Before and after conditioning"] = said
    for said in (doubts, policy):
        while sum(len(text.split()) for text in chain(parts, *parts.values(), *known)) > WORDS and len(said) > 2:
            said.pop()
    return tuple((head, tuple(own), () if own else known) for head, own in parts.items())


def which(run: RunRecords) -> list[str]:
    """Which policy is better by the first outcome, what it gains and costs, and which are as good."""
    name = run.outcomes[0]
    if not run.others:
        said = [sentences.verdict(run, measure, name) for measure in ("mean", "ES99")]
        return [*said, "The run has no other policy to compare."]
    found = sentences.winner(run)
    measure, of = found[1:] if found else ("mean", name)
    first = [] if of == name else [sentences.verdict(run, "mean", name)]
    return [*first, sentences.verdict(run, measure, of), sentences.weighed(run), *sentences.rivals(run)]


def counting_error(run: RunRecords) -> str:
    """How large the Monte Carlo error of the first number is."""
    name = run.outcomes[0]
    records = [run.risk["mean", policy, name] for policy in run.study.policy_names]
    sides = [side for r in records for side in (r.high - r.estimate, r.estimate - r.low) if math.isfinite(side)]
    of = sentences.quantity(run, "mean", name)
    if not sides:
        return f"The Monte Carlo error of {of} is unknown: {sentences.why(records[0])}."
    size = minus(f"{up(max(sides)):,.12g}")
    return f"If the model is right, {run.study.paths:,} futures give {of} to within {size} (95 % interval)."


def before_and_given(run: RunRecords) -> Iterator[Row]:
    """The first number of the baseline and of the best of the others: a row of heads, then one for each policy.

    A row has a name, the number before the facts, and the number given them. No row where nothing is known.
    """
    base, given = run.study.baseline, run.given
    for measure, name in sentences.headline_measures(run):
        if all(given.get((measure, base, name), [None])):
            yield begun(sentences.quantity(run, measure, name)), "before", "after"
            for policy in (base, *sentences.ranked(run, run.others, measure, name)[:1]):
                numbers = sentences.amounts(measure, *filter(None, given[measure, policy, name]))
                yield begun(sentences.called(run, policy)), *numbers
            return


def up(size: float) -> float:
    """A size rounded up to one significant digit, so that no more precision is claimed than the interval supports."""
    unit = Decimal(1).scaleb(Decimal(size).adjusted()) if size > 0 else Decimal(1)
    return float((Decimal(size) / unit).to_integral_value(ROUND_CEILING) * unit)


def model_error(run: RunRecords) -> list[str]:
    """What is known of the error of the model, which no interval contains."""
    known = [run.answers[name].finding for name in DOUBTS if name in run.answers]
    return known or ["The error of the model is unknown, as it was not compared with other choices or observations."]


def what_turns(run: RunRecords) -> str:
    """What would change the ranking, by the first answer that says it in a short sentence."""
    known = (run.answers[name].finding for name in TURNS if name in run.answers)
    return next(filter(is_short, known), "It has not been computed what would change the ranking.")


def not_asked(run: RunRecords) -> str:
    """The questions that were not asked, in one line; "" where all were."""
    missing = [begun_small(registry.question(name).heading) for name in missing_questions(run)]
    return f"This run has no answers to these questions: {'; '.join(missing)}." if missing else ""


def missing_questions(run: RunRecords) -> list[str]:
    """Questions that this study can be asked and that have no answer."""
    is_possible = {
        **dict.fromkeys(("compare", "attribute", "flip", "challenge"), bool(run.others)),
        **dict.fromkeys(("gates", "constants", "precision"), False),  # a report does not miss these
        "backtest": bool(run.study.observed.rows),
        "condition": run.study.facts is not None,  # which is asked of a run of its own
    }
    return [name for name in registry.QUESTIONS if name not in run.answers and is_possible.get(name, True)]


def sure(run: RunRecords) -> list[str]:
    """All that is known of the errors: of counting, then of the model."""
    said = [counting_error(run), "Brackets are 95 % confidence intervals of the Monte Carlo error."]
    if run.excluded:
        said.append(f"{notice(run.excluded, run.study.paths)}.")
    return [*said, *model_error(run), "These intervals do not contain the error of the model."]
