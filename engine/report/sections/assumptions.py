"""What was assumed: policies and their levers, events, priors with their sources, shocks, and dependence."""

from __future__ import annotations

from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import compact, unit_of
from engine.study.components import Event, Policy
from engine.study.study import Study
from engine.study.tables.constants import stated, written
from engine.study.tables.levers import lever_text


def section(run: RunRecords) -> Section:
    """Tables of the resolved study."""
    study = run.study
    levers = [
        (name, entry, [lever_text(study, policy, name) if name in policy.levers else "" for policy in study.policies])
        for name, entry in study.model.levers.items()
    ]
    apart = [row for row in levers if len(set(row[2])) > 1]
    alike = [row for row in levers if len(set(row[2])) == 1]
    moving = {
        stream: run.title("groups", name) for name, group in study.shocks.groups.items() for stream in group.members
    }
    shocks = study.model.shocks
    markup = render(
        "assumptions.html",
        policies=[_policy(study, policy) for policy in study.policies],
        lever_lead="Those in which policies differ." if alike and apart else "",
        lever_head=("Lever", *study.policy_names),
        levers=[((run.heading("levers", name, entry.unit), entry.about), *values) for name, entry, values in apart],
        same_levers=[
            ((run.heading("levers", name, entry.unit), entry.about), values[0]) for name, entry, values in alike
        ],
        events=[((run.title("events", event.name), event.about), _rule(run, event)) for event in study.events],
        priors=_priors(run),
        constants=_constants(study),
        shocks=[_shock(run, name, entry.about, entry.law, moving) for name, entry in shocks.items()],
        groups=[
            (
                run.title("groups", name),
                group.copula.family,
                group.copula.describe() or "matrix",
                ", ".join(run.title("factors", member) for member in group.gathered_members),
            )
            for name, group in {**study.groups, **study.shocks.groups}.items()
        ],
    )
    there = (
        ("policies", "Policies", study.policies),
        ("levers", "Levers", apart),
        ("definitions", "Events", study.events),
        ("priors", "Priors", study.inputs),
        ("constants", "Constants", stated(study.model)),
        ("shocks", "Shocks", shocks),
    )
    parts = tuple((anchor, heading) for anchor, heading, some in there if some)
    return Section("assumed", "What was assumed", markup, parts=parts)


Text = str | tuple[str, str]
"""Content of a table's cell: a text, or a text with another below it."""


def _policy(study: Study, policy: Policy) -> tuple[Text, ...]:
    name = f"{policy.name} (baseline)" if policy.name == study.baseline else policy.name
    start = f"from {policy.start}" if study.years and policy.start > study.years[0] else "throughout"
    if policy.before is None or policy.implementation == 1:
        share = "in full"
    elif isinstance(policy.implementation, str):
        share = f"as far as “{policy.implementation}” is drawn, from “{policy.before.name}”"
    else:
        share = f"{100 * policy.implementation:g} %, from “{policy.before.name}”"
    return (name, policy.about), start, share


def _rule(run: RunRecords, event: Event) -> str:
    if event.all_of:
        return "all of: " + ", ".join(run.title("events", name) for name in event.all_of)
    assert event.outcome is not None
    sign = "<" if event.above is None else ">"
    unit = unit_of(run.study.unit_of(event.outcome))
    return f"{run.title('outcomes', event.outcome)} {sign} {event.threshold:g}{unit}"


def _priors(run: RunRecords) -> list[tuple[Text, ...]]:
    rows: list[tuple[Text, ...]] = []
    for item in run.study.gathered_inputs:
        low, middle, high = (float(item.marginal.quantile(p)) for p in (0.05, 0.5, 0.95))
        noise = 1e-9 * max(abs(low), abs(high))
        quantiles = [compact(value if abs(value) > noise else 0.0) for value in (low, middle, high)]
        given = ", ".join(f"{target.label} {target.value:.3g}" for target in item.targets) or item.parameters
        about = "; ".join(filter(None, (item.about, item.group and f"moves with {run.words('groups', item.group)}")))
        name = run.heading("factors", item.name, item.unit)
        rows.append(((name, about), (item.family, given), *quantiles, item.source))
    return rows


def _constants(study: Study) -> list[tuple[Text, ...]]:
    known = written(study.model)
    return [
        ((name, known[name].about), f"{value:.6g}{unit_of(known[name].unit)}", f"{known[name].value:.6g}")
        for name, value in stated(study.model).items()
    ]


def _shock(run: RunRecords, name: str, about: str, law: str, moving: dict[str, str]) -> tuple[Text, ...]:
    own = run.study.shocks.moving.get(name)
    if own is None:
        standard = "standard normal" if law == "normal" else "uniform on (0, 1)"
        return (run.title("shocks", name), about), (standard, ""), moving.get(name, ""), ""
    regime = run.title("regimes", own.regime) if own.regime else ""
    return (run.title("shocks", name), about), own.about, moving.get(own.streams[0], ""), regime
