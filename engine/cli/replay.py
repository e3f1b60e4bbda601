"""`rustbelt replay`: one path's story."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from rich import box
from rich.markup import escape
from rich.table import Table

from engine.cli import options, screen

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from engine.study import Study


@click.command("replay", short_help="Show one path in full.")
@click.argument("run", metavar="DIR")
@click.option("--path", "path", type=options.Count(), required=True, help="Number of the path.")
@click.option("--policy", metavar="P", help="One policy; all that run if not given.")
@click.option("--variable", metavar="V", help="A yearly variable, or 'all', in place of the main ones.")
@options.seed
@options.own_model
@options.device
@options.debug
def command(
    run: str,
    path: int,
    policy: str | None,
    variable: str | None,
    seed: int | None,
    model: Any,
    device: str | None,
) -> None:
    """Show one path in full: its years, its outcomes and what was drawn for it.

    DIR is a run's folder, its study file, the beginning of the folder's name, or a study that has not been run.
    """
    from engine import devices
    from engine.job import find_study
    from engine.replay import replay

    devices.use_every_core()
    folder, study = find_study(run, model, seed, policy)
    names = study.policy_names if policy is None else (policy,)
    variables = _variables(study, variable)
    story = replay(study, path, device)
    console = screen.stdout()
    told = f"path {path}, seed {study.seed}, policies {', '.join(names)}" + (
        f"; in {folder}" if folder else ""
    )
    console.print(f"[bold]{escape(study.name)}[/bold] {escape(told)}", soft_wrap=True)
    for name in names if variables else ():
        _print_years(console, study, story, name, variables)
    _print_outcomes(console, study, story, names)
    _print_draws(console, study, story)
    if variables and variable is None:
        more = len(study.model.yearly) - len(variables)  # type: ignore[attr-defined]
        if more:
            console.print(f"{more} more yearly variables: --variable NAME, or --variable all.", style="dim")
    if folder is not None:
        _print_check(console, folder, study, path, story)


def _variables(study: Study, asked: str | None) -> list[str]:
    """Yearly variables to show: those asked for, or those that outcomes are made of and that have few cells."""
    from engine.errors import UserError, unknown
    from engine.model import Fold

    yearly = getattr(study.model, "yearly", {})
    if asked == "all":
        return list(yearly)
    if asked is not None:
        if asked not in yearly:
            raise UserError("--variable", [unknown("yearly variable", asked, yearly)])
        return [asked]
    folded = {o.fold.variable for o in study.model.outcomes.values() if isinstance(o.fold, Fold)}
    few = [name for name, entry in yearly.items() if len(entry.dims) <= 1]
    return [name for name in few if name in folded] or few or list(yearly)


def _table(title: str) -> Table:
    return Table(
        title=escape(title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )


def _number(value: float) -> str:
    if abs(value) < 1e-12:
        return "0"
    return f"{value:,.4g}" if abs(value) < 1e4 or not np.isfinite(value) else f"{value:,.0f}"


def _print_years(console: Console, study: Study, story: xr.DataTree, policy: str, names: list[str]) -> None:
    """Years down, cells across; as many variables in a table as fit beside each other."""
    from engine.model import cell_names

    groups: list[list[tuple[str, list[str]]]] = []
    bad: list[tuple[int, str]] = []
    for name in names:
        values = story["yearly"].to_dataset()[name].sel(policy=policy)
        entry = study.model.yearly[name]  # type: ignore[attr-defined]
        by_cell = np.asarray(values.transpose("year", *entry.dims)).reshape(len(study.years), -1).T
        labels = cell_names(entry.dims, study.model.dims)
        heads = [f"{name}\n[{entry.unit}]\n{labels[0]}", *(f"\n\n{label}" for label in labels[1:])]
        groups.append(
            [(head, [_number(v) for v in cells]) for head, cells in zip(heads, by_cell, strict=True)]
        )
        bad += [(study.years[t], name) for t in np.flatnonzero(~np.isfinite(by_cell).all(axis=0))]
    for part in _packed(groups, console.width):
        table = _table(f"under {policy}")
        table.add_column("\n\nyear")
        for head, _ in part:
            table.add_column(escape(head), justify="right", no_wrap=True)
        for t, year in enumerate(study.years):
            table.add_row(str(year), *(cells[t] for _, cells in part))
        console.print(table)
        console.print()
    if bad:
        year, name = min(bad)
        told = f"Not finite from {year} on: '{name}' is the first such value shown under '{policy}'."
        console.print(told, style="red")


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


def _print_outcomes(console: Console, study: Study, story: xr.DataTree, names: tuple[str, ...]) -> None:
    table = _table("outcomes")
    table.add_column("outcome")
    for name in names:
        table.add_column(name, justify="right")
    table.add_column("unit")
    for name, outcome in study.model.outcomes.items():
        values = (_number(float(story["outcomes"][name].sel(policy=policy))) for policy in names)
        table.add_row(name, *values, escape(outcome.unit))
    console.print(table)
    console.print()


def _print_draws(console: Console, study: Study, story: xr.DataTree) -> None:
    table = _table("draws")
    for name in ("factor", "drawn", "p05", "p50", "p95", "unit"):
        table.add_column(name, justify="left" if name in ("factor", "unit") else "right")
    for item in study.inputs:
        prior = (_number(float(item.marginal.quantile(p))) for p in (0.05, 0.5, 0.95))
        table.add_row(item.name, _number(float(story["draws"][item.name])), *prior, escape(item.unit))
    if study.inputs:
        console.print(table)
        console.print()


def _print_check(console: Console, folder: Path, study: Study, path: int, story: xr.DataTree) -> None:
    """Says whether the outcomes are those of the cube."""
    from engine import cube

    if not study.keep.outcomes:
        console.print("The cube keeps no outcome path by path to compare with.", style="dim")
        return
    held = cube.read_path(folder, study.keep.outcomes, path)
    outcomes = story["outcomes"].to_dataset()
    differing = [
        name
        for name, values in held.items()
        if not np.array_equal(values, outcomes[name].values, equal_nan=True)
    ]
    if not differing:
        console.print("These are the outcomes in the cube, bit for bit.", style="dim")
        return
    changed = cube.attributes(folder).get("id") != f"{study.name}-{study.fingerprint}"
    why = (
        "the model has changed since the run"
        if changed
        else "another device kind, or other versions, than the run's"
    )
    console.print(f"Not bit for bit the cube's: {', '.join(differing)} ({why}).", style="yellow")
