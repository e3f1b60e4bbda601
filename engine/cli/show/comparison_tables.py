"""A comparison of policies on the screen: the finding, then what it rests on, one question a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from engine.cli.show.grid import Block, Columns, print_grid
from engine.cli.show.risk_tables import print_flags
from engine.cli.show.rows import Column, print_rows
from engine.cli.show.screen import print_words
from engine.formatting import rounded
from engine.risk.as_text import Cell, cell
from engine.risk.regrets import LARGEST, least
from engine.risk.tables import record

if TYPE_CHECKING:
    from engine.analyses.comparison import Comparison
    from engine.analyses.findings import Findings
    from engine.risk.dominance import Dominance
    from engine.risk.intervals import Estimate
    from engine.risk.thresholds import ThresholdCurves

FEW = 2
"""Policies against the baseline, up to which all outcomes are listed."""
READING = (
    "Brackets: 95 % intervals, each by itself. regret: what a policy lacks of the best policy of the same future, its mean and what the worst 5 % of "
    "futures reach or pass. dominance: better at every level (order 1), or for everybody who shuns risk (order 2); said wrongly in at most 5 %. "
    "thresholds: at quantiles of all policies together, from .1 to 99.9 % of futures, and at the study's own. "
    "variance ratio: so many times as many paths would be needed if each policy had futures of its own."
)


def print_comparison(console: Console, of: Comparison) -> None:
    """All of it."""
    study = of.study
    print_words(console, of.sentence, "bold")
    print_words(
        console,
        f"{study.name}: {study.paths:,} paths, seed {study.seed}; held against {study.baseline}, on the same futures",
    )
    console.print()
    marks: set[str] = set()
    shown = _shown(of)
    blocks = [_block(of, name) for name in shown]
    columns = Columns(list(study.policy_names))
    if blocks:
        marks |= print_grid(console, columns, blocks)
        console.print()
    events = [
        event.name
        for event in study.events
        if ("difference_probability", of.others[0], event.name) in of.by_key
    ]
    if events:
        rows = [
            (name, [cell(of.by_key.get(("difference_probability", p, name)), 100.0, True) for p in of.others])
            for name in events
        ]
        marks |= print_grid(
            console,
            Columns(list(of.others)),
            [Block(f"probability of events less {study.baseline} [points]", "", rows)],
        )
        console.print()
    _print_thresholds(console, of)
    _print_outcomes(console, of, shown)
    _print_ranks(console, of)
    _print_ahead(console, of)
    marks |= _print_years(console, of)
    _print_common(console, of)
    if blocks or events:
        print_words(console, READING, "dim")
    shortfall = f"ES{100 * of.question.level:g}"
    records = [r for r in of.records if r.measure != "regret_max"]
    print_flags(console, marks, records, ("mean", shortfall, "worse", "regret"))


def _shown(of: Findings) -> list[str]:
    """Outcomes with a table of their own: those that were named, else the headline."""
    there = {r.variable for r in of.records if r.year is None}
    wanted = of.question.variables or of.study.headline
    return [name for name in of.study.model.outcomes if name in wanted and name in there]


def _block(of: Findings, name: str) -> Block:
    """What is known of an outcome, a row a measure."""
    study, outcome = of.study, of.study.model.outcomes[name]

    def row(measure: str, scale: float = 1.0, judged: bool = False) -> list[Cell]:
        loss = outcome.loss if judged else None
        return [cell(of.by_key.get((measure, p, name)), scale, loss) for p in study.policy_names]

    shortfall = f"ES{100 * of.question.level:g}"
    rows = [
        (f"mean less {study.baseline}", row("difference_mean", judged=True)),
        (f"{shortfall} less {study.baseline}", row(f"difference_{shortfall}", judged=True)),
        ("worse in [%]", row("worse", 100.0)),
        ("regret", row("regret")),
        ("regret, worst 5 %", row("regret_VaR95")),
        ("dominance", [Cell(_order(of.orders.get((name, p)))) for p in study.policy_names]),
        ("variance ratio", row("variance_ratio")),
    ]
    rows = [(label, cells) for label, cells in rows if any(one.estimate for one in cells)]
    about = ["high is worse" if outcome.loss else "low is worse"]
    for measure, words in (("regret", "least mean regret"), (LARGEST, "least largest regret on these paths")):
        known = {p: one.estimate for p in study.policy_names if (one := of.by_key.get((measure, p, name)))}
        if len(known) == len(study.policies):
            about.append(f"{words}: {least(known)}")
    return Block(f"{name} [{outcome.unit}]", "; ".join(about), rows, (f"{shortfall} less {study.baseline}",))


def _order(orders: tuple[Dominance, Dominance] | None) -> str:
    """`dominates (1)`: the lowest order at which one dominates, else what is known at the second."""
    if orders is None:
        return ""
    for one in orders:
        if one.verdict in ("dominates", "is dominated"):
            return f"{one.verdict} ({one.order})"
    return str(orders[1].verdict)


def _print_thresholds(console: Console, of: Findings) -> None:
    """At which thresholds events would be clearly less likely, and likelier, than under the baseline."""
    names, units = of.study.policy_names, of.study.model.outcomes
    events = {event.name: event for event in of.study.events}
    rows = []
    for name, curves in of.curves.items():
        event = events[name]
        level = event.above if event.above is not None else event.below
        for policy in of.others:
            less, more = (_ranges(curves, names.index(policy), sign) for sign in (-1, 1))
            unit = units[str(event.outcome)].unit
            rows.append((name, policy, f"{level:g} {'' if unit == '1' else unit}".strip(), less, more))
    if rows:
        columns = list(zip(*rows, strict=True))
        heads = ("policy", "threshold", "less likely at", "likelier at")
        print_rows(
            console, f"Wherever the threshold is put: distinguishable from {of.study.baseline}, all levels at once",
            Column("event", columns[0], left=True),
            [Column(head, part, left=True, words=head not in ("policy", "threshold")) for head, part in zip(heads, columns[1:], strict=True)],
        )  # fmt: skip


def _ranges(curves: ThresholdCurves, policy: int, sign: int) -> str:
    ranges = curves.clear(policy, sign)
    texts = ((rounded(end, None) for end in sorted(one)) for one in ranges)
    return ", ".join(" to ".join(dict.fromkeys(ends)) for ends in texts) or "none"


def _print_outcomes(console: Console, of: Findings, shown: Sequence[str]) -> None:
    """One line for each outcome that has no table."""
    names = [
        name for name in of.study.model.outcomes if name not in shown and (name, of.others[0]) in of.orders
    ]
    if of.question.variables or not names or len(of.others) > FEW:
        return
    shortfall = f"ES{100 * of.question.level:g}"
    for policy in of.others:
        columns = [
            Column(measure, [_verdict(of, name, policy, measure) for name in names], left=True)
            for measure in ("mean", shortfall)
        ]
        worse = [cell(of.by_key.get(("worse", policy, name)), 100.0) for name in names]
        columns += [
            Column("worse in [%]", [f"{one.estimate} {one.interval}".strip() for one in worse], left=True),
            Column("dominance", [_order(of.orders[name, policy]) for name in names], left=True),
        ]
        title = f"Other outcomes: {policy} against {of.study.baseline}"
        print_rows(console, title, Column("", names, left=True), columns)


def _verdict(of: Findings, name: str, policy: str, measure: str) -> str:
    shown = cell(
        of.by_key.get((f"difference_{measure}", policy, name)), 1.0, of.study.model.outcomes[name].loss
    )
    return shown.verdict or shown.mark


def _print_ranks(console: Console, of: Findings) -> None:
    """Ranks of three policies or more, and the Pareto front."""
    if len(of.study.policies) <= FEW:
        return
    for measure, by_name in of.gaps.items():
        columns = []
        for name, gaps in by_name.items():
            cells = [f"{rank} [{low}, {high}]" for rank, low, high in gaps.ranks.T.tolist()]
            columns.append(Column(name, cells, left=True))
        if len(by_name) > 1:
            columns.append(Column("Pareto front", [str(where) for where in of.fronts[measure]], left=True))
        title = f"Ranks by {measure}, 1 the best; brackets hold all at once"
        print_rows(console, title, Column("", list(of.study.policy_names), left=True), columns)


def _print_ahead(console: Console, of: Findings) -> None:
    """When policies get ahead of the baseline."""
    if not of.ahead:
        return
    names = [", ".join([a.variable, *(label for _, label in a.place)]) for a in of.ahead]
    halves = [
        f"{a.when.median or f'not by {of.study.years[-1]}'} [{a.when.low or 'never'}, {a.when.high or 'never'}]"
        for a in of.ahead
    ]
    columns = [
        Column("policy", [a.policy for a in of.ahead], left=True),
        Column("on half of paths by", halves, left=True),
        Column("never [%]", [_percent(a.when.never) for a in of.ahead], left=True),
        Column(f"ahead in {of.study.years[-1]} [%]", [_percent(a.when.lasting) for a in of.ahead], left=True),
    ]
    print_rows(
        console,
        f"First year ahead of {of.study.baseline}, counted up to each year; {of.years_paths:,} paths",
        Column("", names, left=True),
        columns,
    )


def _print_years(console: Console, of: Findings) -> set[str]:
    """Differences of yearly variables that were named, by place and year."""
    rows = [r for r in of.records if r.year is not None]
    shortfall, marks = f"ES{100 * of.question.level:g}", set()
    for variable in dict.fromkeys(r.variable for r in rows):
        own = {
            (r.policy, tuple(r.place.values()), r.year, r.measure): r for r in rows if r.variable == variable
        }
        keys = list(dict.fromkeys((place, year) for _, place, year, _ in own))
        loss = of.study.model.yearly[variable].loss
        columns = []
        for policy in of.others:
            for measure in ("mean", shortfall):
                cells = [
                    cell(own.get((policy, place, year, f"difference_{measure}")), 1.0, loss)
                    for place, year in keys
                ]
                marks |= {one.mark for one in cells if one.mark}
                head = f"{policy}, {measure}"
                columns.append(
                    Column(
                        head,
                        [f"{c.estimate}{c.mark} {c.interval} {c.verdict}".strip() for c in cells],
                        left=True,
                    )
                )
        names = [", ".join([*place, str(year)]) for place, year in keys]
        title = f"{variable} [{of.study.model.yearly[variable].unit}] less {of.study.baseline}, {of.years_paths:,} paths"
        print_rows(console, title, Column("", names, left=True), columns)
    return marks


def _print_common(console: Console, of: Findings) -> None:
    """Which worst futures are common to outcomes, and to places."""
    rows = list(dict.fromkeys((one.of, one.first, one.second) for one in of.common))
    by_key = {(one.of, one.first, one.second, one.policy): one.share for one in of.common}
    if not rows or len(of.study.policies) > 2 * FEW:
        return
    names = [f"{first}, {second}" + ("" if of_ == "outcome" else f": {of_}") for of_, first, second in rows]
    columns = [
        Column(policy, [_percent(by_key[(*row, policy)]) for row in rows], left=True)
        for policy in of.study.policy_names
    ]
    tail = f"{100 * (1 - of.question.level):.3g} %"
    print_rows(
        console,
        f"Worst {tail} of futures in common [%]; {tail} by chance",
        Column("", names, left=True),
        columns,
    )


def _percent(share: Estimate) -> str:
    shown = cell(record("share", "", "", share), 100.0)
    return f"{shown.estimate}{shown.mark} {shown.interval}".strip()
