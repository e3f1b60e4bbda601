"""A resolved study as plain tables, in the words of the study file: what `study.toml` holds and the fingerprint
covers."""

from __future__ import annotations

from typing import Any

from engine.study.components import Policy
from engine.study.labels import OF_LABELS
from engine.study.study import FORMS, LEVELS, Study
from engine.study.tables import (
    challenge as challenge_tables,
    constants as constant_tables,
    dimensions as dimension_tables,
    factors as factor_tables,
    groups as group_tables,
    observed as observed_tables,
)
from engine.study.tables.levers import lever_table, put_together
from engine.study.tables.policies import Policies
from engine.study.values import Tables
from engine.study.vector_factors import together


def document(study: Study, text: Tables, policies: Policies) -> dict[str, Any]:
    """The study as tables in the format of a study file: only what it uses, and with every default written out.

    Args:
      study: the study, its own document still empty.
      text: the tables that it was read from, defaults filled in.
      policies: the policies that run, and those that they phase in from.
    """
    tables: dict[str, Any] = {
        "name": study.name,
        "question": study.question,
        **({"author": study.author} if study.author else {}),
        "model": study.model_name,
        "baseline": study.baseline,
        "compare": list(policies.names),
        **({"headline": list(study.headline)} if text.get("headline") else {}),
        "run": {"paths": study.paths, "seed": study.seed, "sampler": study.sampler, "tile": study.tile},
    }
    if study.precision != "float32":
        tables["run"]["precision"] = study.precision
    if study.program != FORMS[0]:
        tables["run"]["program"] = study.program
    if study.nonfinite:
        tables["run"]["nonfinite"] = study.nonfinite
    if study.until:
        tables["run"]["until"] = [*map(str, study.until)]
    if study.years:
        tables["time"] = {"first": study.years[0], "last": study.years[-1], "unit": text["time"]["unit"]}
    groups = {**study.groups, **study.shocks.groups}.items()
    restricted = {name: group_tables.restricted(text["groups"][name], group.members) for name, group in groups}
    tables["groups"] = _labelled(study, "groups", restricted)
    factors = {}
    for item in study.inputs:
        table = text["factors"][item.name]
        rest = {key: table[key] for key in ("group", "source") if table.get(key)}
        law = factor_tables.law_keys(table)
        factors[item.name] = {"about": item.about, "unit": item.unit, **law, **rest}
    tables["factors"] = _labelled(study, "factors", together(factors, study.model))
    if own := constant_tables.stated(study.model):
        tables["constants"] = own
    labelled = [*study.labels.get("shocks", ())]
    for key, used in (("regimes", [*study.shocks.regimes]), ("shocks", [*study.shocks.moving, *labelled])):
        if used:
            tables[key] = _labelled(study, key, {name: text[key].get(name, {}) for name in used})
    reached = {name: _policy_table(policies.by_name[name], study) for name in policies.reached}
    tables["policies"] = _labelled(study, "policies", reached)
    tables["events"] = _labelled(study, "events", text["events"])
    if study.lever_groups:
        called = study.labels.get("lever_groups", {})
        tables["lever_groups"] = {
            name: {"label": called[name], "levers": [*levers]} if name in called else [*levers]
            for name, levers in study.lever_groups.items()
        }
    if study.assumptions:
        stated = {one.name: one.table for one in study.assumptions}
        tables["assumptions"] = _labelled(study, "assumptions", stated)
    if held := challenge_tables.table_of(study.challenge, study.labels.get("challenge", {})):
        tables["challenge"] = held
    if held := observed_tables.table_of(study.observed, policies.reached):
        tables["observed"] = held
    if study.facts is not None:
        tables["facts"] = study.facts.table
    for kind in OF_LABELS:
        if study.labels.get(kind):
            tables[kind] = {name: {"label": label} for name, label in study.labels[kind].items()}
    if added := [float(f"{100 * level:g}") for level in study.levels if level not in LEVELS]:
        tables["risk"] = {"levels": added}
    if study.dimensions:
        tables["dimensions"] = dimension_tables.table_of(study.dimensions)
    keep = study.keep
    tables["keep"] = {"outcomes": list(keep.outcomes), "draws": keep.draws, "yearly": keep.yearly}
    return tables


def _labelled(study: Study, kind: str, tables: Tables) -> dict[str, Any]:
    """Tables of parts of a kind by name, each with its label if it has one."""
    labels = study.labels.get(kind, {})
    return {name: {**({"label": labels[name]} if labels.get(name) else {}), **table} for name, table in tables.items()}


def _policy_table(policy: Policy, study: Study) -> dict[str, Any]:
    table: dict[str, Any] = {"about": policy.about}
    if policy.before is not None:
        table["before"] = policy.before.name
        table["implementation"] = policy.implementation
        if study.years:
            table["start"] = policy.start
    for lever in policy.levers:
        dims = study.model.levers[lever].dims
        table[lever] = lever_table(put_together(policy, lever), dims, study.model, study.years)
    return table
