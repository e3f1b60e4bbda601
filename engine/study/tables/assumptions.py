"""Tables of assumptions, read to `Assumption`s: the change of factors, levers and dependence if one is off, or
doubled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from engine.errors import Problems
from engine.study.components import Assumption
from engine.study.tables.changes import Known, flat, read_change
from engine.study.values import Tables

ALL = "all"
"""Name for all assumptions at once, which no single one may have."""
KINDS = ("off", "doubled")
"""Ways in which an assumption is changed: it does not hold, or holds twice."""


def read(known: Known, problems: Problems, spare: Collection[str]) -> tuple[Assumption, ...]:
    """The assumptions in the order of their tables, without those that change nothing of what runs.

    A factor is changed to a number, the same on every path, or to a multiple of every draw (`"2x"`); a lever to a value
    as in a policy's table, or a multiple, for all policies or for one (`policies.reform.cut = 0`); a group to another
    statement of its dependence (`groups.macro.correlation = 0`). Where `doubled` is left out, the draws of all factors
    that `off` names are doubled.

    Args:
      known: the parts of the study that an assumption may change.
      problems: those of the assumptions are added here.
      spare: "assumptions.NAME" of those that an extended study states. They are left out where they are invalid, as
        this study may, say, have changed the copula of their group.
    """
    assumptions = []
    for name, table in known.text.get("assumptions", {}).items():
        place = f"assumptions.{name}"
        with (Problems() if place in spare else problems).within(place):
            if (one := _assumption(name, table, known)) is not None:
                assumptions.append(one)
    _refuse_contradictions(assumptions, known, problems)
    return tuple(assumptions)


def _assumption(name: str, table: Tables, known: Known) -> Assumption | None:
    problems = Problems()
    if name == ALL:
        problems.add("", "'all' is the name of all assumptions together. Choose another.")
    if not table.get("off"):
        problems.add("off", "is missing. State what changes if it does not hold: off = { FACTOR = 0 }.")
        problems.refuse()
    off, said = read_change(table["off"], "off", known, problems)
    twofold = table.get("doubled")
    if twofold is None:
        twofold = dict.fromkeys((key for key in table["off"] if key in known.text["factors"]), "2x")
        for factor in twofold:
            low, high = known.ends(factor)
            # the double of what lies within 0 and 1 would be no share
            if 0 <= low < high and 0.5 < high <= 1 + 1e-9:
                problems.add(
                    "doubled",
                    f"is missing: twice '{factor}', drawn from {low:.3g} to {high:.3g}, would be no share. "
                    f'State the change: doubled = {{ {factor} = 1 }}, "1.2x", or {{}} for none.',
                )
    if "doubled" in table or not problems:
        doubled, twice = read_change(twofold, "doubled", known, problems)
    problems.refuse()
    about = table.get("about", "")
    return (
        Assumption(name, about, off, doubled or None, {"about": about, "off": said, "doubled": twice}) if off else None
    )


def _refuse_contradictions(assumptions: Sequence[Assumption], known: Known, problems: Problems) -> None:
    """Adds a problem where two assumptions give one thing two values: both of them at once would contradict."""
    for kind in KINDS:
        by_place: dict[str, tuple[Any, str]] = {}
        for one in assumptions:
            for place, value in flat(one.change(kind)):
                other, whose = by_place.setdefault(place, (value, one.name))
                if other != value:
                    problems.add(
                        f"assumptions.{one.name}.{kind}.{place}",
                        f"is another value than in assumption '{whose}': all of them {kind} would be both."
                        " State it in one of them.",
                    )
