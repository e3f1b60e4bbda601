"""Tables of a comparison by year or place: yearly variables, common tails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from engine.analyses.columns import estimate, labelled
from engine.analyses.comparison_tables import GAP, MOST, judged, tail, verdicts
from engine.analyses.findings import Findings
from engine.answers.table import Table, estimates, texts
from engine.risk.estimation.as_text import SHARES


def tables(of: Findings) -> Iterator[Table]:
    """All tables by year or place; some may have no rows."""
    yield _by_year(of)
    yield _common(of)


def _every(held: Iterable[tuple[Any, ...]]) -> list[Any]:
    """All combinations of the labels that occur at each position."""
    labels = [dict.fromkeys(part) for part in zip(*held, strict=True)]
    return list(product(*labels)) if labels else []


def _place(labels: Iterable[tuple[str, str]]) -> str:
    return ", ".join(label for _, label in labels)


def _common(of: Findings) -> Table:
    """The share of worst futures that pairs of outcomes, or of places, have in common."""
    held = {(one.of, one.first, one.second, one.policy): one.share for one in of.common}
    pairs = dict.fromkeys(key[:3] for key in held)
    rows = [(*pair, policy) for pair, policy in product(pairs, of.study.policy_names)]
    parts = [f"{first}, {second}{'' if one == 'outcome' else f': {one}'}" for one, first, second, _ in rows]
    share, over = f"{100 * (1 - of.question.level):.3g} %", {"over": ("pair",), "brief": False}
    columns = (
        texts("pair", parts, "two outcomes, or two places of one"),
        texts("policy", [policy for *_, policy in rows], "policy"),
        texts("of", [one for one, *_ in rows], "the outcome that places are of, or 'outcome'", **over),
        texts("first", [first for _, first, *_ in rows], "outcome or place", **over),
        texts("second", [second for *_, second, _ in rows], "outcome or place", **over),
        estimates(
            "share", [held.get(row) for row in rows], f"share of the worst {share} that two have in common", shown="%"
        ),
    )
    title = f"Worst {share} of futures in common; {share} by chance"
    seen = [len(of.study.policies) <= MOST] * len(rows)
    return Table("common", title, columns, ("pair", "policy"), seen, "policy")


def _by_year(of: Findings) -> Table:
    """Differences, chances of being worse and regret of yearly variables that were named, by place and year."""
    yearly = [r for r in of.records if r.year is not None]
    held = {(r.variable, _place(r.place.items()), r.year, r.measure, r.policy): r for r in yearly}
    dims = ("variable", "place", "year", "measure", "policy")
    rows = _every(held)
    variables = of.study.model.yearly
    units = ["1" if measure in SHARES else variables[name].unit for name, *_, measure, _ in rows]
    columns = (
        *labelled(
            rows, variable="yearly variable", place="place", year="calendar year", measure="measure", policy="policy"
        ),
        texts("unit", units, "unit of its numbers", over=("variable", "measure")),
        estimates("value", [estimate(held.get(row)) for row in rows], "in its unit"),
        verdicts([judged(held.get(row), variables[row[0]].loss) if row[3].startswith(GAP) else "" for row in rows]),
    )
    measures = (f"{GAP}mean", f"{GAP}{tail(of)}")
    seen = [row[3] in measures and row in held for row in rows]
    return Table("by_year", f"By year, less {of.study.baseline}", columns, dims, seen, "policy")
