"""`rustbelt copy`: a run to an object store, or from there."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen

if TYPE_CHECKING:
    from engine.modelling.records import Model


@click.command("copy", short_help="Copy a run to an object store, or from there.")
@click.argument("source", metavar="FROM", cls=options.Place)
@click.argument("target", metavar="TO")
@options.own_model
@options.quiet
@options.debug
def command(source: str, target: str, model: Model | None, quiet: bool) -> None:
    """Copy the run FROM to a URL such as s3://bucket/run, or a run at a URL to a new folder TO.

    What is there already is not sent again; a copy that was stopped goes on. Credentials and endpoints come from the
    environment, as for other programs (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...).
    """
    from engine.errors import UserError
    from engine.run_folder.finding import find_folder
    from engine.run_folder.ownership import stated_model
    from engine.storage.object_store import download, is_url, upload

    if is_url(source) == is_url(target):
        raise UserError(
            f"{source} {target}", ["expected a folder and a URL such as s3://bucket/run, in either order."]
        )
    shown = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal shown
        if not quiet and (done == total or time.monotonic() - shown > 5):
            shown = time.monotonic()
            sys.stderr.write(f"copied: {done:,} of {total:,} files\n")

    if is_url(target):
        folder = find_folder(source, model)
        if not (folder / "cube.zarr").is_dir():
            raise UserError(source, ["expected a run folder, with a cube.zarr inside."])
        count = upload(folder, target, show)
        screen.print_line(screen.stdout(), "", f"{count:,} files sent. Open it: engine.open_cube({target!r})")
    else:
        count = download(source, folder := Path(target), show)
        note = f"{count:,} files, each as it was sent. How it stands"
        screen.print_command(screen.stdout(), note, "status", folder, model=stated_model(folder))
