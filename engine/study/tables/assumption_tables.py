"""Tables of assumptions -> what changes where one does not hold, or holds twice: factors, levers, dependence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from engine.errors import Problems, refusal
from engine.study.stated import Tables
from engine.study.study import Assumption, Change
from engine.study.tables.change_tables import Known, flat, parts, read_change

ALL = "all"
"""All assumptions at once, which no single one may be called."""
_NOTHING: Tables = {}
KINDS = ("off", "doubled")
"""How an assumption is changed."""


def read(known: Known, problems: Problems, spare: Collection[str] = ()) -> tuple[Assumption, ...]:
    """Assumptions in the order of their tables, those that change something of what runs.

    A change of a factor is a number, which it then is on every path, or a multiple of every draw (`"2x"`); of a lever, what a policy's
    table could say, or a multiple, for all policies or for one (`policies.reform.cut = 0`); of a group, another statement of its
    dependence (`groups.macro.correlation = 0`). Where `doubled` is left out, every factor that `off` names is twice its draw.

    Args:
      problems: what is wrong with any of them is added here.
      spare: "assumptions.NAME" of those that are left out where they do not fit: another study named them, and this one has, say,
        given a group of theirs another copula.
    """
    assumptions = []
    for name, table in known.text.get("assumptions", {}).items():
        place = f"assumptions.{name}"
        with (Problems() if place in spare else problems).within(place):
            if (one := _assumption(name, table, known)) is not None:
                assumptions.append(one)
    _refuse_contradictions(assumptions, known, problems)
    return tuple(assumptions)


def in_words(table: Tables, place: str = "") -> str:
    """What a table of changes says, in one line: `exit_rate 0, policies.reform.cut 2x`.

    Args:
      place: what stands before every name.
    """
    return ", ".join(
        in_words(value, f"{place}{key}.")
        if isinstance(value, Mapping)
        else f"{place}{key} {f'{value:g}' if isinstance(value, int | float) else value}"
        for key, value in table.items()
    )


def _assumption(name: str, table: Tables, known: Known) -> Assumption | None:
    problems = Problems()
    if name == ALL:
        problems.add("", "'all' is what all assumptions together are called; take another name.")
    if not table.get("off"):
        problems.add("off", "is missing. Say what changes where it does not hold: off = { FACTOR = 0 }.")
        problems.refuse()
    off, said = read_change(table["off"], "off", known, problems)
    doubled, twice = Change(), _NOTHING
    if table.get("doubled"):
        doubled, twice = read_change(table["doubled"], "doubled", known, problems)
    elif "doubled" not in table and (factors := [key for key in table["off"] if parts(key, known)]):
        for factor in factors:
            with problems.within("doubled"):
                _check_share(factor, known)
        if not len(problems):
            doubled, twice = read_change(dict.fromkeys(factors, "2x"), "doubled", known, problems)
    problems.refuse()
    about = table.get("about", "")
    words = {"about": about, "off": dict(said), "doubled": dict(twice) if doubled else {}}
    return Assumption(name, about, off, doubled or None, words) if off else None


def _check_share(factor: str, known: Known) -> None:
    """Refuses to double what is a share by its law, without being told to."""
    for part in parts(factor, known):
        low, high = known.ends(part) if part in known.priors else (0.0, 0.0)
        if 0 <= low < high and 0.5 < high <= 1 + 1e-9:
            text = f"is missing: twice '{part}', drawn from {low:.3g} to {high:.3g}, would be no share."
            raise refusal(
                "", f'{text} Say what is meant: doubled = {{ {factor} = 1 }}, "1.2x", or {{}} for none.'
            )


def _refuse_contradictions(assumptions: Sequence[Assumption], known: Known, problems: Problems) -> None:
    """Adds what two assumptions change in two ways, as all of them together would have to be both."""
    for kind in KINDS:
        by_place: dict[str, tuple[Any, str]] = {}
        for one in assumptions:
            for place, value in flat(one.change(kind), known.groups):
                other, whose = by_place.setdefault(place, (value, one.name))
                if other != value:
                    text = f"is another value than in assumption '{whose}': all of them {kind} would be both."
                    problems.add(f"assumptions.{one.name}.{kind}.{place}", f"{text} State it in one of them.")
