"""Types of entries of a study file that may be of several kinds (a number or a name, say): validation, and JSON
schema."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema

from engine.formatting import shown

_LARGEST = 1e300
_ROWS = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}


def _names_or_word(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        return value
    raise ValueError(f"expected 'all', 'none' or a list of outcomes, got {shown(value)}.")


def _name_or_names(value: Any) -> Any:
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return names
    raise ValueError(f"expected a label or a list of labels, got {shown(value)}.")


def _or_name(value: Any, number: str) -> Any:
    if isinstance(value, str) or _is_number(value):
        return value
    raise ValueError(f"expected {number} or the name of a factor, got {shown(value)}.")


def _number_or_matrix(value: Any) -> Any:
    if _is_number(value):
        return float(value)
    rows = value if isinstance(value, list) else []
    if rows and all(isinstance(row, list) and all(map(_is_number, row)) for row in rows):
        return [[float(entry) for entry in row] for row in rows]
    raise ValueError(f"expected a finite number, or rows of them as [[1, 0.3], [0.3, 1]], got {shown(value)}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


_NAMES = {"type": "array", "items": {"type": "string"}}
Size = Annotated[Any, WithJsonSchema({"type": ["number", "string"]})]
Mixed = Annotated[Any, WithJsonSchema({"type": ["number", "string", "object"]})]
Share = Annotated[
    Any,
    AfterValidator(partial(_or_name, number="a share from 0 to 1")),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string"}]}),
]
Rate = Annotated[
    Any,
    AfterValidator(partial(_or_name, number="a number of at least 0")),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}),
]
Correlations = Annotated[Any, AfterValidator(_number_or_matrix), WithJsonSchema({"anyOf": [{"type": "number"}, _ROWS]})]
Places = Annotated[Any, AfterValidator(_name_or_names), WithJsonSchema({"anyOf": [{"type": "string"}, _NAMES]})]
Outcomes = Annotated[
    Any, AfterValidator(_names_or_word), WithJsonSchema({"anyOf": [{"enum": ["all", "headline", "none"]}, _NAMES]})
]
Functions = Annotated[
    list[Any],
    WithJsonSchema(
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {"enum": ["exp", "log"]},
                    {
                        "type": "object",
                        "properties": {how: {"type": "number"} for how in ("times", "plus", "power")},
                        "additionalProperties": False,
                        "minProperties": 1,
                        "maxProperties": 1,
                    },
                ]
            },
        }
    ),
]
