"""Validation of a study's tables against the schema: faults in the study file's terms, invalid tables replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from engine.draws.copulas.statements import REMOVED_KEYS
from engine.draws.distributions.prior import REMOVED
from engine.errors import Problems, closest, did_you_mean, unknown
from engine.study.schema import NAMED, SECTIONS, LawTable, StudyText
from engine.study.tables import shocks
from engine.study.tables.challenge import Reading
from engine.study.tables.record import in_words
from engine.study.values import Tables

_STAND_INS: dict[str, Any] = {**{kind: {} for kind in NAMED if kind != "lever_groups"}, "name": "study"}
"""Tables of the right types that nothing can be made of, so that no message speaks of what nobody wrote."""


_BY_KEY = ("constants", "challenge", "observed")
"""Sections of which a single key is left out where it is invalid."""


def checked(tables: dict[str, Any], problems: Problems) -> dict[str, Any] | None:
    """The study's tables with defaults filled in; None where too little of them is valid to go on.

    A misspelt key is taken for the known one that it resembles, so that the rest of its table can be checked. An entry
    that is invalid beyond that is replaced by an empty stand-in, and its place is closed.

    Args:
      problems: all problems are added here.
    """
    for fault in _faults(tables):
        if (place := _respelt(tables, fault)) is not None:
            problems.add(".".join(_place(fault)), _in_words(fault))
            problems.close(place)
    faults = _faults(tables)
    for fault in faults:
        problems.add(".".join(_place(fault)), _in_words(fault))
    for kind, *rest in map(_place, faults):
        if kind in NAMED and not rest:
            return None
        depth = 2 if kind == "challenge" and "claims" not in rest[:1] else kind in (*NAMED, *_BY_KEY)
        # nothing follows from a label, so that the rest of its table is checked
        *above, key = at = [kind, *(rest if rest[1:] == ["label"] else rest[:depth])]
        inner = tables
        for part in above:
            inner = inner.get(part, {})
        if kind in _STAND_INS and len(at) < 3:
            inner[key] = _STAND_INS[kind]
        else:
            inner.pop(key, None)
        problems.close(".".join(at))
    whole = StudyText.model_validate(tables)
    text = whole.model_dump(exclude_none=True) | {"gates": whole.gates}
    for kind in ("factors", "shocks"):
        known = NAMED[kind].model_fields.keys()
        passed, beside = {*known, *REMOVED, "states"}, ["family", "source", *known - LawTable.model_fields.keys()]
        for name, table in text[kind].items():
            # no law has such a key, and it is nearly one that stands beside a law, such as `groop`
            wrong = [key for key in table if key not in passed and closest(key, beside)]
            for key in wrong:
                problems.add(f"{kind}.{name}.{key}", unknown("key", key, beside))
            if wrong:
                problems.close(f"{kind}.{name}")
    return text


def _faults(tables: Tables) -> Sequence[Any]:
    try:
        StudyText.model_validate(tables)
    except ValidationError as error:
        return error.errors(include_url=False)
    return ()


def _respelt(tables: dict[str, Any], fault: Any) -> str | None:
    """Renames an unknown key of a table to the known one that it resembles; gives its new place, None if unchanged."""
    *above, key = _place(fault)
    if fault["type"] != "extra_forbidden" or len(above) not in (1, 2):
        return None
    table = tables
    for part in above:
        table = table[part]
    known = closest(key, _known_keys([*above, key]))
    if known is None or known in table:
        return None
    table[known] = table.pop(key)
    return ".".join([*above, known])


def _place(fault: Any) -> list[str]:
    return [*map(str, fault["loc"])]


def _in_words(fault: Any) -> str:
    """A fault of the schema in the words of the study file."""
    where = _place(fault)
    if fault["type"] != "extra_forbidden":
        remedy = f" Write {where[1]} = {{ levers = [...] }}." if where[0] == "lever_groups" and len(where) == 2 else ""
        return in_words(fault) + remedy
    removed = REMOVED_KEYS.get(where[-1]) if where[0] == "groups" else shocks.REMOVED if where == ["regimes"] else None
    return removed or f"unknown key '{where[-1]}'.{did_you_mean(where[-1], _known_keys(where))}"


def _known_keys(where: Sequence[str]) -> list[str]:
    if len(where) == 1:
        return [*StudyText.model_fields]
    if where[-2] == "truncate":
        return ["low", "high"]
    if where[0] == "challenge" and len(where) > 2:
        return list(Reading.model_fields)
    table = SECTIONS.get(where[0]) or NAMED[where[0]]
    return list(table.model_fields)
