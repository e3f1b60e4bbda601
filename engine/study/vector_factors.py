"""Factors with dimensions, stated in one table for all labels or a table for one, written out label by label."""

from __future__ import annotations

import re
from typing import Any

from engine.errors import Problems, unknown
from engine.modelling.declaration import check_name
from engine.modelling.records import Model, factor_names
from engine.study.values import Tables

LABELLED = re.compile(r"(?P<name>[\w-]+)\[(?P<label>[^\[\]/]+)\]")
"""`name[label]`, the name of one label's own table."""


def check_factor_name(name: Any) -> None:
    """Refuses what cannot be the name of a factor, or of one of its labels."""
    labelled = LABELLED.fullmatch(name) if isinstance(name, str) else None
    check_name(labelled["name"] if labelled else name)


def by_label(text: Tables, model: Model, problems: Problems) -> Tables:
    """The study's tables with a table per label in place of a vector factor's, and these labels as group members.

    Args:
      problems: tables of unknown labels are added here.
    """
    names, factors, groups = _parts_of(model), {}, dict(text["groups"])
    for name, table in text["factors"].items():
        labelled = LABELLED.fullmatch(name)
        known = names.get(labelled["name"]) if labelled else None
        if labelled and known and name not in known:
            labels = [part[len(labelled["name"]) + 1 : -1] for part in known]
            problems.add(f"factors.{name}", unknown("label", labelled["label"], labels))
        elif name not in names:
            factors[name] = table
    for name, parts in names.items():
        whole = text["factors"].get(name)
        factors |= {part: one for part in parts if (one := text["factors"].get(part, whole)) is not None}
    for group, table in groups.items():
        if "members" in table:
            members = [part for name in table["members"] for part in names.get(name, (name,))]
            groups[group] = {**table, "members": members}
    return {**text, "factors": factors, "groups": groups}


def _parts_of(model: Model) -> dict[str, tuple[str, ...]]:
    """Factor with dimensions -> names of its parts, `name[label]`."""
    return {name: parts for name, parts in factor_names(model).items() if model.factors[name].dims}


def together(tables: Tables, model: Model) -> Tables:
    """The inverse of `by_label`: one table for all labels of a factor where these have equal tables."""
    whole = dict[str, str]()
    for name, parts in _parts_of(model).items():
        if all(tables.get(part) == tables.get(parts[0]) for part in parts):
            whole |= dict.fromkeys(parts, name)
    return {whole.get(name, name): table for name, table in tables.items()}
