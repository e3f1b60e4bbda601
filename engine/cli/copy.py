"""`rustbelt copy`: copies a run to an object store, or from one."""

from __future__ import annotations

from typing import Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import progress


@click.command("copy", short_help="Copy a run to or from an object store.")
@click.argument("run", metavar="FROM", cls=options.Place)
@click.argument("target", metavar="TO")
@options.own_model
@options.quiet
@options.debug
def command(run: str, target: str, model: Any, quiet: bool) -> None:
    """Copy the run FROM to a URL such as s3://bucket/run, or a run at a URL to a new folder TO.

    What is there already is not sent again; a copy that was stopped goes on. Credentials and endpoints come from the
    environment, as for other programs (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...).
    """
    from engine.execution.progress import Progress
    from engine.run_folder.copies import copy
    from engine.run_folder.ownership import stated_model

    with progress(quiet) as observe:
        count, folder = copy(run, target, model, lambda done, total: observe(Progress("files", done, total)))
    if folder is None:
        screen.print_line(screen.stdout(), f"{count:,} files sent. Open it: engine.open_cube({target!r})")
    else:
        note = f"{count:,} files, each as it was sent. How it stands"
        screen.print_command(screen.stdout(), note, "status", folder, model=stated_model(folder))
