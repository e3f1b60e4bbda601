"""One path on the screen: its years, outcomes and draws, and whether its outcomes are those of the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.cli.show.rows import Column, print_named, print_rows
from engine.cli.show.screen import print_words

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from engine.modelling.records import Shock, Yearly
    from engine.run_folder.folder import RunFolder
    from engine.study.study import Input, Study


def yearly_variables(study: Study, chosen: str | None, whole: bool) -> list[str]:
    """Yearly variables to show: the chosen one, all, or those of few cells that headline outcomes are folded from.

    Raises:
      UserError: there is no variable of the chosen name.
    """
    from engine.errors import UserError, unknown

    yearly = study.model.yearly
    if chosen is not None:
        if chosen not in yearly:
            raise UserError("--variable", [unknown("yearly variable", chosen, yearly)])
        return [chosen]
    if whole:
        return list(yearly)
    outcomes = study.model.outcomes
    few = [name for name, entry in yearly.items() if len(entry.dims) <= 1]
    for names in (study.headline, outcomes):
        folded = {term.variable for name in names for term in outcomes[name].terms}
        if main := [name for name in few if name in folded]:
            return main
    return few or list(yearly)


def print_path(
    console: Console, study: Study, story: xr.DataTree, names: Sequence[str], variables: Sequence[str], whole: bool
) -> None:
    """Prints one path: headline outcomes, then yearly variables under each of the policies.

    Args:
      whole: print also all other outcomes, levers, shocks and draws.
    """
    others = [name for name in study.model.outcomes if whole and name not in study.headline]
    _print_outcomes(console, study, story, names, [*study.headline, *others])
    for name in names if variables else ():
        _print_years(console, study, story, name, variables)
    if whole:
        _print_levers(console, study, story, names)
        _print_shocks(console, study, story)
        _print_draws(console, study, story)


def print_check(console: Console, folder: RunFolder, story: xr.DataTree) -> None:
    """Prints whether the outcomes are the cube's bit for bit; for another precision, how far they are from these."""
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
    by_path = [read_path(folder, study.keep.outcomes, int(number)) for number in numbers]
    held = {name: np.stack([path[name] for path in by_path]) for name in study.keep.outcomes}
    out = np.all([np.isnan(values).all(axis=1) for values in held.values()], axis=0)
    if out.any():
        listed = ", ".join(map(str, numbers[out]))
        console.print(
            f"Kept out of the run, as values on it or on its pair are not finite: path {listed}.", style="yellow"
        )
        held, outcomes = {name: values[~out] for name, values in held.items()}, outcomes.isel(path=~out)
        numbers = numbers[~out]
        if not len(numbers):
            return
    changed = attributes.get("id") != f"{study.name}-{study.fingerprint}"
    why = "the model has changed since the run" if changed else "another device kind, or other versions, than the run's"
    if story.attrs["precision"] != study.precision:
        _print_distance(console, outcomes, held, f"; {why}" if changed else "")
        return
    differing = [name for name in held if not np.array_equal(held[name], outcomes[name].values, equal_nan=True)]
    if differing:
        print_words(console, f"Not bit for bit the cube's: {', '.join(differing)} ({why}).", "yellow")
        return
    where = f" on all {len(numbers)} paths" if len(numbers) > 1 else ""
    print_words(console, f"These are the outcomes in the cube, bit for bit{where}.", "dim")


def _print_distance(console: Console, outcomes: xr.Dataset, held: dict[str, np.ndarray], besides: str) -> None:
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
    """A number as text with four significant digits; a whole number from ten thousand on."""
    if abs(value) < 1e-12:
        return "0"
    return f"{value:,.4g}" if abs(value) < 1e4 or not np.isfinite(value) else f"{value:,.0f}"


def _print_years(console: Console, study: Study, story: xr.DataTree, policy: str, names: Sequence[str]) -> None:
    """Prints a row for each year and a column for each cell; as many variables in a table as fit side by side."""
    columns: list[Column] = []
    bad: list[tuple[int, str]] = []
    for name in names:
        entry = study.model.yearly[name]
        values = story["yearly"].to_dataset()[name].sel(policy=policy)
        columns += _by_cell(study, name, entry, values)
        finite = np.isfinite(values.transpose("year", ...).to_numpy()).reshape(len(study.years), -1)
        bad += [(study.years[t], name) for t in np.flatnonzero(~finite.all(axis=1))]
    years = Column("year", [str(year) for year in study.years])
    print_rows(console, f"under {policy}", years, columns)
    if bad:
        year, name = min(bad)
        words = f"Not finite from {year} on: '{name}' is the first such value shown under '{policy}'."
        print_words(console, words, "red")


def _print_levers(console: Console, study: Study, story: xr.DataTree, names: Sequence[str]) -> None:
    """Prints the levers in force on the path, if policies draw any: those drawn, or different between policies."""
    from engine.study.tables.levers import in_line, lever_table

    if "levers" not in story.children:
        return
    rows = {}
    for lever, entry in study.model.levers.items():
        texts = []
        for name in names:
            own = story["levers"].to_dataset()[lever].sel(policy=name).to_numpy()
            values = own if study.years else own[None]
            texts.append(in_line(lever_table(values, entry.dims, study.model, study.years), number))
        drawn = any(lever in policy.drawn for policy in study.policies)
        if drawn or len(set(texts)) > 1:
            rows[lever] = [entry.unit, *texts]
    heads, title = ["unit", *names], "levers in force on this path"
    print_named(console, title, "lever", [*rows], heads, [*rows.values()], ("unit",), names)


def _print_shocks(console: Console, study: Study, story: xr.DataTree) -> None:
    """Prints the shocks, which are the same under every policy: a row for each year, a column for each cell."""
    if "shocks" not in story.children:
        return
    values, shocks = story["shocks"].to_dataset(), study.model.shocks
    columns = [column for name in shocks for column in _by_cell(study, name, shocks[name], values[name])]
    print_rows(console, "shocks", Column("year", [str(year) for year in study.years]), columns)


def _by_cell(study: Study, name: str, entry: Yearly | Shock, values: xr.DataArray) -> list[Column]:
    """A variable as columns, one for each cell, with a row for each year."""
    from engine.modelling.records import cell_names

    by_cell = np.asarray(values.transpose("year", *entry.dims)).reshape(len(study.years), -1).T
    labels = cell_names(entry.dims, study.model.dims)
    heads = [f"{name}\n[{entry.unit}]\n{labels[0]}", *labels[1:]]
    return [Column(head, [number(v) for v in cells], group=name) for head, cells in zip(heads, by_cell, strict=True)]


def _print_outcomes(
    console: Console, study: Study, story: xr.DataTree, names: Sequence[str], outcomes: Sequence[str]
) -> None:
    rows = [
        [*(number(float(story["outcomes"][name].sel(policy=policy))) for policy in names), study.unit_of(name)]
        for name in outcomes
    ]
    print_named(console, "outcomes", "outcome", outcomes, [*names, "unit"], rows, ("unit",))


def _print_draws(console: Console, study: Study, story: xr.DataTree) -> None:
    from engine.runs.replay import percentiles

    if not study.inputs:
        return
    draws = story["draws"].to_dataset()
    shares = percentiles(study, draws)
    rows = []
    for item in study.inputs:
        share = percentile(float(shares[item.name])) if item.name in shares else ""
        rows.append((number(float(draws[item.name])), share, *prior(item), item.unit))
    heads = ("drawn", "percentile", "p05", "p50", "p95", "unit")
    print_named(console, "draws", "factor", [item.name for item in study.inputs], heads, rows, ("unit",))


def prior(item: Input) -> list[str]:
    """The 5, 50 and 95 % quantiles of a factor's prior."""
    return [number(float(item.marginal.quantile(p))) for p in (0.05, 0.5, 0.95)]


def percentile(share: float) -> str:
    """A share from 0 to 1 in percent, with one decimal."""
    return f"{100 * share:.1f}"
