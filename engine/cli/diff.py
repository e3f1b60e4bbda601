"""`rustbelt diff`: two runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen

if TYPE_CHECKING:
    from engine.modelling.records import Model


@click.command("diff", short_help="Put two runs side by side.")
@click.argument("first", cls=options.Place)
@click.argument("second", cls=options.Place)
@click.option(
    "--variable", metavar="V", shell_complete=options.complete_variable, help="One outcome or event."
)
@options.own_model
@options.partial
@options.as_json
@options.debug
def command(
    first: str, second: str, variable: str | None, model: Model | None, partial: bool, as_json: bool
) -> None:
    """Print what two studies state differently, and the numbers of their runs with the differences: the second less the first."""
    from engine.cli.show.diff_table import print_comparison
    from engine.execution.resources import take_every_core
    from engine.runs.run import open_run
    from engine.runs.two_runs import compare

    take_every_core()
    runs = [open_run(place, model, partial) for place in (first, second)]
    comparison = compare(runs[0].answers, runs[1].answers, variable)
    if as_json:
        dims = runs[0].study.model.dims
        named: list[dict[str, Any]] = [
            {"of": of, **record.as_dict(dims)}
            for pair in comparison.pairs
            for of, record in (("first", pair.first), ("second", pair.second), ("difference", pair.gap))
        ]
        screen.print_records(named)
        return
    console = screen.stdout()
    print_comparison(console, runs, comparison)
