"""`rustbelt repair`: what is damaged computed again."""

from __future__ import annotations

from typing import Any

import click
from rich.markup import escape

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import progress
from engine.cli.verify import full, print_damages


@click.command("repair", short_help="Compute again what is damaged in a run.")
@options.run
@full
@options.own_model
@options.device
@click.option("--force", is_flag=True, help="Mend what other versions or another device kind made.")
@click.option("--quiet", is_flag=True, help="No progress.")
@options.debug
def command(run: str, full: bool, model: Any, device: str | None, force: bool, quiet: bool) -> None:
    """Verify the run in DIR and compute again the blocks that are damaged, and no others."""
    from engine.execution.upkeep import repair
    from engine.program import devices
    from engine.run_folder.finding import find_run

    devices.use_every_core()
    folder, study = find_run(run, model)
    with progress(quiet) as observe:
        found, done = repair(folder, study, full, observe, device, force)
    console = screen.stdout()
    print_damages(console, folder, found)
    if done is not None:
        again = ", ".join(map(str, done.computed)) or "none"
        console.print(f"Mended. Blocks computed again: {again}.")
    elif found:
        told = "What was damaged has been taken away. Run the same command again to compute it."
        console.print(escape(told))
