"""The story of a path on the screen: its years, outcomes and draws, and whether they are those of the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.cli.show.rows import Column, columns_of, print_rows
from engine.cli.show.screen import print_words

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
        print_words(console, "The cube keeps no outcome path by path to compare with.", "dim")
        return
    if attributes.get("status") != "complete":
        words = "The run has not come to its end, so nothing is compared with its cube."
        print_words(console, words, "dim")
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
        print_words(console, f"Not bit for bit the cube's: {', '.join(differing)} ({why}).", "yellow")
        return
    where = f" on all {len(numbers)} paths" if len(numbers) > 1 else ""
    print_words(console, f"These are the outcomes in the cube, bit for bit{where}.", "dim")


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
    print_words(console, f"{words}: {largest:.1e} ({where}){besides}.", "dim")


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

    columns: list[Column] = []
    bad: list[tuple[int, str]] = []
    for name in names:
        values = story["yearly"].to_dataset()[name].sel(policy=policy)
        entry = study.model.yearly[name]
        by_cell = np.asarray(values.transpose("year", *entry.dims)).reshape(len(study.years), -1).T
        labels = cell_names(entry.dims, study.model.dims)
        heads = [f"{name}\n[{entry.unit}]\n{labels[0]}", *labels[1:]]
        columns += [
            Column(head, [number(v) for v in cells], group=name)
            for head, cells in zip(heads, by_cell, strict=True)
        ]
        bad += [(study.years[t], name) for t in np.flatnonzero(~np.isfinite(by_cell).all(axis=0))]
    years = Column("year", [str(year) for year in study.years])
    print_rows(console, f"under {policy}", years, columns)
    if bad:
        year, name = min(bad)
        words = f"Not finite from {year} on: '{name}' is the first such value shown under '{policy}'."
        print_words(console, words, "red")


def _print_outcomes(console: Console, study: Study, story: xr.DataTree, names: Sequence[str]) -> None:
    rows = [
        [*(number(float(story["outcomes"][name].sel(policy=policy))) for policy in names), outcome.unit]
        for name, outcome in study.model.outcomes.items()
    ]
    outcomes = Column("outcome", [*study.model.outcomes], left=True)
    print_rows(console, "outcomes", outcomes, columns_of([*names, "unit"], rows, ("unit",)))


def _print_draws(console: Console, study: Study, story: xr.DataTree) -> None:
    from engine.execution.replay import percentiles

    if not study.inputs:
        return
    draws = story["draws"].to_dataset()
    shares = percentiles(study, draws)
    rows = []
    for item in study.inputs:
        share = percentile(float(shares[item.name])) if item.name in shares else ""
        rows.append((number(float(draws[item.name])), share, *prior(item), item.unit))
    heads = ("drawn", "percentile", "p05", "p50", "p95", "unit")
    factors = Column("factor", [item.name for item in study.inputs], left=True)
    print_rows(console, "draws", factors, columns_of(heads, rows, ("unit",)))


def prior(item: Input) -> list[str]:
    """The 5, 50 and 95 % quantiles of a factor's prior."""
    return [number(float(item.marginal.quantile(p))) for p in (0.05, 0.5, 0.95)]


def percentile(share: float) -> str:
    """A share from 0 to 1 in percent, with one decimal."""
    return f"{100 * share:.1f}"
