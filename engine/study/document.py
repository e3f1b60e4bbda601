"""A resolved study as plain tables in the format of a study file: content of `study.toml` and of the fingerprint."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.study.components import Policy
from engine.study.labels import OF_LABELS
from engine.study.study import FORMS, LEVELS, Study
from engine.study.tables import constants as constant_tables, groups as group_tables
from engine.study.tables.levers import UNSET, lever_table, put_together
from engine.study.tables.policies import Policies
from engine.study.values import Tables, leaving_out

_ALWAYS = ("question", "groups", "factors", "events")
"""Keys that stand in the document even where there is nothing to them."""
_USUAL = {"precision": "float32", "program": FORMS[0], "nonfinite": 0.0, "until": []}
"""Entries of `run` that are left out where they are these."""


def document(study: Study, text: Tables, policies: Policies) -> Tables:
    """The study as tables in the format of a study file: only what it uses, and with every default written out.

    Args:
      study: the study, its own document still empty.
      text: the tables that it was read from, defaults filled in.
      policies: the policies that run, and those that they phase in from.
    """
    run = text["run"] | {"tile": study.tile, "until": [*map(str, study.until)]}
    levels = [one for one in study.levels if one not in LEVELS]
    # the observed policy adds those that it phases in from where it draws no factor of its own
    followed = replace(policies, followed=study.observed.policy)
    draws_no_more = {*followed.levers_by_factor} <= {one.name for one in study.inputs}
    stated = dict.fromkeys([*policies.reached, *(followed.reached if study.observed.rows and draws_no_more else ())])
    # a policy that is not in the document cannot be named
    observed = study.observed.model_copy(update={} if study.observed.policy in stated else {"policy": ""})
    tables: dict[str, Any] = {
        "name": study.name,
        "question": study.question,
        "author": study.author,
        "model": study.model_name,
        "baseline": study.baseline,
        "compare": list(policies.names),
        "headline": text.get("headline") and list(study.headline),
        "run": {key: value for key, value in run.items() if value != _USUAL.get(key)},
        "time": study.years and {"first": study.years[0], "last": study.years[-1], "unit": text["time"]["unit"]},
        "groups": {
            name: group_tables.restricted(text["groups"][name], group.members)
            for name, group in {**study.groups, **study.shocks.groups}.items()
        },
        "factors": {
            one.name: {
                "about": one.about,
                "unit": one.unit,
                **leaving_out(text["factors"][one.name], ("about", "unit")),
            }
            for one in study.inputs
        },
        "constants": constant_tables.stated(study.model),
        "shocks": {
            name: text["shocks"].get(name, {}) for name in (*study.shocks.moving, *study.labels.get("shocks", ()))
        },
        "policies": {name: _policy_table(policies.by_name[name], study) for name in stated},
        "triggers": {name: text["triggers"][name] for name in study.triggers},
        "events": text["events"],
        "lever_groups": {name: {"levers": [*levers]} for name, levers in study.lever_groups.items()},
        "assumptions": {one.name: one.table for one in study.assumptions},
        "challenge": study.challenge.model_dump(exclude_defaults=True),
        "observed": study.observed.rows and observed.model_dump(by_alias=True, exclude_defaults=True),
        "facts": study.facts and study.facts.model_dump(),
        **{kind: {} for kind in OF_LABELS},
        "risk": levels and {"levels": [float(f"{100 * level:g}") for level in levels]},
        "dimensions": {stream: [*by_year] for stream, by_year in study.dimensions.items()},
        "keep": {**vars(study.keep), "outcomes": list(study.keep.outcomes)},
    }
    for kind, labels in study.labels.items():
        for name, label in labels.items():
            if kind != "challenge" and (kind in OF_LABELS or name in tables[kind]):
                tables[kind][name] = {"label": label, **tables[kind].get(name, {})}
    return {key: table for key, table in tables.items() if table or key in _ALWAYS}


def _policy_table(policy: Policy, study: Study) -> Tables:
    table: dict[str, Any] = {"about": policy.about}
    if policy.before is not None:
        table["before"] = policy.before.name
        table["implementation"] = policy.implementation
        if study.years:
            table["start"] = policy.start
    for lever in policy.levers:
        dims = study.model.levers[lever].dims
        stated = lever_table(put_together(policy, lever), dims, study.model, study.years)
        if stated != UNSET:
            table[lever] = stated
    return table
