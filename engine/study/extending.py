"""Layers: a study's tables laid over those of the study that it extends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.draws.copulas.statements import STATEMENTS
from engine.study.factor_tables import law_keys

NAMED_TABLES = ("groups", "factors", "shocks", "regimes", "policies", "events")
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
            over = _OVER.get(key, _entry_over)
            merged[key] = old | {name: over(old.get(name), entry) for name, entry in value.items()}
        else:
            merged[key] = old | value
    return merged


def _entry_over(below: Any, above: Any) -> Any:
    """An entry over an older one, key by key."""
    return below | above if isinstance(below, dict) and isinstance(above, dict) else above


def _law_over(below: Any, above: Any) -> Any:
    """A law over an older one, key by key; a new statement leaves nothing of the old but its family."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    outdated: set[str] = set()
    if set(law_keys(above)) - {"family"}:
        outdated = {*law_keys(below), "source"} - {"family"}
    return {key: value for key, value in below.items() if key not in outdated} | above


def _event_over(below: Any, above: Any) -> Any:
    """An event over an older one, key by key; a new threshold leaves nothing of the old one."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    outdated: set[str] = set()
    if set(above) & {"above", "below", "all"}:
        outdated = {"above", "below", "all"} | ({"outcome"} if "all" in above else set())
    return {key: value for key, value in below.items() if key not in outdated} | above


def _group_over(below: Any, above: Any) -> Any:
    """A group over an older one, key by key; a new statement of the dependence leaves nothing of the old one."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    outdated: set[str] = set()
    if set(above) & set(STATEMENTS):
        outdated |= set(STATEMENTS)
    if "copula" in above and above["copula"] != below.get("copula", "gaussian"):
        outdated.add("df")
    return {key: value for key, value in below.items() if key not in outdated} | above


_OVER = {"groups": _group_over, "factors": _law_over, "shocks": _law_over, "events": _event_over}
