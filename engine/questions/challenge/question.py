"""`challenge`: a study's claims held against other choices than its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Annotated

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import amounts, claimed, direction, is_short
from engine.answers.question import STUDY, Asked, Option
from engine.answers.table import BRIEF, Row, Table, table
from engine.errors import UserError, unknown
from engine.formatting import counted
from engine.questions.assumptions import READING as RANKINGS, assumptions
from engine.questions.challenge.challenge import Result, challenge
from engine.questions.challenge.choices import MIXED, Universe, in_words
from engine.questions.challenge.claims import Estimates, what
from engine.questions.challenge.universes import DEPARTURES, Case, Verdict, World
from engine.questions.variables import PROBABILITY
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tails import share_interval

READING = (
    "Universes are sets of other choices on the same futures; each share is one of the universes of a design with so"
    " many choices at a time, not a probability. Holds, reversed: significant over all universes of a row (simultaneous"
    " 95 %), at any size. Nothing: the event no longer happens under either policy. Undecided: neither is significant."
    " Reversals are confirmed on futures that they were not searched on; that none was found proves nothing. Fraction:"
    " how far on the way to its choices the difference vanishes. Brackets: 95 % intervals."
)
SHARES = (1, 4, 16)
"""Numbers of departures that have a column in the table of claims."""
ASSUMPTIONS = "assumptions"
"""Value of the option `only` by which the rankings by assumption are the whole answer."""
EVIDENCE = ("policy_value", "against_value", "difference", "unit")


@dataclass(frozen=True)
class Challenge:
    """Argue against the study's own headline.

    Holds each claim of STUDY against other choices that could be defended, in two ledgers: how the world and what is
    measured are specified (assumptions off or doubled, priors moved, readings, horizons, thresholds), and how the
    policies are defined (each group of levers as under the other policy, in both). Says in which share of such
    universes a claim holds, by how many choices depart at a time; and the fewest choices that turn it, and how far
    towards them it turns. A study states its claims and readings under [challenge]; one without claims is taken to
    claim what its own futures show. On 16,384 paths a universe, unless --paths says otherwise.

    First come the rankings of the policies that hold, and those that flip, with each assumption off, each doubled, and
    all of them, on 131,072 paths; last with --claim. A study names its assumptions: [assumptions.exit] with
    off = { exit_rate = 0 }.

    \b
    rustbelt challenge rustbelt --claim "reform better than old in region_devastated"
    rustbelt challenge rustbelt --only assumptions
    """

    needs = STUDY
    heading = "What could be said against it"

    claim: Annotated[
        tuple[str, ...],
        Option(
            'A claim, such as "NEW better than OLD in ruin", in place of the study\'s; several times for several.',
            "CLAIM",
        ),
    ] = ()
    only: Annotated[
        str | None, Option("assumptions: only the rankings with each assumption off and doubled.", "assumptions")
    ] = None

    @property
    def is_whole(self) -> bool:
        """Whether the answer has all of its parts."""
        return self.only is None

    def answer(self, of: Asked) -> Answer:
        """Rankings by assumption, and how far each claim holds.

        Raises:
          UserError: no such part; as `engine.questions.assumptions.assumptions` and
            `engine.questions.challenge.challenge.challenge`.
        """
        if self.only not in (None, ASSUMPTIONS):
            raise UserError("--only", [unknown("part", str(self.only), (ASSUMPTIONS,))])
        place = of.paths, of.device, of.observe
        if self.only:
            findings, rankings, structures = assumptions(of.study, *place)
            basis = f"{of.study.name}: {structures}"
            return Answer.about(of.study, findings, rankings, basis, RANKINGS)
        study, results = challenge(of.study, self.claim, *place)  # refuses a wrong claim
        findings, rankings, structures = assumptions(of.study, *place) if of.study.assumptions else ([], [], "")
        lost = sum(math.isnan(one.estimates.policy) for of in results for one in of.case.worlds)
        basis = (
            f"{study.name}: {study.paths:,} paths a universe, seed {study.seed}, all by one program; "
            "a claim holds or is reversed by a significant difference of any size"
        )
        if lost:
            basis += f"; {lost:,} times a universe has more paths that are not finite than the study allows: undecided"
        basis += f"; rankings by assumption: {structures}" if structures else ""
        own = tables(results)
        every, ordered = (*sentences(results), *findings), (*own, *rankings) if self.claim else (*rankings, *own)
        return Answer.about(study, every, ordered, basis, f"{READING} {RANKINGS}")


def tables(results: Sequence[Result]) -> tuple[Table, ...]:
    """Tables: shares by departures, claims, reversals, all choices, and all universes."""
    claims, least = ("claim", "ledger"), results[0].case.study.challenge.matters if results else 0.0
    rule = f"; by size: by {100 * least:g} % of the larger number or more"

    def rows(of: Callable[[Result], Iterator[Row]]) -> list[Row]:
        return [{"claim": str(one.case.claim), "ledger": one.case.ledger} | row for one in results for row in of(one)]

    choices = {(one.ledger, str(one)): one for result in results for one in result.case.choices}
    return (
        table("profile", "Shares of universes by verdict", rows(_profile), *claims, "departures", apart="claim"),
        table(
            "claims", f"Share of universes in which each claim holds, and what reverses it (significantly{rule})",
            rows(_claims), *claims,
            brief=[*(f"holds_{count}" for count in SHARES), "turned_by", "turned_by_size"],
        ),
        table(
            "reversals", f"The mildest reversals of each claim (significant{rule})", rows(_reversals), "row",
            brief=[*claims, "rule", "departures", "choices", "fraction", *EVIDENCE],
        ),
        table(
            "choices", "What could have been chosen otherwise",
            ({"ledger": one.ledger, "choice": one.dimension, "otherwise": one.name, "words": one.words}
             for one in choices.values()),
            "row", brief=(),
        ),
        table(
            "curve", "Every universe", ({"universe": str(k), **row} for k, row in enumerate(rows(_curve))), "universe",
            brief=(),
        ),
    )  # fmt: skip


def _profile(of: Result) -> Iterator[Row]:
    for departures in DEPARTURES:
        found = [one.verdict for one in of.case.worlds if one.departures == departures]
        shares = {str(one): found.count(one) / len(found) if found else math.nan for one in Verdict}
        yield {"departures": departures, "universes": len(found)} | shares | {BRIEF: bool(found)}


def _claims(of: Result) -> Iterator[Row]:
    case, holds = of.case, {row["departures"]: row[Verdict.HOLDS] for row in _profile(of)}
    turned_by = [
        "; or ".join(in_words(one.universe) for one in found if one.departures == found[0].departures) or "none found"
        for found in of.reversals.values()
    ] or ["nothing: reversed as stated"]
    yield {
        "words": claimed(case.study, case.claim),
        **{f"holds_{count}": holds[count] for count in SHARES},
        "turned_by": turned_by[0], "turned_by_size": turned_by[-1],
    }  # fmt: skip


def _reversals(of: Result) -> Iterator[Row]:
    for least, one in ((least, one) for least, found in of.reversals.items() for one in found):
        choices = {"departures": one.departures, "choices": in_words(one.universe), "exactly": _names(one.universe)}
        rule = {"rule": "size" if least else "sign"}
        yield rule | choices | {"fraction": one.fraction} | evidence(of.case, one.estimates)


def _curve(of: Result) -> Iterator[Row]:
    for one in (of.case.stated, *of.case.worlds) if of.case.ledger != MIXED else ():
        gap = Estimate.normal(one.estimates.difference, one.estimates.error)
        yield {
            "departures": one.departures, "difference": gap, "unit": of.case.study.unit_of(of.case.claim.variable),
            "verdict": str(one.verdict), "choices": in_words(one.universe), "exactly": _names(one.universe),
        }  # fmt: skip


def _names(universe: Universe) -> str:
    """The choices of a universe by name: `drag: off; horizon: to_2020`."""
    return "; ".join(map(str, universe))


def evidence(case: Case, of: Estimates) -> Row:
    """The claim's number under both policies, their difference, and the unit."""
    own, other = _value(case, of.policy, of.policy_error), _value(case, of.against, of.against_error)
    gap, unit = Estimate.normal(of.difference, of.error), case.study.unit_of(case.claim.variable)
    return dict(zip(EVIDENCE, (own, other, gap, unit), strict=True))


def _value(case: Case, value: float, error: float) -> Estimate:
    """One policy's estimate with its interval.

    A probability has the interval of a share for the effective number of futures, all else a normal interval.
    """
    if case.claim.measure != PROBABILITY or math.isnan(value):
        return Estimate.normal(value, error)
    count = value * (1 - value) / error**2 if error > 0 else case.study.paths / case.study.unit
    low, high = share_interval(np.asarray(value), np.asarray(count))
    return Estimate(value, error, float(low), float(high))


def sentences(results: Sequence[Result]) -> Iterator[str]:
    """How many claims other choices reverse, by either rule; then for each claim the fewest choices that reverse it."""
    by_claim = [[*some] for _, some in groupby(results, lambda one: one.case.claim)]
    if not results:
        yield "The futures of the study support no claim of its own; state one with --claim."
    elif len(by_claim) > 1:
        parts = list[str]()
        for least in dict.fromkeys((0.0, results[0].case.study.challenge.matters)):
            fewest = [len(one.universe) for some in by_claim if (one := _mildest(some, least))]
            of = f"of {len(by_claim)} claims " * (not parts) + (f"by {100 * least:g} % or more" if least else "in sign")
            parts.append(f"{len(fewest) or 'none'} {of} ({fewest.count(1) or 'none'} by one choice)")
        yield f"Other modelling choices reverse {' and '.join(parts)}."
    for some in by_claim:
        yield from _of_claim(some)


def _mildest(some: Sequence[Result], least: float) -> World | None:
    """The reversal of a claim with the fewest choices by a rule, over all ledgers; of those the one turned at first."""
    every = (one for of in some for one in of.reversals.get(least, ()))
    return min(every, key=lambda one: (one.departures, one.fraction.estimate), default=None)


def _of_claim(some: Sequence[Result]) -> Iterator[str]:
    case, known = some[0].case, set[Universe]()
    claim, verdict = claimed(case.study, case.claim), case.stated.verdict
    if verdict is Verdict.REVERSED:
        yield f"As stated, the futures show the opposite: {_turned(case, case.stated)}."
    elif verdict is not Verdict.HOLDS:
        yield f"As stated, the futures do not clearly show that {claim}."
    elif not _mildest(some, 0.0):
        yield f"No choices were found that reverse this claim: {claim}."
    for least in some[0].reversals:
        of = _mildest(some, least)
        if of is None or of.universe in known:
            continue
        known.add(of.universe)
        turned, choices = _turned(case, of), in_words(of.universe)
        with_some = f"{'By size, with' if least else 'With'} {counted(of.departures, 'other choice')}"
        whole = f"{with_some} ({choices}), {turned}."
        yield from [whole] if is_short(whole) else [f"{with_some}, {turned}.", f"The choices are: {choices}."]


def _turned(case: Case, world: World) -> str:
    """A turned claim in words: `the chance of ruin is higher under reform: 26 against 24 %`."""
    study, of = case.study, world.estimates
    claim = replace(case.claim, variable=what(study, case.claim, world.universe).name)
    if claim.measure == PROBABILITY:
        numbers = f"{100 * of.policy:.3g} against {100 * of.against:.3g} %"
    else:
        first = Estimate.normal(of.policy, of.error)
        numbers = " against ".join(amounts(study.unit_of(claim.variable), first, of.against))
    return f"{direction(study, claim, not claim.worse)} under {study.phrase('policies', claim.policy)}: {numbers}"
