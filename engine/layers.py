"""Layers: a study's tables laid over those of the study that it extends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.distributions import LAW_KEYS

NAMED_TABLES = ("groups", "factors", "policies", "events")
"""Tables whose entries are tables by name."""


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of a study over those of the study it extends, key by key; what it gives again replaces the old.

    Policies that it adds also run, after those of the study it extends, unless it has a `compare` of its own.
    """
    merged = dict(below)
    listed, added = below.get("compare"), above.get("policies")
    if isinstance(listed, list) and isinstance(added, dict):
        known = below.get("policies", {})
        merged["compare"] = listed + [name for name in added if name not in known and name not in listed]
    for key, value in above.items():
        old = merged.get(key)
        if not (isinstance(old, dict) and isinstance(value, dict)):
            merged[key] = value
        elif key in NAMED_TABLES:
            merged[key] = old | {name: _entry_over(old.get(name), entry) for name, entry in value.items()}
        else:
            merged[key] = old | value
    return merged


def _entry_over(below: Any, above: Any) -> Any:
    """An entry over an older one, key by key; a new law, or a new threshold, leaves nothing of the old one."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    outdated: set[str] = set()
    if set(above) & set(LAW_KEYS):
        outdated |= {*LAW_KEYS, "source"}
    if set(above) & {"above", "below", "all"}:
        outdated |= {"above", "below", "all"} | ({"outcome"} if "all" in above else set())
    return {key: value for key, value in below.items() if key not in outdated} | above
