"""Section `challenge`: a study's claims, and other choices of measurement that test them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import Problems, look_up, refusal
from engine.formatting import shown
from engine.modelling.declaration import check_name
from engine.modelling.records import Model, worse_side
from engine.study.tables.record import Field, Labelled, Table
from engine.study.values import LEVELS, PROBABILITY, Names, Tables, as_number, measure_of, multiple_of

CHOICES = ("readings", "horizons")
"""Tables of the section whose entries are choices (`Reading`)."""
_CLAIM = re.compile(r"(\S+) (better|worse|likelier|rarer) than (\S+) in (?:(\S+) of )?(\S+)")


@dataclass(frozen=True)
class Claim:
    """A claim of a study: one policy is better, or worse, than another in one number.

    Args:
      measure: "probability" of an event; "mean", or a name such as "VaR95" or "ES99", of an outcome.
      worse: whether `policy` is claimed to be worse than `against` (for an event: likelier); else better (rarer).
    """

    policy: str
    against: str
    variable: str
    measure: str
    worse: bool

    def __str__(self) -> str:
        """The claim as a study file states it, always in the same words."""
        of = "" if self.measure == PROBABILITY else f"{self.measure} of "
        word = "worse" if self.worse else "better"
        return f"{self.policy} {word} than {self.against} in {of}{self.variable}"


class Reading(Labelled):
    """Another choice of what is measured."""

    about: str = ""
    """meaning of the choice"""
    instead: dict[str, str] = {}
    """events or outcomes, and what replaces them"""


class Challenge(Table):
    """Claims of the study, and other choices of what is measured that test them. They change no number of a run."""

    claims: list[str] = []
    """sentences such as 'save better than keep in ES99 of shortage'"""
    matters: float = Field(0.1, ge=0, lt=1)
    """smallest difference that reverses a claim by size, as a share of the larger number"""
    readings: dict[str, Reading] = {}
    """other choices of what is measured, one at a time"""
    horizons: dict[str, Reading] = {}
    """the same variables over other years"""
    thresholds: dict[str, list[Any]] = {}
    """other thresholds of an event, a list of numbers and multiples"""
    tails: list[float] = []
    """other levels of VaR and ES, in per cent, of those that the study measures"""

    @property
    def choices(self) -> dict[str, Reading]:
        """Readings and horizons by name."""
        return self.readings | self.horizons


def claim_of(text: str, policies: Names, events: Names, outcomes: Names, levels: Sequence[float] = LEVELS) -> Claim:
    """The claim that a sentence makes: `reform better than old in ES99 of cost`, `reform likelier than old in ruin`.

    Args:
      levels: of VaR and ES that a measure may name.

    Raises:
      UserError: with all problems: words that are not understood, unknown names, the same policy twice.
    """
    found = _CLAIM.fullmatch(" ".join(text.split()))
    if found is None:
        old, new = [*policies, "OLD", "NEW"][:2]
        raise refusal(
            "",
            "expected POLICY better (or worse, likelier, rarer) than POLICY in [MEASURE of] VARIABLE"
            f", got {shown(text)}. Example: '"
            f"{new} better than {old} in {[*events, *outcomes, 'VARIABLE'][0]}'.",
        )
    policy, word, against, measure, variable = found.groups()
    problems = Problems()
    for name in (policy, against):
        problems.knows("", "policy", name, policies)
    if policy == against:
        problems.add("", f"compares '{policy}' with itself. Name two policies.")
    measure = measure_of(measure or "", variable, events, outcomes, levels, problems)
    if word in ("likelier", "rarer") and measure != PROBABILITY and variable in outcomes:
        other = "worse" if word == "likelier" else "better"
        problems.add("", f"'{word}' applies to events; '{variable}' is an outcome. Write '{other}'.")
    problems.refuse()
    return Claim(policy, against, variable, measure, word in ("worse", "likelier"))


def read(
    text: Tables, running: Names, model: Model, levels: Sequence[float], problems: Problems, spare: Names
) -> Challenge:
    """The challenge that a study's tables state, claims in their usual words, those of policies that do not run left
    out.

    Args:
      running: names of the policies that run.
      levels: of VaR and ES that the study measures.
      problems: what is wrong is added here.
      spare: places of what an extended study states, which is left out where it does not fit: "challenge.claims",
        "challenge.readings.NAME", "challenge.thresholds.EVENT".
    """
    table, events = {**text["challenge"]}, text["events"]
    for place in spare:
        if place.startswith("challenge."):
            problems.close(place)
    claims: dict[Any, Claim] = {}
    for sentence in table["claims"]:
        with problems.within("challenge.claims"):
            claim = claim_of(sentence, text["policies"], events, model.outcomes, levels)
            same = frozenset((claim.policy, claim.against)), claim.variable, claim.measure
            if same in claims:
                raise refusal("", f"'{claim}' is equivalent to '{claims[same]}'. Remove one of them.")
            claims[same] = claim
    table["claims"] = [str(claim) for claim in claims.values() if {claim.policy, claim.against} <= {*running}]
    if unknown := [f"{level:g}" for level in table["tails"] if round(level / 100, 8) not in levels]:
        known = ", ".join(f"{100 * level:g}" for level in levels)
        problem = f"expected levels of the study ({known}), got {', '.join(unknown)}. Add levels to risk.levels."
        problems.add("challenge.tails", problem)
    for name in table["horizons"]:
        if name in table["readings"]:
            problems.add(f"challenge.horizons.{name}", "is also the name of a reading. Choose another.")
    for kind in CHOICES:
        kept = {}
        for name, choice in table[kind].items():
            place = f"challenge.{kind}.{name}"
            with problems.within(place):
                check_name(name)
            if instead := _instead(choice["instead"], f"{place}.instead", events, model, problems):
                kept[name] = choice | {"instead": instead}
        table[kind] = kept
    thresholds = {event: _thresholds(event, values, events, problems) for event, values in table["thresholds"].items()}
    return Challenge(**table | {"thresholds": {event: found for event, found in thresholds.items() if found}})


def _instead(stated: Tables, place: str, events: Tables, model: Model, problems: Problems) -> Tables:
    """What a choice puts in place of what, without invalid entries, which are added to the problems."""

    def kind(name: str) -> str:
        if name in events:
            return "an event"
        one = model.outcomes[name]
        return f"an outcome in {one.unit} of which {worse_side(one.loss) or 'neither side is worse'}"

    valid, known = {}, [*events, *model.outcomes]
    if not stated:
        problems.add(place, 'is missing. State what replaces what: instead = { EVENT = "OTHER" }.')
    for old, new in stated.items():
        with problems.within(place):
            own = Problems()
            for name in (old, new):
                own.knows("", "event or outcome", name, known)
            if old == new:
                own.add("", f"replaces '{old}' by itself. Name another.")
            own.refuse()
            if kind(old) != kind(new):
                raise refusal(
                    "",
                    f"'{new}' is {kind(new)}; '{old}' is {kind(old)}."
                    " Name a variable of the same kind, unit and sense.",
                )
            valid[old] = new
    return valid


def _thresholds(event: str, values: Sequence[Any], events: Tables, problems: Problems) -> list[float | str]:
    """Other thresholds of an event, numbers or multiples, without invalid ones, which are added to the problems."""
    place, found = f"challenge.thresholds.{event}", dict[float, float | str]()
    with problems.within(place):
        look_up("event", event, events)
        table = events[event]
        if parts := table.get("all") or table.get("any"):
            raise refusal("", f"combines events, without a threshold of its own. Name one of them: {', '.join(parts)}.")
        present = table.get("above", table.get("below"))
        for value in values if present is not None else ():  # else it is a problem of the event
            with problems.within(place):
                threshold = as_number(value, present)
                if threshold == present:
                    raise refusal("", f"{shown(value)} is the present threshold. State another one.")
                if threshold in found:
                    raise refusal("", f"{shown(value)} is stated twice. Remove one of them.")
                found[threshold] = f"{multiple_of(value)!r}x" if isinstance(value, str) else threshold
    return [*found.values()]
