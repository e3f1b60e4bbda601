"""Copies of a run to an object store, and back to a disk."""

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
    """Copies a run to or from an object store; gives the number of files, and the new folder after a copy to a disk.

    Args:
      source, target: a run and a URL such as s3://bucket/run, or a URL and a new folder. To a store, only files that
        are sent are counted, not those that are there already.
      show: called with the number of files done, and of all.

    Raises:
      UserError: neither or both are URLs, there is no run, or the store refuses.
    """
    if is_url(source) == is_url(target):
        raise UserError(f"{source} {target}", ["expected a folder and a URL such as s3://bucket/run, in either order."])
    if not is_url(target):
        return object_store.download(source, Path(target), show), Path(target)
    folder = find_folder(source, model)
    if not (folder / "cube.zarr").is_dir():
        raise UserError(source, ["expected a run folder, with a cube.zarr inside."])
    return object_store.upload(folder, target, show), None
