"""Single values in place of a study's own, such as `factors.loss_given_default.p95=0.9` (the option `--set`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from engine.errors import Problems, refusal
from engine.formatting import shown
from engine.study.extending import stated_once
from engine.study.values import Names, Tables

EXAMPLE = "factors.loss_given_default.p95=0.9"
MOST_PARTS = 16
"""Most names, separated by dots, in a setting; the deepest place of a study has ten."""
_PART = re.compile(r'"[^"]*"|[^."]+')


def with_settings(tables: Tables, settings: Names) -> dict[str, Any]:
    """The tables with each setting in place of the value there, written as in TOML; a word needs no quotes.

    Args:
      settings: such as `policies.reform.resettlement_fund=50`.

    Raises:
      UserError: with all settings that cannot be read, at `--set`.
    """
    problems, whole, own = Problems(), {**tables}, dict[str, Any]()
    for setting in settings:
        place, equals, value = setting.partition("=")
        parts = _PART.findall(place.strip())
        with problems.within(""):
            if not equals or len(parts) < 2 or ".".join(parts) != place.strip():
                raise refusal("", f"expected TABLE.NAME.KEY=VALUE such as {EXAMPLE}, got {shown(setting)}.")
            if len(parts) > MOST_PARTS:
                raise refusal(
                    "", f"expected at most {MOST_PARTS} names between dots, got {len(parts):,}: {shown(place)}."
                )
            names = [part.strip('"') for part in parts]
            whole, own = (_set(one, names, _value(value.strip())) for one in (whole, own))
    problems.refuse("--set")
    return stated_once(whole, own)


def _value(text: str) -> Any:
    """A value of TOML, or the text itself."""
    with suppress(ValueError, KeyError, RecursionError):
        return tomllib.loads(f"value = {text}")["value"]
    return text


def _set(table: Tables, names: Names, value: Any) -> dict[str, Any]:
    first, *rest = names
    below = table.get(first)
    inner = _set(below if isinstance(below, Mapping) else {}, rest, value) if rest else value
    return {**table, first: inner}
