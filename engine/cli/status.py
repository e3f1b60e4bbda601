"""`rustbelt status`: how far a run is, and who is working on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from engine.cli import options
from engine.cli.show import screen

if TYPE_CHECKING:
    from engine.execution.upkeep import Status


@click.command("status", short_help="Show how far a run is.")
@options.run
@options.own_model
@options.as_json
@options.debug
def command(run: str, model: Any, as_json: bool) -> None:
    """Show how far the run in DIR is: its blocks, who is writing there, what has worked on it.

    Sizes of files are looked at, not what is in them: that is rustbelt verify.
    """
    from engine.execution.upkeep import status
    from engine.run_folder.finding import find_run

    folder, study = find_run(run, model)
    found = status(folder, study)
    if as_json:
        screen.print_records([_plain(found)])
        return
    console = screen.stdout()
    for label, told in _lines(found):
        console.print(f"[bold]{label:<12}[/bold]{escape(told)}", soft_wrap=True)


def _plain(found: Status) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(found), "folder": str(found.folder)}


def _lines(found: Status) -> list[tuple[str, str]]:
    from engine.run_folder.cube import size

    state = "complete" if found.complete else "not finished: the same command finishes it"
    if found.holder is not None and not found.complete:
        state = "running"
    lines = [
        ("run", f"{found.folder}: {state}"),
        ("paths", f"{found.paths:,} of {found.asked:,}, in {found.done:,} of {found.blocks:,} blocks"),
    ]
    if found.yearly is not None:
        lines.append(("by year", "done" if found.yearly else "to be computed"))
    lines.append(("disk", size(found.size)))
    lines.append(("writing", str(found.holder) if found.holder else "nobody"))
    lines += [
        (
            "made with",
            ", ".join(
                f"{key} {version[key]}" for key in ("rustbelt", "jax", "device_kind") if key in version
            ),
        )
        for version in found.versions
    ]
    for entry in found.runs:
        told = (
            f"{entry['started']} to {entry['ended']}, {entry['status']}, blocks {entry['blocks'] or 'none'}"
        )
        lines.append(("worked", f"{told}: {' '.join(entry['command'])}"))
    return lines
