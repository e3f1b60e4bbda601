"""`rustbelt run`: runs a study, prints its tables and leaves its cube."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import WAYS, progress
from engine.formatting import command_line, counted

if TYPE_CHECKING:
    from engine.execution.job import Finished, RunOptions
    from engine.run_folder.folder import RunFolder
    from engine.study.study import Study


@click.command("run", short_help="Run a study: print its tables and write its cube.")
@options.study_to_run
@click.option(
    "--until",
    "targets",
    multiple=True,
    metavar="SENTENCE",
    help="Stop at a precision, such as 'ES99 of cost under old within 1 %', or at --paths. May be given several times.",
)
@click.option(
    "--workers",
    type=options.COUNT,
    metavar="N",
    help="Number of processes on this machine, each with its own cores or GPU.",
)
@click.option(
    "--scheduler",
    hidden=True,
    metavar="ADDRESS",
    help="Address of a dask.distributed scheduler, whose workers compute.",
)
@click.option(
    "--shard",
    hidden=True,
    type=options.SHARD,
    help="Task I of a job array of N tasks. A task computes every N-th block; the last one makes the tables.",
)
@click.option(
    "--force",
    is_flag=True,
    help=("Continue with blocks of other versions, another kind of device, or a model that gives other values now."),
)
@options.full
@options.answer_as_json
@options.quiet
@click.option(
    "--log",
    hidden=True,
    type=click.Choice(WAYS),
    default="auto",
    help="Form of progress on stderr: text, or one JSON object a line.",
)
@options.debug
def command(
    study: Study,
    folder: RunFolder,
    place: dict[str, Any],
    shard: tuple[int, int] | None,
    full: bool,
    as_json: bool,
    quiet: bool,
    log: str,
    **computing: Any,
) -> None:
    """Simulate STUDY, a study file or the name of a shipped study, print its tables and write its cube.

    Finished blocks are not computed again. The same command continues a run that was stopped, and more --paths extend
    it.
    """
    from engine.execution.job import RunOptions
    from engine.execution.until import compute, why_idle
    from engine.runs.headline import so_far

    if shard is not None:
        _refuse_beside_shard(computing)
    for target in study.idle_targets if study.until else ():
        click.echo(f"note: target left out: {why_idle(study, target)}.", err=True)
    # if a run ends by a precision target, the lines on the target already say how precise it is
    headline = None if quiet or study.until else partial(so_far, replace(folder, study=study))
    printed: list[BaseException | None] = []
    with ExitStack() as bar:
        observers = [bar.enter_context(progress(quiet, headline, log))]

        def answered(finished: Finished) -> None:
            bar.close()  # else the bar would be drawn over the tables
            printed.append(_print_answer(finished, full))
            observers.append(bar.enter_context(progress(quiet, None, log)))

        chosen = RunOptions(
            folder.path,
            **place,
            **computing,
            observe=lambda stage: observers[-1](stage),
            command=["rustbelt", *sys.argv[1:]],
        )
        if not as_json:
            chosen = replace(chosen, answered=answered)
        finished = compute(study, chosen) if shard is None else _finished_by_shard(study, shard, chosen)
    if finished is None:
        return
    answers = finished.answers
    asked = study.paths if finished.ended is None else finished.ended.paths
    if answers.study.paths > asked:
        by = "were requested" if finished.ended is None else "are enough for the precision"
        shown = f"the tables use all of them, although {asked:,} {by}"
        click.echo(f"note: {answers.folder.path} has {answers.study.paths:,} paths; {shown}.", err=True)
    study = answers.study
    if as_json:
        for text in _remarks(finished):
            click.echo(text, err=True)
        from engine.runs.run import run_of

        screen.print_object(run_of(finished)._ask("risk").plain())
        return
    (failure,) = printed or [_print_answer(finished, full)]
    if failure is not None:
        raise failure
    console = screen.stdout()
    if study.gates:  # the import below takes a second
        from engine.runs.asking import gates_that_fail

        failing = gates_that_fail(study, answers.folder, place["device"])
        screen.print_command(console, failing, "gates", study.source, model=study.model_spec)
    opened = f'xarray.open_datatree({str(folder.path / "cube.zarr")!r}, engine="zarr", chunks={{}})'
    screen.print_line(console, f"The cube: {opened}")
    words: tuple[object, ...] = "risk", folder.path, "--variable", study.headline[0]
    if len(study.policies) > 2:
        words = "compare", folder.path
    screen.print_command(console, "Next", *words, model=study.model_spec)


def _print_answer(finished: Finished, full: bool) -> BaseException | None:
    """Prints a run's tables, perhaps before its cube is finished; gives a failure instead of raising it, so that
    finishing the cube goes on.
    """
    from engine.cli.show.answers import print_answer
    from engine.runs.run import run_of

    console = screen.stdout()
    try:
        print_answer(console, run_of(finished)._ask("risk"), full)
        for text in _remarks(finished):
            screen.print_words(console, text)
        console.file.flush()
    except (Exception, SystemExit) as failure:  # rich raises SystemExit if the reader has closed the output
        return failure
    return None


def _remarks(finished: Finished) -> Iterator[str]:
    """Yields sentences on values that single precision or bounds affect too often, and on the targets that ended it."""
    from engine.risk.estimation.bounds import MANY
    from engine.risk.estimation.stopping import ending

    yield from screen.too_coarse(finished.rounding)
    if many := [one for one in finished.answers.on_bounds if one.share > MANY]:
        others = f"; {len(many) - 1} more above {100 * MANY:g} %" if len(many) > 1 else ""
        yield f"Bounds: {many[0].in_words(finished.answers.study)}{others} (/diagnostics/bounds)."
    if finished.ended:
        yield from ending(finished.ended, finished.answers.study.paths)


def _finished_by_shard(study: Study, shard: tuple[int, int], chosen: RunOptions) -> Finished | None:
    """The finished run if this shard was the last one; else None, after a line on stderr about what is missing."""
    from engine.execution.until import compute_shard

    done = compute_shard(study, *shard, chosen)
    if done.finished is not None:
        return done.finished
    here = f"Shard {shard[0]} of {shard[1]}: {counted(len(done.computed), 'block')} computed here"
    status = command_line("status", done.folder.path, model=study.model_spec)
    left = f"{done.missing:,} {'is' if done.missing == 1 else 'are'} still missing. To see the progress: {status}"
    click.echo(
        f"{here}; {left if done.missing else 'no block is missing, and another shard makes the tables.'}", err=True
    )
    return None


def _refuse_beside_shard(computing: dict[str, Any]) -> None:
    given = [f"--{name}" for name in ("workers", "scheduler", "force") if computing[name] not in (None, False)]
    if given:
        raise click.UsageError(
            f"--shard cannot be combined with {' and '.join(given)}, as each task of a job array runs alone."
        )
