"""The story of a path on the screen: its years, outcomes and draws, and whether they are those of the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.markup import escape

from engine.cli.show.screen import print_table, table

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from engine.draws.inputs import Input
    from engine.run_folder.folder import RunFolder
    from engine.study.study import Study


def yearly_variables(study: Study, wanted: str | None) -> list[str]:
    """Yearly variables to show: those asked for, or those that outcomes are made of and that have few cells."""
    from engine.errors import UserError, unknown

    yearly = study.model.yearly
    if wanted == "all":
        return list(yearly)
    if wanted is not None:
        if wanted not in yearly:
            raise UserError("--variable", [unknown("yearly variable", wanted, yearly)])
        return [wanted]
    folded = {term.variable for outcome in study.model.outcomes.values() for term in outcome.terms}
    few = [name for name, entry in yearly.items() if len(entry.dims) <= 1]
    return [name for name in few if name in folded] or few or list(yearly)


def print_story(
    console: Console, study: Study, story: xr.DataTree, names: Sequence[str], variables: Sequence[str]
) -> None:
    """One path: the yearly variables under each of the policies, all outcomes, all draws."""
    for name in names if variables else ():
        _print_years(console, study, story, name, variables)
    _print_outcomes(console, study, story, names)
    _print_draws(console, study, story)


def print_check(console: Console, folder: RunFolder, story: xr.DataTree) -> None:
    """Whether the outcomes are those of the cube; of outcomes in double precision, how far they are from them."""
    study = folder.study
    from engine.run_folder import cube
    from engine.run_folder.reading import read_path

    attributes = cube.attributes(folder.path)
    if not study.keep.outcomes:
        console.print("The cube keeps no outcome path by path to compare with.", style="dim")
        return
    if attributes.get("status") != "complete":
        console.print("The run has not come to its end, so nothing is compared with its cube.", style="dim")
        return
    outcomes = story["outcomes"].to_dataset()
    numbers = outcomes["path"].values
    by_path = [read_path(folder.path, study.keep.outcomes, int(number)) for number in numbers]
    held = {name: np.stack([path[name] for path in by_path]) for name in study.keep.outcomes}
    changed = attributes.get("id") != f"{study.name}-{study.fingerprint}"
    why = (
        "the model has changed since the run"
        if changed
        else "another device kind, or other versions, than the run's"
    )
    if story.attrs["precision"] != study.precision:
        _print_distance(console, outcomes, held, f"; {why}" if changed else "")
        return
    differing = [
        name for name in held if not np.array_equal(held[name], outcomes[name].values, equal_nan=True)
    ]
    if differing:
        console.print(f"Not bit for bit the cube's: {', '.join(differing)} ({why}).", style="yellow")
        return
    where = f" on all {len(numbers)} paths" if len(numbers) > 1 else ""
    console.print(f"These are the outcomes in the cube, bit for bit{where}.", style="dim")


def _print_distance(
    console: Console, outcomes: xr.Dataset, held: dict[str, np.ndarray], besides: str
) -> None:
    largest, where = -1.0, ""
    for name, values in held.items():
        exact = outcomes[name].values
        size = np.maximum(np.abs(exact), np.abs(values))
        apart = np.abs(exact - values) / np.where(size > 0, size, 1.0)
        path, policy = np.unravel_index(np.argmax(apart), apart.shape)
        if not apart[path, policy] <= largest:
            largest = float(apart[path, policy])
            of = outcomes.isel(path=path, policy=policy)
            where = f"{name} under {of['policy'].item()}, path {of['path'].item()}"
    words = "In double precision, so not compared with the cube bit for bit. Largest relative difference of an outcome"
    console.print(f"{words}: {largest:.1e} ({where}){besides}.", style="dim", soft_wrap=True)


def number(value: float) -> str:
    """Four significant digits, whole from ten thousand on."""
    if abs(value) < 1e-12:
        return "0"
    return f"{value:,.4g}" if abs(value) < 1e4 or not np.isfinite(value) else f"{value:,.0f}"


def _print_years(
    console: Console, study: Study, story: xr.DataTree, policy: str, names: Sequence[str]
) -> None:
    """Years down, cells across; as many variables in a table as fit beside each other."""
    from engine.modelling.records import cell_names

    groups: list[list[tuple[str, list[str]]]] = []
    bad: list[tuple[int, str]] = []
    for name in names:
        values = story["yearly"].to_dataset()[name].sel(policy=policy)
        entry = study.model.yearly[name]
        by_cell = np.asarray(values.transpose("year", *entry.dims)).reshape(len(study.years), -1).T
        labels = cell_names(entry.dims, study.model.dims)
        heads = [f"{name}\n[{entry.unit}]\n{labels[0]}", *(f"\n\n{label}" for label in labels[1:])]
        groups.append(
            [(head, [number(v) for v in cells]) for head, cells in zip(heads, by_cell, strict=True)]
        )
        bad += [(study.years[t], name) for t in np.flatnonzero(~np.isfinite(by_cell).all(axis=0))]
    for part in _packed(groups, console.width):
        shown = table(f"under {policy}")
        shown.add_column("\n\nyear")
        for head, _ in part:
            shown.add_column(escape(head), justify="right", no_wrap=True)
        for t, year in enumerate(study.years):
            shown.add_row(str(year), *(cells[t] for _, cells in part))
        print_table(console, shown)
    if bad:
        year, name = min(bad)
        words = f"Not finite from {year} on: '{name}' is the first such value shown under '{policy}'."
        console.print(words, style="red")


def _packed(groups: list[list[tuple[str, list[str]]]], width: int) -> list[list[tuple[str, list[str]]]]:
    """Columns in tables of at most that width; a variable's columns stay together where a table can hold them."""

    def wide(column: tuple[str, list[str]]) -> int:
        return 3 + max(*(len(line) for line in column[0].split("\n")), *map(len, column[1]))

    parts: list[list[tuple[str, list[str]]]] = []
    room = 0
    for group in groups:
        if sum(map(wide, group)) > room:
            parts.append([])
            room = width - 6
        for column in group:
            if parts[-1] and wide(column) > room:
                parts.append([])
                room = width - 6
            parts[-1].append(column)
            room -= wide(column)
    return [part for part in parts if part]


def _print_outcomes(console: Console, study: Study, story: xr.DataTree, names: Sequence[str]) -> None:
    shown = table("outcomes", "outcome", *names, "unit", left=("outcome", "unit"))
    for name, outcome in study.model.outcomes.items():
        values = (number(float(story["outcomes"][name].sel(policy=policy))) for policy in names)
        shown.add_row(name, *values, escape(outcome.unit))
    print_table(console, shown)


def _print_draws(console: Console, study: Study, story: xr.DataTree) -> None:
    from engine.execution.replay import percentiles

    if not study.inputs:
        return
    draws = story["draws"].to_dataset()
    shares = percentiles(study, draws)
    heads = ("factor", "drawn", "percentile", "p05", "p50", "p95", "unit")
    shown = table("draws", *heads, left=("factor", "unit"))
    for item in study.inputs:
        share = percentile(float(shares[item.name])) if item.name in shares else ""
        drawn = number(float(draws[item.name]))
        shown.add_row(escape(item.name), drawn, share, *prior(item), escape(item.unit))
    print_table(console, shown)


def prior(item: Input) -> list[str]:
    """The 5, 50 and 95 % quantiles of a factor's prior."""
    return [number(float(item.marginal.quantile(p))) for p in (0.05, 0.5, 0.95)]


def percentile(share: float) -> str:
    """A share from 0 to 1 in percent, with one decimal."""
    return f"{100 * share:.1f}"
