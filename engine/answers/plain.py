"""An answer as plain data for JSON: one shape for all questions, with its version and a schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.answers.table import Column, Kind, Table, Value
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.summaries import STATS

VERSION = 1
_NULL = {"type": ["number", "null"]}
_TEXT = {"type": "string"}
_FLAG = {
    "type": "object",
    "properties": {"reason": _TEXT, "got": {"type": "number"}, "limit": {"type": "number"}},
    "required": ["reason", "got", "limit"],
    "additionalProperties": False,
}
_ESTIMATE = {
    "type": "object",
    "properties": {**dict.fromkeys(STATS, _NULL), "flag": _TEXT, "flags": {"type": "array", "items": _FLAG}},
    "required": [*STATS, "flag", "flags"],
    "additionalProperties": False,
}
_COLUMN = {
    "type": "object",
    "properties": {"name": _TEXT, "kind": {"enum": [*Kind]}, "unit": _TEXT, "about": _TEXT},
    "required": ["name", "kind", "unit", "about"],
    "additionalProperties": False,
}
_TABLE = {
    "type": "object",
    "properties": {
        "title": _TEXT,
        "dims": {"type": "array", "items": _TEXT},
        "columns": {"type": "array", "items": _COLUMN},
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": {"anyOf": [{"type": ["number", "boolean", "string", "null"]}, _ESTIMATE]},
            },
        },
    },
    "required": ["title", "dims", "columns", "rows"],
    "additionalProperties": False,
}
_SUBJECT = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("name", "question", "fingerprint", "baseline"), _TEXT),
        "paths": {"type": "integer"},
        "seed": {"type": "integer"},
        "policies": {"type": "array", "items": _TEXT},
    },
    "required": ["name", "question", "fingerprint", "paths", "seed", "policies", "baseline"],
    "additionalProperties": False,
}
SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "An answer of rustbelt",
    "type": "object",
    "properties": {
        "version": {"const": VERSION},
        "question": _TEXT,
        "asked": {"type": "object"},
        "study": _SUBJECT,
        "heading": _TEXT,
        "findings": {"type": "array", "items": _TEXT, "minItems": 1},
        "basis": _TEXT,
        "reading": _TEXT,
        "tables": {"type": "object", "additionalProperties": _TABLE},
    },
    "required": ["version", "question", "asked", "study", "heading", "findings", "basis", "reading", "tables"],
    "additionalProperties": False,
}
"""JSON Schema (draft 2020-12) of an answer as `--json` prints it."""


def plain_table(table: Table) -> dict[str, Any]:
    """A table as plain data: title, dimensions, columns, and rows by column name; None for a missing value."""
    rows = [{name: plain_value(value) for name, value in row.items()} for row in table.rows()]
    columns = [_about(column) for column in table.columns]
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


def _about(column: Column) -> dict[str, str]:
    return {"name": column.name, "kind": str(column.kind), "unit": column.unit, "about": column.about}
