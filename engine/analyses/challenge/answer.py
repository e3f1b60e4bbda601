"""The challenge to a study's claims as an answer: sentences, shares of universes, reversals, and carriers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from engine.analyses.challenge.challenge import ClaimResult, challenge
from engine.analyses.challenge.choices import POLICIES, SPECIFICATION, Universe, in_words, is_measured
from engine.analyses.challenge.claims import ClaimEstimates, Verdict, what
from engine.analyses.challenge.designs import DEPARTURES
from engine.analyses.variables import PROBABILITY
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Column, Table, counts, estimates, numbers, texts
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
TOLD = DEPARTURES[::2]
"""Numbers of departures that have a column in the table of claims."""
SHOWN = 8
"""How many of the choices that carry a claim the brief table shows."""


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
    """Tables: shares by departures, claims, reversals, choices survived, carriers, all choices, and all universes."""
    if not held:
        return
    every = (
        _profile(held),
        _claims(study, held),
        _reversals(study, held),
        _survived(study, held),
        _carriers(held),
        _choices(study, held),
        _curve(study, held),
    )
    yield from (table for table in every if len(table))


def _claim_columns(rows: Sequence[ClaimResult]) -> list[Column]:
    return [
        texts("claim", [str(one.claim) for one in rows], "what the study is said to show"),
        texts(
            "ledger",
            [one.profile.ledger.name for one in rows],
            f"`{SPECIFICATION}` or `{POLICIES}`: which kind of choices depart",
        ),
    ]


def _numbered(count: int) -> Column:
    return texts("row", [str(k + 1) for k in range(count)], "number of the row", brief=False)


def _profile(held: Sequence[ClaimResult]) -> Table:
    rows = [(one, departures, *one.profile.shares(departures)) for one in held for departures in DEPARTURES]
    shares = [
        numbers(str(verdict), [row[3].get(verdict) for row in rows], about, shown="%")
        for verdict, about in (
            (Verdict.HOLDS, "share of universes in which the claim holds"),
            (Verdict.REVERSED, "share in which it is reversed, by as much as matters"),
            (Verdict.UNDECIDED, "share in which neither is beyond doubt"),
            (Verdict.NOTHING, "share in which the event happens under neither policy"),
        )
    ]
    columns = [
        *_claim_columns([row[0] for row in rows]),
        counts("departures", [row[1] for row in rows], "choices that depart at a time"),
        counts("universes", [row[2] for row in rows], "universes that differ, of that design"),
        *shares,
    ]
    title, dims = "Universes in which it stands", ("claim", "ledger", "departures")
    return Table("profile", title, columns, dims, [bool(row[2]) for row in rows], apart="claim")


def _claims(study: Study, held: Sequence[ClaimResult]) -> Table:
    shares = {count: [one.profile.shares(count)[1].get(Verdict.HOLDS) for one in held] for count in TOLD}
    columns = [
        *_claim_columns(held),
        texts("words", [claimed(study, one.claim) for one in held], "the claim in words", over=("claim",), brief=False),
        *(
            numbers(
                f"holds_{count}", of, f"share in which it holds where {count} depart", head=f"{count} depart", shown="%"
            )
            for count, of in shares.items()
        ),
        texts("turned_by", [_mildest(one) for one in held], "the fewest choices found that turn it"),
    ]
    title = "Share of universes in which each claim holds, and what turns it"
    return Table("claims", title, columns, ("claim", "ledger"))


def _mildest(one: ClaimResult) -> str:
    if one.profile.stated.verdict is Verdict.REVERSED:
        return "nothing: reversed as stated"
    front = one.turned.front
    least = [in_words(found.universe) for found in front if found.departures == front[0].departures]
    return "; or ".join(least) or "none found"


def _of_seen(study: Study, rows: Sequence[tuple[Claim, ClaimEstimates]]) -> list[Column]:
    return [
        estimates(
            "policy_value",
            [_value(study, claim, seen.policy, seen.policy_error) for claim, seen in rows],
            "the claim's number under its policy there",
        ),
        estimates(
            "against_value",
            [_value(study, claim, seen.against, seen.against_error) for claim, seen in rows],
            "under the other policy",
        ),
        estimates("difference", [difference(seen) for _, seen in rows], "the first less the second"),
        _unit(study, [claim for claim, _ in rows]),
    ]


def _unit(study: Study, claims: Sequence[Claim]) -> Column:
    return texts("unit", [study.unit_of(one.variable) for one in claims], "unit of the claim's numbers")


def _reversals(study: Study, held: Sequence[ClaimResult]) -> Table:
    rows = [(one, found) for one in held for found in one.turned.front]
    columns = [
        _numbered(len(rows)),
        *_claim_columns([one for one, _ in rows]),
        counts("departures", [found.departures for _, found in rows], "choices that depart"),
        texts("choices", [in_words(found.universe) for _, found in rows], "which"),
        texts("exactly", [choices_as_text(found.universe) for _, found in rows], "the same by name", brief=False),
        estimates(
            "fraction", [found.fraction for _, found in rows], "part of the way to them at which the claim turns"
        ),
        *_of_seen(study, [(one.claim, found.seen) for one, found in rows]),
    ]
    return Table("reversals", "The mildest sets of choices that turn a claim", columns, ("row",))


def _survived(study: Study, held: Sequence[ClaimResult]) -> Table:
    rows = [(one, choice, seen) for one in held for choice, seen in one.turned.survived]
    columns = [
        _numbered(len(rows)),
        *_claim_columns([one for one, _, _ in rows]),
        texts("choices", [choice.words for _, choice, _ in rows], "which departs"),
        *_of_seen(study, [(one.claim, seen) for one, _, seen in rows]),
    ]  # fmt: skip
    return Table("survived", "The hardest single choices that a claim survives", columns, ("row",))


def _carriers(held: Sequence[ClaimResult]) -> Table:
    rows = [
        (one, name, share, one.carriers.fit, place < SHOWN)
        for one in held
        if one.carriers is not None
        for place, (name, share) in enumerate(one.carriers.shares.items())
    ]
    columns = [
        _numbered(len(rows)),
        *_claim_columns([row[0] for row in rows]),
        texts("choice", [row[1] for row in rows], "what is chosen", brief=False),
        texts("label", [row[0].profile.ledger.labels[row[1]] for row in rows], "the same in words"),
        numbers("share", [row[2] for row in rows], "Shapley share of the variance of the fitted difference", shown="%"),
        numbers("fit", [row[3] for row in rows], "R2 of the regression, for universes left out of it"),
    ]  # fmt: skip
    return Table("carriers", "Which choices carry a claim", columns, ("row",), [row[4] for row in rows])


def _choices(study: Study, held: Sequence[ClaimResult]) -> Table:
    every = [choice for one in held for choice in one.profile.ledger.choices]
    rows = list({(one.ledger, str(one)): one for one in every}.values())  # pairs of policies share some choices
    columns = [
        _numbered(len(rows)),
        texts("ledger", [one.ledger for one in rows], "which kind of choice"),
        texts("choice", [one.dimension for one in rows], "what is chosen"),
        texts("otherwise", [one.name for one in rows], "how it is chosen in place of what is stated"),
        texts("words", [one.words for one in rows], "both in words"),
    ]
    return Table("choices", "What could have been chosen otherwise", columns, ("row",), [False] * len(rows))


def _curve(study: Study, held: Sequence[ClaimResult]) -> Table:
    rows = [(one, place) for one in held for place in (one.profile.stated, *one.profile.places)]
    columns = [
        texts("universe", [str(k) for k in range(len(rows))], "number of the universe"),
        *_claim_columns([one for one, _ in rows]),
        counts("departures", [place.departures for _, place in rows], "choices that depart; 0 as stated"),
        estimates("difference", [difference(place.seen) for _, place in rows], "policy less against"),
        _unit(study, [one.claim for one, _ in rows]),
        texts("verdict", [str(place.verdict) for _, place in rows], "what it says of the claim"),
        texts("choices", [choices_as_text(place.universe) for _, place in rows], "which depart"),
    ]
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
