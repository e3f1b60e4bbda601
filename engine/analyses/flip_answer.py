"""The break-even analysis of two policies as an answer: its sentences and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.analyses.beliefs import CORRELATION, LEVER, LOCATION, Belief
from engine.analyses.comparison import of_named
from engine.analyses.flip import FARTHEST, FlipResult, flip
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Table, estimates, numbers, texts, truths
from engine.errors import UserError
from engine.formatting import begun
from engine.risk.estimation.as_text import shown_in
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.weighted_measures import LARGEST_SHAPE
from engine.risk.estimation.wording import amount, amounts, measured, size, some
from engine.study.study import Study

NAMED = 3
"""Most priors of the joint move that the sentence names: those that move most."""
MOST = 10
"""Most priors of the joint move that the brief table shows."""
TITLES = {
    "prior": ("priors", "Priors: where the median must go"),
    "correlation": ("correlations", "Correlations of groups (of a matrix: the multiple of all its correlations)"),
    "lever": ("levers", "Levers, in all years and places at once"),
}
LABELS = {"prior": "factor", "correlation": "group", "lever": "lever"}
"""Name of the label column of each table."""
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
    priors = _nearest([belief for belief in turning if belief.kind == LOCATION])
    others = _nearest([belief for belief in turning if belief.kind != LOCATION])
    if priors:
        yield f"{begun(pair)} would change places if {_to(study, priors)}."
    else:
        yield f"No single prior, moved by up to {FARTHEST:g} standard deviations, makes {pair} change places."
    side = "more" if gap.estimate > 0 else "less"
    yield (
        f"As stated, there is {side} under {first} than under {second}, by"
        f" {size(given.measure, study.unit_of(given.variable), gap)}, in {what}."
    )
    if others:
        yield f"They would {'also ' if priors else ''}change places if {_to(study, others)}."
    if given.joint is None:
        yield "No move of all priors together that turns it was found within reach."
    else:
        names = [study.phrase("factors", name) for name, *_ in given.joint.moving[:NAMED]]
        far = amount("1", given.joint.distance)
        yield f"All priors moved together turn it at {far} standard deviations: {some(names)} most."


def _tables(given: FlipResult) -> list[Table]:
    made = [_difference(given)]
    for kind, (name, title) in TITLES.items():
        own = [one for one in given.beliefs if one.kind == kind]
        if own:
            made.append(_beliefs(kind, name, title, own))
    if given.joint is not None:
        made.append(_together(given))
    made += [_reach(given), _left_out(given)]
    return [table for table in made if len(table)]


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


def _beliefs(kind: str, name: str, title: str, own: Sequence[Belief]) -> Table:

    turning = len({one.name for one in own if one.turns})
    move = {"head": "sd" if kind == LOCATION else "moves by"}
    columns = (
        texts(LABELS[kind], [one.name for one in own], "what is believed"),
        numbers("stated", [one.stated for one in own], "its value as stated, in its unit"),
        numbers(
            "turn",
            [one.turn for one in own],
            "its value where the ranking turns; where it does not, that which does most",
            head="turns at",
        ),
        texts("unit", [one.unit for one in own], "unit of its value"),
        truths("turns", [one.turns for one in own], "whether it turns the ranking", brief=False),
        truths(
            "back",
            [one.back for one in own],
            "whether the ranking is as stated again beyond",
            brief=any(one.back for one in own),
        ),
        estimates(
            "move", [one.move for one in own], "how far it must move: normal scores of a prior, else its unit", **move
        ),
        texts("by", [one.how for one in own], "by weights of stored futures, or by runs"),
        numbers(
            "length", [one.length for one in own], "length of a prior's move in independent normal scores", brief=False
        ),
    )
    counted = f"{title}; {turning} of {len({one.name for one in own})} turn the ranking"
    return Table(name, counted, columns, (LABELS[kind],), [one.turns for one in own])


def _together(given: FlipResult) -> Table:

    assert given.joint is not None
    rows = given.joint.factors
    shown = {name for name, *_ in given.joint.moving[:MOST]}
    columns = (
        texts("factor", [one[0] for one in rows], "factor"),
        numbers("move", [one[1] for one in rows], "how far its normal score moves", head="sd"),
        numbers("stated", [one[2] for one in rows], "its median as stated, in its unit", head="median"),
        numbers("turn", [one[3] for one in rows], "its median there, in its unit", head="turns at"),
    )
    return Table("joint", "All priors together", columns, ("factor",), [one[0] in shown for one in rows])


def _reach(given: FlipResult) -> Table:
    """Lengths of the nearest moves: of all priors, and of the law of all futures, if its weights can be trusted."""

    rows: list[tuple[str, Estimate, float, float]] = []
    nan = float("nan")
    if given.joint is not None:
        rows.append(("all priors together", given.joint.distance, given.joint.entropy, nan))
    if given.nearest is not None:
        trusted = given.nearest.shape <= LARGEST_SHAPE
        far = Estimate(given.nearest.distance if trusted else nan)
        rows.append(
            ("law of all futures, shocks too", far, given.nearest.entropy if trusted else nan, given.nearest.shape)
        )
    columns = (
        texts("what", [one[0] for one in rows], "what is moved"),
        estimates("distance", [one[1] for one in rows], "length of the move, in normal scores", head="sd"),
        numbers("entropy", [one[2] for one in rows], "relative entropy to what is stated", head="nats"),
        numbers(
            "k_hat",
            [one[3] for one in rows],
            f"shape of the tail of its weights, trusted to {LARGEST_SHAPE:g}",
            head="k-hat",
        ),
    )
    return Table("nearest", "The nearest of all moves", columns, ("what",))


def _left_out(given: FlipResult) -> Table:

    columns = (
        texts("belief", [name for name, _ in given.left_out], "what is believed"),
        texts("why", [why for _, why in given.left_out], "why it is not looked at"),
    )
    return Table("left_out", "Beliefs that are not looked at", columns, ("belief",), [False] * len(given.left_out))


def _nearest(turning: list[Belief]) -> list[Belief]:
    """All turns of the first belief of a list."""
    return [one for one in turning if (one.kind, one.name) == (turning[0].kind, turning[0].name)]


def _to(study: Study, every: Sequence[Belief]) -> str:
    """`entry price were 3.1 EUR in place of 2`, by the nearest value at which a belief turns the ranking."""
    one = every[0]
    what = study.phrase("factors", one.name)
    if one.kind == CORRELATION:
        what = f"the correlation of {study.phrase('groups', one.name)}"
    elif one.kind == LEVER:
        policy, _, lever = one.name.partition(".")
        what = f"{study.phrase('levers', lever)} under {study.phrase('policies', policy)}"
    turn, stated = amounts(one.unit, Estimate(one.turn), one.stated)
    return f"{what} were {turn} in place of {stated}"
