"""What the triggers of a policy are worth: against the best fixed value of the lever that they set, and foresight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import listed, size, verdict
from engine.answers.table import Row, table
from engine.errors import UserError
from engine.questions.design.evaluator import Evaluator, Setting
from engine.questions.design.limits import Limit
from engine.questions.design.single import LOOKS, looks
from engine.questions.futures import sound
from engine.questions.turning import scaled
from engine.questions.variables import PROBABILITY, gap
from engine.risk.estimation.intervals import Estimate
from engine.study.tables.levers import UNSET
from engine.study.tables.triggers import set_by

READING = (
    "The plan is the best of the fixed values searched. Foresight uses the best of the rule and of these on each"
    " future. “judged” is the measure on futures that the search has not used. “worth” is the improvement over the"
    " plan on the same futures; it is negative if the plan is better. A plan that was not searched may be better than"
    " this one; the rule is then worth less, and foresight improves further. Brackets are 95 % intervals."
)
RULE, PLAN, FORESIGHT = "rule", "plan", "foresight"
WORDS = {
    "better": "is better than", "worse": "is worse than", "not distinguishable": "cannot be distinguished from",
    "": "has no interval of its difference from",
}  # fmt: skip
"""What a verdict says of the rule."""


def levers_of(evaluator: Evaluator) -> list[str]:
    """The lever that the triggers of the policy set, then the levers that hold its values while these act.

    Raises:
      UserError: they set none, or several.
    """
    when = evaluator.stated.when
    held = [name for name, values in when.items() if (np.array(values, object) != UNSET).any()]
    levers = [*dict.fromkeys(map(set_by, held))]
    if len(levers) != 1:
        got = f"'{evaluator.policy}', whose triggers set {listed(levers) or 'none'}"
        remedy = "Name a policy that states when.TRIGGER.LEVER for one lever."
        raise UserError("--policy", [f"expected a policy whose triggers set one lever, got {got}. {remedy}"])
    return levers + held


def worth(evaluator: Evaluator, levers: Sequence[str], of: Limit, low: float, high: float) -> Answer:
    """The rule of a policy, the best fixed plan and perfect foresight, on futures that the search has not seen.

    Fixed values are searched from `low` to `high`, then between the neighbours of the best of these.

    Args:
      levers: as `levers_of`; a plan sets all of them to one value.
      of: the measure that a policy is to improve.
    """
    study, what, seen = evaluator.study, (of.variable, of.measure), dict[float, Estimate]()
    side, better = (1.0, np.minimum) if study.is_loss(of.variable) else (-1.0, np.maximum)
    for _ in range(2):
        values = looks(low, high, False)
        found = evaluator.each([dict.fromkeys(levers, value) for value in values])
        seen |= {value: evaluator.estimate(one, *what) for value, one in zip(values, found, strict=True)}
        best, step = min(seen, key=lambda value: side * seen[value].estimate), (high - low) / (LOOKS - 1)
        low, high = max(low, best - step), min(high, best + step)
    good, every = np.array(True), dict[float | str, np.ndarray]()
    plans: dict[float | str, Setting] = {RULE: {}, **{value: dict.fromkeys(levers, value) for value in seen}}
    for plan, one in zip(plans, evaluator.each([*plans.values()], evaluator.futures.anew()), strict=True):
        every[plan], good = evaluator.values(of.variable, one), good & sound([one])
    kept, units = evaluator.kept(good)
    judged = {RULE: every[RULE], PLAN: every[best], FORESIGHT: better.reduce([*every.values()])}
    rows = [
        {"plan": name, "value": best if name == PLAN else None,
         "judged": evaluator.measured(own[kept], units, *what),
         "worth": scaled(gap(study, *what, judged[PLAN][kept], own[kept], units), side)}
        for name, own in judged.items()
    ]  # fmt: skip
    unit, is_share = study.unit_of(of.variable), of.measure == PROBABILITY
    of_column = {"value": study.model.levers[levers[0]].unit, **dict.fromkeys(("judged", "searched", "worth"), unit)}
    shown = {"judged": "%", "searched": "%", "worth": "points"} if is_share else {}
    searched = ({"value": value, "searched": one} for value, one in seen.items())
    of_rule, by = f"The rule of {evaluator.policy} and fixed values of {levers[0]}", f"by fixed value of {levers[0]}"
    tables = (
        table("worth", of_rule, rows, "plan", units=of_column, shown=shown),
        table("plans", f"{of.measure} of {of.variable} {by}", searched, "look", brief=(), units=of_column, shown=shown),
    )
    basis = f"{study.name}: {study.futures}; judged on as many others"
    return Answer.about(study, _sentences(evaluator, of, f"{levers[0]} = {best:.12g}", *rows), tables, basis, READING)


def _sentences(evaluator: Evaluator, of: Limit, at: str, rule: Row, plan: Row, known: Row) -> Iterator[str]:
    study = evaluator.study
    own, fixed, best = (of.amount(study, row["judged"]) for row in (rule, plan, known))
    less, most = (size(of.measure, study.unit_of(of.variable), row["worth"]) for row in (rule, known))
    policy = study.phrase("policies", evaluator.policy)
    yield f"The rule of the policy “{policy}” {WORDS[verdict(rule['worth'], False)]} the best fixed plan, {at}."
    what = of.words(study)[0]
    yield f"On fresh futures, {what} is {own} under the rule and {fixed} under the plan, a difference of {less}."
    yield f"With perfect foresight, {what} is {best}, which is better than under the plan by {most}."
