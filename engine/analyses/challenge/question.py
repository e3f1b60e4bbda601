"""`challenge`: a study's claims held against other choices than its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Annotated, Any, ClassVar

import numpy as np

from engine.analyses.assumptions import READING as RANKINGS, assumptions
from engine.analyses.challenge.challenge import challenge
from engine.analyses.challenge.choices import Universe, in_words, is_measured
from engine.analyses.challenge.claims import Estimates, what
from engine.analyses.challenge.reversals import Result
from engine.analyses.challenge.universes import DEPARTURES, Case, Verdict
from engine.analyses.variables import PROBABILITY
from engine.answers.answer import Answer, Subject
from engine.answers.question import STUDY, Asked, Option
from engine.answers.rows import BRIEF, table
from engine.answers.table import Table
from engine.answers.wording import amounts, claimed, is_short, judged
from engine.errors import UserError, unknown
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.shares import share_interval
from engine.study.study import Study

READING = (
    "Universes are sets of other choices on the same futures; each share is one of the universes of a design with so"
    " many choices at a time, not a probability. Holds, reversed: significant over all universes of a row (simultaneous"
    " 95 %). Nothing: the event no longer happens under either policy. Undecided: neither is significant, or it is"
    " reversed by less than matters. Reversals are confirmed on futures that they were not searched on; that none was"
    " found proves nothing. Fraction: how far on the way to its choices the claim turns. Brackets: 95 % intervals."
)
SHARES = (1, 4, 16)
"""Numbers of departures that have a column in the table of claims."""
ASSUMPTIONS = "assumptions"
"""Value of the option `only` by which the rankings by assumption are the whole answer."""
EVIDENCE = ("policy_value", "against_value", "difference", "unit")
Row = dict[str, Any]


@dataclass(frozen=True)
class Challenge:
    """Argue against the study's own headline.

    Holds each claim of STUDY against other choices that could be defended, in two ledgers: how the world and what is
    measured are specified (assumptions off or doubled, priors moved, readings, horizons, thresholds), and how the
    policies are defined (each group of levers as under the other policy, in both). Says in which share of such
    universes a claim holds, by how many choices depart at a time; and the fewest choices that turn it, and how far
    towards them it turns. A study states its claims and readings under [challenge]; one without claims is taken to
    claim what its own futures show. On 16,384 paths a universe, unless --paths says otherwise.

    Without --claim, first come the rankings of the policies that hold, and those that flip, with each assumption off,
    each doubled, and all of them, on 131,072 paths. A study names its assumptions: [assumptions.exit] with off = { exit_rate = 0 }.

    \b
    rustbelt challenge rustbelt --claim "reform better than old in region_devastated"
    rustbelt challenge rustbelt --only assumptions
    """

    needs: ClassVar[str] = STUDY
    heading: ClassVar[str] = "What could be said against it"

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
    def whole(self) -> bool:
        """Whether the answer has all of its parts."""
        return self.only is None

    def answer(self, of: Asked) -> Answer:
        """Rankings by assumption, and how far each claim holds.

        Raises:
          UserError: no such part; as `engine.analyses.assumptions.assumptions` and
            `engine.analyses.challenge.challenge.challenge`.
        """
        if self.only not in (None, ASSUMPTIONS):
            raise UserError("--only", [unknown("part", str(self.only), (ASSUMPTIONS,))])
        findings, rankings, structures = list[str](), list[Table](), ""
        if self.only or (of.study.assumptions and not self.claim):
            findings, rankings, structures = assumptions(of.study, of.paths, of.device, of.observe)
        if self.only:
            basis = f"{of.study.name}: {structures}"
            return Answer(Subject.of(of.study), (*findings,), (*rankings,), basis, RANKINGS)
        study, results = challenge(of.study, self.claim, of.paths, of.device, of.observe)
        lost = sum(math.isnan(one.estimates.policy) for of in results for one in of.case.worlds)
        basis = (
            f"{study.name}: {study.paths:,} paths a universe, seed {study.seed}, all by one program; "
            f"a claim is reversed by a difference of {100 * study.challenge.matters:g} % or more"
        )
        if lost:
            basis += f"; {lost:,} times a universe has more paths that are not finite than the study allows: undecided"
        basis += f"; rankings by assumption: {structures}" if structures else ""
        every = (*sentences(study, results), *findings)
        return Answer(Subject.of(study), every, (*rankings, *tables(study, results)), basis, f"{READING} {RANKINGS}")


def tables(study: Study, results: Sequence[Result]) -> Iterator[Table]:
    """Tables: shares by departures, claims, reversals, choices survived, all choices, and all universes."""
    claims = ("claim", "ledger")
    every = (
        table("profile", "Universes in which it stands", _profile(results), *claims, "departures", apart="claim"),
        table(
            "claims", "Share of universes in which each claim holds, and what turns it", _claims(study, results),
            *claims,
            brief=[*(f"holds_{count}" for count in SHARES), "turned_by"],
        ),
        table(
            "reversals", "The mildest sets of choices that turn a claim", _reversals(study, results), "row",
            brief=[*claims, "departures", "choices", "fraction", *EVIDENCE],
        ),
        table("survived", "The hardest single choices that a claim survives", _survived(study, results), "row"),
        table("choices", "What could have been chosen otherwise", _choices(results), "row", brief=()),
        table("curve", "Every universe", _curve(study, results), "universe", brief=()),
    )  # fmt: skip
    return filter(len, every)


def _labels(of: Case) -> Row:
    return {"claim": str(of.claim), "ledger": of.ledger}


def _profile(results: Sequence[Result]) -> Iterator[Row]:
    for case in (one.case for one in results):
        for departures in DEPARTURES:
            found = case.verdicts(departures)
            shares = {str(one): found.count(one) / len(found) if found else math.nan for one in Verdict}
            yield _labels(case) | {"departures": departures, "universes": len(found)} | shares | {BRIEF: bool(found)}


def _claims(study: Study, results: Sequence[Result]) -> Iterator[Row]:
    for one in results:
        found = {count: one.case.verdicts(count) for count in SHARES}
        fewest = [of.universe for of in one.reversals if of.departures == one.reversals[0].departures]
        turned_by = "; or ".join(map(in_words, fewest)) or "none found"
        yield (
            _labels(one.case)
            | {"words": claimed(study, one.case.claim)}
            | {f"holds_{n}": of.count(Verdict.HOLDS) / len(of) if of else math.nan for n, of in found.items()}
            | {"turned_by": "nothing: reversed as stated" if _is_reversed(one.case) else turned_by}
        )


def _is_reversed(case: Case) -> bool:
    return case.stated.verdict is Verdict.REVERSED


def _reversals(study: Study, results: Sequence[Result]) -> Iterator[Row]:
    for one in results:
        for of in one.reversals:
            choices = {"departures": of.departures, "choices": in_words(of.universe), "exactly": _names(of.universe)}
            yield _labels(one.case) | choices | {"fraction": of.fraction} | _evidence(study, one.case, of.estimates)


def _survived(study: Study, results: Sequence[Result]) -> Iterator[Row]:
    for one in results:
        for choice, of in one.survived.items():
            yield _labels(one.case) | {"choices": choice.words} | _evidence(study, one.case, of)


def _choices(results: Sequence[Result]) -> Iterator[Row]:
    choices = (one for of in results for one in of.case.choices)
    for one in {(one.ledger, str(one)): one for one in choices}.values():  # pairs of policies share some choices
        yield {"ledger": one.ledger, "choice": one.dimension, "otherwise": one.name, "words": one.words}


def _curve(study: Study, results: Sequence[Result]) -> Iterator[Row]:
    worlds = ((one.case, of) for one in results for of in (one.case.stated, *one.case.worlds))
    for number, (case, of) in enumerate(worlds):
        evidence = {"difference": _difference(of.estimates), "unit": study.unit_of(case.claim.variable)}
        names = {"verdict": str(of.verdict), "choices": _names(of.universe)}
        yield {"universe": str(number)} | _labels(case) | {"departures": of.departures} | evidence | names


def _names(universe: Universe) -> str:
    """The choices of a universe by name: `drag: off; horizon: to_2020`."""
    return "; ".join(map(str, universe))


def _evidence(study: Study, case: Case, of: Estimates) -> Row:
    """The claim's number under both policies, their difference, and the unit."""
    own, other = _value(study, case, of.policy, of.policy_error), _value(study, case, of.against, of.against_error)
    return dict(zip(EVIDENCE, (own, other, _difference(of), study.unit_of(case.claim.variable)), strict=True))


def _difference(of: Estimates) -> Estimate:
    return Estimate.normal(of.difference, of.error)


def _value(study: Study, case: Case, value: float, error: float) -> Estimate:
    """One policy's estimate with its interval.

    A probability has the interval of a share for the effective number of futures, all else a normal interval.
    """
    if case.claim.measure != PROBABILITY or math.isnan(value):
        return Estimate.normal(value, error)
    count = value * (1 - value) / error**2 if error > 0 else study.paths / study.unit
    low, high = share_interval(np.asarray(value), np.asarray(count))
    return Estimate(value, error, float(low), float(high))


def sentences(study: Study, results: Sequence[Result]) -> Iterator[str]:
    """How many claims other choices can turn, then for each claim the fewest choices that turn it."""
    by_claim = [[*some] for _, some in groupby(results, lambda one: one.case.claim)]
    fewest = [min((of.departures for one in some for of in one.reversals[:1]), default=0) for some in by_claim]
    if not results:
        yield "The futures of the study support no claim of its own; state one with --claim."
    elif len(by_claim) > 1:
        turned, singly = sum(map(bool, fewest)) or "none", fewest.count(1) or "none"
        yield f"Of {len(by_claim)} claims {turned} can be turned by other choices, {singly} by a single one."
    for some in by_claim:
        yield from _of_claim(study, some)


def _of_claim(study: Study, some: Sequence[Result]) -> Iterator[str]:
    case = some[0].case
    claim = claimed(study, case.claim)
    found = sorted((one for one in some if one.reversals), key=lambda one: one.reversals[0].departures)
    if _is_reversed(case):
        yield f"As stated, the futures show the opposite: {_turned(study, case, (), case.stated.estimates)}."
    elif case.stated.verdict is not Verdict.HOLDS:
        yield f"As stated, the futures do not bear out that {claim}."
    elif not found:
        yield f"Nothing was found that turns this: {claim}."
    for one in found:
        kinds = {is_measured(of.universe): of for of in reversed(one.reversals)}
        for of in sorted(kinds.values(), key=lambda of: of.departures):
            turned, choices = _turned(study, case, of.universe, of.estimates), in_words(of.universe)
            number = f"{of.departures} other choice{'s' * (of.departures > 1)}"
            whole, namely = f"With {number} ({choices}), {turned}.", f"Namely: {choices}."
            yield whole if is_short(whole) else f"With {number}, {turned}."
            if not is_short(whole) and is_short(namely):
                yield namely


def _turned(study: Study, case: Case, universe: Universe, of: Estimates) -> str:
    """A turned claim in words: `region devastated is likelier under reform: 26 against 24 %`."""
    claim = replace(case.claim, variable=what(study, case.claim, universe).name)
    if claim.measure == PROBABILITY:
        numbers = f"{100 * of.policy:.3g} against {100 * of.against:.3g} %"
    else:
        numbers = " against ".join(amounts("1", Estimate.normal(of.policy, of.error), of.against))
    return f"{judged(study, claim, not claim.worse)} under {study.phrase('policies', claim.policy)}: {numbers}"
