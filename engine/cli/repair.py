"""`rustbelt repair`: computes damaged blocks of a run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import progress
from engine.cli.verify import full, print_damages

if TYPE_CHECKING:
    from engine.runs.run import Run


@click.command("repair", short_help="Recompute the damaged blocks of a run.")
@options.run_that_is_there
@full
@options.device
@click.option("--force", is_flag=True, help="Repair blocks that other versions or another kind of device computed.")
@options.quiet
@options.debug
def command(run: Run, full: bool, device: str | None, force: bool, quiet: bool) -> None:
    """Verify RUN and compute again the blocks that are damaged, and no others."""
    from engine.run_folder.damage import answers_in

    with progress(quiet) as observe:
        repair = run.repair(full, observe=observe, device=device, force=force)
    console = screen.stdout()
    print_damages(console, run.folder, repair.damages)
    if gone := answers_in(repair.damages):
        screen.print_words(console, f"Damaged answers were removed: {', '.join(gone)}. Ask these questions again.")
    if repair.finished is not None:
        again = ", ".join(f"block {number}" for number in repair.finished.computed) or "no block"
        screen.print_words(console, f"The run is repaired. Recomputed: {again}.")
    elif repair.damages:
        note, study = "The damaged files were removed. To recompute them", run.folder / "study.toml"
        screen.print_command(console, note, "run", study, "--out", run.folder, model=run.study.model_spec)
