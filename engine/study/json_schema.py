"""The JSON schema of study files, by which an editor checks and describes their keys."""

from __future__ import annotations

import ast
import inspect
from contextlib import suppress
from itertools import pairwise
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from engine.study.schema import StudyText


class _Plain(GenerateJsonSchema):
    """JSON schema in which no key is null, which TOML does not have; and none must be there, nor has a default, as it
    may stand in the study that is extended.
    """

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    default_schema = nullable_schema

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """Describes each key by the text below it; pydantic's own option does so in every process and takes 60 ms."""
        made = super().model_schema(schema)
        for table in reversed(schema["cls"].mro()[:-2]):
            with suppress(OSError):  # `create_model` has no source
                body: Any = ast.parse(inspect.getsource(table)).body[0]
                for key, text in pairwise(body.body):
                    if isinstance(key, ast.AnnAssign) and isinstance(text, ast.Expr):
                        made["properties"][ast.unparse(key.target)]["description"] = ast.literal_eval(text.value)
        return made

    def field_is_required(self, field: Any, total: bool) -> bool:
        return False


def as_json_schema() -> dict[str, Any]:
    """The JSON schema of study files, of any model: it lists no names of parts or laws."""
    return {"$schema": _Plain.schema_dialect, **StudyText.model_json_schema(schema_generator=_Plain)}
