"""What was assumed: policies and their levers, events, priors with their sources, shocks, and dependence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.answers.as_text import unit_in_words
from engine.charts.labels import minus
from engine.formatting import rounded
from engine.report.markup import Section, render
from engine.report.records import RunRecords
from engine.study.components import Event, Policy
from engine.study.study import Study
from engine.study.tables.constants import stated, written
from engine.study.tables.levers import lever_text

Text = str | tuple[str, str]
"""Content of a table's cell: a text, or a text with another below it."""
Row = tuple[Text, ...]


def section(run: RunRecords) -> Section:
    """Tables of the resolved study."""
    study = run.study
    titles = [study.title("policies", name) for name in study.policy_names]
    levers: list[Row] = [
        ((_heading(study, "levers", name, entry.unit), entry.about),
         *(lever_text(study, policy, name) for policy in study.policies))
        for name, entry in study.model.levers.items()
    ]  # fmt: skip
    tables: list[tuple[str, str, tuple[str, ...], Sequence[Row]]] = [
        ("policies", "Policies", ("Policy", "In force", "Implementation"), [_policy(study, p) for p in study.policies]),
        ("levers", "Levers", ("Lever", *titles), levers),
        ("definitions", "Events", ("Event", "Condition"), [_event(study, one) for one in study.events]),
        ("priors", "Priors, drawn once on each path", ("Factor", "Law", "5 %", "50 %", "95 %", "Source"),
         [*_priors(study)]),
        ("constants", "Constants that the study states", ("Constant", "Here", "In the model"), [*_constants(study)]),
        ("shocks", "Yearly shocks", ("Shock", "Law"), [*_shocks(study)]),
        ("groups", "Dependence", ("Group", "Copula", "Parameter", "Members"), [*_groups(study)]),
    ]  # fmt: skip
    parts = tuple((anchor, title) for anchor, title, _, rows in tables if rows)
    markup = render("facts.html", facts={}, commands="", tables=tables)
    return Section("assumed", "Assumptions", markup, parts=parts)


def _heading(study: Study, kind: str, name: str, unit: str) -> str:
    return study.title(kind, name) + ("" if unit == "1" else f" [{unit}]")


def _policy(study: Study, policy: Policy) -> Row:
    title = study.title("policies", policy.name)
    start = f"from {policy.start}" if study.years and policy.start > study.years[0] else "throughout"
    before = policy.before and study.title("policies", policy.before.name)
    if before is None or policy.implementation == 1:
        share = "in full"
    elif isinstance(policy.implementation, str):
        share = f"the share “{policy.implementation}”, from “{before}”"
    else:
        share = f"{100 * policy.implementation:g} %, from “{before}”"
    return (title + " (baseline)" * (policy.name == study.baseline), policy.about), start, share


def _event(study: Study, event: Event) -> Row:
    if event.outcome is None:
        names = ", ".join(study.title("events", name) for name in event.parts)
        rule = f"{'all' if event.all else 'any'} of: {names}"
    else:
        sign = "<" if event.above is None else ">"
        limit = f"{event.threshold:g} {unit_in_words(study.unit_of(event.outcome))}"
        rule = f"{study.title('outcomes', event.outcome)} {sign} {limit}".rstrip()
    return (study.title("events", event.name), event.about), rule


def _priors(study: Study) -> Iterator[Row]:
    for item in study.inputs:
        low, middle, high = (float(item.marginal.quantile(p)) for p in (0.05, 0.5, 0.95))
        noise = 1e-9 * max(abs(low), abs(high))
        quantiles = [minus(rounded(value if abs(value) > noise else 0.0, None)) for value in (low, middle, high)]
        given = ", ".join(f"{target.label} {target.value:.3g}" for target in item.targets) or item.parameters
        moves = item.group and f"moves with {study.phrase('groups', item.group)}"
        about = "; ".join(filter(None, (item.about, moves)))
        name = _heading(study, "factors", item.name, item.unit)
        yield (name, about), (item.family, given), *quantiles, item.source


def _constants(study: Study) -> Iterator[Row]:
    known = written(study.model)
    for name, value in stated(study.model).items():
        own = known[name]
        yield (name, own.about), f"{value:.6g} {unit_in_words(own.unit)}".rstrip(), f"{own.value:.6g}"


def _shocks(study: Study) -> Iterator[Row]:
    for name, entry in study.model.shocks.items():
        title, own = (study.title("shocks", name), entry.about), study.shocks.moving.get(name)
        if own is None:
            standard = "standard normal" if entry.law == "normal" else "uniform on (0, 1)"
            yield title, standard
        else:
            yield title, own.about


def _groups(study: Study) -> Iterator[Row]:
    for name, group in {**study.groups, **study.shocks.groups}.items():
        members = ", ".join(study.title("factors", member) for member in group.members)
        yield study.title("groups", name), group.copula.family, group.copula.describe() or "matrix", members
