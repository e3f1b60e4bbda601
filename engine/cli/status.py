"""`rustbelt status`: how far a run is, and who is working on it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.formatting import forms_as_text, size_as_text

if TYPE_CHECKING:
    from engine.runs.run import Run
    from engine.runs.upkeep import Status


@click.command("status", short_help="Show the progress of a run.")
@options.run_that_is_there
@options.as_json
@options.debug
def command(run: Run, as_json: bool) -> None:
    """Show the progress of RUN: its blocks, the process that is writing, and the commands that computed it.

    The command checks the sizes of files; rustbelt verify checks their contents.
    """
    status = run.status()
    if as_json:
        screen.print_records([{**asdict(status), "folder": str(status.folder)}])
        return
    console = screen.stdout()
    screen.print_labelled(console, _lines(status))
    if not status.complete and status.holder is None:
        screen.print_line(console, options.how_to_finish(run))


def _lines(status: Status) -> Iterator[tuple[str, str]]:
    state = "complete" if status.complete else "not finished"
    if status.holder is not None and not status.complete:
        state = "running"
    yield "run", f"{status.folder}: {state}"
    yield "paths", f"{status.paths:,} of {status.asked:,}, in {status.done:,} of {status.blocks:,} blocks"
    if status.excluded:
        yield "kept out", f"{status.excluded:,} paths, as values on them are not finite"
    if status.yearly is not None:
        yield "by year", "done" if status.yearly else "to be computed"
    yield "disk", size_as_text(status.size)
    yield "writing", str(status.holder or "nobody")
    for versions in status.versions:
        parts = (part for part in ("rustbelt", "jax", "device_kind") if part in versions)
        yield "made with", ", ".join(f"{part} {versions[part]}" for part in parts)
    for entry in status.runs:
        yield "worked", _worked(entry)


def _worked(entry: Mapping[str, Any]) -> str:
    until = f" to {entry['ended']}" if entry["ended"] else ""
    when = f"{entry['started']}{until}, {entry['status']}"
    by = forms_as_text(entry.get("forms"))
    return f"{when}, blocks {entry['blocks'] or 'none'}{f' by {by}' if by else ''}: {shlex.join(entry['command'])}"
