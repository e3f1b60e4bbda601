"""`rustbelt copy`: a run to an object store, or from there."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from engine.cli import options
from engine.cli.show import screen


@click.command("copy", short_help="Copy a run to an object store, or from there.")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--quiet", is_flag=True, help="No progress.")
@options.debug
def command(source: str, target: str, quiet: bool) -> None:
    """Copy the run folder FROM to a URL such as s3://bucket/run, or a run at a URL to a new folder TO.

    What is there already is not sent again; a copy that was stopped goes on. Credentials and endpoints come from the
    environment, as for other programs (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...).
    """
    from engine.errors import UserError
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
        if not (Path(source) / "cube.zarr").is_dir():
            raise UserError(source, ["expected a run folder, with a cube.zarr inside."])
        count = upload(Path(source), target, show)
        screen.print_line(screen.stdout(), "", f"{count:,} files sent. Open it: engine.open_cube({target!r})")
    else:
        count = download(source, folder := Path(target), show)
        note = f"{count:,} files, each as it was sent. How it stands"
        screen.print_command(screen.stdout(), note, "status", folder, model=stated_model(folder))
