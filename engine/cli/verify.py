"""`rustbelt verify`: whether the files of a run are as they were written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import progress
from engine.formatting import counted

if TYPE_CHECKING:
    from rich.console import Console

    from engine.run_folder.damage import Damage
    from engine.runs.run import Run

SHOWN = 40
"""Damages that are printed one by one."""

full = click.option(
    "--full", is_flag=True, help="Recompute all blocks as well and compare the bits, which takes as long as the run."
)


@click.command("verify", short_help="Compare the files of a run with their checksums.")
@options.run_that_is_there
@full
@options.device
@options.as_json
@options.quiet
@options.debug
def command(run: Run, full: bool, device: str | None, as_json: bool, quiet: bool) -> None:
    """Compare every file of RUN with its checksum, and name each block that is damaged.

    Ends with exit code 2 where anything is. rustbelt repair RUN computes again what is.
    """
    with progress(quiet) as observe:
        damages = run.verify(full, observe=observe, device=device)
    if as_json:
        screen.print_records(asdict(damage) for damage in damages)
    else:
        console = screen.stdout()
        print_damages(console, run.folder, damages)
        if damages:
            deep = ["--full"] if full else []
            screen.print_command(console, "To repair it", "repair", run.folder, *deep, model=run.study.model_spec)
    if damages:
        click.get_current_context().exit(2)


def print_damages(console: Console, folder: Path, damages: Sequence[Damage]) -> None:
    """Prints one line for each damage, or that there is none."""
    if not damages:
        screen.print_line(console, f"{folder}: all files agree with their checksums.")
        return
    blocks = {damage.part for damage in damages if isinstance(damage.part, int)}
    head = f"{folder}: {counted(len(damages), 'file')} damaged, in {counted(len(blocks), 'block')}"
    screen.print_line(console, head, "red")
    for damage in damages[:SHOWN]:
        screen.print_line(console, f"  {damage}")
    if len(damages) > SHOWN:
        console.print(f"  and {len(damages) - SHOWN} more: --json lists all of them.")
