"""What a study states as an answer: its counts in sentences; policies, priors, dependence and claims in tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import claimed, listed, short
from engine.answers.table import Row, Table, table
from engine.formatting import counted
from engine.risk.estimation.bounds import TOLD, by_year, standings
from engine.study.tables.constants import stated
from engine.study.tables.levers import lever_text

if TYPE_CHECKING:
    from engine.study.study import Input, Study

READING = (
    "The table of priors shows the stated values, with the fitted law's value in brackets where three digits differ."
)


def digest(study: Study, yearly: np.ndarray | None) -> Answer:
    """What a study states.

    Args:
      yearly: yearly values of a few paths, [policy, year, cell, path], if there are any.
    """
    counts = {
        "factor": len(study.inputs), "group": len(study.groups), "shock": len(study.shocks.moving),
        "constant": len(stated(study.model)), "event": len(study.events), "assumption": len(study.assumptions),
        "claim": len(study.challenge.claims), "gate": len(study.gates),
    }  # fmt: skip
    levers = [name for name in differing(study) if name in study.model.levers]
    count = len(study.policies)
    policies = f"{count} polic{'y' if count == 1 else 'ies'}"
    if levers:
        policies += f", which differ in {len(levers)} of {counted(len(study.model.levers), 'lever')}"
    named = (f"{name} (baseline)" if name == study.baseline else name for name in study.policy_names)
    basis = f"{study.name}: {study.question} {study.futures}; policies {', '.join(named)}"
    findings = [f"The study has {listed([counted(count, what) for what, count in counts.items() if count])}."]
    findings += [f"It compares {policies}.", _fit(study)]
    if yearly is not None and yearly.size:
        often = [one for one in standings(study, by_year(study.model, yearly)) if one.share > TOLD]
        findings += [f"On the first {yearly.shape[-1]} paths, {one.in_words(study)}." for one in often[:1]]
    tables = (_levers(study), *_tables(study))
    return Answer.about(study, findings, tables, basis, READING)


def differing(study: Study) -> dict[str, list[str]]:
    """Lever -> what each policy sets, for levers in which policies differ; likewise start, before, implementation."""
    policies = study.policies
    every = {lever: [lever_text(study, policy, lever) for policy in policies] for lever in study.model.levers}
    every["start"] = [str(policy.start) for policy in policies if study.years]
    every["before"] = [policy.before.name if policy.before else "-" for policy in policies]
    every["implementation"] = [str(policy.implementation) for policy in policies]
    return {name: values for name, values in every.items() if len({*values}) > 1}


# ----------------------------------------------------------------------------------------------------------- priors


def _fit(study: Study) -> str:
    """How many laws are fitted to percentiles or moments; of those that miss them, the one that is farthest off."""
    fitted = [item for item in study.inputs if item.targets]
    if not fitted:
        return "All priors have exactly the stated parameters."
    count = f"{counted(len(fitted), 'prior')} {'is' if len(fitted) == 1 else 'are'} fitted to percentiles or moments"
    missed = [item for item in fitted if "(" in targets_text(item)]
    if not missed:
        return f"{count}; the fitted laws agree with them to three digits."

    def miss(item: Input) -> float:
        """Largest deviation of a law from the numbers that it was fitted to, relative to the largest of these."""
        size = max(abs(one.value) for one in item.targets) or 1.0
        return max(abs(one.fitted - one.value) for one in item.targets) / size

    worst = max(missed, key=miss)
    farthest = f"{count}; the fit is worst for “{study.phrase('factors', worst.name)}”"
    return short(f"{farthest}: {targets_text(worst)}.", f"{farthest}.")


def targets_text(item: Input) -> str:
    """`p05 1.4 (1.42), p95 6.4`: the values asked for, and the fitted law's in brackets where three digits differ."""
    texts = []
    for target in item.targets:
        value, fitted = f"{target.value:.3g}", f"{target.fitted:.3g}"
        texts.append(f"{target.label} {value}" if fitted == value else f"{target.label} {value} ({fitted})")
    return ", ".join(texts)


# ----------------------------------------------------------------------------------------------------------- tables


def _tables(study: Study) -> Iterator[Table]:
    """Yields the tables of what a study states by name, some of them empty; the brief form has none of their rows."""
    groups = {**study.groups, **study.shocks.groups}
    group_of = {stream: name for name, group in study.shocks.groups.items() for stream in group.members}
    shocks = (
        dict(zip(("law", "given_by"), shock.about, strict=True))
        | {"shock": name, "group": group_of.get(shock.streams[0], "")}
        for name, shock in study.shocks.moving.items()
    )
    claims = ({"claim": str(claim), "in_words": claimed(study, claim)} for claim in study.claims)
    parts: list[tuple[str, str, str, Iterable[Row]]] = [
        ("priors", "Priors", "factor", map(_prior, study.inputs)),
        ("groups", "Groups", "group", (_dependence(name, group) for name, group in groups.items())),
        ("shocks", "Shocks", "shock", shocks),
        ("claims", "Claims", "claim", claims),
    ]
    return (table(name, title, rows, label, brief=()) for name, title, label, rows in parts)


def _levers(study: Study) -> Table:
    units = {name: lever.unit for name, lever in study.model.levers.items()}
    group_of = {lever: group for group, levers in study.lever_groups.items() for lever in levers}
    rows = (
        {"lever": name, "policy": policy, "unit": units.get(name, "1"), "group": group_of.get(name, ""), "value": value}
        for name, values in differing(study).items()
        for policy, value in zip(study.policy_names, values, strict=True)
    )
    return table("levers", "Levers in which policies differ", rows, "lever", "policy", brief=(), across="policy")


def _prior(item: Input) -> Row:
    law = item.marginal
    words = {"unit": item.unit, "family": item.family, "stated": targets_text(item) or item.parameters}
    return {"factor": item.name, **words, **quantiles(item), "mean": float(law.mean())}


def quantiles(item: Input) -> Row:
    """The quantiles of a prior that tables show, by the names of their columns."""
    return {f"p{100 * p:02.0f}": float(item.marginal.quantile(p)) for p in (0.05, 0.5, 0.95)}


def _dependence(name: str, group: Any) -> Row:
    implied = group.copula.implied(group.members)
    above = np.triu_indices(len(group.members), 1)
    spread = {key: _spread(getattr(implied, key)[above]) for key in ("kendall", "spearman", "lower", "upper")}
    law = {"copula": group.copula.family, "parameter": group.copula.describe() or "matrix"}
    return {"group": name, **law, **spread, "members": ", ".join(group.members)}


def _spread(values: np.ndarray) -> str:
    """The value if all are the same, else the smallest and the largest; "" without values."""
    if not values.size:
        return ""
    if np.ptp(values) > 5e-4:
        return f"{values.min():.2f} to {values.max():.2f}"
    return f"{values[0]:.3f}" if abs(values[0]) >= 5e-4 else "0"
