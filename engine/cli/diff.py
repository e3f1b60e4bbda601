"""`rustbelt diff`: two runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen

if TYPE_CHECKING:
    from engine.modelling.records import Model


@click.command("diff", short_help="Compare the studies and results of two runs.")
@click.argument("first", cls=options.Place)
@click.argument("second", cls=options.Place)
@click.option("--variable", metavar="V", shell_complete=options.complete_variable, help="One outcome or event.")
@click.option("--full", is_flag=True, help="Every outcome and event, and whatever is stated differently.")
@options.own_model
@options.partial
@options.answer_as_json
@options.debug
def command(
    first: str, second: str, variable: str | None, full: bool, model: Model | None, partial: bool, as_json: bool
) -> None:
    """Print what two studies state differently, and the numbers of their runs with the differences: the second less the
    first.

    What differs most, on one screen; everything with --full.
    """
    from engine.cli.show.answers import print_answer
    from engine.execution.resources import take_every_core
    from engine.runs.run import open_run
    from engine.runs.two_runs import answer

    take_every_core()
    runs = [open_run(place, model, partial) for place in (first, second)]
    given = answer(runs[0].answers, runs[1].answers, variable)
    if as_json:
        screen.print_object(given.plain())
    else:
        print_answer(screen.stdout(), given, full or variable is not None)
