"""`rustbelt attribute`: which lever does what between two policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import progress

if TYPE_CHECKING:
    from engine.modelling.records import Model


@click.command("attribute", short_help="Show which lever does what between two policies.")
@options.study
@click.option(
    "--from", "start", metavar="P", required=True, shell_complete=options.complete_policy,
    help="The policy that is left.",
)  # fmt: skip
@click.option(
    "--to", "end", metavar="P", required=True, shell_complete=options.complete_policy,
    help="The policy that is gone to.",
)  # fmt: skip
@click.option(
    "--outcome", "variables", type=options.NAMES, multiple=True, shell_complete=options.complete_outcome,
    help="Outcomes and events, in place of the headline and all events.",
)  # fmt: skip
@click.option(
    "--paths", type=options.COUNT, help="Number of paths; the study's, at most 131072, if not given."
)
@options.seed
@options.own_model
@options.device
@options.as_json
@options.quiet
@options.debug
def command(
    study: str,
    start: str,
    end: str,
    variables: tuple[tuple[str, ...], ...],
    paths: int | None,
    seed: int | None,
    model: Model | None,
    device: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Show what each group of levers does to the difference between two policies of STUDY, on the same futures.

    \b
    rustbelt attribute rustbelt --from old --to reform
    rustbelt attribute rustbelt --from old --to reform --outcome all_four,layoffs

    The study names the groups, under [lever_groups]; a lever in none is one by itself. Of each group: its Shapley share of the
    difference, what it does alone, and what is lost where it alone is taken back.
    """
    from engine.analyses.attribution import attribution
    from engine.analyses.attribution_dataset import records
    from engine.cli.show.attribution_table import print_attribution
    from engine.execution.stages import Stage
    from engine.program import devices
    from engine.run_folder.finding import study_of

    outcomes = tuple(name for names in variables for name in names) or None
    devices.use_every_core()
    resolved, _ = study_of(study, model, paths=paths, seed=seed, policies=[*dict.fromkeys((start, end))])
    with progress(quiet) as observe:
        given = attribution(
            resolved, start, end, outcomes, paths, device,
            lambda stage, done, total: observe(Stage(stage, done, total)),
        )  # fmt: skip
    if as_json:
        screen.print_records(records(given))
        return
    console = screen.stdout()
    print_attribution(console, given, outcomes)
