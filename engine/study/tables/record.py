"""Tables of a study that are records of the engine: one class says the keys, their types and what they mean."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field as Field

from engine.formatting import shown
from engine.study.entries import Label


class Table(BaseModel):
    """A table of the study file: its keys and no others, of exactly these types. The text below a key describes it."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Labelled(Table):
    """A table of a part that may have a label."""

    label: Label | None = None
    """label in figures, report and cube, in place of the name as words"""


def in_words(fault: Any, unknown: str = "") -> str:
    """A fault that pydantic found, in the words of the study file: what was expected, what it got, what to do.

    Args:
      unknown: what is said of a key that is not known.
    """
    kind, value, context = fault["type"], fault["input"], fault.get("ctx", {})
    told = {
        "extra_forbidden": unknown,
        "missing": "is missing.",
        "value_error": str(context.get("error")),
        "too_short": "expected at least one name, got an empty list.",
        "too_long": f"expected at most {context.get('max_length')} entries, got {context.get('actual_length')}.",
    }
    if kind in told:
        return told[kind]
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
