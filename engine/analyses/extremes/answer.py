"""Return levels as an answer: sentences, levels by return period, fitted Pareto laws, and thresholds tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    rows: list[tuple[Tails, str, Passed, bool]] = []
    for one in tails:
        found = one.passed
        for k in range(len(given.periods)):
            marked = any(of[k].extrapolated for of in found.values())
            rows += [(one, policy, of[k], marked) for policy, of in found.items()]
    by_tail = {"over": ("tail",), "brief": False}
    by_row = ("tail", "once_in")
    shown = {*given.periods[-SHOWN:]}
    columns = (
        texts("tail", [_called(one) for one, *_ in rows], "what a period counts, and of what"),
        texts("once_in", [_count(of.period) for _, _, of, _ in rows], "how many it happens once in"),
        texts("policy", [policy for _, policy, *_ in rows], "policy"),
        texts("variable", [one.variable for one, *_ in rows], "outcome or yearly variable", **by_tail),
        texts("counted", [one.counted for one, *_ in rows], "what a period counts", **by_tail),
        numbers(
            "period",
            [of.period for *_, of, _ in rows],
            "how many it happens once in, as a number",
            over=by_row,
            brief=False,
        ),
        truths(
            "extrapolated",
            [marked for *_, marked in rows],
            "whether fitted laws say it, because fewer than 100 lie beyond",
            over=by_row,
        ),
        estimates("level", [of.level for *_, of, _ in rows], "what is reached or passed"),
        estimates(
            "beyond",
            [of.beyond for *_, of, _ in rows],
            "mean of what is as bad or worse",
            head="mean beyond",
            brief=False,
        ),
        estimates(
            "law",
            [of.law for *_, of, _ in rows],
            "what the law says, also where futures say it",
            head="by the law",
            brief=False,
        ),
        texts("unit", [one.unit for one, *_ in rows], "unit of all three", over=("tail",)),
    )
    brief = [of.period in shown for *_, of, _ in rows]
    return Table(name, "Once in so many", columns, ("tail", "once_in", "policy"), brief, "policy", "tail")


def _called(of: Tails) -> str:
    """The name of a tail: `futures of layoffs`, `years of layoffs, all places (AEP)`."""
    return ", ".join(filter(None, (f"{of.counted} of {of.variable}", _part(of))))


def _part(of: Tails) -> str:
    """How places or years are aggregated, in words; "" for an outcome, and for years of a variable without places."""
    if of.has_places:
        return OF[of.of]
    return OF_YEARS[of.of] if of.counted == FUTURE else ""


def _each(given: Looked) -> Iterator[tuple[Tails, str, Extremes]]:
    for one in given.tails:
        for policy, of in one.by_policy.items():
            yield one, policy, of


def _labels(rows: Sequence[tuple[Tails, str]]) -> tuple[Column, ...]:
    return (
        texts("row", [str(k + 1) for k in range(len(rows))], "number of the row"),
        texts("variable", [one.variable for one, _ in rows], "outcome or yearly variable"),
        texts("of", [_part(one) for one, _ in rows], "the largest place, or the sum of all; nothing for an outcome"),
        texts("counted", [one.counted for one, _ in rows], "what a period counts", head="of"),
        texts("policy", [policy for _, policy in rows], "policy"),
    )  # fmt: skip


def _laws(given: Looked) -> Table:
    rows = [(one, policy, of) for one, policy, of in _each(given)]
    fits = [of.fit for *_, of in rows]
    columns = (
        *_labels([(one, policy) for one, policy, _ in rows]),
        estimates(
            "shape",
            [of.fit.of_shape if of.fit else _nothing(of.flag) for *_, of in rows],
            "shape of the law: 1 over the tail index",
        ),
        numbers(
            "threshold",
            [
                fit and of.in_own_sign(Estimate(fit.threshold)).estimate
                for (*_, of), fit in zip(rows, fits, strict=True)
            ],
            "what the law begins at",
        ),
        numbers("scale", [fit and fit.law.scale for fit in fits], "its scale"),
        counts(
            "values",
            [len(fit.law.excesses) if fit else 0 for fit in fits],
            "futures or years beyond the threshold, which it is fitted to",
        ),
        numbers(
            "fit", [fit and fit.chance for fit in fits], "how often a tail of the law is as unlike it (0.001 to 0.5)"
        ),
        texts("unit", [one.unit for one, *_ in rows], "unit of threshold and scale"),
    )
    return Table("laws", "Laws that are fitted to the worst", columns, ("row",), [False] * len(rows))


def _nothing(flag: Flag | None) -> Estimate:
    return Estimate(float("nan"), flags=(flag or Flag(Reason.NO_LAW),))


def _thresholds(given: Looked) -> Table:
    rows = [(one, policy, of, fit) for one, policy, of in _each(given) for fit in of.fits]
    columns = (
        *_labels([(one, policy) for one, policy, *_ in rows]),
        numbers("threshold", [of.in_own_sign(Estimate(fit.threshold)).estimate for *_, of, fit in rows], "threshold"),
        counts("values", [len(fit.law.excesses) for *_, fit in rows], "futures or years beyond it"),
        estimates("mean_excess", [fit.mean_excess for *_, fit in rows], "how far beyond it they lie on average"),
        estimates("shape", [fit.of_shape for *_, fit in rows], "shape of the law beyond it"),
        numbers("misfit", [fit.misfit for *_, fit in rows], "Anderson and Darling's statistic"),
        numbers("fit", [fit.chance for *_, fit in rows], "how often a tail of the law is as unlike it (0.001 to 0.5)"),
        truths("taken", [fit is of.fit for *_, of, fit in rows], "whether it is the one that is taken"),
        texts("unit", [one.unit for one, *_ in rows], "unit of thresholds and excesses"),
    )  # fmt: skip
    return Table("thresholds", "Thresholds that were tried", columns, ("row",), [False] * len(rows))


def _curves(given: Looked) -> Table:
    rows = [
        (one, policy, of)
        for one in given.tails
        for policy, found in one.curve().items()
        for of in found
        if of.level.flags == () or of.extrapolated
    ]
    columns = (
        *_labels([(one, policy) for one, policy, _ in rows]),
        numbers("period", [of.period for *_, of in rows], "how many futures or years it happens once in"),
        estimates("level", [of.level for *_, of in rows], "what is reached or passed"),
        truths("extrapolated", [of.extrapolated for *_, of in rows], "whether a fitted law says it"),
        texts("unit", [one.unit for one, *_ in rows], "unit of the level"),
    )  # fmt: skip
    return Table("curve", "Levels by period, for a figure", columns, ("row",), [False] * len(rows))
