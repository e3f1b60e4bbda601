"""A made-up answer to `challenge`: claims in universes that depart from the stated one by some choices at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.table import table
from engine.risk.estimation.intervals import Estimate

CLAIMS = ("reform better than old in region_devastated", "reform better than old in bank_loss, ES99")
SENTENCES = (
    "the chance of regional recession is lower under reform than under old policies",
    "the mean of banks' loss in the worst 1 % is lower under reform than under old policies",
)
CHOICES = (
    *("drag", "horizon", "recovery_years", "evergreening", "discount_rate"),
    *("threshold", "migration", "price_response", "start_year", "tail_measure"),
)
LABELS = {"drag": "drag of zombies", "horizon": "years looked at"}
"""The study's labels of choices, where they are not their names."""
LEDGERS = ("specification", "policies")
DEPARTURES = (1, 2, 4)
VERDICTS = ("holds", "reversed", "nothing", "undecided")
HALF = 0.04
"""Half the width of every interval."""


def effects(choices: Sequence[str]) -> np.ndarray:
    """What a departure in each choice adds to the difference: less from choice to choice, some up and some down."""
    return 0.3 * 0.7 ** np.arange(len(choices)) * np.where(np.arange(len(choices)) % 3, -0.7, 1.0)


def verdict(value: float) -> str:
    """The verdict on a difference, of which a lower one is better; "nothing" for exactly 0."""
    if value == 0:
        return "nothing"
    return "undecided" if abs(value) < HALF else "holds" if value < 0 else "reversed"


def _rows(claims: Sequence[str], choices: Sequence[str], each: int) -> Iterator[dict]:
    rng = np.random.default_rng(7)
    for k, claim in enumerate(claims):
        for ledger in LEDGERS:
            yield _universe(claim, ledger, 0, -0.25 + 0.1 * k, "", "")
            for count in DEPARTURES:
                for at in range(each):
                    moved = np.sort(rng.permutation(len(choices))[: min(count, len(choices))])
                    value = -0.25 + 0.1 * k + effects(choices)[moved].sum() + 0.03 * rng.standard_normal()
                    text = "; ".join(f"{choices[one]}: off" for one in moved)
                    words = " and ".join(f"{LABELS.get(choices[one], choices[one])} off" for one in moved)
                    yield _universe(claim, ledger, count, 0.0 if at % 25 == 3 else float(value), words, text)


def _universe(claim: str, ledger: str, departures: int, value: float, choices: str, exactly: str) -> dict:
    one = Estimate(value, HALF / 2, value - HALF, value + HALF)
    return {
        "claim": claim,
        "ledger": ledger,
        "departures": departures,
        "difference": one,
        "verdict": verdict(value),
        "choices": choices,
        "exactly": exactly,
    }


def challenged(
    subject: Subject, claims: Sequence[str] = CLAIMS, choices: Sequence[str] = CHOICES, each: int = 100
) -> Answer:
    """A made-up answer: of each claim in each ledger the stated universe, and `each` with 1, 2 and 4 departures."""
    rows = list(_rows(claims, choices, each))
    pairs = [(claim, ledger) for claim in claims for ledger in LEDGERS]
    profile = []
    for claim, ledger in pairs:
        for count in (*DEPARTURES, 16):
            cell = claim, ledger, count
            seen = [row["verdict"] for row in rows if (row["claim"], row["ledger"], row["departures"]) == cell]
            shares = {name: seen.count(name) / len(seen) if seen else None for name in VERDICTS}
            labels = {"claim": claim, "ledger": ledger, "departures": count, "universes": len(seen)}
            profile.append({**labels, **shares})
    said = dict(zip(CLAIMS, SENTENCES, strict=True))
    claimed = [
        {"claim": claim, "ledger": ledger, "words": said.get(claim, claim), "turned_by": "none found"}
        for claim, ledger in pairs
    ]
    otherwise = [{"choice": one, "otherwise": "off", "words": f"{LABELS.get(one, one)} off"} for one in choices]
    short = ("departures", "universes", *VERDICTS)
    shown = dict.fromkeys(VERDICTS, "%")
    tables = (
        table("profile", "In how many universes claims hold", profile, "row", brief=short, shown=shown),
        table("claims", "Verdict on each claim", claimed, "claim", "ledger", brief=("turned_by",)),
        table("choices", "Alternative choices", otherwise, "row", brief=()),
        table("curve", "Every universe", rows, "universe", brief=()),
    )
    finding = "That reform is better than old in region_devastated holds in most universes of one departure."
    basis = f"{subject.name}: {len(rows):,} universes"
    return Answer(
        subject, (finding,), tables if each else (), basis, "", question="challenge",
        heading="Claims under other modelling choices",
    )  # fmt: skip
