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
    "A universe is a set of alternative choices, simulated on the same futures. Each share is a share of universes with"
    " that many choices, not a probability. A claim holds or is reversed if its difference is significant, at any size"
    " (95 %, over all universes of a row); else it is undecided. “nothing” means that the event happens under neither"
    " policy. Reversals are confirmed on futures that the search has not used; a search that finds none proves nothing."
    " The fraction is the part of the way to the choices at which the difference is zero. Brackets are 95 % intervals."
)
SHARES = (1, 4, 16)
"""Numbers of departures that have a column in the table of claims."""
ASSUMPTIONS = "assumptions"
"""Value of the option `only` by which the rankings by assumption are the whole answer."""
EVIDENCE = ("policy_value", "against_value", "difference", "unit")


@dataclass(frozen=True)
class Challenge:
    """Test the claims of a study under alternative modelling choices.

    The command simulates each claim of STUDY under other defensible choices of two kinds: the specification
    (assumptions off or doubled, priors moved, readings, horizons, thresholds) and the definition of the policies (each
    group of levers set as under one policy in both). It shows in which share of sets of 1 to 16 choices a claim holds,
    and the fewest choices that reverse it. A study states its claims and readings under [challenge]; without claims,
    the command tests the significant differences of its own futures. It uses 16,384 paths for each set of choices,
    unless --paths states another number.

    The answer begins with the rankings of the policies that hold, and those that are reversed, if each assumption, or
    all of them, are off or doubled, on 131,072 paths; with --claim it ends with them. A study names its assumptions:
    [assumptions.exit] with off = { exit_rate = 0 }.

    \b
    rustbelt challenge rustbelt --claim "reform better than old in region_devastated"
    rustbelt challenge rustbelt --only assumptions
    """

    needs = STUDY
    heading = "Claims under other modelling choices"

    claim: Annotated[
        tuple[str, ...],
        Option(
            'A claim, such as "NEW better than OLD in ruin", in place of the study\'s. May be given several times.',
            "CLAIM",
        ),
    ] = ()
    only: Annotated[str | None, Option("Part of the answer: only the rankings by assumption.", "assumptions")] = None

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
            f"{study.name}: {study.paths:,} paths for each universe, seed {study.seed};"
            " a claim holds or is reversed if its difference is significant, at any size"
        )
        if lost:
            basis += f"; {lost:,} universes are undecided because of too many values that are not finite"
        basis += f"; rankings by assumption: {structures}" if structures else ""
        own = tables(results)
        every, ordered = (*sentences(results), *findings), (*own, *rankings) if self.claim else (*rankings, *own)
        return Answer.about(study, every, ordered, basis, f"{READING} {RANKINGS}")


def tables(results: Sequence[Result]) -> tuple[Table, ...]:
    """Tables: shares by departures, claims, reversals, all choices, and all universes."""
    claims, least = ("claim", "ledger"), results[0].case.study.challenge.matters if results else 0.0
    rule = f"; by size: by at least {100 * least:g} % of the larger number"

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
            "reversals", f"Fewest choices that reverse each claim (significantly{rule})", rows(_reversals), "row",
            brief=[*claims, "rule", "departures", "choices", "fraction", *EVIDENCE],
        ),
        table(
            "choices", "Alternative choices",
            ({"ledger": one.ledger, "choice": one.dimension, "otherwise": one.name, "words": one.words}
             for one in choices.values()),
            "row", brief=(),
        ),
        table(
            "curve", "All universes", ({"universe": str(k), **row} for k, row in enumerate(rows(_curve))), "universe",
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
    ] or ["none: reversed as stated"]
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
        yield "The study states no claim, and its futures show no significant difference. State a claim with --claim."
    elif len(by_claim) > 1:
        parts = list[str]()
        for least in dict.fromkeys((0.0, results[0].case.study.challenge.matters)):
            fewest = [len(one.universe) for some in by_claim if (one := _mildest(some, least))]
            of = f"of {len(by_claim)} claims" if not parts else f"by at least {100 * least:g} %"
            parts.append(f"{len(fewest) or 'none'} {of} ({fewest.count(1) or 'none'} with a single choice)")
        yield f"Other modelling choices reverse {', and '.join(parts)}."
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
        yield f"The study shows the opposite of a claim: {_turned(case, case.stated)}."
    elif verdict is not Verdict.HOLDS:
        yield f"The study does not clearly show that {claim}."
    elif not _mildest(some, 0.0):
        yield f"No choices were found that reverse this claim: {claim}."
    for least in some[0].reversals:
        of = _mildest(some, least)
        if of is None or of.universe in known:
            continue
        known.add(of.universe)
        turned, choices = _turned(case, of, least), in_words(of.universe)
        with_some = f"With {counted(of.departures, 'other choice')}"
        whole = f"{with_some} ({choices}), {turned}."
        yield from [whole] if is_short(whole) else [f"{with_some}, {turned}.", f"The choices are: {choices}."]


def _turned(case: Case, world: World, least: float = 0.0) -> str:
    """A reversed claim in words: `the chance of ruin is higher under reform: 26 against 24 % under old policies`."""
    study, of = case.study, world.estimates
    claim = replace(case.claim, variable=what(study, case.claim, world.universe).name)
    if claim.measure == PROBABILITY:
        numbers = f"{100 * of.policy:.3g} against {100 * of.against:.3g} %"
    else:
        first = Estimate.normal(of.policy, of.error)
        numbers = " against ".join(amounts(study.unit_of(claim.variable), first, of.against))
    own, other = (study.phrase("policies", name) for name in (claim.policy, claim.against))
    by = f" by {100 * least:g} % or more" * bool(least)
    return f"{direction(study, claim, not claim.worse)} under {own}{by}: {numbers} under {other}"
