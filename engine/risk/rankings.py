"""Which of two policies does better, structure by structure: what holds in each of them, what flips, and what the intervals leave open."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.risk.as_text import judged
from engine.risk.tables import Record
from engine.study.study import Study

STATED = "as stated"
"""The structure in which a study is what it says."""
PROBABILITY = "probability"
_MOST_NAMED = 4


class Verdict(enum.StrEnum):
    """What the intervals of all structures say of a ranking together."""

    HOLDS = "holds"
    FLIPS = "flips"
    OPEN = "open"
    UNDECIDED = "undecided"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Ranking:
    """How a policy ranks against another on one measure of one variable.

    Args:
      measure: "probability" of an event, or a measure of an outcome.
      signs: structure -> 1 where the policy is clearly the worse one (or the event the likelier), -1 where it is the better one, 0 where
        the 95 % interval of the paired difference holds zero, None where there is no interval.
    """

    variable: str
    measure: str
    policy: str
    against: str
    signs: Mapping[str, int | None]

    @property
    def verdict(self) -> Verdict:
        """FLIPS where each policy is clearly the worse one in some structure, HOLDS where one of them is in every structure,
        OPEN where one of them is in some and the other in none, UNDECIDED where none is anywhere, UNKNOWN where no structure has an interval."""
        clear = {sign for sign in self.signs.values() if sign}
        if len(clear) == 2:
            return Verdict.FLIPS
        if not clear:
            unknown = all(sign is None for sign in self.signs.values())
            return Verdict.UNKNOWN if unknown else Verdict.UNDECIDED
        return Verdict.HOLDS if all(self.signs.values()) else Verdict.OPEN

    def worse(self, structure: str) -> str:
        """The policy that is clearly the worse one in a structure; empty where it is undecided."""
        sign = self.signs[structure]
        return (self.policy if sign > 0 else self.against) if sign else ""

    @property
    def structures(self) -> dict[str, list[str]]:
        """Policy that is clearly the worse one -> the structures where it is, and "" -> those where none is."""
        by_worse: dict[str, list[str]] = {}
        for structure in self.signs:
            by_worse.setdefault(self.worse(structure), []).append(structure)
        return by_worse


def rankings(study: Study, records: Iterable[Record]) -> list[Ranking]:
    """The rankings that records of paired differences show.

    Args:
      records: their measure "difference_M", their place with labels of "structure" and "against".
    """
    signs: dict[tuple[str, str, str, str], dict[str, int | None]] = {}
    for record in records:
        if record.measure.startswith("difference_"):
            sign = judged(record)
            if sign and not study.is_loss(record.variable):
                sign = -sign
            key = record.variable, record.bare_measure, record.policy, record.place["against"]
            signs.setdefault(key, {})[record.place["structure"]] = sign
    return [Ranking(*key, by_structure) for key, by_structure in signs.items()]


def sentence(among: Sequence[Ranking], n_structures: int) -> str:
    """One sentence on what holds in every structure, what flips, and what is left open: no more than the intervals say."""
    if not among:
        return "A single policy runs, and there is nothing to rank it against."
    several = len({(one.policy, one.against) for one in among}) > 1
    by_verdict = {verdict: [one for one in among if one.verdict is verdict] for verdict in Verdict}
    held = _together(by_verdict[Verdict.HOLDS], lambda one: _worse_than(one, STATED, several))
    everywhere = "; ".join(f"{text}: {names}" for text, names in held)
    parts = [
        f"In each of {n_structures} structures, {everywhere}"
        if held
        else f"No ranking is clear in each of {n_structures} structures"
    ]
    flips = _together(by_verdict[Verdict.FLIPS], lambda one: _sides(one, several))
    turned = ", ".join(f"{names} ({text})" for text, names in flips)
    parts.append(f"flips: {turned}" if flips else "no ranking flips")
    for verdict, text in (
        (Verdict.OPEN, "clear in some and turned round in none"),
        (Verdict.UNDECIDED, "undecided in all"),
        (Verdict.UNKNOWN, "without an interval, for too few paths or too heavy a tail"),
    ):
        if names := [named(one, several) for one in by_verdict[verdict]]:
            parts.append(f"{text}: {listed(names)}")
    return f"{'; '.join(parts)}."


def listed(names: Sequence[str], most: int = 0) -> str:
    """`a, b and c`, or `a, b and 3 more`, of more than one over the most."""
    if most and len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def named(one: Ranking, several: bool = False) -> str:
    """`ruin`, or `ES99 of cost`, of two policies by name where there are several pairs of them."""
    what = one.variable if one.measure == PROBABILITY else f"{one.measure} of {one.variable}"
    return f"{what} ({one.policy} against {one.against})" if several else what


def adjective(one: Ranking) -> str:
    """What a policy is that is clearly the worse one: "likelier" for an event, else "worse"."""
    return "likelier" if one.measure == PROBABILITY else "worse"


def _together(among: Iterable[Ranking], text: Callable[[Ranking], str]) -> list[tuple[str, str]]:
    """Texts, and the names of all rankings that have one, measures of one outcome together: `mean and ES99 of cost`."""
    by_text: dict[str, dict[str, list[Ranking]]] = {}
    for one in among:
        by_text.setdefault(text(one), {}).setdefault(one.variable, []).append(one)
    return [
        (
            what,
            listed(
                [
                    f"{' and '.join(one.measure for one in of)} of {variable}"
                    if len(of) > 1
                    else named(of[0])
                    for variable, of in by_variable.items()
                ]
            ),
        )
        for what, by_variable in by_text.items()
    ]


def _worse_than(one: Ranking, structure: str, several: bool) -> str:
    """`likelier under old`, and `than under reform` where there are more pairs."""
    worse = one.worse(structure)
    than = f" than under {one.against if worse == one.policy else one.policy}" if several else ""
    return f"{adjective(one)} under {worse}{than}"


def _sides(one: Ranking, several: bool) -> str:
    """`likelier under old as stated, under reform with exit off and all off`: where it is stated, and where it is turned round."""
    stated = one.worse(STATED)
    turned = {worse: names for worse, names in one.structures.items() if worse and worse != stated}
    sides = [f"{_worse_than(one, STATED, several)} as stated" if stated else "undecided as stated"]
    for worse, names in turned.items():
        under = f"under {worse}" if stated else _worse_than(one, names[0], several)
        sides.append(f"{under} with {listed(names, _MOST_NAMED)}")
    return ", ".join(sides)
