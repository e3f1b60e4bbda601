"""`rustbelt verify`: whether a run is what was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import progress

if TYPE_CHECKING:
    from rich.console import Console

    from engine.execution.upkeep import Damage

SHOWN = 40
"""Damages that are printed one by one."""

full = click.option(
    "--full",
    is_flag=True,
    help="Also compute everything again and compare the bits, which takes as long as the run.",
)


@click.command("verify", short_help="Check a run against its checksums.")
@options.run
@full
@options.own_model
@options.device
@options.as_json
@click.option("--quiet", is_flag=True, help="No progress.")
@options.debug
def command(run: str, full: bool, model: Any, device: str | None, as_json: bool, quiet: bool) -> None:
    """Compare every file of the run in DIR with its checksum, and name each block that is damaged.

    Ends with exit code 2 where anything is. rustbelt repair DIR computes again what is.
    """
    from dataclasses import asdict

    from engine.execution.upkeep import verify
    from engine.program import devices
    from engine.run_folder.finding import find_run

    devices.use_every_core()
    folder, study = find_run(run, model)
    with progress(quiet) as observe:
        found = verify(folder, study, full, observe, device)
    if as_json:
        screen.print_records(asdict(damage) for damage in found)
    else:
        console = screen.stdout()
        print_damages(console, folder, found)
        if found:
            console.print(escape(f"Mend it: rustbelt repair {folder}"), soft_wrap=True)
    if found:
        click.get_current_context().exit(2)


def print_damages(console: Console, folder: Path, found: Sequence[Damage]) -> None:
    """One line a damage, or that there is none."""
    if not found:
        console.print(escape(f"{folder}: everything is as it was written."), soft_wrap=True)
        return
    blocks = {damage.part for damage in found if isinstance(damage.part, int)}
    told = f"{folder}: {len(found)} file{'s' if len(found) > 1 else ''} damaged, in {len(blocks)} block{'s' if len(blocks) != 1 else ''}"
    console.print(escape(told), style="red", soft_wrap=True)
    for damage in found[:SHOWN]:
        console.print(escape(f"  {damage}"), soft_wrap=True)
    if len(found) > SHOWN:
        console.print(f"  and {len(found) - SHOWN} more: --json lists all of them.")
