"""`rustbelt explain`: what the worst futures of a run have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import progress

if TYPE_CHECKING:
    from engine.execution.run import Run


@click.command("explain", short_help="Show what the worst futures of a run have in common.")
@options.run_that_is_there
@click.option(
    "--outcome", "variable", metavar="V", required=True, shell_complete=options.complete_variable,
    help="An outcome, whose worst futures are looked at; or an event, and those in which it happens.",
)  # fmt: skip
@click.option(
    "--policy", metavar="P", shell_complete=options.complete_policy,
    help="The policy; the baseline if not given.",
)  # fmt: skip
@click.option(
    "--level",
    metavar="L",
    help="The worst 1 - L are looked at, such as 97.5; 99 if not given, none for an event.",
)
@click.option(
    "--levers", is_flag=True, help="Also what each lever does where it is a tenth more, by rerunning."
)
@click.option(
    "--mechanisms",
    is_flag=True,
    help="Also what each assumption of the study makes up, by switching them off in many combinations.",
)
@options.full
@options.device
@options.partial
@options.as_json
@options.quiet
@options.debug
def command(
    run: Run,
    variable: str,
    policy: str | None,
    level: str | None,
    levers: bool,
    mechanisms: bool,
    full: bool,
    device: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Show what the worst futures of RUN have in common.

    How far factors and shocks stand from their priors there, what each place makes up of it, which prior it hangs on, the likeliest
    futures in which it happens, and the ten worst paths. The answer is kept beside the cube, as explain.zarr.

    \b
    rustbelt explain outputs/rustbelt --outcome displaced_person_years --policy reform --level 99
    rustbelt explain outputs/rustbelt --outcome all_four
    """
    from engine.analyses.explanation_records import plain
    from engine.cli.show.explanation_tables import print_explanation
    from engine.execution.stages import Stage

    with progress(quiet) as observe:
        given = run.explain(
            variable, policy, level, device=device, levers=levers, by_mechanism=mechanisms,
            observe=lambda stage, done, total: observe(Stage(stage, done, total)),
        )  # fmt: skip
    if as_json:
        screen.print_records(plain(given, run.folder))
        return
    console = screen.stdout()
    print_explanation(console, given, run.folder, full)
