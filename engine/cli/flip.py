"""`rustbelt flip`: which belief would turn a ranking."""

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


@click.command("flip", short_help="Show which belief would turn the ranking of two policies.")
@options.study_to_run
@click.option(
    "--outcome", "variable", metavar="V", required=True, shell_complete=options.complete_outcome,
    help="The outcome or event that the policies are ranked by.",
)  # fmt: skip
@click.option("--measure", metavar="M", help="mean or ES99 of an outcome; the mean if not given.")
@click.option("--full", is_flag=True, help="Every belief, also those that do not turn the ranking.")
@options.as_json
@options.quiet
@options.debug
@click.pass_context
def command(
    ctx: click.Context,
    study: Study,
    folder: RunFolder,
    place: dict[str, Any],
    variable: str,
    measure: str | None,
    full: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Show how far each belief of STUDY must move before two policies change places, and how far all priors together.

    A belief is the prior of a factor, the correlation of a group, or a lever of a policy. --policies names any two, of which the first
    is what the other is held against, unless the baseline is among them; not needed where the study has two. On 131,072 paths, unless --paths says otherwise. Where the study has been run, the answer is written
    beside its cube, as flip.zarr.

    \b
    Example: rustbelt flip rustbelt --outcome displaced_person_years --policies reform,old
    """
    from engine.analyses.comparison import of_named
    from engine.analyses.flip import flip
    from engine.analyses.flip_dataset import groups, records
    from engine.cli.show.flip_table import print_flip
    from engine.execution.resources import refuse_if_memory_too_small
    from engine.execution.stages import Stage
    from engine.run_folder import answer_store

    # a baseline that is not named runs all the same, and is none of the two
    pair = of_named(study, ctx.params["policies"])
    if len(pair.policies) != 2:
        raise click.UsageError(f"name two policies: --policies A,B. Known: {', '.join(study.policy_names)}.")
    second = pair.baseline
    (first,) = (name for name in pair.policy_names if name != second)
    refuse_if_memory_too_small(study, place["memory"])
    with progress(quiet) as observe:
        given = flip(
            study, variable, first, second, measure, study.paths if ctx.params["paths"] else None, place["device"],
            lambda stage, done, total: observe(Stage(stage, done, total)),
        )  # fmt: skip
    kept = answer_store.keep(folder, "flip", groups(given))
    if as_json:
        screen.print_records(records(given))
    else:
        console = screen.stdout()
        print_flip(console, given, full)
        print_place(console, folder, kept)
