"""Section `challenge`, read to a `Challenge`: a study's claims, and other choices of measurement that test them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import Problems, look_up, refusal
from engine.formatting import shown
from engine.modelling.declaration import check_name
from engine.modelling.records import Model, worse_side
from engine.study.tables.record import Labelled, says
from engine.study.values import LEVELS, Tables, measures, multiple_of, number

CHOICES = ("readings", "horizons")
"""Tables of the section whose entries are choices (`Reading`), each with a name and perhaps a label."""
BY_NAME = (*CHOICES, "thresholds")
"""Tables of the section whose entries have names."""
MATTERS = 0.1
"""Default of `Challenge.matters`."""
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
        of = "" if self.measure == "probability" else f"{self.measure} of "
        word = "worse" if self.worse else "better"
        return f"{self.policy} {word} than {self.against} in {of}{self.variable}"


class ChoiceTable(Labelled):
    """Another choice of what is measured."""

    about: str | None = says("meaning of the choice")
    instead: dict[str, str] | None = says("events or outcomes, and what replaces them")


class Reading(ChoiceTable):
    """Another choice of what is measured, with its name."""

    name: str
    about: str
    instead: dict[str, str]


@dataclass(frozen=True)
class Threshold:
    """Another threshold of an event: a number, or a multiple of the study's own threshold."""

    value: float
    is_multiple: bool


@dataclass(frozen=True)
class Challenge:
    """The claims of a study and the choices that they are tested under; no number of a run depends on them.

    Args:
      claims: those whose two policies run.
      matters: smallest difference that reverses a claim by size, as a share of the larger of the two numbers; from 0,
        below 1.
      readings: each a choice of its own.
      horizons: other spans of time, all of them one choice.
      thresholds: event -> its other thresholds.
    """

    claims: tuple[Claim, ...] = ()
    matters: float = MATTERS
    readings: tuple[Reading, ...] = ()
    horizons: tuple[Reading, ...] = ()
    thresholds: Mapping[str, tuple[Threshold, ...]] = field(default_factory=dict)

    @property
    def choices(self) -> tuple[Reading, ...]:
        """Readings and horizons."""
        return self.readings + self.horizons


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
      UserError: with all problems: words that are not understood, unknown names, the same policy twice.
    """
    found = _CLAIM.fullmatch(" ".join(text.split()))
    if found is None:
        old, new = [*policies, "OLD", "NEW"][:2]
        example = f"{new} better than {old} in {[*events, *outcomes, 'VARIABLE'][0]}"
        wanted = "POLICY better (or worse, likelier, rarer) than POLICY in [MEASURE of] VARIABLE"
        raise refusal("", f"expected {wanted}, got {shown(text)}. Write, say, '{example}'.")
    policy, word, against, measure, variable = found.groups()
    problems = Problems()
    for name in (policy, against):
        problems.knows("", "policy", name, policies)
    if policy == against:
        problems.add("", f"holds '{policy}' against itself. Name two policies.")
    if variable in events:
        if measure not in (None, "probability"):
            problems.add("", f"'{measure}' is no measure of an event. Leave '{measure} of' out: in {variable}.")
        measure = "probability"
    elif variable in outcomes:
        if word in ("likelier", "rarer"):
            other = "worse" if word == "likelier" else "better"
            problems.add("", f"'{word}' is said of events; '{variable}' is an outcome. Write '{other}'.")
        if measure is not None:
            problems.knows("", f"measure of '{variable}'", measure, measures(levels))
    else:
        problems.knows("", "event or outcome", variable, [*events, *outcomes])
    problems.refuse()
    return Claim(policy, against, variable, measure or "mean", word in ("worse", "likelier"))


def read(
    text: Tables,
    running: Collection[str],
    model: Model,
    levels: Sequence[float],
    problems: Problems,
    spare: Collection[str],
) -> Challenge:
    """The challenge that a study's tables state, claims of policies that do not run left out.

    Args:
      running: names of the policies that run.
      levels: of VaR and ES that the study measures.
      problems: what is wrong is added here.
      spare: places of what an extended study states, which is left out where it does not fit: "challenge.claims",
        "challenge.readings.NAME", "challenge.thresholds.EVENT".
    """
    table, events = text["challenge"], text["events"]

    def at(place: str) -> Problems:
        return Problems() if place in spare else problems

    claims: dict[Any, Claim] = {}
    for sentence in table["claims"]:
        with at("challenge.claims").within("challenge.claims"):
            claim = claim_of(sentence, text["policies"], events, model.outcomes, levels)
            same = frozenset((claim.policy, claim.against)), claim.variable, claim.measure
            if same in claims:
                raise refusal("", f"'{claim}' is decided where '{claims[same]}' is. Leave one of them out.")
            claims[same] = claim
    readings, horizons = (
        tuple(
            choice
            for name, stated in tables.items()
            if (choice := _choice(name, stated, f"{of}.{name}", events, model, at(f"{of}.{name}"))).instead
        )
        for of, tables in choices_by_place(text).items()
    )
    for name in table["horizons"]:
        if name in table["readings"]:
            place = f"challenge.horizons.{name}"
            at(place).add(place, "is the name of a reading too; take another.")
    thresholds = {
        event: found
        for event, values in table["thresholds"].items()
        if (found := _thresholds(event, values, events, at(f"challenge.thresholds.{event}")))
    }
    ran = tuple(claim for claim in claims.values() if {claim.policy, claim.against} <= {*running})
    return Challenge(ran, table["matters"], readings, horizons, thresholds)


def choices_by_place(text: Tables) -> dict[str, Tables]:
    """Tables of other choices, by their places in a study file: `challenge.readings` and `challenge.horizons`."""
    return {f"challenge.{kind}": text["challenge"][kind] for kind in CHOICES}


def table_of(challenge: Challenge, labels: Mapping[str, str]) -> Tables:
    """The section of a study file that states a challenge; empty for the default one."""
    if challenge == Challenge():
        return {}
    choices: dict[str, Any] = {kind: {} for kind in CHOICES}
    for kind, stated in choices.items():
        for one in getattr(challenge, kind):
            label = {"label": labels[one.name]} if one.name in labels else {}
            stated[one.name] = {**label, "about": one.about, "instead": one.instead}
    choices["thresholds"] = {
        event: [f"{one.value!r}x" if one.is_multiple else one.value for one in values]
        for event, values in challenge.thresholds.items()
    }
    claims = {"claims": [*map(str, challenge.claims)], "matters": challenge.matters}
    return claims | {key: value for key, value in choices.items() if value}


def _choice(name: str, table: Tables, place: str, events: Tables, model: Model, problems: Problems) -> Reading:
    """The choice that a table states, without its invalid entries, which are added to the problems."""
    with problems.within(place):
        check_name(name)
    instead = {}
    for old, new in table.get("instead", {}).items():
        with problems.within(f"{place}.instead"):
            _refuse_other_kind(old, new, events, model)
            instead[old] = new
    if not table.get("instead"):
        remedy = 'Say what is looked at in place of what: instead = { EVENT = "OTHER" }.'
        problems.add(f"{place}.instead", f"is missing. {remedy}")
    return Reading(name=name, about=table.get("about", ""), instead=instead)


def _refuse_other_kind(old: str, new: str, events: Tables, model: Model) -> None:
    """Refuses to replace a variable by one of another kind, unit or sense (high is worse, or low)."""
    known, problems = [*events, *model.outcomes], Problems()
    for name in (old, new):
        problems.knows("", "event or outcome", name, known)
    if old == new:
        problems.add("", f"puts '{old}' in its own place. Name another in its place.")
    problems.refuse()

    def kind(name: str) -> str:
        if name in events:
            return "an event"
        one = model.outcomes[name]
        return f"an outcome in {one.unit} of which {worse_side(one.loss) or 'neither side is worse'}"

    if kind(old) != kind(new):
        text = f"'{new}' is {kind(new)}; '{old}' is {kind(old)}."
        raise refusal("", f"{text} Name a variable of the same kind, unit and sense.")


def _thresholds(event: str, values: Sequence[Any], events: Tables, problems: Problems) -> tuple[Threshold, ...]:
    """Other thresholds of an event, without invalid ones, which are added to the problems."""
    place, found = f"challenge.thresholds.{event}", dict[float, Threshold]()
    with problems.within(place):
        look_up("event", event, events)
        table = events[event]
        if parts := table.get("all") or table.get("any"):
            text = "combines events, without a threshold of its own. Name one of them"
            raise refusal("", f"{text}: {', '.join(parts)}.")
        present = table.get("above", table.get("below"))
        for value in values if present is not None else ():  # else it is a problem of the event
            with problems.within(place):
                multiple = multiple_of(value)
                threshold = float(number(value if multiple is None else multiple * present))
                if threshold == present:
                    raise refusal("", f"{shown(value)} is the threshold that is there. Write another one.")
                if threshold in found:
                    raise refusal("", f"{shown(value)} is there twice. Leave one of them out.")
                found[threshold] = Threshold(threshold if multiple is None else multiple, multiple is not None)
    return tuple(found.values())
