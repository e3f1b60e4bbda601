"""The break-even analysis of two policies as an answer: its sentences and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.analyses.beliefs import CORRELATION, FARTHEST, LEVER, LOCATION, Belief
from engine.analyses.columns import fields, labelled
from engine.analyses.comparison import of_named
from engine.analyses.flip import FlipResult, flip
from engine.analyses.joint_move import JointMove
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Table, estimates, numbers, texts, truths
from engine.errors import UserError
from engine.formatting import begun
from engine.risk.estimation.as_text import shown_in
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.wording import amount, amounts, measured, size, some
from engine.study.study import Study

NAMED = 3
"""Most priors of the joint move that the sentence names: those that move most."""
MOST = 10
"""Most priors of the joint move that the brief table shows."""
TITLES = {
    LOCATION: ("factor", "priors", "Priors: where the median must go"),
    CORRELATION: (
        "group", "correlations", "Correlations of groups (of a matrix: the multiple of all its correlations)",
    ),
    LEVER: ("lever", "levers", "Levers, in all years and places at once"),
}  # fmt: skip
"""By kind of belief: the label column of its table, the table's name, and its title."""
READING = (
    "sd: standard deviations of the factor's normal score; its prior keeps its shape in these, and stays within its"
    " support. by weights: from the futures that are there, each counted by how much likelier the moved prior makes it,"
    " as far as they are worth as many as a run has; by runs: computed again. A belief that turns the ranking at"
    " several values has a line for each; back: beyond it the ranking is as stated again. One that is not listed was"
    " not seen to turn it within its range: priors 3 sd, correlations and levers their bounds. What turns it was"
    " confirmed on other futures: where nothing does, something is listed in at most 5 % of studies. Brackets: 95 %"
    " intervals, the values at which the policies cannot be distinguished."
)


def answer(of: Asked, variable: str, policies: Sequence[str], measure: str | None) -> Answer:
    """The answer to `flip`: how far each belief must move, alone and all priors together.

    Raises:
      UserError: not exactly two policies; or as `engine.analyses.flip.flip`.
    """
    # the two are those that are named, not the baseline, which runs beside them
    pair = of_named(of.study, policies or None)
    if len(pair.policies) != 2:
        running = of.study.policy_names
        others = f" The study runs {', '.join(running)}." if {*running} > {*policies} else ""
        got = f"'{','.join(policies)}'" if policies else "none"
        raise UserError("--policies", [f"expected two policies, as --policies A,B, got {got}.{others}"])
    second = pair.baseline
    (first,) = (name for name in pair.policy_names if name != second)
    return answer_of(flip(of.study, variable, first, second, measure, of.paths, of.device, of.observe))


def answer_of(given: FlipResult) -> Answer:
    """The result of `flip` as an answer."""
    basis = f"{given.study.name}: {given.study.futures}"
    return Answer(Subject.of(given.study), tuple(sentences(given)), tuple(_tables(given)), basis, READING, given)


def sentences(given: FlipResult) -> Iterator[str]:
    """Sentences: the smallest single move that turns the ranking, the ranking as stated, and the joint move."""
    study, gap = given.study, given.difference
    first, second = (study.phrase("policies", name) for name in (given.first, given.second))
    what, pair = measured(study, given.variable, given.measure), f"{first} and {second}"
    if not (gap.low > 0 or gap.high < 0):
        yield f"{begun(pair)} cannot be told apart in {what}: there is no ranking to turn."
        return
    turning = [belief for belief in given.beliefs if belief.turns]
    priors = [belief for belief in turning if belief.kind == LOCATION]
    others = [belief for belief in turning if belief.kind != LOCATION]
    if priors:
        yield f"{begun(pair)} would change places if {_to(study, priors[0])}."
    else:
        yield f"No single prior, moved by up to {FARTHEST:g} standard deviations, makes {pair} change places."
    side = "more" if gap.estimate > 0 else "less"
    yield (
        f"As stated, there is {side} under {first} than under {second}, by"
        f" {size(given.measure, study.unit_of(given.variable), gap)}, in {what}."
    )
    if others:
        yield f"They would {'also ' if priors else ''}change places if {_to(study, others[0])}."
    if given.joint is None:
        yield "No move of all priors together that turns it was found within reach."
    else:
        names = [study.phrase("factors", one.name) for one in given.joint.moving[:NAMED]]
        far = amount("1", given.joint.distance)
        yield f"All priors moved together turn it at {far} standard deviations: {some(names)} most."


def _tables(given: FlipResult) -> list[Table]:
    by_kind = {kind: [one for one in given.beliefs if one.kind == kind] for kind in TITLES}
    made = [_difference(given), *(_beliefs(kind, own) for kind, own in by_kind.items() if own)]
    if given.joint is not None:
        made += _together(given.joint)
    return [table for table in (*made, _left_out(given)) if len(table)]


def _difference(given: FlipResult) -> Table:
    unit, shown = given.study.unit_of(given.variable), shown_in(f"difference_{given.measure}")[1]
    columns = (
        texts("measure", [f"{given.measure} of {given.variable}"], "what the policies are ranked by"),
        texts("policy", [given.first], "policy", brief=False),
        texts("against", [given.second], "policy that is deducted", brief=False),
        estimates(
            "difference", [given.difference], "policy less the other, as stated", unit,
            head=f"{given.first} less {given.second}", shown="" if shown == "1" else shown,
        ),
    )  # fmt: skip
    return Table("difference", "As stated", columns, ("measure",))


def _beliefs(kind: str, own: Sequence[Belief]) -> Table:
    label, name, title = TITLES[kind]
    turning = {one.name for one in own if one.turns}
    turn = "its value where the ranking turns; where it does not, that which does most"
    back = "whether the ranking is as stated again beyond"
    far = "how far it must move: normal scores of a prior, else its unit"
    columns = (
        texts(label, [one.name for one in own], "what is believed"),
        *fields(numbers, own, {"stated": "its value as stated, in its unit"}),
        *fields(numbers, own, {"turn": turn}, head="turns at"),
        *fields(texts, own, {"unit": "unit of its value"}),
        *fields(truths, own, {"turns": "whether it turns the ranking"}, brief=False),
        *fields(truths, own, {"back": back}, brief=any(one.back for one in own)),
        *fields(estimates, own, {"move": far}, head="sd" if kind == LOCATION else "moves by"),
        texts("by", [one.how for one in own], "by weights of stored futures, or by runs"),
        *fields(numbers, own, {"length": "length of a prior's move in independent normal scores"}, brief=False),
    )
    counted = f"{title}; {len(turning)} of {len({one.name for one in own})} turn the ranking"
    return Table(name, counted, columns, (label,), [one.turns for one in own])


def _together(joint: JointMove) -> list[Table]:
    """The move of each factor, and the length of the whole move."""
    rows, shown = joint.factors, joint.moving[:MOST]
    factors = (
        texts("factor", [one.name for one in rows], "factor"),
        *fields(numbers, rows, {"move": "how far its normal score moves"}, head="sd"),
        *fields(numbers, rows, {"stated": "its median as stated, in its unit"}, head="median"),
        *fields(numbers, rows, {"turn": "its median there, in its unit"}, head="turns at"),
    )
    whole = (
        texts("what", ["all priors together"], "what is moved"),
        estimates("distance", [joint.distance], "length of the move, in normal scores", head="sd"),
    )
    return [
        Table("joint", "All priors together", factors, ("factor",), [one in shown for one in rows]),
        Table("nearest", "The nearest of all moves", whole, ("what",)),
    ]


def _left_out(given: FlipResult) -> Table:
    columns = labelled(given.left_out, belief="what is believed", why="why it is not looked at")
    return Table("left_out", "Beliefs that are not looked at", columns, ("belief",), [False] * len(given.left_out))


def _to(study: Study, one: Belief) -> str:
    """`entry price were 3.1 EUR in place of 2`, by the value at which a belief turns the ranking."""
    what = study.phrase("factors", one.name)
    if one.kind == CORRELATION:
        what = f"the correlation of {study.phrase('groups', one.name)}"
    elif one.kind == LEVER:
        policy, _, lever = one.name.partition(".")
        what = f"{study.phrase('levers', lever)} under {study.phrase('policies', policy)}"
    turn, stated = amounts(one.unit, Estimate(one.turn), one.stated)
    return f"{what} were {turn} in place of {stated}"
