"""`rustbelt sensitivity`: which inputs the answer hangs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.answers import print_place
from engine.cli.show.progress import progress

if TYPE_CHECKING:
    from engine.run_folder.folder import RunFolder
    from engine.study.study import Study


@click.command("sensitivity", short_help="Show which inputs the answer hangs on.")
@options.study_to_run
@click.option(
    "--outcome", "variables", type=options.NAMES, multiple=True, shell_complete=options.complete_outcome,
    help="Outcomes and events, in place of the headline and all events; may be given several times.",
)  # fmt: skip
@click.option(
    "--within", "groups", type=options.NAMES, multiple=True, metavar="GROUP",
    help="Also what each member of a Gaussian group does; may be given several times.",
)  # fmt: skip
@click.option(
    "--given-data", is_flag=True, help="Also what SALib says from draws and outcomes alone: delta and PAWN."
)
@click.option("--full", is_flag=True, help="Every input in every table, with first and total indices.")
@options.as_json
@options.quiet
@options.debug
@click.pass_context
def command(
    ctx: click.Context,
    study: Study,
    folder: RunFolder,
    place: dict[str, Any],
    variables: tuple[tuple[str, ...], ...],
    groups: tuple[tuple[str, ...], ...],
    given_data: bool,
    full: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Show what each input of STUDY does to the spread of its outcomes, events and tails, and what knowing it is worth.

    An input is what is drawn apart: a group of factors, a factor, a shock. Each is drawn anew on the same futures. Differences are from the
    baseline; from the first of --policies where the baseline is not among these. On 131,072 paths, unless --paths says otherwise. Where the study has been run, the answer is written beside its cube, as sensitivity.zarr.

    \b
    Example: rustbelt sensitivity rustbelt --outcome capital_shortfall_peak
    """
    from engine.analyses.comparison import of_named
    from engine.analyses.sensitivity import sensitivity
    from engine.analyses.sensitivity_dataset import groups as labelled
    from engine.analyses.sensitivity_dataset import records
    from engine.cli.show.sensitivity_tables import print_sensitivity
    from engine.execution.resources import refuse_if_memory_too_small
    from engine.execution.stages import Stage
    from engine.run_folder import answer_store

    named = [name for names in variables for name in names] or None
    refuse_if_memory_too_small(study, place["memory"])
    with progress(quiet) as observe:
        given = sensitivity(
            of_named(study, ctx.params["policies"]), named, study.paths if ctx.params["paths"] else None, place["device"],
            lambda stage, done, total: observe(Stage(stage, done, total)),
            [name for names in groups for name in names], given_data,
        )  # fmt: skip
    kept = answer_store.keep(folder, "sensitivity", labelled(given, named))
    if as_json:
        screen.print_records(records(given))
    else:
        console = screen.stdout()
        print_sensitivity(console, given, named, full)
        print_place(console, folder, kept)
