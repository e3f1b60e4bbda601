"""Copies of a run: to an object store, and from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import UserError
from engine.modelling.records import Model
from engine.run_folder.finding import find_folder
from engine.storage import object_store
from engine.storage.object_store import is_url


def copy(
    source: str, target: str, model: Model | None = None, show: Callable[[int, int], None] = lambda *_: None
) -> tuple[int, Path | None]:
    """How many files were sent, and the folder where a run from a store now is; None for one that was sent to a store.

    Args:
      source, target: a run and a URL such as s3://bucket/run, or a URL and a new folder.
      show: called with how many files of how many are there.

    Raises:
      UserError: neither or both are URLs, there is no run, or the store refuses.
    """
    if is_url(source) == is_url(target):
        expected = "expected a folder and a URL such as s3://bucket/run, in either order."
        raise UserError(f"{source} {target}", [expected])
    if not is_url(target):
        return object_store.download(source, Path(target), show), Path(target)
    folder = find_folder(source, model)
    if not (folder / "cube.zarr").is_dir():
        raise UserError(source, ["expected a run folder, with a cube.zarr inside."])
    return object_store.upload(folder, target, show), None
