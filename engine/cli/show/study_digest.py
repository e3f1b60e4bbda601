"""What a study states as an answer: its counts in sentences; policies, priors, dependence and claims in tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    findings = [f"The study has {listed([_count(count, what) for what, count in counts.items() if count])}."]
    findings += [f"It compares {policies}.", _fit(study)]
    bounds: Sequence[OnBound] = ()
    if yearly is not None and yearly.size:
        bounds = standings(study, by_year(study.model, yearly))
        if often := [one for one in bounds if one.share > TOLD]:
            findings.append(f"On the first {yearly.shape[-1]} paths, {often[0].in_words(study)}.")
    tables = (_levers(study), *_tables(study), _bounds(study, bounds))
    return Answer(Subject.of(study), tuple(findings), tuple(filter(len, tables)), basis, READING)


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
    if not fitted:
        return "All priors are as stated."
    count = f"{_count(len(fitted), 'prior is', 'priors are')} fitted to percentiles or moments"
    missed = [item for item in fitted if "(" in targets_text(item)]
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
    texts = []
    for target in item.targets:
        value, fitted = f"{target.value:.3g}", f"{target.fitted:.3g}"
        texts.append(f"{target.label} {value}" if fitted == value else f"{target.label} {value} ({fitted})")
    return ", ".join(texts)


def curve(law: Any) -> str:
    """The density of a law from its 0.5 % to its 99.5 % quantile as text: a character a bin, or a value if few."""
    if law.steps is not None and len(law.steps[0]) <= WIDTH:
        masses = np.diff(law.cdf(np.asarray(law.steps[0])), prepend=0.0)
    else:
        low, high = law.quantile(np.array(ENDS))
        edges = np.linspace(low, high, WIDTH + 1)
        below = law.cdf(edges)
        below[0] = law.below(low)  # the probability of the value `low` itself belongs to the first bin
        masses = np.diff(below)
    return "".join(LEVELS[math.ceil(8 * share)] for share in np.clip(masses / masses.max(), 0.0, 1.0))


# ----------------------------------------------------------------------------------------------------------- tables


def _tables(study: Study) -> Iterator[Table]:
    """Yields the tables of what a study states by name, some of them empty; the brief form has none of their rows."""
    groups = [_dependence(name, group) for name, group in {**study.groups, **study.shocks.groups}.items()]
    group_of = {stream: name for name, group in study.shocks.groups.items() for stream in group.members}
    shocks = (
        dict(zip(("law", "given_by"), shock.about, strict=True))
        | {"shock": name, "group": group_of.get(shock.streams[0], ""), "regime": shock.regime or ""}
        for name, shock in study.shocks.moving.items()
    )
    assumptions = (
        {
            "assumption": one.name,
            "off": in_words(one.table["off"]),
            "doubled": in_words(one.table["doubled"]) or "as stated",
            "about": one.about,
        }
        for one in study.assumptions
    )
    claims = ({"claim": str(claim), "in_words": claimed(study, claim)} for claim in study.challenge.claims)
    parts: list[tuple[str, str, str, Iterable[Mapping[str, Any]]]] = [
        ("priors", "Priors", "factor", map(_prior, study.gathered_inputs)),
        ("groups", "Groups", "group", (row for row, _ in groups)),
        ("pairs", "Groups whose pairs differ in their dependence", "pair", (pair for _, own in groups for pair in own)),
        ("shocks", "Shocks", "shock", shocks),
        ("regimes", "Regimes", "regime", _regimes(study)),
        ("assumptions", "Assumptions", "assumption", assumptions),
        ("claims", "Claims", "claim", claims),
        ("choices", "Other choices of what is measured", "choice", _choices(study)),
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


def _bounds(study: Study, bounds: Sequence[OnBound]) -> Table:
    """How often values lie on each bound on which, under one of the policies, more than a few lie."""
    rows = []
    for variable, side in dict.fromkeys((one.variable, one.side) for one in bounds if one.share > TOLD):
        own = {one.policy: one for one in bounds if (one.variable, one.side) == (variable, side)}
        labels = {"bound": f"{variable}, {side}", "unit": study.model.yearly[variable].unit}
        too_often = ", ".join(policy for policy in study.policy_names if own[policy].share > MANY)
        for policy in study.policy_names:
            numbers = {"limit": own[policy].limit, "share": own[policy].share}
            rows.append(labels | {"policy": policy} | numbers | {"too_often": too_often})
    return table("bounds", "Yearly values on their bounds", rows, "bound", "policy", brief=(), across="policy")


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
