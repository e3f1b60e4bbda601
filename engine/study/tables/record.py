"""Tables of a study that are records of the engine: one class says the keys, their types and what they mean."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Table(BaseModel):
    """A table of the study file: its keys and no others, of exactly these types."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


def says(text: str, default: Any = None, **limits: Any) -> Any:
    """The field of a key: its description, and its value where it is left out (`...` for one that must be there)."""
    return Field(default=default, description=text, **limits)
