"""An answer as plain data for JSON: one shape for all questions, with its version and a schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.answers.table import Kind, Table, Value
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.summaries import STATS

VERSION = 1
_TEXT = {"type": "string"}
_NULL = {"type": ["number", "null"]}


def _list(items: Mapping[str, Any], **more: int) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object that has these properties and no others."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


_FLAG = _object(reason=_TEXT, got={"type": "number"}, limit={"type": "number"})
_ESTIMATE = _object(**dict.fromkeys(STATS, _NULL), flag=_TEXT, flags=_list(_FLAG))
_VALUE = {"anyOf": [{"type": ["number", "boolean", "string", "null"]}, _ESTIMATE]}
_OF_COLUMN: Mapping[str, Mapping[str, Any]] = {"name": _TEXT, "kind": {"enum": [*Kind]}, "unit": _TEXT, "about": _TEXT}
_TABLE = _object(
    title=_TEXT,
    dims=_list(_TEXT),
    columns=_list(_object(**_OF_COLUMN)),
    rows=_list({"type": "object", "additionalProperties": _VALUE}),
)
_SUBJECT = _object(
    name=_TEXT,
    question=_TEXT,
    fingerprint=_TEXT,
    paths={"type": "integer"},
    seed={"type": "integer"},
    policies=_list(_TEXT),
    baseline=_TEXT,
)
SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "An answer of rustbelt",
    **_object(
        version={"const": VERSION},
        question=_TEXT,
        asked={"type": "object"},
        study=_SUBJECT,
        heading=_TEXT,
        findings=_list(_TEXT, minItems=1),
        basis=_TEXT,
        reading=_TEXT,
        tables={"type": "object", "additionalProperties": _TABLE},
    ),
}
"""JSON Schema (draft 2020-12) of an answer as `--json` prints it."""


def plain_table(table: Table) -> dict[str, Any]:
    """A table as plain data: title, dimensions, columns, and rows by column name; None for a missing value."""
    rows = [{name: plain_value(value) for name, value in row.items()} for row in table.rows()]
    columns = [{name: getattr(column, name) for name in _OF_COLUMN} for column in table.columns]
    return {"title": table.title, "dims": list(table.dims), "columns": columns, "rows": rows}


def plain_value(value: Value) -> Any:
    """A value as plain data.

    An estimate becomes its numbers (None if not finite), its flags in words, and its flags one by one.
    """
    if not isinstance(value, Estimate):
        return value
    numbers = {stat: one if math.isfinite(one := getattr(value, stat)) else None for stat in STATS}
    flags = [{"reason": str(one.reason), "got": one.got, "limit": one.limit} for one in value.flags]
    return {**numbers, "flag": value.flag, "flags": flags}
