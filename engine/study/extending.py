"""Layers: tables of a study merged over those of the one that it extends, and which older entries this outdates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.draws.copulas.statements import STATEMENTS
from engine.modelling.declaration import POLICY_KEYS
from engine.study import lever_groups
from engine.study.schema import NAMED
from engine.study.tables import challenge as challenge_tables
from engine.study.tables.factors import law_keys
from engine.study.tables.gates import ASKED
from engine.study.values import Tables, table_in


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
        old = merged.get(key)
        if not (isinstance(old, dict) and isinstance(value, dict)):
            merged[key] = value
        elif key == "observed":
            outdated = {{"file": "rows", "rows": "file"}.get(name) for name in value}
            merged[key] = {name: held for name, held in old.items() if name not in outdated} | value
        elif key == "challenge":
            merged[key] = _by_name(old, value, depth=2)
        elif key in NAMED:
            merged[key] = old | {name: _over(key, old.get(name), entry) for name, entry in value.items()}
        else:
            merged[key] = old | value
    return told_once(merged, above)


def told_once(merged: Tables, above: Tables) -> dict[str, Any]:
    """Merged tables with each constant stated once: a newer number removes its older prior, a newer prior its older
    number.

    Args:
      merged: the tables after merging.
      above: the newer tables, which were laid over others.
    """
    tables = dict(merged)
    for new, old in (("constants", "factors"), ("factors", "constants")):
        outdated = {*table_in(above, new)} - {*table_in(above, old)}
        if there := table_in(merged, old):
            tables[old] = {name: entry for name, entry in there.items() if name not in outdated}
    return tables


def factors_named(tables: Tables) -> set[str]:
    """Names of factors that a study's policies give in place of a number, for an implementation or a lever's value."""

    def names(value: Any) -> set[str]:
        if isinstance(value, Mapping):
            return set().union(*map(names, value.values()))
        return {value} if isinstance(value, str) else set()

    words, policies = {*POLICY_KEYS} - {"implementation"}, table_in(tables, "policies")
    given = [part for policy in policies for part in table_in(policies, policy).items()]
    return set().union(*(names(value) for key, value in given if key not in words))


def places(tables: Tables) -> set[str]:
    """Places of a study's assumptions, dimensions and parts of its challenge; a study that extends it may make them
    invalid.
    """
    stated = {key: table_in(tables, key) for key in ("assumptions", "dimensions", "challenge")}
    parts = {f"challenge.{kind}": table_in(stated["challenge"], kind) for kind in challenge_tables.BY_NAME}
    return {f"{where}.{name}" for where, table in (stated | parts).items() for name in table}


def _by_name(below: Any, above: Any, depth: int) -> Any:
    """Newer tables merged over older ones, key by key down to `depth` levels below these; deeper tables are replaced
    whole.
    """
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    if not depth:
        return below | above
    return below | {key: _by_name(below.get(key), value, depth - 1) for key, value in above.items()}


def _over(kind: str, below: Any, above: Any) -> Any:
    """An entry of a table by name over an older one, key by key; what the new one outdates is left out."""
    if kind == "lever_groups" and below is not None:
        below, above = map(lever_groups.table, (below, above))
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    outdated = _outdated(kind, below, above)
    return {key: value for key, value in below.items() if key not in outdated} | above


def _outdated(kind: str, below: Tables, above: Tables) -> set[str]:
    """Keys of an older entry that are dropped because of the keys of a newer one.

    A new statement of a law drops all of the old one but its family; a new threshold drops the old one, and so does a
    new statement of a dependence. A new `off` of an assumption drops its `doubled`. What a newer gate asks replaces
    what the older one asked, and its years replace the older one's.
    """
    if kind in ("factors", "shocks") and set(law_keys(above)) - {"family"}:
        return {*law_keys(below), "source"} - {"family"}
    if kind == "events" and set(above) & {"above", "below", "all"}:
        return {"above", "below", "all"} | ({"outcome"} if "all" in above else set())
    if kind == "assumptions" and "off" in above:
        return {"doubled"}
    if kind == "gates":
        return set().union(*(keys for keys in ({*ASKED}, {"year", "years"}) if set(above) & keys))
    if kind == "groups":
        outdated = {*STATEMENTS} if {*STATEMENTS} & {*above} else set()
        copula = above.get("copula", "gaussian")
        if "copula" in above and copula != below.get("copula", "gaussian"):
            outdated |= {"df"}
        # sides go with one number of the copulas that have them; a matrix has its own signs
        if copula not in ("gaussian", "t") or any(isinstance(above.get(key), list) for key in STATEMENTS):
            outdated |= {"against"}
        return outdated
    return set()
