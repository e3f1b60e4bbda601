"""Which of two policies does better under each structural assumption: what holds, what flips, what is open."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.answers.as_text import LONGEST, measured, short, some
from engine.formatting import counted
from engine.study.study import Study

STATED = "as stated"
"""Label of the structure in which every assumption is as the study states it."""
PROBABILITY = "probability"
MOST = 2
"""Flipping rankings that get a sentence of their own; the others share one."""
ROOM = 6
"""Words that the list of structures may take in the longest form of a sentence."""


class Verdict(enum.StrEnum):
    """What the intervals of all structures show of a ranking."""

    HOLDS = "holds"
    FLIPS = "flips"
    OPEN = "open"
    UNDECIDED = "undecided"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Ranking:
    """How a policy ranks against another on one measure of one variable, in each structure.

    Args:
      measure: "probability" of an event, or a measure of an outcome.
      signs: by structure, 1 where the policy is clearly worse (or the event clearly likelier), -1 where it is clearly
        better, 0 where the 95 % interval of the paired difference holds zero, None where there is no interval.
    """

    variable: str
    measure: str
    policy: str
    against: str
    signs: Mapping[str, int | None]

    @property
    def verdict(self) -> Verdict:
        """What the signs of all structures show together.

        FLIPS where each of the two policies is clearly worse in some structure; HOLDS where the same one is in every
        structure; OPEN where the same one is in some structures and neither in the others; UNDECIDED where neither is
        in any; UNKNOWN where no structure has an interval.
        """
        clear = {sign for sign in self.signs.values() if sign}
        if len(clear) == 2:
            return Verdict.FLIPS
        if not clear:
            unknown = all(sign is None for sign in self.signs.values())
            return Verdict.UNKNOWN if unknown else Verdict.UNDECIDED
        return Verdict.HOLDS if all(self.signs.values()) else Verdict.OPEN

    def worse(self, structure: str) -> str:
        """Name of the policy that is clearly worse in a structure; empty where neither is."""
        sign = self.signs[structure]
        return (self.policy if sign > 0 else self.against) if sign else ""

    @property
    def structures(self) -> dict[str, list[str]]:
        """Structures by the name of the policy that is clearly worse in them; under "" those in which neither is."""
        by_worse: dict[str, list[str]] = {}
        for structure in self.signs:
            by_worse.setdefault(self.worse(structure), []).append(structure)
        return by_worse


def sentences(study: Study, among: Sequence[Ranking], structures: Mapping[str, str]) -> Iterator[str]:
    """Sentences: which rankings flip with an assumption, which hold in every structure, which are left open.

    Args:
      among: the rankings.
      structures: how each structure is called within a sentence, by its name.
    """
    if not among:
        yield "The study has a single policy, so there is no ranking."
        return
    several = len({(one.policy, one.against) for one in among}) > 1

    def called(one: Ranking) -> str:
        pair = f" ({study.phrase('policies', one.policy)} against {study.phrase('policies', one.against)})"
        return f"{measured(study, one.variable, one.measure)}{pair * several}"

    def listed(text: str, some_of: Sequence[Ranking]) -> str:
        """The text and as many rankings as have room, as `a, b and 3 others`, or only their number."""
        names = [called(one) for one in some_of]
        forms = some(names, LONGEST - len(text.split()), "measure"), counted(len(names), "measure")
        return short(*(f"{text} {form}." for form in forms))

    by_verdict = {verdict: [one for one in among if one.verdict is verdict] for verdict in Verdict}
    flips, held = by_verdict[Verdict.FLIPS], by_verdict[Verdict.HOLDS]
    if bounded := len(among) - len(by_verdict[Verdict.UNKNOWN]):
        are = "is" if len(flips) < 2 else "are"
        yield (
            f"Of {counted(bounded, 'ranking')} of policies, {len(flips) or 'none'} {are} reversed if an assumption is"
            " dropped or doubled."
        )
    for one in flips[:MOST]:
        yield short(*(f"Ranked by {called(one)}, {sides}." for sides in _sides(study, one, structures)))
    if len(flips) > MOST:
        yield listed("These rankings are reversed as well:", flips[MOST:])
    for policy in dict.fromkeys(one.worse(STATED) for one in held):
        text = f"With and without each assumption, the worse policy is {study.phrase('policies', policy)}, by"
        yield listed(text, [one for one in held if one.worse(STATED) == policy])
    for verdict, text in (
        (Verdict.OPEN, "These rankings are not always significant but never reversed:"),
        (Verdict.UNDECIDED, "These rankings are never significant:"),
        (Verdict.UNKNOWN, "These rankings have no interval, because of few paths or a heavy tail:"),
    ):
        if by_verdict[verdict]:
            yield listed(text, by_verdict[verdict])


def named(one: Ranking, several: bool = False) -> str:
    """`ruin`, or `ES99 of cost`; with the names of both policies added if `several` pairs are compared."""
    what = one.variable if one.measure == PROBABILITY else f"{one.measure} of {one.variable}"
    return f"{what} ({one.policy} against {one.against})" if several else what


def adjective(one: Ranking) -> str:
    """Word for the policy that is clearly worse: "likelier" for an event, else "worse"."""
    return "likelier" if one.measure == PROBABILITY else "worse"


def _sides(study: Study, one: Ranking, structures: Mapping[str, str]) -> Iterator[str]:
    """Forms of a clause on what a ranking is as stated and where it flips, each shorter than the one before.

    `the worse policy is old in the study as stated, but reform with “exit” off`; shorter forms name fewer structures,
    the last gives their number.
    """
    stated = one.worse(STATED)
    worse = f"the worse policy is {study.phrase('policies', stated)}" if stated else "no policy is significantly worse"
    first = f"{worse} in the study as stated"
    turned = {
        study.phrase("policies", worse): [structures[name] for name in names]
        for worse, names in one.structures.items()
        if worse and worse != stated
    }
    for room in (ROOM, 1):
        yield ", but ".join([first, *(f"{side} with {some(names, room, 'change')}" for side, names in turned.items())])
    counted = ", ".join(f"{side} in {len(names)}" for side, names in turned.items())
    for stem in (f"{first}, but", f"{worse}, but" if stated else "the worse policy is"):
        yield f"{stem} {counted} of {len(structures)} structures"
