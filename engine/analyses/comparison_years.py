"""Tables of a comparison by year or place: when each policy is ahead, yearly variables, common tails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from operator import attrgetter
from typing import Any

from engine.analyses.columns import estimate, labelled
from engine.analyses.comparison_tables import GAP, MOST, judged, tail, verdicts
from engine.analyses.findings import Findings
from engine.answers.table import Column, Table, estimates, numbers, texts
from engine.risk.estimation.as_text import SHARES
from engine.risk.policies.overtaking import Overtaking

DIMS = ("variable", "place", "policy")


def tables(of: Findings) -> Iterator[Table]:
    """All tables by year or place; some may have no rows."""
    yield _ahead(of)
    yield _by_year(of)
    yield _common(of)
    yield _ahead_by_year(of)
    yield _in_the_mean(of)


def _by_place(rows: Iterable[Any]) -> dict[tuple[str, str, str], Any]:
    """The rows by variable, place and policy."""
    return {(one.variable, _place(one.place), one.policy): one for one in rows}


def _every(held: Iterable[tuple[Any, ...]]) -> list[Any]:
    """All combinations of the labels that occur at each position."""
    labels = [dict.fromkeys(part) for part in zip(*held, strict=True)]
    return list(product(*labels)) if labels else []


def _called(rows: Sequence[tuple[Any, ...]], **more: str) -> tuple[Column, ...]:
    return labelled(rows, variable="outcome or yearly variable", place="place", policy="policy", **more)


def _place(labels: Iterable[tuple[str, str]]) -> str:
    return ", ".join(label for _, label in labels)


def _ahead(of: Findings) -> Table:
    held = _by_place(of.ahead)
    rows = _every(held)
    last = of.study.years[-1] if rows else 0
    about = {
        "median": ("median", "the same; nothing where it never is"),
        "median_low": ("low", "lower end of its interval"),
        "median_high": ("high", "upper end of its interval"),
    }

    def each(get: Callable[[Overtaking], Any]) -> list[Any]:
        return [get(held[row].when) if row in held else None for row in rows]

    def by(when: Overtaking) -> str:
        return f"{when.median or f'not by {last}'} [{when.low or 'never'}, {when.high or 'never'}]"

    columns = (
        *_called(rows),
        texts("by", each(by), "year by which it has been ahead on half of paths", head="on half of paths by"),
        *(numbers(name, each(attrgetter(part)), words, "year", brief=False) for name, (part, words) in about.items()),
        estimates("never", each(attrgetter("never")), "share of paths on which it never is", shown="%"),
        estimates(
            "lasting",
            each(attrgetter("lasting")),
            "share of paths on which it is ahead in the last year",
            head=f"ahead in {last}",
            shown="%",
        ),
        estimates(
            "years",
            each(attrgetter("years")),
            "mean number of years until it is, counted to the horizon",
            "year",
            brief=False,
        ),
    )
    title = f"First year ahead of {of.study.baseline}, counted up to each year"
    return Table("ahead", title, columns, DIMS, [row in held for row in rows])


def _ahead_by_year(of: Findings) -> Table:
    held = _by_place(of.ahead)
    pairs = _every(held)
    rows = [(*row, year) for row, year in product(pairs, of.study.years)]
    shares = [held[row].when.ahead[k] if row in held else None for row in pairs for k in range(len(of.study.years))]
    columns = (
        *_called(rows, year="calendar year"),
        estimates("share", shares, "share of paths on which it has been ahead up to then", shown="%"),
    )
    title = f"Ahead of {of.study.baseline} by each year"
    return Table("ahead_by_year", title, columns, (*DIMS, "year"), [False] * len(rows))


def _in_the_mean(of: Findings) -> Table:
    held = _by_place(of.in_the_mean)
    first, clear = ([getattr(one, name) for one in held.values()] for name in ("year", "clear"))
    columns = (
        *_called([*held]),
        numbers("first", first, "first year in which the mean is in favour of the policy", "year"),
        numbers("clear", clear, "first year in which its interval says so", "year"),
    )
    return Table("in_the_mean", "First year ahead in the mean", columns, ("variable",), [False] * len(held))


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
