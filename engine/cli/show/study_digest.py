"""What a study states as an answer: its counts in sentences; policies, priors, dependence and claims in tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.rows import table
from engine.answers.table import Table
from engine.answers.wording import claimed, listed, short
from engine.risk.estimation.bounds import MANY, TOLD, OnBound, by_year, standings
from engine.study.tables.assumptions import in_words
from engine.study.tables.challenge import CHOICES
from engine.study.tables.constants import stated
from engine.study.tables.levers import lever_text
from engine.study.tables.shocks import stationary

if TYPE_CHECKING:
    from engine.study.study import Input, Study

LEVELS = " ▁▂▃▄▅▆▇█"
WIDTH = 15
ENDS = (0.005, 0.995)
"""Quantiles between which a curve is drawn."""
READING = (
    "priors: what is stated, with the fitted law's value in brackets where three digits differ; density from the 0.5 %"
    f" to the 99.5 % quantile. bounds: a first look; a run counts its own (/diagnostics/bounds), and above"
    f" {100 * MANY:g} % is too often."
)


def digest(study: Study, yearly: np.ndarray | None) -> Answer:
    """What a study states.

    Args:
      yearly: yearly values of a few paths, [policy, year, cell, path], if there are any.
    """
    counts = {
        "factor": len(study.gathered_inputs), "group": len(study.groups), "shock": len(study.shocks.moving),
        "constant": len(stated(study.model)), "event": len(study.events), "assumption": len(study.assumptions),
        "claim": len(study.challenge.claims), "gate": len(study.gates),
    }  # fmt: skip
    levers = [name for name in differing(study) if name in study.model.levers]
    policies = _count(len(study.policies), "policy", "policies")
    if levers:
        policies += f", which differ in {len(levers)} of {_count(len(study.model.levers), 'lever')}"
    named = (f"{name} (baseline)" if name == study.baseline else name for name in study.policy_names)
    basis = f"{study.name}: {study.question} {study.futures}; policies {', '.join(named)}"
    bounds = standings(study, by_year(study.model, yearly)) if yearly is not None and yearly.size else ()
    often = [one for one in bounds if one.share > TOLD]
    findings = [f"The study has {listed([_count(count, what) for what, count in counts.items() if count])}."]
    findings += [f"It compares {policies}.", _fit(study)]
    if often and yearly is not None:
        findings.append(f"On the first {yearly.shape[-1]} paths, {often[0].in_words(study)}.")
    tables = tuple(filter(len, _tables(study, bounds)))
    return Answer(Subject.of(study), tuple(findings), tables, basis, READING)


def differing(study: Study) -> dict[str, list[str]]:
    """Lever -> what each policy sets, for levers in which policies differ; likewise start, before, implementation."""
    policies = study.policies
    every = {lever: [lever_text(study, policy, lever) for policy in policies] for lever in study.model.levers}
    every["start"] = [str(policy.start) for policy in policies if study.years]
    every["before"] = [policy.before.name if policy.before else "-" for policy in policies]
    every["implementation"] = [str(policy.implementation) for policy in policies]
    return {name: values for name, values in every.items() if len({*values}) > 1}


def _count(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or f'{one}s'}"


# ----------------------------------------------------------------------------------------------------------- priors


def _fit(study: Study) -> str:
    """How many laws are fitted to percentiles or moments; of those that miss them, the one that is farthest off."""
    fitted = [item for item in study.gathered_inputs if item.targets]
    missed = [item for item in fitted if any(value != own for _, value, own in _to_three_digits(item))]
    if not fitted:
        return "All priors are as stated."
    count = f"{_count(len(fitted), 'prior is', 'priors are')} fitted to percentiles or moments"
    if not missed:
        return f"{count}, which the fitted laws meet to three digits."

    def miss(item: Input) -> float:
        """Largest deviation of a law from the numbers that it was fitted to, relative to the largest of these."""
        size = max(abs(one.value) for one in item.targets) or 1.0
        return max(abs(one.fitted - one.value) for one in item.targets) / size

    worst = max(missed, key=miss)
    farthest = f"{count}; the fit is worst for {study.phrase('factors', worst.name)}"
    return short(f"{farthest}: {targets_text(worst)}.", f"{farthest}.")


def targets_text(item: Input) -> str:
    """`p05 1.4 (1.42), p95 6.4`: the values asked for, and the fitted law's in brackets where three digits differ."""
    targets = _to_three_digits(item)
    return ", ".join(f"{label} {value}" + f" ({fitted})" * (fitted != value) for label, value, fitted in targets)


def _to_three_digits(item: Input) -> list[tuple[str, str, str]]:
    return [(target.label, f"{target.value:.3g}", f"{target.fitted:.3g}") for target in item.targets]


def curve(law: Any) -> str:
    """The density of a law from its 0.5 % to its 99.5 % quantile as text: a character a bin, or a value if few."""
    steps = law.steps
    if steps is not None and len(steps[0]) <= WIDTH:
        masses = np.diff(law.cdf(np.asarray(steps[0])), prepend=0.0)
    else:
        low, high = (float(x) for x in law.quantile(np.array(ENDS)))
        if not high > low:
            return LEVELS[-1]
        below = law.cdf(np.linspace(low, high, WIDTH + 1))
        below[0] = law.below(low)  # the probability of the value `low` itself belongs to the first bin
        masses = np.diff(below)
    top = masses.max()
    return "".join(LEVELS[math.ceil(8 * max(m, 0.0) / top)] for m in masses) if top > 0 else ""


# ----------------------------------------------------------------------------------------------------------- tables


def _tables(study: Study, bounds: Sequence[OnBound]) -> Iterator[Table]:
    """Yields the tables of what a study states, some of them empty; the brief form has none of their rows.

    Args:
      bounds: how often values lie on each bound under each policy.
    """
    units = {name: lever.unit for name, lever in study.model.levers.items()}
    group_of = {lever: group for group, levers in study.lever_groups.items() for lever in levers}
    levers = (
        {"lever": name, "policy": policy, "unit": units.get(name, "1"), "group": group_of.get(name, ""), "value": value}
        for name, values in differing(study).items()
        for policy, value in zip(study.policy_names, values, strict=True)
    )
    yield table("levers", "Levers in which policies differ", levers, "lever", "policy", brief=(), across="policy")
    yield table("priors", "Priors", map(_prior, study.gathered_inputs), "factor", brief=())
    groups = [_dependence(name, group) for name, group in {**study.groups, **study.shocks.groups}.items()]
    yield table("groups", "Groups", (row for row, _ in groups), "group", brief=())
    pairs = [row for _, rows in groups for row in rows]
    yield table("pairs", "Groups whose pairs differ in their dependence", pairs, "pair", brief=())
    group_of = {stream: name for name, group in study.shocks.groups.items() for stream in group.members}
    shocks = (
        dict(zip(("law", "given_by"), shock.about, strict=True))
        | {"shock": name, "group": group_of.get(shock.streams[0], ""), "regime": shock.regime or ""}
        for name, shock in study.shocks.moving.items()
    )
    yield table("shocks", "Shocks", shocks, "shock", brief=())
    yield table("regimes", "Regimes", _regimes(study), "regime", brief=())
    assumptions = (
        {
            "assumption": one.name,
            "off": in_words(one.table["off"]),
            "doubled": in_words(one.table["doubled"]) or "as stated",
            "about": one.about,
        }
        for one in study.assumptions
    )
    yield table("assumptions", "Assumptions", assumptions, "assumption", brief=())
    claims = ({"claim": str(claim), "in_words": claimed(study, claim)} for claim in study.challenge.claims)
    yield table("claims", "Claims", claims, "claim", brief=())
    yield table("choices", "Other choices of what is measured", _choices(study), "choice", brief=())
    shares = _shares(study, bounds)
    yield table("bounds", "Yearly values on their bounds", shares, "bound", "policy", brief=(), across="policy")


def _shares(study: Study, bounds: Sequence[OnBound]) -> Iterator[dict[str, Any]]:
    """Yields a row for each policy of each bound on which, under one of them, more than a few values lie."""
    by_bound: dict[tuple[str, str], list[OnBound]] = {}
    for one in bounds:
        by_bound.setdefault((one.variable, one.side), []).append(one)
    for (variable, side), own in by_bound.items():
        if max(one.share for one in own) <= TOLD:
            continue
        own.sort(key=lambda one: study.policy_names.index(one.policy))
        labels = {"bound": f"{variable}, {side}", "unit": study.model.yearly[variable].unit}
        too_often = ", ".join(one.policy for one in own if one.share > MANY)
        for one in own:
            yield labels | {"policy": one.policy, "limit": one.limit, "share": one.share, "too_often": too_often}


def _prior(item: Input) -> dict[str, Any]:
    law = item.marginal
    words = {"unit": item.unit, "family": item.family, "stated": targets_text(item) or item.parameters}
    quantiles = {f"p{100 * p:02.0f}": float(law.quantile(p)) for p in (0.05, 0.5, 0.95)}
    return {"factor": item.name, **words, **quantiles, "mean": float(law.mean()), "density": curve(law)}


def _dependence(name: str, group: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of a group, and a row for each of its pairs if these differ."""
    implied, members = group.copula.implied(group.members), group.members
    above = np.triu_indices(len(members), 1)
    values = {key: getattr(implied, key)[above] for key in ("kendall", "spearman", "lower", "upper")}
    spread = {key: _spread(pairs) for key, pairs in values.items()}
    pairs = [
        {"pair": f"{name}: {members[i]}, {members[j]}"} | {key: float(own[k]) for key, own in values.items()}
        for k, (i, j) in enumerate(zip(*above, strict=True))
    ]
    law = {"copula": group.copula.family, "parameter": group.copula.describe() or "matrix"}
    row = {"group": name, **law, **spread, "members": ", ".join(group.gathered_members)}
    return row, pairs if any(" to " in text for text in spread.values()) else []


def _spread(values: np.ndarray) -> str:
    """The value if all are the same, else the smallest and the largest; "" without values."""
    if not values.size:
        return ""
    if np.ptp(values) > 5e-4:
        return f"{values.min():.2f} to {values.max():.2f}"
    return f"{values[0]:.3f}" if abs(values[0]) >= 5e-4 else "0"


def _regimes(study: Study) -> Iterator[dict[str, Any]]:
    for name, regime in study.shocks.regimes.items():
        shares = stationary(np.array(regime.transition))
        for state, start, share, row in zip(regime.states, regime.start, shares, regime.transition, strict=True):
            moves = ", ".join(f"{other} {p:g}" for other, p in zip(regime.states, row, strict=True) if p)
            numbers = {"at_the_start": float(start), "in_the_long_run": float(share)}
            yield {"regime": f"{name}: {state}", **numbers, "after_it": moves}


def _choices(study: Study) -> Iterator[dict[str, Any]]:
    for kind in CHOICES:
        for one in getattr(study.challenge, kind):
            instead = ", ".join(f"{old} -> {new}" for old, new in one.instead.items())
            label = study.title("challenge", one.name)
            yield {"choice": one.name, "kind": kind[:-1], "label": label, "instead": instead}
    for event, limits in study.challenge.thresholds.items():
        instead = ", ".join(f"{one.value:g}{'x' * one.is_multiple}" for one in limits)
        yield {"choice": event, "kind": "threshold", "label": study.title("events", event), "instead": instead}
