"""`rustbelt status`: how far a run is, and who is working on it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen
from engine.formatting import size_as_text

if TYPE_CHECKING:
    from engine.execution.run import Run
    from engine.execution.upkeep import Status


@click.command("status", short_help="Show how far a run is.")
@options.run_that_is_there
@options.as_json
@options.debug
def command(run: Run, as_json: bool) -> None:
    """Show how far the run in DIR is: its blocks, who is writing there, what has worked on it.

    Sizes of files are looked at, not what is in them: that is rustbelt verify.
    """
    status = run.status()
    if as_json:
        screen.print_records([{**asdict(status), "folder": str(status.folder)}])
        return
    screen.print_labelled(screen.stdout(), _lines(status))


def _lines(status: Status) -> list[tuple[str, str]]:
    state = "complete" if status.complete else "not finished: the same command finishes it"
    if status.holder is not None and not status.complete:
        state = "running"
    lines = [
        ("run", f"{status.folder}: {state}"),
        ("paths", f"{status.paths:,} of {status.asked:,}, in {status.done:,} of {status.blocks:,} blocks"),
    ]
    if status.yearly is not None:
        lines.append(("by year", "done" if status.yearly else "to be computed"))
    lines.append(("disk", size_as_text(status.size)))
    lines.append(("writing", str(status.holder) if status.holder else "nobody"))
    lines += [
        (
            "made with",
            ", ".join(
                f"{key} {version[key]}" for key in ("rustbelt", "jax", "device_kind") if key in version
            ),
        )
        for version in status.versions
    ]
    for entry in status.runs:
        line = (
            f"{entry['started']} to {entry['ended']}, {entry['status']}, blocks {entry['blocks'] or 'none'}"
        )
        lines.append(("worked", f"{line}: {' '.join(entry['command'])}"))
    return lines
