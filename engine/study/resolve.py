"""From a study's tables, types already checked, to a `Study`: every name looked up, every prior fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.draws.distributions.prior import Prior
from engine.draws.factors import Group, Input, latent_streams
from engine.draws.shocks import Shocks
from engine.errors import Problems, UserError, unknown
from engine.modelling import contract
from engine.modelling.declaration import check_declaration, check_free, check_name
from engine.modelling.identity import as_written, digest_of_package, ships
from engine.modelling.records import Factor, Lever, Model, PathModel
from engine.study import holdout, labels, lever_groups
from engine.study.components import Assumption, Event
from engine.study.document import document
from engine.study.extending import factors_named
from engine.study.study import Study
from engine.study.tables import (
    assumptions as assumption_tables,
    challenge as challenge_tables,
    constants as constant_tables,
    dimensions as dimension_tables,
    factors as factor_tables,
    facts as facts_tables,
    groups as group_tables,
    observed as observed_tables,
    policies as policy_tables,
    sections as section_tables,
    shocks as shock_tables,
    stops as stop_tables,
    triggers as trigger_tables,
)
from engine.study.tables.changes import Known
from engine.study.values import Names, Tables

REMOVED = "factors by label were removed. Declare one factor for each label in the model."


@dataclass(frozen=True)
class KnownModel:
    """A model with its name.

    Args:
      own: whether it is the user's own, and not one that the study names.
      before: a study of the same model that has just been read, whose model need not be traced again.
    """

    model: Model
    name: str
    own: bool
    before: Study | None = None

    def identified(self, precision: str) -> dict[str, str | None]:
        """The fields of `Study` that say which model it is, for a study in a precision."""
        if not self.own and ships(self.model):
            return {"model_digest": digest_of_package(type(self.model))}
        if self.before and self.before.precision == precision and as_written(self.before.model) is self.model:
            return {name: getattr(self.before, name) for name in ("model_digest", "model_spec", "traced")}
        digest, spec = contract.identified(self.model, np.dtype(precision).type)
        return {"model_digest": digest, "model_spec": spec if self.own else None, "traced": digest}


def resolve(text: Tables, known: KnownModel | None, source: str, problems: Problems, spare: Names = ()) -> Study:
    """The study that tables describe.

    Args:
      text: the study file's tables, defaults filled in, types checked.
      known: the model; None where it is not known, which is one of the problems; then only what needs no model is
        checked.
      source: what the study was read from.
      problems: those found so far; more are added.
      spare: factors that may remain unused, and places of entries that may be invalid, such as "challenge.claims".

    Raises:
      UserError: with all problems.
    """
    section_tables.check_head(text, problems)
    _check_names(text, problems)
    priors = _priors(text["factors"], problems)
    if known is None:
        raise UserError(source, problems)
    years = _years(text, known, source, problems)
    text, model, triggers = trigger_tables.settled(text, constant_tables.settled(text, known.model, problems), problems)
    _check_factors(text, model, spare, problems)
    called = labels.read(text, model, problems)
    text = labels.without(text)
    # by year, and not to be blamed where nobody knows the years
    facts = facts_tables.read(text, problems)
    followed = facts.policy if facts else ""
    policies = None if years is None else policy_tables.read(text, model, years, priors, problems, followed)
    of_model = _of_model(text, model, problems) | {"triggers": triggers}
    levers = policies.levers_by_factor if policies else {}
    of_policies = sorted(set(text["factors"]) - set(model.factors))
    # in the model's order, whatever the file's, then those that only policies draw
    drawn = [*model.factors, *sorted(set(levers) - set(model.factors))]
    group_of, groups = _groups(text, drawn, problems)
    _, all_groups = _groups(text, [*model.factors, *of_policies], Problems())
    later = {name: one for name, one in all_groups.items() if not {*model.factors} & {*one.members}}
    running = policies.names if policies else tuple(text["policies"])
    levels, kept = of_model["levels"], of_model["keep"].outcomes
    challenge = challenge_tables.read(text, running, model, levels, problems, spare)
    until, idle_targets = stop_tables.read(text, running, model, levels, kept, problems, spare)
    observed = observed_tables.read(text, model, problems)
    shocks = _shocks(text, known, priors, problems)
    dimensions = dimension_tables.read(text, problems)
    assumptions: tuple[Assumption, ...] = ()
    if policies is not None and years is not None and len(policies.running) == len(policies.names):
        held = Known(text, model, priors, policies, drawn, groups, group_of)
        assumptions = assumption_tables.read(held, problems, spare)
    problems.refuse(source)
    assert policies is not None and years is not None
    stated = {one: model.factors.get(one) or model.levers.get(levers.get(one, "")) for one in drawn}
    study = Study(
        **_of_run(text, known, source),
        model=model,
        **of_model,
        tile=text["run"].get("tile") or section_tables.default_tile(model, len(policies.running)),
        years=years,
        inputs=tuple(_input(name, text, stated[name], priors[name], group_of.get(name)) for name in drawn),
        groups=groups,
        shocks=shocks,
        policies=policies.running,
        baseline=policies.baseline,
        labels=called,
        assumptions=assumptions,
        challenge=challenge,
        observed=observed,
        facts=facts,
        stated_dimensions=dimensions,
        of_policies=(*(f"factor:{name}" for name in of_policies), *latent_streams(later)),
        until=until,
        idle_targets=idle_targets,
    )
    once = [*(f"factor:{name}" for name in text["factors"]), *latent_streams(groups), *latent_streams(all_groups)]
    dimension_tables.check(dimensions, once, study.streams[1], len(years), spare, problems)
    if facts is not None:
        holdout.check_known(study, facts.until, "facts.until", problems)
    problems.refuse(source)
    return replace(study, document=document(study, text, policies))


def _years(text: Tables, known: KnownModel, source: str, problems: Problems) -> tuple[int, ...] | None:
    """Calendar years of the study; None where they are among the problems.

    Raises:
      UserError: the model's own declarations are wrong, so that nothing else can be checked.
    """
    years: tuple[int, ...] | None = None
    with problems.within(""):
        years = section_tables.years(text.get("time"), known.model, known.name)
    with problems.within(""):
        check_declaration(known.model, years or ())
        return years
    raise UserError(source, problems)


def _of_model(text: Tables, model: Model, problems: Problems) -> dict[str, Any]:
    """Fields of `Study` that follow from a table and the model's names alone."""
    events = {name: Event(name=name, **table) for name, table in text["events"].items()}
    return {
        "events": (*_checked("events", events, problems, text["events"], model).values(),),
        "gates": _checked("gates", text["gates"], problems, text["policies"], model),
        "headline": section_tables.headline(text.get("headline"), model, problems),
        "levels": section_tables.levels(text["risk"], problems),
        "lever_groups": lever_groups.read(text["lever_groups"], model, problems),
        "keep": section_tables.keep(text["keep"], model, problems),
    }


def _checked(kind: str, records: Mapping[str, Any], problems: Problems, *known: Any) -> Mapping[str, Any]:
    """Records of tables, whose problems are added; `known` is what their `check` takes."""
    for name, record in records.items():
        own = Problems()
        record.check(*known, own)
        with problems.within(f"{kind}.{name}"):
            own.refuse()
    return records


def _of_run(text: Tables, known: KnownModel, source: str) -> dict[str, Any]:
    """Fields of `Study` that its file and its model state as they are; its document is still empty."""
    run = text["run"]
    return {
        **{key: text[key] for key in ("name", "question", "author")},
        **{key: run[key] for key in ("seed", "paths", "sampler", "precision", "program", "nonfinite")},
        "model_name": known.name,
        **known.identified(run["precision"]),
        "source": source,
        "document": {},
    }


def _check_names(text: Tables, problems: Problems) -> None:
    for table in ("factors", "groups", "policies", "triggers", "events", "lever_groups", "gates", "assumptions"):
        for name in text[table]:
            with problems.within(f"{table}.{name}" if name else table):
                if table == "factors" and "[" in name:
                    problems.add(f"factors.{name}", REMOVED)
                    problems.close(f"factors.{name}")
                check_name(name)
                if table == "factors":
                    check_free(name, table)


def _priors(factors: Tables, problems: Problems) -> dict[str, Prior]:
    """Priors by factor, without those that have problems."""
    priors = {}
    for name, table in factors.items():
        with problems.within(f"factors.{name}"):
            priors[name] = factor_tables.read(factor_tables.law_keys(table))
    return priors


def _check_factors(text: Tables, model: Model, spare: Names, problems: Problems) -> None:
    """Whether each factor is the model's or some policy's, in the model's unit, and none of the model's is missing."""
    factors, drawn = text["factors"], factors_named(text).union(spare)
    for name, table in factors.items():
        place = f"factors.{name}"
        if stated := model.factors.get(name):
            if table.get("unit", stated.unit) != stated.unit:
                problems.add(f"{place}.unit", f"expected '{stated.unit}', the model's unit, got '{table['unit']}'.")
        elif name in model.dims:
            problems.add(place, "is the name of a dimension. Choose another name.")
        elif name not in drawn and not problems.has_closed("policies"):
            problems.add(place, unknown("factor", name, {*model.factors, *model.constants}))
    for name in [name for name in model.factors if name not in factors]:
        problems.add(
            f"factors.{name}",
            f"has no prior. Add a table [factors.{name}] with family and p05, p50, p95 or the family's parameters.",
        )


def _groups(text: Tables, drawn: Names, problems: Problems) -> tuple[dict[str, str], dict[str, Group]]:
    """Factor -> its group, and groups of factors by name; the others are of shocks."""
    of_shocks = shock_tables.group_names(text["shocks"])
    tables = {name: table for name, table in text["groups"].items() if name not in of_shocks}
    group_of = group_tables.membership(tables, text["factors"], problems)
    return group_of, group_tables.read(tables, group_of, drawn, problems)


def _shocks(text: Tables, known: KnownModel, priors: Mapping[str, Prior], problems: Problems) -> Shocks:
    if not isinstance(known.model, PathModel):
        if text["shocks"]:
            problems.add("shocks", f"model '{known.name}' has no years, and no shocks. Remove the tables.")
        return Shocks()
    laws = {name: prior.law for name, prior in priors.items()}
    return shock_tables.read(text, known.model, laws, problems)


def _input(name: str, text: Tables, stated: Factor | Lever | None, prior: Prior, group: str | None) -> Input:
    table = text["factors"][name]
    unit = table.get("unit") or (stated.unit if stated else "1")
    about = table.get("about") or (stated.about if stated else "")
    words, labels = factor_tables.in_words(table), factor_tables.labelled(table)
    return Input(name, unit, about, prior.law, group, table.get("source", ""), prior.targets, *words, labels)
