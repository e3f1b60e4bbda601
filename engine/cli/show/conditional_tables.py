"""Tables of a finished run: measures given a condition, and a yearly variable year by year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from engine.cli.show.grid import Block, Columns, print_grid
from engine.cli.show.risk_tables import print_flags, print_reading, share_in_words
from engine.cli.show.screen import print_words
from engine.risk.estimation.as_text import Cell, cell, shown_in

if TYPE_CHECKING:
    from engine.risk.estimation.tables import Record
    from engine.study.study import Study


def print_conditional(
    console: Console, study: Study, records: Sequence[Record], measures: Sequence[str], outcomes: Sequence[str]
) -> None:
    """Prints a table for each policy: measures on paths that meet a condition, on the others, and their contrast."""
    by_key = {(r.measure, r.policy, r.variable): r for r in records}
    condition, marks = records[0].variable, set[str]()
    for policy in study.policy_names:
        print_words(console, share_in_words(by_key["share", policy, condition]), "bold")
        for blocks, unit in _conditional_blocks(study, policy, by_key, measures, outcomes):
            columns = Columns(["given", "otherwise", f"given - otherwise{unit}"])
            if blocks:
                marks |= print_grid(console, columns, blocks)
                console.print()
    reading = "Brackets: 95 % intervals. What goes together need not be cause and effect: the policy is the same."
    print_words(console, reading, "dim")
    print_flags(console, marks, records, measures)


def _conditional_blocks(
    study: Study,
    policy: str,
    by_key: Mapping[tuple[str, str, str], Record],
    measures: Sequence[str],
    outcomes: Sequence[str],
) -> Iterator[tuple[list[Block], str]]:
    """Yields the blocks of outcomes, then those of events, with the unit of contrasts; "" where it is the block's."""

    def record(side: str, measure: str, name: str) -> Record | None:
        return by_key.get((f"{side}_{measure}", policy, name))

    def row(name: str, measure: str, scale: float, loss: bool | None) -> list[Cell]:
        sides = [cell(record(side, measure, name), scale) for side in ("given", "otherwise")]
        return [*sides, cell(record("contrast", measure, name), scale, loss)]

    blocks = []
    for name in outcomes:
        outcome = study.model.outcomes[name]
        rows = [(m, row(name, m, 1.0, outcome.loss)) for m in measures if record("given", m, name)]
        if rows:
            blocks.append(Block(f"{name} [{outcome.unit}]", outcome.about, rows))
    yield blocks, ""
    events = [name for name in study.events_by_name if record("given", "probability", name)]
    if events:
        rows = [(name, row(name, "probability", 100.0, True)) for name in events]
        unit = shown_in("contrast_probability")[1]
        yield [Block("probability of events [%]", "", rows)], f" [{unit}]"


def print_yearly(
    console: Console, study: Study, name: str, records: Sequence[Record], level: float | None, brief: bool = False
) -> None:
    """Prints a table for each pair of policies, years in rows: means with their difference, or ES at the level.

    Args:
      brief: print only the first pair and the first place.
    """
    measure = "mean" if level is None else f"ES{100 * level:g}"
    variable = study.model.yearly[name]
    by_place: dict[str, dict[tuple[str, str, int | None], Record]] = {}
    for r in records:
        labels = " ".join(r.place.values())
        by_place.setdefault(labels, {})[(r.measure, r.policy, r.year)] = r
    marks: set[str] = set()
    base = study.baseline
    others = [policy for policy in study.policy_names if policy != base] or [base]
    for other in others[: 1 if brief else None]:
        pair = list(dict.fromkeys((base, other)))
        gaps = [f"{other} - {base}"] if level is None and other != base else []
        blocks = []
        for labels, at in [*by_place.items()][: 1 if brief else None]:
            rows = []
            for year in study.years:
                cells = [cell(at.get((measure, policy, year))) for policy in pair]
                gap = at.get((f"difference_{measure}", other, year))
                rows.append((str(year), cells + [cell(gap, 1.0, variable.loss) for _ in gaps]))
            title = f"{name}{f' {labels}' if labels else ''}, {measure} [{variable.unit}]"
            blocks.append(Block(title, variable.about, rows))
        columns = Columns(pair + gaps, {2: 1} if gaps else {}, f"less {base}")
        marks |= print_grid(console, columns, blocks, brief)
        console.print()
    sample = min(study.keep.yearly, study.paths)
    reading = f"Over the first {sample:,} paths. VaR, ES and other levels: --level, --json."
    print_words(console, reading, "dim")
    print_reading(console, (), marks)
    print_flags(console, marks, records, (measure,), brief)
