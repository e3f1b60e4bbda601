"""Validation of a study's tables against the schema: faults in the study file's terms, invalid tables replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from engine.draws.copulas.statements import REMOVED_KEYS
from engine.draws.distributions.prior import REMOVED
from engine.errors import Problems, closest, did_you_mean, unknown
from engine.formatting import shown
from engine.study.schema import NAMED, SECTIONS, ChoiceTable, LawTable, StudyText
from engine.study.values import Tables

RECORDS = ("gates",)
"""Tables whose entries are the records that the engine works with."""
_STAND_INS: dict[str, Any] = {
    **{kind: {} for kind in NAMED if kind != "lever_groups"},
    "name": "study",
    "regimes": {"states": [], "transition": []},
}
"""Tables of the right types that nothing can be made of, so that no message speaks of what nobody wrote."""


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
        depth = 2 if kind == "challenge" and "claims" not in rest[:1] else kind in (*NAMED, "constants", "challenge")
        *above, key = at = [kind, *rest[:depth]]
        inner = tables
        for part in above:
            inner = inner[part]
        if kind in _STAND_INS:
            inner[key] = _STAND_INS[kind]
        else:
            inner.pop(key, None)
        problems.close(".".join(at))
    whole = StudyText.model_validate(tables)
    text = whole.model_dump(exclude_none=True) | {kind: getattr(whole, kind) for kind in RECORDS}
    for kind in ("factors", "shocks"):
        _refuse_misspelt(kind, text[kind], problems)
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


def _refuse_misspelt(kind: str, tables: Tables, problems: Problems) -> None:
    """Adds a problem for each key that no law has and that is nearly one that stands beside a law, such as `groop`."""
    known = NAMED[kind].model_fields
    beside = ["family", "source", *known.keys() - LawTable.model_fields.keys()]
    for name, table in tables.items():
        place = f"{kind}.{name}"
        wrong = [key for key in table if key not in known and key not in REMOVED and closest(key, beside)]
        for key in wrong:
            problems.add(f"{place}.{key}", unknown("key", key, beside))
        if wrong:
            problems.close(place)


def _place(fault: Any) -> list[str]:
    return [*map(str, fault["loc"])]


def _in_words(fault: Any) -> str:
    """A fault of the schema in the words of the study file: what was expected, what it got, what to do."""
    kind, value, context = fault["type"], fault["input"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        where = _place(fault)
        if where[0] == "groups" and where[-1] in REMOVED_KEYS:
            return REMOVED_KEYS[where[-1]]
        return f"unknown key '{where[-1]}'.{did_you_mean(where[-1], _known_keys(where))}"
    if kind == "missing":
        return "is missing."
    if kind == "value_error":
        return str(context["error"])
    if kind == "too_short":
        return "expected at least one name, got an empty list."
    expected = _EXPECTED.get(kind, "another value").format(**context)
    whole = kind == "int_type" and isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return f"expected {expected}, got {shown(value)}." + (f" Write {int(value)}." if whole else "")


_EXPECTED = {
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "literal_error": "{expected}",
}


def _known_keys(where: Sequence[str]) -> list[str]:
    if len(where) == 1:
        return [*StudyText.model_fields]
    if where[-2] == "truncate":
        return ["low", "high"]
    if where[0] == "challenge" and len(where) > 2:
        return list(ChoiceTable.model_fields)
    table = SECTIONS.get(where[0]) or NAMED[where[0]]
    return list(table.model_fields)
