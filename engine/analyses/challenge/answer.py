"""The challenge to a study's claims as an answer: sentences, shares of universes, and reversals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from engine.analyses.challenge.challenge import ClaimResult, challenge
from engine.analyses.challenge.choices import POLICIES, SPECIFICATION, Universe, in_words, is_measured
from engine.analyses.challenge.claims import ClaimEstimates, Verdict, what
from engine.analyses.challenge.profiles import DEPARTURES
from engine.analyses.columns import by_position, made
from engine.analyses.variables import PROBABILITY
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Table, counts, estimates, numbers, texts
from engine.risk.estimation.intervals import Estimate, Z
from engine.risk.estimation.shares import share_interval
from engine.risk.estimation.wording import amounts, claimed, judged
from engine.study.study import Study
from engine.study.tables.challenge import Claim

READING = (
    "Universes are sets of other choices on the same futures; each share is of its design, so many choices at a time,"
    " and set by that, not by the world. Holds, reversed: beyond doubt over all universes of a row (simultaneous 95 %)."
    " Nothing: the event no longer happens under either. Undecided: neither is beyond doubt, or it is reversed by less"
    " than matters. Reversals are seen on futures that they were not looked for on; that none was found proves nothing."
    " Fraction: how far on the way to its choices the claim turns. Brackets: 95 % intervals."
)
LONGEST = 25
"""Most words of a sentence."""
TOLD = (1, 4, 16)
"""Numbers of departures that have a column in the table of claims."""


ROW = made(texts, "row", "number of the row", brief=False)
CLAIM = made(texts, "claim", "what the study is said to show")
LEDGER = made(texts, "ledger", f"`{SPECIFICATION}` or `{POLICIES}`: which kind of choices depart")
UNIT = made(texts, "unit", "unit of the claim's numbers")
SEEN = (
    made(estimates, "policy_value", "the claim's number under its policy there"),
    made(estimates, "against_value", "under the other policy"),
    made(estimates, "difference", "the first less the second"),
    UNIT,
)


def answer(of: Asked, stated: Sequence[str]) -> Answer:
    """The answer to `challenge`.

    `engine.analyses.challenge.challenge.challenge` says how it is computed, and what is refused.
    """
    given = challenge(of.study, stated, of.paths, of.device, of.observe)
    study = given.study
    basis = (
        f"{study.name}: {study.paths:,} paths a universe, seed {study.seed}, all by one program; "
        f"a claim is reversed by a difference of {100 * study.challenge.matters:g} % or more"
    )
    lost = sum(math.isnan(place.seen.difference) for one in given.held for place in one.profile.places)
    if lost:
        basis += f"; {lost:,} times a universe has more paths that are not finite than the study allows: undecided"
    return Answer(
        Subject.of(study), tuple(findings(study, given.held)), tuple(tables(study, given.held)), basis, READING, given
    )  # fmt: skip


def findings(study: Study, held: Sequence[ClaimResult]) -> Iterator[str]:
    """Sentences: how many claims other choices can turn, then for each claim the fewest choices that turn it."""
    if not held:
        yield "The study makes no claim that its own futures bear out; say one with --claim."
        return
    by_claim = [list(some) for _, some in groupby(held, lambda one: one.claim)]
    turn = sum(any(one.turned.front for one in some) for some in by_claim)
    single = sum(any(one.turned.front and one.turned.front[0].departures == 1 for one in some) for some in by_claim)
    if len(by_claim) > 1:
        yield (
            f"Of {len(by_claim)} claims {turn or 'none'} can be turned by other choices, {single or 'none'} by a single"
            " one."
        )
    for some in by_claim:
        yield from _of_claim(study, some)


def _of_claim(study: Study, some: Sequence[ClaimResult]) -> Iterator[str]:
    found = sorted((one for one in some if one.turned.front), key=lambda one: one.turned.front[0].departures)
    claim, stated = some[0].claim, some[0].profile.stated
    if stated.verdict is Verdict.REVERSED:
        yield f"As stated, the futures show the opposite: {turned_words(study, claim, stated.seen)}."
        return
    if stated.verdict is not Verdict.HOLDS:
        yield f"As stated, the futures do not bear out that {claimed(study, claim)}."
    elif not found:
        yield f"Nothing was found that turns this: {claimed(study, claim)}."
    for one in found:
        kinds = {is_measured(each.universe): each for each in reversed(one.turned.front)}
        for mildest in sorted(kinds.values(), key=lambda each: each.departures):
            measured = replace(claim, variable=what(study, claim, mildest.universe).name)
            turned = turned_words(study, measured, mildest.seen)
            choices = in_words(mildest.universe)
            text, namely = f"With {choices}, {turned}.", f"Namely: {choices}."
            count = len(mildest.universe)
            many = (
                f"With {('one', 'two')[count - 1] if count < 3 else count} other choice{'s' * (count > 1)}, {turned}."
            )
            yield text if _is_short(text) else many
            if not _is_short(text) and _is_short(namely):
                yield namely


def _is_short(sentence: str) -> bool:
    return len(sentence.split()) <= LONGEST


def turned_words(study: Study, claim: Claim, seen: ClaimEstimates) -> str:
    """A turned claim in words: `region devastated is likelier under reform: 26 against 24 %`."""
    gap = _normal(seen.policy, seen.error)
    if claim.measure == PROBABILITY:
        one, other = (f"{100 * value:.3g}" for value in (seen.policy, seen.against))
        numbers_said = f"{one} against {other} %"
    else:
        one, other = amounts("1", gap, seen.against)
        numbers_said = f"{one} against {other}"
    policy = study.phrase("policies", claim.policy)
    return f"{judged(study, claim, not claim.worse)} under {policy}: {numbers_said}"


def tables(study: Study, held: Sequence[ClaimResult]) -> Iterator[Table]:
    """Tables: shares by departures, claims, reversals, choices survived, all choices, and all universes."""
    if not held:
        return
    every = (_profile, _claims, _reversals, _survived, _choices, _curve)
    yield from (table for of in every if len(table := of(study, held)))


def _named(one: ClaimResult) -> tuple[str, str]:
    return str(one.claim), one.profile.ledger.name


def _profile(_: Study, held: Sequence[ClaimResult]) -> Table:
    shares = {
        Verdict.HOLDS: "share of universes in which the claim holds",
        Verdict.REVERSED: "share in which it is reversed, by as much as matters",
        Verdict.UNDECIDED: "share in which neither is beyond doubt",
        Verdict.NOTHING: "share in which the event happens under neither policy",
    }
    rows: list[tuple[Any, ...]] = [
        (*_named(one), departures, count, *map(of.get, shares))
        for one in held
        for departures in DEPARTURES
        for count, of in [one.profile.shares(departures)]
    ]
    columns = by_position(
        rows,
        CLAIM,
        LEDGER,
        made(counts, "departures", "choices that depart at a time"),
        made(counts, "universes", "universes that differ, of that design"),
        *(made(numbers, str(verdict), about, shown="%") for verdict, about in shares.items()),
    )
    title, dims = "Universes in which it stands", ("claim", "ledger", "departures")
    return Table("profile", title, columns, dims, [row[3] > 0 for row in rows], apart="claim")


def _claims(study: Study, held: Sequence[ClaimResult]) -> Table:
    rows = []
    for one in held:
        shares = (one.profile.shares(count)[1].get(Verdict.HOLDS) for count in TOLD)
        rows.append((*_named(one), claimed(study, one.claim), *shares, _mildest(one)))
    columns = by_position(
        rows,
        CLAIM,
        LEDGER,
        made(texts, "words", "the claim in words", over=("claim",), brief=False),
        *(
            made(
                numbers,
                f"holds_{count}",
                f"share in which it holds where {count} depart",
                head=f"{count} depart",
                shown="%",
            )
            for count in TOLD
        ),
        made(texts, "turned_by", "the fewest choices found that turn it"),
    )
    title = "Share of universes in which each claim holds, and what turns it"
    return Table("claims", title, columns, ("claim", "ledger"))


def _mildest(one: ClaimResult) -> str:
    if one.profile.stated.verdict is Verdict.REVERSED:
        return "nothing: reversed as stated"
    front = one.turned.front
    least = [in_words(found.universe) for found in front if found.departures == front[0].departures]
    return "; or ".join(least) or "none found"


def _seen(study: Study, claim: Claim, seen: ClaimEstimates) -> tuple[Estimate | str, ...]:
    """The claim's number under both policies, their difference, and the unit."""
    own = _value(study, claim, seen.policy, seen.policy_error)
    other = _value(study, claim, seen.against, seen.against_error)
    return own, other, difference(seen), study.unit_of(claim.variable)


def _reversals(study: Study, held: Sequence[ClaimResult]) -> Table:
    rows = [
        (
            *(*_named(one), found.departures, in_words(found.universe), choices_as_text(found.universe)),
            *(found.fraction, *_seen(study, one.claim, found.seen)),
        )
        for one in held
        for found in one.turned.front
    ]
    columns = by_position(
        [(str(k), *row) for k, row in enumerate(rows, 1)],
        ROW,
        CLAIM,
        LEDGER,
        made(counts, "departures", "choices that depart"),
        made(texts, "choices", "which"),
        made(texts, "exactly", "the same by name", brief=False),
        made(estimates, "fraction", "part of the way to them at which the claim turns"),
        *SEEN,
    )
    return Table("reversals", "The mildest sets of choices that turn a claim", columns, ("row",))


def _survived(study: Study, held: Sequence[ClaimResult]) -> Table:
    rows = [
        (*_named(one), choice.words, *_seen(study, one.claim, seen))
        for one in held
        for choice, seen in one.turned.survived
    ]
    columns = by_position(
        [(str(k), *row) for k, row in enumerate(rows, 1)],
        ROW,
        CLAIM,
        LEDGER,
        made(texts, "choices", "which departs"),
        *SEEN,
    )
    return Table("survived", "The hardest single choices that a claim survives", columns, ("row",))


def _choices(study: Study, held: Sequence[ClaimResult]) -> Table:
    every = [choice for one in held for choice in one.profile.ledger.choices]
    rows = list({(one.ledger, str(one)): one for one in every}.values())  # pairs of policies share some choices
    columns = by_position(
        [(str(k), one.ledger, one.dimension, one.name, one.words) for k, one in enumerate(rows, 1)],
        ROW,
        made(texts, "ledger", "which kind of choice"),
        made(texts, "choice", "what is chosen"),
        made(texts, "otherwise", "how it is chosen in place of what is stated"),
        made(texts, "words", "both in words"),
    )
    return Table("choices", "What could have been chosen otherwise", columns, ("row",), [False] * len(rows))


def _curve(study: Study, held: Sequence[ClaimResult]) -> Table:
    rows = [
        (
            *(*_named(one), place.departures, difference(place.seen), study.unit_of(one.claim.variable)),
            *(str(place.verdict), choices_as_text(place.universe)),
        )
        for one in held
        for place in (one.profile.stated, *one.profile.places)
    ]
    columns = by_position(
        [(str(k), *row) for k, row in enumerate(rows)],
        made(texts, "universe", "number of the universe"),
        CLAIM,
        LEDGER,
        made(counts, "departures", "choices that depart; 0 as stated"),
        made(estimates, "difference", "policy less against"),
        UNIT,
        made(texts, "verdict", "what it says of the claim"),
        made(texts, "choices", "which depart"),
    )
    return Table("curve", "Every universe", columns, ("universe",), [False] * len(rows))


def difference(seen: ClaimEstimates) -> Estimate:
    """The difference of the two policies with a normal 95 % interval."""
    return _normal(seen.difference, seen.error)


def _normal(value: float, error: float) -> Estimate:
    return Estimate(value, error, value - Z * error, value + Z * error)


def _value(study: Study, claim: Claim, value: float, error: float) -> Estimate:
    """One policy's estimate with its interval.

    A probability has the interval of a share for the effective number of futures, all else a normal interval.
    """
    if claim.measure != PROBABILITY or math.isnan(value):
        return _normal(value, error)
    count = value * (1 - value) / error**2 if error > 0 else study.paths / study.unit
    low, high = share_interval(np.asarray(value), np.asarray(count))
    return Estimate(value, error, float(low), float(high))


def choices_as_text(universe: Universe) -> str:
    """The choices of a universe by name: `drag: off; horizon: to_2020`."""
    return "; ".join(map(str, universe))
