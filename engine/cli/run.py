"""`rustbelt run`: a study to its tables and its cube."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import WAYS, progress
from engine.cli.show.risk_tables import print_tables

if TYPE_CHECKING:
    from rich.console import Console

    from engine.execution.job import Run
    from engine.execution.work import Observer
    from engine.study.study import Study


@click.command("run", short_help="Run a study: its tables and its cube.")
@options.study
@options.paths
@options.seed
@options.policies
@click.option("--out", type=click.Path(path_type=Path), help="The run folder itself.")
@options.own_model
@options.device
@options.memory
@click.option(
    "--workers",
    type=options.Count(),
    metavar="N",
    help="Processes on this machine that compute, each with its own cores or GPU.",
)
@click.option("--scheduler", metavar="ADDRESS", help="A dask.distributed scheduler whose workers compute.")
@click.option(
    "--shard",
    type=options.Shard(),
    help="Task I of a job array of N: every N-th block; the last task makes the tables.",
)
@click.option(
    "--force", is_flag=True, help="Go on with blocks that other versions or another device kind made."
)
@options.as_json
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option(
    "--log",
    type=click.Choice(WAYS),
    default="auto",
    help="How progress is told on stderr: as suits it, or one JSON object a line.",
)
@options.debug
def command(
    study: str,
    paths: int | None,
    seed: int | None,
    policies: tuple[str, ...] | None,
    out: Path | None,
    model: Any,
    device: str | None,
    memory: int | None,
    workers: int | None,
    scheduler: str | None,
    shard: tuple[int, int] | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    log: str,
) -> None:
    """Run STUDY, a study file or the name of one that ships: print its tables and leave its cube.

    What is there already is not computed again: the same command finishes a run that was stopped, and more --paths
    extend it.
    """
    from engine.execution.headline import Tightening
    from engine.execution.job import run
    from engine.program import devices
    from engine.run_folder.finding import run_folder
    from engine.study.loading import load_study

    devices.use_every_core()
    resolved = load_study(study, model=model, paths=paths, seed=seed, policies=policies)
    words = ["rustbelt", *sys.argv[1:]]
    headline = None if quiet else Tightening(run_folder(resolved, out), resolved)
    if shard is not None:
        _refuse_beside_shard(workers, scheduler, force)
        with progress(quiet, headline, log) as observe:
            done = _run_shard(resolved, shard, out, device, memory, observe, words)
        if done is None:
            return
    else:
        with progress(quiet, headline, log) as observe:
            done = run(resolved, out, device, memory, observe, words, workers, scheduler, force)
    if as_json:
        screen.print_records(record.as_dict(resolved.model.dims) for record in (*done.risk, *done.comparison))
        return
    console = screen.stdout()
    print_head(console, resolved, done.folder)
    print_tables(console, resolved, done.risk, done.comparison)
    _print_ways_on(console, resolved, done.folder)


def _run_shard(
    study: Study,
    shard: tuple[int, int],
    out: Path | None,
    device: str | None,
    memory: int | None,
    observe: Observer,
    words: list[str],
) -> Run | None:
    """The finished run where this shard was the last one; None where others are to come, which is said."""
    from engine.execution.job import run_shard

    done = run_shard(study, *shard, out, device, memory, observe, words)
    if done.run is not None:
        return done.run
    told = f"Shard {shard[0]} of {shard[1]}: {len(done.computed):,} blocks computed here"
    left = f"{done.missing:,} are still missing. See rustbelt status {done.folder}"
    click.echo(
        f"{told}; {left if done.missing else 'all are there, and another shard makes the tables.'}", err=True
    )
    return None


def _refuse_beside_shard(workers: int | None, scheduler: str | None, force: bool) -> None:
    given = [
        name
        for name, value in (("--workers", workers), ("--scheduler", scheduler), ("--force", force or None))
        if value is not None
    ]
    if given:
        raise click.UsageError(
            f"--shard goes without {' and '.join(given)}: each task of a job array runs alone."
        )


def print_head(console: Console, study: Study, folder: Path) -> None:
    """Which study this is: its question, paths, policies and folder."""
    policies = ", ".join(
        f"{name} (baseline)" if name == study.baseline else name for name in study.policy_names
    )
    question = f": {study.question}" if study.question else ""
    console.print(f"[bold]{escape(study.name)}[/bold]{escape(question)}", soft_wrap=True)
    told = f"{study.paths:,} paths, seed {study.seed}; policies {policies}; in {folder}"
    console.print(escape(told), soft_wrap=True)
    console.print()


def _print_ways_on(console: Console, study: Study, folder: Path) -> None:
    first = next(iter(study.model.outcomes), None)
    console.print()
    opened = f'xarray.open_datatree("{folder / "cube.zarr"}", engine="zarr", chunks={{}})'
    console.print(escape(f"The cube: {opened}"), soft_wrap=True)
    if first is not None:
        console.print(escape(f"Next: rustbelt risk {folder} --variable {first}"), soft_wrap=True)
