"""Section `challenge` -> the claims of a study, and the other choices of what is measured that they are held against."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import Problems, refusal, unknown
from engine.formatting import shown
from engine.study.numbers import LEVELS

KEY = "challenge"
MATTERS = 0.1
"""Smallest difference, as a share of the larger number, that reverses a claim where a study does not say."""
_CLAIM = re.compile(r"(\S+) (better|worse|likelier|rarer) than (\S+) in (?:(\S+) of )?(\S+)")


@dataclass(frozen=True)
class Claim:
    """What a study is said to show: one policy is better, or worse, than another in one number.

    Args:
      measure: "probability" of an event; "mean", or a name such as "VaR95" or "ES99", of an outcome.
      worse: whether `policy` is said to be the worse one, of an event the likelier one; else the better, or rarer.
    """

    policy: str
    against: str
    variable: str
    measure: str
    worse: bool

    def __str__(self) -> str:
        """The claim as a study file states it, always in the same words."""
        of = "" if self.measure == "probability" else f"{self.measure} of "
        word = "worse" if self.worse else "better"
        return f"{self.policy} {word} than {self.against} in {of}{self.variable}"


@dataclass(frozen=True)
class Reading:
    """Another choice of what is measured: variable -> the one that is looked at in its place."""

    name: str
    about: str
    instead: Mapping[str, str]


@dataclass(frozen=True)
class Threshold:
    """Another threshold of an event: a number, or a multiple of the one that is there."""

    value: float
    is_multiple: bool


@dataclass(frozen=True)
class Challenge:
    """The claims of a study and the choices that they are held against; no number of a run hangs on them.

    Args:
      claims: those whose two policies run.
      matters: smallest difference that reverses a claim, as a share of the larger of the two numbers; from 0, below 1.
      readings: each a choice of its own.
      horizons: other spans of time, all of them one choice.
      thresholds: event -> its other thresholds.
    """

    claims: tuple[Claim, ...] = ()
    matters: float = MATTERS
    readings: tuple[Reading, ...] = ()
    horizons: tuple[Reading, ...] = ()
    thresholds: Mapping[str, tuple[Threshold, ...]] = field(default_factory=dict)


def claim_of(
    text: str,
    policies: Collection[str],
    events: Collection[str],
    outcomes: Collection[str],
    levels: Sequence[float] = LEVELS,
) -> Claim:
    """The claim that a sentence makes: `reform better than old in ES99 of cost`, `reform likelier than old in ruin`.

    Args:
      levels: of VaR and ES that a measure may name.

    Raises:
      UserError: with all that is wrong: words that are not understood, names that nothing answers to, one policy twice.
    """
    found = _CLAIM.fullmatch(" ".join(text.split()))
    if found is None:
        old, new = [*policies, "OLD", "NEW"][:2]
        example = f"{new} better than {old} in {[*events, *outcomes, 'VARIABLE'][0]}"
        wanted = "POLICY better (or worse, likelier, rarer) than POLICY in [MEASURE of] VARIABLE"
        raise refusal("", f"expected {wanted}, got {shown(text)}. Write, say, '{example}'.")
    policy, word, against, measure, variable = found.groups()
    problems = Problems()
    for name in dict.fromkeys((policy, against)):
        if name not in policies:
            problems.add("", unknown("policy", name, policies))
    if policy == against:
        problems.add("", f"holds '{policy}' against itself. Name two policies.")
    known = [f"{kind}{100 * level:g}" for kind in ("VaR", "ES") for level in levels]
    if variable in events:
        if measure not in (None, "probability"):
            text = f"'{measure}' is no measure of an event. Leave '{measure} of' out: in {variable}."
            problems.add("", text)
        measure = "probability"
    elif variable in outcomes:
        if word in ("likelier", "rarer"):
            other = "worse" if word == "likelier" else "better"
            problems.add("", f"'{word}' is said of events; '{variable}' is an outcome. Write '{other}'.")
        if measure not in (None, "mean", *known):
            problems.add("", unknown(f"measure of '{variable}'", measure, ["mean", *known]))
    else:
        problems.add("", unknown("event or outcome", variable, [*events, *outcomes]))
    problems.refuse()
    return Claim(policy, against, variable, measure or "mean", word in ("worse", "likelier"))
