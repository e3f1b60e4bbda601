"""`rustbelt check`: what a study states, and how much time, disk and memory its run takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.formatting import counted, size_as_text
from engine.study.tables.facts import INDEPENDENT

if TYPE_CHECKING:
    from engine.run_folder.folder import RunFolder
    from engine.study.study import Study


@click.command("check", short_help="Show what a study computes and what it needs.")
@options.study_to_run
@click.option(
    "--workers",
    type=options.COUNT,
    metavar="N",
    help="Compute a few blocks, and predict the speed of N workers like this machine.",
)
@click.option(
    "--self-test",
    is_flag=True,
    is_eager=True,
    help=(
        "With --device gpu: test the GPUs of this machine with STUDY, or with the shipped study if none is named, and"
        " print a block to paste into a report, in place of all else."
    ),
)
@click.option("--full", is_flag=True, help="Everything that the study states, table by table.")
@options.debug
def command(
    study: Study, folder: RunFolder, place: dict[str, Any], workers: int | None, self_test: bool, full: bool
) -> None:
    """Show what STUDY states and what its run needs, from the first 256 futures.

    The command shows the parts of the study, the fit of its priors, and the blocks, devices, disk space and memory of a
    run. With --full it shows the policies, priors, groups, shocks and claims. With --workers it computes and
    times a few blocks, and ends with exit code 2 if the disk is too small. With --self-test it compiles the program for
    GPUs and launches it on each GPU. The exit code is then 0 if they give the bytes of the CPU, 1 if they do not, and 2
    if something is missing.
    """
    if self_test:
        _print_self_test(folder, place["device"], workers)
        return
    from engine.cli.show.answers import print_answer
    from engine.cli.show.study_digest import digest
    from engine.execution import precision
    from engine.execution.soundness import refuse_beyond

    study.refuse_broken_model()
    yearly = precision.first_years(study)
    if yearly is not None:
        refuse_beyond(study, yearly)
    folder = replace(folder, study=study)
    console, size = screen.stdout(), [*_size(folder, **place)]
    print_answer(console, digest(study, yearly), full)
    screen.print_labelled(console, size)
    for text in screen.too_coarse(precision.too_coarse(study)):
        screen.print_words(console, text, "yellow")
    if workers is not None:
        console.print()
        _print_rate(folder, place["device"], workers)


def _print_self_test(folder: RunFolder, device: str | None, workers: int | None) -> None:
    from engine.execution import self_test

    if device == "cpu":
        raise click.UsageError("--self-test needs --device gpu.")
    if workers is not None:
        raise click.UsageError("--self-test and --workers cannot be combined.")
    screen.print_labelled(screen.stdout(), self_test.lines(folder))


def _size(folder: RunFolder, device: str | None, memory: int | None) -> Iterator[tuple[str, str]]:
    """Yields what the run consists of and what it takes: labels and texts."""
    from engine.execution.anew import program_of
    from engine.execution.resources import bytes_free, bytes_needed, memory_needed, room, writers_for
    from engine.study.study import BLOCK

    study = folder.study
    program, launch = program_of(study, device)
    blocks = -(-study.paths // BLOCK)
    there, whose = room(memory)
    years = f"{study.step}s {study.years[0]}-{study.years[-1]}" if study.years else "no years"
    yield "model", f"{study.model_name}; {years}"
    yield "paths", f"{study.paths:,} in {counted(blocks, 'block')} of {BLOCK:,}, tiles of {study.tile:,}"
    sampler = INDEPENDENT if study.facts else study.sampler
    yield "sampler", f"{sampler}, seed {study.seed}, independent units of {study.unit}{_in_dimensions(study)}"
    if study.facts:
        known = f"figures to {study.facts.until} under {study.facts.policy}"
        yield "facts", f"futures are conditioned on {known}"
    if study.precision != "float32":
        yield "precision", study.precision
    yield "program", program
    yield "disk", f"{size_as_text(bytes_needed(study))} needed at most, {size_as_text(bytes_free(folder.path))} free"
    needed = size_as_text(memory_needed(study, writers=writers_for(study, memory, launch), launch=launch))
    yield "memory", f"{needed} needed, {size_as_text(there) if there else 'unknown'} {whose}"
    yield "fingerprint", study.fingerprint
    yield "beliefs", f"{study.beliefs}, a digest of priors and constants"


def _in_dimensions(study: Study) -> str:
    every = [*chain(*study.dimensions.values())]
    own = sum(dimension > 0 for dimension in every)
    return f"; {own:,} of {len(every):,} random numbers of a path in dimensions of their own" if every else ""


def _print_rate(folder: RunFolder, device: str | None, workers: int) -> None:
    """Prints the futures a second of so many workers, from blocks computed here.

    Raises:
      UserError: there is no worker, or the disk has no room for the run.
    """
    from engine.errors import UserError
    from engine.execution.anew import measured
    from engine.execution.resources import refuse_if_too_large

    if workers < 1:
        raise UserError("--workers", [f"expected at least 1, got {workers}."])
    rate, computed_by = measured(folder.study, device)
    lines = {
        "measured": f"{rate:,.0f} futures/s here ({computed_by})",
        "workers": f"{workers:,}, each like this machine: {workers * rate:,.0f} futures/s",
    }
    screen.print_labelled(screen.stdout(), lines.items())
    refuse_if_too_large(folder)
