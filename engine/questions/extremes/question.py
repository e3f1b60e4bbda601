"""`extremes`: what is passed once in so many futures or years, also beyond those that were computed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

from engine.answers.answer import Answer
from engine.answers.as_text import amounts, listed, named, short
from engine.answers.question import RUN, Asked, Option
from engine.answers.table import BRIEF, Row, table
from engine.errors import Problems, UserError, unknown
from engine.questions import years
from engine.questions.extremes.tails import (
    ALL_PLACES,
    LARGEST,
    LEAST,
    LEVELS,
    SUM,
    WORST_PLACE,
    Tail,
    of_outcome,
    of_years,
)
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import HEAVY
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.return_levels import FEWEST, Extremes as OfPolicy, Fit
from engine.study.study import Study

TITLE = "Return levels by return period"
PERIODS = (10.0, 50.0, 100.0, 250.0, 1000.0)
"""Default return periods; powers of ten up to beyond the number of futures are added."""
FARTHEST = 1e12
SHOWN = 5
"""How many of the return periods the brief table shows: the longest."""
PLAIN = 100.0
"""The sentence without extrapolation is about the return period closest to this one."""
READING = (
    "Once in N means that one in N futures or years reaches the level on average; a year is any year of any future. A"
    " future is the whole horizon. OEP is the largest place, in a year or over all years of a future; AEP is the sum of"
    " all places. A level is extrapolated if fewer than 100 independent futures or years exceed it; it then follows"
    " from a generalised Pareto law fitted to the worst values, and its interval does not contain the error of that"
    " law. The shape of the law is 0 for an exponential tail and negative for a tail with an end; from 0.5 the variance"
    " is infinite, from 1 the mean. Brackets are 95 % intervals, of extrapolated numbers by profile likelihood."
)
_WHY = {
    Reason.FEW_TAIL_VALUES: f"An extrapolation needs {FEWEST:,} futures or more.",
    Reason.FEW_DISTINCT: "The worst futures have too few distinct values for an extrapolation.",
    Reason.NO_LAW: "No law fits the worst futures, so nothing is extrapolated.",
    Reason.NOT_FINITE: "No future has a finite value, so no level is given.",
    Reason.ENDING_TAIL: "The fitted tail has a finite end, so extrapolated levels have no interval.",
}
"""By flag: the sentence on why nothing, or nothing reliable, is extrapolated."""


@dataclass(frozen=True)
class Extremes:
    """Estimate the levels that one in N futures of RUN reaches, also for N beyond the number of futures.

    For an outcome the answer shows the level that one future in 10, 50, 100, 250, 1,000 and so on reaches, and the mean
    of the worse values. For a yearly variable it shows the same for the largest place (OEP) and the sum of all places
    (AEP), per year and per future. If fewer than a hundred futures exceed a level, it follows from a law fitted to the
    worst values and is marked as extrapolated. The answer is stored beside the cube, as extremes.zarr.

    \b
    rustbelt extremes rustbelt
    rustbelt extremes rustbelt --variable layoffs --periods 100,10000,1000000
    rustbelt extremes rustbelt --variable cut_layoffs --futures 16384
    """

    needs = RUN
    heading = "Return levels"

    variable: Annotated[
        tuple[str, ...], Option("Outcomes and yearly variables, in place of the headline.", "A,B", "variable")
    ] = ()
    policies: Annotated[tuple[str, ...], Option("Policies to show, in place of all that ran.", "A,B", "policy")] = ()
    periods: Annotated[
        tuple[float, ...],
        Option("Return periods, in futures or years. Default: 10,50,100,250,1000 and longer ones.", "N,..."),
    ] = ()
    futures: Annotated[
        int | None, Option("Number of futures whose yearly values are recomputed. Default: 65,536.", "N")
    ] = None

    def answer(self, of: Asked) -> Answer:
        """The levels of each return period, of outcomes that are kept path by path and of yearly variables.

        Raises:
          UserError: no such variable, policy or period, a variable that is an event or not kept; all problems at once.
        """
        study, kept = of.study, [*of.outcomes]
        chosen = [*dict.fromkeys(self.variable)] or [name for name in study.headline if name in kept]
        policies = [*dict.fromkeys(self.policies)] or [*study.policy_names]
        periods = self._periods(study, chosen, policies, kept)
        yearly, count = [name for name in chosen if name in self.variable and name in study.model.yearly], 0
        tails = [of_outcome(of, name, policies) for name in chosen if name in kept]
        if yearly:
            count = years.first_paths(study, 2 * len(yearly), self.futures)
            tails = sorted([*tails, *of_years(of, yearly, count, policies)], key=lambda one: chosen.index(one.variable))
        levels = [(tail, [*_levels(tail, periods)]) for tail in tails]
        shown = ("extrapolated", "level", "unit")
        tables = [
            *(
                table(
                    name, TITLE, (row for tail, rows in levels if tail.of == name for row in rows), "tail", "once_in",
                    "policy", brief=shown, across="policy", apart="tail",
                )
                for name in (LEVELS, LARGEST, SUM)
            ),
            table("laws", "Laws fitted to the worst values", _laws(tails), "row", brief=()),
            table("thresholds", "Thresholds that were tried", _thresholds(tails), "row", brief=()),
            table("curve", "Levels by return period", _curve(tails), "row", brief=()),
        ]  # fmt: skip
        basis = f"{study.name}: {study.futures}"
        basis += f"; a future is {len(study.years)} years" * bool(study.years)
        basis += f"; yearly values of the first {count:,} recomputed" * bool(count)
        return Answer.about(study, _sentences(study, *levels[0]), tables, basis, READING)

    def _periods(
        self, study: Study, chosen: Sequence[str], policies: Sequence[str], kept: Sequence[str]
    ) -> list[float]:
        """The return periods, ascending; refuses whatever cannot be."""
        problems = Problems()
        for name in chosen:
            if problem := _problem(study, name, kept):
                problems.add("--variable", problem)
        for name in policies:
            problems.knows("--policies", "policy", name, study.policy_names)
        periods = [_period(one, problems) for one in self.periods]
        if self.futures is not None and self.futures < 1:
            problems.add("--futures", f"expected 1 or more, got {self.futures}.")
        problems.refuse("extremes")
        if not chosen:
            remedy = "Name a variable, or add outcomes to keep.outcomes and run the study again."
            raise UserError("extremes", [f"no outcome of the headline is stored path by path. {remedy}"])
        farther = (10.0**power for power in range(4, 13) if 10.0 ** (power - 1) < study.paths)
        return sorted({*periods} or {*PERIODS, *farther})


def _problem(study: Study, name: str, kept: Sequence[str]) -> str:
    if name in kept or name in study.model.yearly:
        return ""
    if name in study.events_by_name:
        return f"'{name}' is an event, which has a probability but no level. Name the outcome that it depends on."
    if name in study.model.outcomes:
        return f"'{name}' is not stored path by path. Add it to keep.outcomes and run the study again."
    return unknown("outcome or yearly variable", name, [*study.model.outcomes, *study.model.yearly])


def _period(text: str | float, problems: Problems) -> float:
    try:
        period = float(text)
    except ValueError:
        period = math.nan
    if not LEAST <= period <= FARTHEST:
        wanted = f"expected numbers from {LEAST:g} to {FARTHEST:g}, such as 10,100,1000"
        problems.add("--periods", f"{wanted}; got '{text}'.")
    return period


def _levels(tail: Tail, periods: Sequence[float]) -> Iterator[Row]:
    found = tail.passed(periods)
    for row in zip(*found.values(), strict=True):
        extrapolated = any(one.extrapolated for one in row)
        for policy, one in zip(found, row, strict=True):
            yield {
                "tail": tail.name, "once_in": _count(one.period), "policy": policy, "variable": tail.variable,
                "counted": tail.counted, "period": one.period, "extrapolated": extrapolated, "level": one.level,
                "beyond": one.beyond, "law": one.law, "unit": tail.unit, BRIEF: one.period in periods[-SHOWN:],
            }  # fmt: skip


def _count(period: float) -> str:
    return f"{period:,.12g}"


def _laws(tails: Iterable[Tail]) -> Iterator[Row]:
    for tail in tails:
        for policy, one in tail.by_policy.items():
            if fit := one.fit:
                law = _law(one, fit) | {"scale": fit.law.scale}
            else:
                no_law = Estimate(math.nan, flags=(one.flag or Flag(Reason.NO_LAW),))
                law = {"shape": no_law, "threshold": math.nan, "values": 0, "fit": math.nan, "scale": math.nan}
            yield tail.labels(policy) | law


def _law(of: OfPolicy, fit: Fit) -> Row:
    threshold = of.in_own_sign(Estimate(fit.threshold)).estimate
    return {"shape": fit.of_shape, "threshold": threshold, "values": len(fit.law.excesses), "fit": fit.chance}


def _thresholds(tails: Iterable[Tail]) -> Iterator[Row]:
    for tail in tails:
        for policy, one in tail.by_policy.items():
            for fit in one.fits:
                taken = {"mean_excess": fit.mean_excess, "misfit": fit.misfit, "taken": fit is one.fit}
                yield tail.labels(policy) | _law(one, fit) | taken


def _curve(tails: Iterable[Tail]) -> Iterator[Row]:
    for tail in tails:
        for policy, points in tail.curve().items():
            for one in points:
                if one.extrapolated or not one.level.flags:
                    point = {"period": one.period, "level": one.level, "extrapolated": one.extrapolated}
                    yield tail.labels(policy) | point


def _sentences(study: Study, tail: Tail, rows: Iterable[Row]) -> Iterator[str]:
    """The level near once in a hundred, the farthest extrapolated one, and warnings."""
    by_period = [[*some] for _, some in groupby(rows, key=lambda row: row["period"])]
    beyond = [some for some in by_period if all(row["level"] is row["law"] for row in some)]
    inside = [
        some
        for some in by_period
        if not some[0]["extrapolated"] and not any(flag.withholds for row in some for flag in row["level"].flags)
    ]
    if inside:
        some = min(inside, key=lambda some: abs(some[0]["period"] - PLAIN))
        yield _sentence(study, tail, some, "Once in")
    if beyond:
        yield _sentence(study, tail, beyond[-1], "By extrapolation, once in")
    elif not inside:
        yield "There are too few futures to estimate rare levels."
    yield from dict.fromkeys(filter(None, map(_warning, tail.by_policy.values())))


def _sentence(study: Study, tail: Tail, rows: Sequence[Row], begun: str) -> str:
    """The levels of one return period, under as many policies as a sentence has room for."""
    what = named(study, tail.variable)
    what += {WORST_PLACE: " in the worst place", ALL_PLACES: " of all places"}.get(tail.part, "")
    verb = "reaches" if tail.loss else "falls to"
    first, *others = (row["level"] for row in rows)
    texts = amounts(tail.unit, first, *(level.estimate for level in others))
    parts = [f"{text} under {study.phrase('policies', row['policy'])}" for text, row in zip(texts, rows, strict=True)]
    # with long labels the sentence names less, and the table below has the rest
    clauses = [
        *(f"{what} {verb} {listed(parts[:count])}" for count in range(len(parts), 0, -1)),
        f"{what} {verb} {texts[0]} under the first policy",
        f"the first number of the table {verb} {parts[0]}",
        f"the first number of the table {verb} {texts[0]} under the first policy",
    ]
    return short(*(f"{begun} {_count(rows[0]['period'])} {tail.counted}, {one}." for one in clauses))


def _warning(of: OfPolicy) -> str:
    """Why a tail is not extrapolated, or why its mean is infinite or unreliable; "" for neither."""
    flag = of.fit.flag if of.fit else of.flag
    if flag or not of.fit:
        return _WHY.get(flag.reason, "") if flag else ""
    shape = of.fit.of_shape.estimate
    if shape >= 1:
        return "The tail of the worst futures is so heavy that their mean is infinite: none is given."
    return "The tail of the worst futures is so heavy that their mean is poorly known." if shape >= HEAVY else ""
