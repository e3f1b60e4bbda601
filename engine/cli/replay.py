"""`rustbelt replay`: one path in full, or the worst ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.ask import print_or_save
from engine.cli.show import screen
from engine.formatting import command_line

if TYPE_CHECKING:
    import xarray as xr

    from engine.run_folder.folder import RunFolder
    from engine.study.study import Study


@click.command("replay", short_help="Show one path in full, or the worst paths.")
@options.run
@click.option("--path", type=options.COUNT, help="Number of the path.")
@click.option("--worst", type=options.COUNT, metavar="K", help="Number of worst paths of an outcome to show.")
@click.option(
    "--policy",
    metavar="P",
    shell_complete=options.complete_policy,
    help="One policy. Default: all; with --worst, the baseline.",
)
@click.option(
    "--variable",
    metavar="V",
    shell_complete=options.complete_variable,
    help="A yearly variable to show. With --worst, the outcome.",
)
@click.option("--full", is_flag=True, help="Show every outcome, yearly variable, shock, draw and drawn lever.")
@options.seed
@options.own_model
@options.device
@options.save
@options.answer_as_json
@options.debug
def command(
    run: str,
    path: int | None,
    worst: int | None,
    policy: str | None,
    variable: str | None,
    full: bool,
    seed: int | None,
    model: Any,
    device: str | None,
    as_json: bool,
    **saving: Any,
) -> None:
    """Recompute one path and show its outcomes, yearly values and draws.

    RUN may also be a study that has not been run.

    With --worst, the command shows the paths of a finished run on which an outcome is worst, their unusual draws, and
    the worst path in full.

    --json and --save have all values that --full shows.
    """
    if (path is None) == (worst is None):
        got = "neither" if path is None else "both"
        raise click.UsageError(f"expected either --path N or --worst K --variable OUTCOME, got {got}.")
    from engine.cli.show.replay_tables import agreement, replayed, yearly_variables
    from engine.run_folder.finding import find_study
    from engine.runs.replay import replay

    study, folder = find_study(run, model, seed, policy)
    if folder is None and path is not None and path >= study.paths:
        study = dataclasses.replace(study, paths=path + 1)  # a study that has not been run has any path
    under = policy or study.baseline
    ranked = None if worst is None else _ranked(run, folder, study, variable, under, worst)
    chosen = variable if ranked is None else None
    variables = yearly_variables(study, chosen, full or as_json or saving["save"] is not None)
    numbers = [path or 0] if ranked is None else [int(number) for number in ranked["path"]]
    story = replay(study, numbers, device)
    part = story if policy is None or ranked is not None else story.sel(policy=[policy])
    print_or_save(replayed(study, part, ranked, under, variables), full=full, as_json=as_json, **saving)
    if as_json:
        return
    console = screen.stdout()
    if folder is not None:
        screen.print_words(console, agreement(folder, story))
    if len(numbers) > 1:
        words = [*(["--policy", policy] if policy else []), "--seed", study.seed]
        command = "replay", Path(run), "--path", numbers[1], *words
        screen.print_command(console, "To show the next path", *command, model=study.model_spec)


def _ranked(
    place: str, folder: RunFolder | None, study: Study, variable: str | None, policy: str, count: int
) -> xr.Dataset:
    """The worst paths, as `engine.runs.replay.worst` gives them.

    Raises:
      UserError: no outcome is named, or the study has not been run.
    """
    from engine.errors import UserError
    from engine.runs.replay import worst

    if variable is None:
        known = ", ".join(study.keep.outcomes or study.model.outcomes)
        raise UserError("--variable", [f"expected the outcome that the paths are worst in: {known}."])
    if folder is None:
        remedy = f"Run it first: {command_line('run', Path(place), '--seed', study.seed, model=study.model_spec)}"
        raise UserError(place, [f"expected a finished run for --worst, got none. {remedy}"])
    return worst(folder, variable, policy, count)
