"""`rustbelt fit`: families ranked by how well they fit a column of data, and a prior to paste into a study."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen

if TYPE_CHECKING:
    from rich.console import Console

    from engine.fitting.ranking import Fit


LEGEND = "AIC and BIC compare families (lower is better); only the p-value shows whether a family fits the data."
RESAMPLED = (
    " It comes from a parametric bootstrap, 19 or 99 samples drawn from the fit and fitted again; p <= means that no"
    " sample had as large a statistic."
)


@click.command("fit", short_help="Fit distributions to data and print a prior.")
@click.argument("data", type=options.FILE)
@click.option("--column", required=True, help="Name of the column.")
@click.option(
    "--families", type=options.NAMES, help="Families to compare, of rustbelt or scipy.stats. Default: about 17."
)
@click.option(
    "--top",
    type=options.COUNT,
    default=1,
    metavar="N",
    help="Number of best families whose tables are printed. Default: 1.",
)
@click.option("--name", help="Name of the factor in the printed table. Default: the name of the column.")
@click.option("--shifted", is_flag=True, help="Fit loc for laws of positive values. Without it, loc is 0.")
@options.as_json
@options.debug
def command(
    data: Path, column: str, families: tuple[str, ...] | None, top: int, name: str | None, shifted: bool, as_json: bool
) -> None:
    """Fit probability distributions to a column of DATA (a CSV file), rank them, and print a prior for a study.

    The command uses maximum likelihood, AIC, BIC, and the p-value of an Anderson-Darling test by parametric bootstrap.
    """
    from engine.errors import UserError
    from engine.fitting import ranking
    from engine.study.data_files import column as read

    if top < 1:
        raise UserError("--top", [f"expected at least 1, got {top}."])
    values, empty = read(data, column)
    if empty:
        click.echo(f"note: number of empty cells left out: {empty:,}.", err=True)
    every, values = len(values), ranking.at_most(values)
    if every > len(values):
        click.echo(f"note: {len(values):,} of {every:,} values, drawn at random, are used.", err=True)
    fits = ranking.rank(values, families or (), shifted, f"{data}, column '{column}'")
    for remark in ranking.remarks(values):
        click.echo(f"note: {remark}", err=True)
    sample = f" at random of {every}" if every > len(values) else ""
    source = f"fitted to {data.name}, column {column}, n = {len(values)}{sample}, maximum likelihood"
    name = name or re.sub(r"\W+", "_", column).strip("_") or "factor"
    good = [fit for fit in fits if not fit.failed]

    def snippet(fit: Fit) -> str:
        return ranking.snippet(name, fit.family, fit.parameters, source)

    console = screen.stdout()
    if as_json:
        screen.print_records(_record(fit, snippet(fit)) for fit in fits)
    else:
        _print_table(console, f"{data.name}, column {column}: {every:,} values", fits)
    if not good:
        raise UserError(data, ["none of the families could be fitted."])
    if as_json:
        return
    screen.print_words(console, LEGEND + RESAMPLED * any(fit.resamples for fit in good), "dim")
    for fit in good[:top]:
        for warning in fit.warnings:
            screen.print_words(console, f"{fit.family}: {warning}")
    screen.print_words(console, ranking.reading(fits))
    console.print()
    observed = ranking.data_snippet(name, values, f"{data.name}, column {column}, n = {every}")
    fitted = [*map(snippet, good[:top])]
    first, *others = [observed, *fitted] if good[0].contradicted else fitted
    screen.print_text(first)
    for other in others:
        screen.print_text("\n" + re.sub("^", "# ", other.rstrip(), flags=re.MULTILINE))


def _print_table(console: Console, title: str, fits: Sequence[Fit]) -> None:
    from engine.fitting.ranking import p_text

    least_bic = min((fit.bic for fit in fits if not fit.failed), default=math.nan)

    def cells(text: Callable[[Fit], str]) -> list[str]:
        return ["" if fit.failed else text(fit) for fit in fits]

    parameters = [
        fit.failed or "  ".join(f"{key} {value:.4g}" for key, value in fit.parameters.items()) for fit in fits
    ]
    columns = [
        screen.Column("parameters", parameters, left=True, words=True),
        screen.Column("AIC", cells(lambda fit: f"{fit.aic:,.1f}")),
        screen.Column("AIC - best", cells(lambda fit: f"{fit.aic - fits[0].aic:,.1f}")),
        screen.Column("BIC", cells(lambda fit: f"{fit.bic:,.1f}")),
        screen.Column("BIC - best", cells(lambda fit: f"{fit.bic - least_bic:,.1f}")),
        screen.Column("Anderson-Darling", cells(p_text), left=True),
    ]
    screen.print_rows(console, title, screen.Column("family", [fit.family for fit in fits], left=True), columns)


def _record(fit: Fit, snippet: str) -> dict[str, Any]:
    """A fit as plain data for JSON: None where a number is not finite."""
    fields = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in dataclasses.asdict(fit).items()
    }
    return {**fields, "snippet": None if fit.failed else snippet}
