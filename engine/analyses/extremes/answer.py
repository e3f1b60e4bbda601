"""Return levels as an answer: sentences, levels by return period, fitted Pareto laws, and thresholds tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.analyses.columns import by_position, made
from engine.analyses.extremes.tails import FUTURE, LARGEST, SUM, Looked, Tails, look
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Column, Table, counts, estimates, numbers, texts, truths
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import HEAVY
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.return_levels import FEWEST, Extremes, Passed
from engine.risk.estimation.wording import amounts, named

READING = (
    "Once in N: reached by one in N on average; one in 100 years is any year of any future, not the next hundred years."
    " A future is the whole horizon. OEP: the worst place, of a year or of all years of a future; AEP: all places"
    " together, of a year or of all years. Extrapolated: fewer than 100 independent futures or years lie beyond, so a"
    " generalised Pareto law says it, fitted to the worst; it holds as far as the tail goes on as it does there, which"
    " no interval covers. Shape: 0 as an exponential tail, below 0 it ends, from .5 on its variance is infinite, from 1"
    " on its mean. Brackets: 95 % intervals over independent units, of extrapolated numbers by profile likelihood."
)
SHOWN = 5
"""How many of the return periods the brief table shows: the longest."""
LONGEST = 25
"""Most words of a sentence."""
PLAIN = 100.0
"""The sentence without extrapolation is about the return period closest to this one."""
_WHY = {
    Reason.FEW_TAIL_VALUES: f"To go beyond what was computed takes {FEWEST:,} futures or more.",
    Reason.FEW_DISTINCT: "The worst futures take too few different values to say anything beyond them.",
    Reason.NO_LAW: "No law fits the worst futures, so nothing is said beyond them.",
    Reason.NOT_FINITE: "No future is a finite number, so nothing is said.",
    Reason.ENDING_TAIL: "The worst futures run up against an end, so what lies beyond has no interval.",
}
"""By flag: the sentence on why nothing, or nothing reliable, is known beyond the simulated futures."""
PARTS = {"": "levels", LARGEST: "largest", SUM: "sum"}
"""Name of the table of return levels, by how places are aggregated."""
OF = {"": "", LARGEST: "worst place (OEP)", SUM: "all places (AEP)"}
OF_YEARS = {LARGEST: "worst year", SUM: "all years"}
"""In words, how the years of a future are aggregated, for a variable without places."""


def answer(
    of: Asked, variables: Sequence[str], policies: Sequence[str], periods: Sequence[str | float], futures: int | None
) -> Answer:
    """The answer to `extremes`; `engine.analyses.extremes.tails.look` says how it is computed, and what is refused."""
    given = look(of, variables, policies, periods, futures)
    study = given.study
    basis = f"{study.name}: {study.futures}"
    if study.years:
        basis += f"; a future is {len(study.years)} years"
    if given.futures:
        basis += f"; yearly values of the first {given.futures:,} computed again"
    return Answer(Subject.of(study), tuple(findings(given)), tuple(tables(given)), basis, READING, given)


def findings(given: Looked) -> Iterator[str]:
    """Sentences on the first tail: the level near once in a hundred, the farthest extrapolated one, and warnings."""
    first = given.tails[0]
    found = first.passed
    rows = [[of[k] for of in found.values()] for k in range(len(given.periods))]
    inside = [row for row in rows if not any(one.extrapolated for one in row) and all(map(_is_known, row))]
    beyond = [row for row in rows if all(one.extrapolated for one in row)]
    if inside:
        row = min(inside, key=lambda row: abs(row[0].period - PLAIN))
        yield _sentence(given, first, row, "")
    if beyond:
        yield _sentence(given, first, beyond[-1], "Extrapolated: once in")
    elif not inside:
        yield "Too few futures were computed to say anything of rare ones."
    yield from dict.fromkeys(filter(None, map(_why, first.by_policy.values())))


def _is_known(one: Passed) -> bool:
    return not any(flag.withholds for flag in one.level.flags)


def _sentence(given: Looked, of: Tails, row: Sequence[Passed], begun: str) -> str:
    """The levels under as many policies as a sentence has room for, for one return period."""
    study = given.study
    what = named(study, of.variable)
    if of.of and of.has_places:
        what += " in the worst place" if of.of == LARGEST else " of all places"
    number = _count(row[0].period)
    once = f"{begun or 'Once in'} {number} {of.counted}"
    verb = "reaches" if of.loss else "falls to"
    known = [(study.phrase("policies", policy), one.level) for policy, one in zip(of.by_policy, row, strict=True)]
    texts = amounts(of.unit, known[0][1], *(level.estimate for _, level in known[1:]))
    parts = [f"{amount} under {policy}" for amount, (policy, _) in zip(texts, known, strict=True)]
    most = [
        f"{what} {verb} {' and '.join(filter(None, [', '.join(parts[: count - 1]), parts[count - 1]]))}"
        for count in range(len(parts), 0, -1)
    ]
    # with long labels the sentence names less, and the table below has the rest
    less = [
        f"{what} {verb} {texts[0]} under the first policy",
        f"the first number of the table {verb} {parts[0]}",
        f"the first number of the table {verb} {texts[0]} under the first policy",
    ]
    every = [f"{once}, {one}." for one in (*most, *less)]
    return next((text for text in every if len(text.split()) <= LONGEST), every[-1])


def _why(of: Extremes) -> str:
    """Why a tail is not extrapolated, or why its mean is infinite or unreliable; "" for neither."""
    if of.fit is None or of.fit.flag:
        flag = of.fit.flag if of.fit else of.flag
        return _WHY.get(flag.reason, "") if flag else ""
    shape = of.fit.of_shape
    if shape.estimate >= 1:
        return "The worst futures are so unequal that their mean is infinite: none is given."
    if shape.estimate >= HEAVY:
        return "The worst futures are so unequal that their mean is hardly known from the futures alone."
    return ""


def _count(period: float) -> str:
    return f"{period:,.12g}"


def tables(given: Looked) -> Iterator[Table]:
    """The tables that have rows: levels by return period, fitted laws, thresholds tried, and curves."""
    every = (
        *(_levels(given, [one for one in given.tails if one.of == of], name) for of, name in PARTS.items()),
        _laws(given),
        _thresholds(given),
        _curves(given),
    )
    yield from (table for table in every if len(table))


def _levels(given: Looked, tails: Sequence[Tails], name: str) -> Table:
    rows: list[tuple[Any, ...]] = []
    for one in tails:
        found = one.passed
        for k in range(len(given.periods)):
            marked = any(of[k].extrapolated for of in found.values())
            rows += [
                (
                    *(_called(one), _count(of[k].period), policy, one.variable, one.counted, of[k].period, marked),
                    *(of[k].level, of[k].beyond, of[k].law, one.unit),
                )
                for policy, of in found.items()
            ]
    by_tail, by_row = {"over": ("tail",), "brief": False}, ("tail", "once_in")
    columns = by_position(
        rows,
        made(texts, "tail", "what a period counts, and of what"),
        made(texts, "once_in", "how many it happens once in"),
        made(texts, "policy", "policy"),
        made(texts, "variable", "outcome or yearly variable", **by_tail),
        made(texts, "counted", "what a period counts", **by_tail),
        made(numbers, "period", "how many it happens once in, as a number", over=by_row, brief=False),
        made(truths, "extrapolated", "whether fitted laws say it, because fewer than 100 lie beyond", over=by_row),
        made(estimates, "level", "what is reached or passed"),
        made(estimates, "beyond", "mean of what is as bad or worse", head="mean beyond", brief=False),
        made(estimates, "law", "what the law says, also where futures say it", head="by the law", brief=False),
        made(texts, "unit", "unit of all three", over=("tail",)),
    )
    brief = [row[5] in given.periods[-SHOWN:] for row in rows]
    return Table(name, "Once in so many", columns, ("tail", "once_in", "policy"), brief, "policy", "tail")


def _called(of: Tails) -> str:
    """The name of a tail: `futures of layoffs`, `years of layoffs, all places (AEP)`."""
    return ", ".join(filter(None, (f"{of.counted} of {of.variable}", _part(of))))


def _part(of: Tails) -> str:
    """How places or years are aggregated, in words; "" for an outcome, and for years of a variable without places."""
    if of.has_places:
        return OF[of.of]
    return OF_YEARS[of.of] if of.counted == FUTURE else ""


def _labelled(rows: Iterator[tuple[Any, ...]], *makers: Callable[[Sequence[Any]], Column]) -> list[Column]:
    """The columns of rows that begin with a tail and a policy."""
    return by_position(
        [(str(k), one.variable, _part(one), one.counted, *rest) for k, (one, *rest) in enumerate(rows, 1)],
        made(texts, "row", "number of the row"),
        made(texts, "variable", "outcome or yearly variable"),
        made(texts, "of", "the largest place, or the sum of all; nothing for an outcome"),
        made(texts, "counted", "what a period counts", head="of"),
        made(texts, "policy", "policy"),
        *makers,
    )


def _laws(given: Looked) -> Table:
    rows = ((one, policy, *_law(of), one.unit) for one in given.tails for policy, of in one.by_policy.items())
    columns = _labelled(
        rows,
        made(estimates, "shape", "shape of the law: 1 over the tail index"),
        made(numbers, "threshold", "what the law begins at"),
        made(numbers, "scale", "its scale"),
        made(counts, "values", "futures or years beyond the threshold, which it is fitted to"),
        made(numbers, "fit", "how often a tail of the law is as unlike it (0.001 to 0.5)"),
        made(texts, "unit", "unit of threshold and scale"),
    )
    return _unshown("laws", "Laws that are fitted to the worst", columns)


def _law(of: Extremes) -> tuple[Any, ...]:
    """Shape, threshold, scale, number of values and fit of the law of a tail; nothing but the reason without one."""
    fit = of.fit
    if fit is None:
        return Estimate(float("nan"), flags=(of.flag or Flag(Reason.NO_LAW),)), None, None, 0, None
    threshold = of.in_own_sign(Estimate(fit.threshold)).estimate
    return fit.of_shape, threshold, fit.law.scale, len(fit.law.excesses), fit.chance


def _thresholds(given: Looked) -> Table:
    rows = (
        (
            *(one, policy, of.in_own_sign(Estimate(fit.threshold)).estimate, len(fit.law.excesses), fit.mean_excess),
            *(fit.of_shape, fit.misfit, fit.chance, fit is of.fit, one.unit),
        )
        for one in given.tails
        for policy, of in one.by_policy.items()
        for fit in of.fits
    )
    columns = _labelled(
        rows,
        made(numbers, "threshold", "threshold"),
        made(counts, "values", "futures or years beyond it"),
        made(estimates, "mean_excess", "how far beyond it they lie on average"),
        made(estimates, "shape", "shape of the law beyond it"),
        made(numbers, "misfit", "Anderson and Darling's statistic"),
        made(numbers, "fit", "how often a tail of the law is as unlike it (0.001 to 0.5)"),
        made(truths, "taken", "whether it is the one that is taken"),
        made(texts, "unit", "unit of thresholds and excesses"),
    )
    return _unshown("thresholds", "Thresholds that were tried", columns)


def _curves(given: Looked) -> Table:
    rows = (
        (one, policy, of.period, of.level, of.extrapolated, one.unit)
        for one in given.tails
        for policy, found in one.curve().items()
        for of in found
        if of.level.flags == () or of.extrapolated
    )
    columns = _labelled(
        rows,
        made(numbers, "period", "how many futures or years it happens once in"),
        made(estimates, "level", "what is reached or passed"),
        made(truths, "extrapolated", "whether a fitted law says it"),
        made(texts, "unit", "unit of the level"),
    )
    return _unshown("curve", "Levels by period, for a figure", columns)


def _unshown(name: str, title: str, columns: Sequence[Column]) -> Table:
    """A table that is no part of the brief form."""
    return Table(name, title, columns, ("row",), [False] * len(columns[0].values))
