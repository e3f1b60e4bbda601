"""Layers: tables of a study merged over those of the one that it extends, and which older entries this outdates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.draws.copulas.statements import STATEMENTS
from engine.modelling.declaration import POLICY_KEYS
from engine.study.schema import NAMED
from engine.study.tables.challenge import CHOICES
from engine.study.tables.factors import law_keys
from engine.study.tables.gates import ASKED
from engine.study.values import Tables, leaving_out, table_in

_ALTERNATIVES = {
    "observed": ({"file", "rows"},),
    "events": ({"above", "below", "all", "any"}, {"outcome", "all", "any"}),
    "gates": ({*ASKED}, {"year", "years"}),
    "groups": ({*STATEMENTS},),
    "triggers": ({"below", "above"}, {"until_above", "until_below"}),
}
"""Keys of a table of which a newer one replaces all older ones: the threshold of an event, the years of a gate, ..."""


def laid_over(below: Tables, above: Tables) -> Tables:
    """The tables of a study merged over those of the study it extends, key by key; a key in both has the newer value.

    Policies that it adds also run, after those of the study it extends, unless it has a `compare` of its own.
    """
    merged = dict(below)
    listed, known = below.get("compare"), table_in(below, "policies")
    if isinstance(listed, list):
        added = table_in(above, "policies")
        merged["compare"] = listed + [name for name in added if name not in known and name not in listed]
    for key, value in above.items():
        depth = 1 if key in NAMED else 2 if key == "challenge" else 0
        merged[key] = _over(key, merged.get(key), value, depth)
    return stated_once(merged, above)


def stated_once(merged: Tables, above: Tables) -> dict[str, Any]:
    """Merged tables with each constant stated once: a newer number removes an older prior, and the other way round.

    Args:
      merged: the tables after merging.
      above: the newer tables, which were laid over others.
    """
    tables = dict(merged)
    for new, old in (("constants", "factors"), ("factors", "constants")):
        if there := table_in(merged, old):
            tables[old] = leaving_out(there, {*table_in(above, new)} - {*table_in(above, old)})
    return tables


def factors_named(tables: Tables) -> set[str]:
    """Names of factors that a study's policies give in place of a number, for an implementation or a lever's value."""
    policies, words = table_in(tables, "policies"), {*POLICY_KEYS} - {"implementation", "when"}
    return set().union(*(texts(leaving_out(table_in(policies, name), words)) for name in policies))


def texts(value: Any) -> set[str]:
    """All texts within tables."""
    if isinstance(value, Mapping):
        return set().union(*map(texts, value.values()))
    return {value} if isinstance(value, str) else set()


def places(tables: Tables) -> set[str]:
    """Places of assumptions, dimensions and parts of the challenge, which a study on top of this one may invalidate."""
    stated = {key: table_in(tables, key) for key in ("assumptions", "dimensions", "challenge")}
    parts = {f"challenge.{kind}": table_in(stated["challenge"], kind) for kind in (*CHOICES, "thresholds")}
    return {f"{where}.{name}" for where, table in (stated | parts).items() for name in table}


def _over(kind: str, below: Any, above: Any, depth: int) -> Any:
    """A newer table over an older one, key by key; the entries `depth` levels below them lose what is outdated."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    if depth:
        return below | {name: _over(kind, below.get(name), entry, depth - 1) for name, entry in above.items()}
    return leaving_out(below, _outdated(kind, below, above)) | above


def _outdated(kind: str, below: Tables, above: Tables) -> set[str]:
    """Keys of an older entry that are dropped because of the keys of a newer one.

    A new statement of a law drops all of the old one but its family, a new `off` of an assumption its `doubled`; and a
    key drops its alternatives (`_ALTERNATIVES`).
    """
    if kind in ("factors", "shocks") and set(law_keys(above)) - {"family"}:
        return {*law_keys(below), "source"} - {"family"}
    outdated = set[str]().union(*(keys for keys in _ALTERNATIVES.get(kind, ()) if keys & above.keys()))
    if kind == "assumptions" and "off" in above:
        outdated |= {"doubled"}
    if kind == "groups":
        copula = above.get("copula", "gaussian")
        if "copula" in above and copula != below.get("copula", "gaussian"):
            outdated |= {"df"}
        # sides go with one number of the copulas that have them; a matrix has its own signs
        if copula not in ("gaussian", "t") or any(isinstance(above.get(key), list) for key in STATEMENTS):
            outdated |= {"against"}
    return outdated
