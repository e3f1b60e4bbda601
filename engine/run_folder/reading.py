"""The cube read back: outcomes of every path, and the whole as a DataTree; the owner of zarr."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import UserError
from engine.formatting import command_line
from engine.run_folder import ledger, ownership
from engine.run_folder.cube import CUBE_FOLDER, attributes
from engine.run_folder.cube_groups import described_paths
from engine.run_folder.folder import RunFolder
from engine.storage import object_store, zarr_shards
from engine.storage.files import writing
from engine.storage.regular_files import Irregular, refuse_linked
from engine.study.study import BLOCK, Block

if TYPE_CHECKING:
    import xarray as xr

    from engine.storage.zarr_checked import CheckedStore

HELD = 1 << 28
"""Bytes that all kept outcomes together may take for those that have been read to stay in memory."""
UNREADABLE = Irregular, FileNotFoundError, NotADirectoryError, ValueError, LookupError, RuntimeError, TypeError
"""Exceptions that reading a damaged array may raise."""


class Paths(Mapping[str, np.ndarray]):
    """Outcomes that are kept whole, by name: [policy, path] in the study's precision, read when asked for (see `HELD`).

    Args:
      folder: the run folder; the paths of its study are read, which may be fewer than are stored.
      blocks: only the paths of these blocks, one after the other; all of the study's if not given.
      room: allocates an array of a shape and a type.
    """

    def __init__(
        self, folder: RunFolder, blocks: Sequence[Block] | None = None, room: Callable[..., np.ndarray] = np.empty
    ):
        self._folder, self._names, self._room = folder, folder.study.keep.outcomes, room
        self._spans = _spans([Block(0, 0, folder.study.paths)] if blocks is None else blocks)
        self._held: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        """One outcome of all paths.

        Raises:
          UserError: what is stored is damaged.
        """
        if name not in self._names:
            raise KeyError(name)
        if name in self._held:
            return self._held[name]
        parts = _read(self._folder, name, self._spans, self._room)
        values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        if values.nbytes * len(self) <= HELD:
            self._held[name] = values
        return values

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        """Names in the order of the model."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many outcomes are kept whole."""
        return len(self._names)


def read_path(folder: RunFolder, names: Sequence[str], path: int) -> dict[str, np.ndarray]:
    """Stored outcomes of one path by name, [policy]."""
    return {name: _read(folder, name, [slice(path, path + 1)])[0][..., 0] for name in names}


def open_cube(place: str | Path, by_dask: bool = True) -> xr.DataTree:
    """The cube of a finished run, lazily; its metadata and each chunk's size are checked before anything is unpacked.

    Args:
      place: the run folder, or the URL of its copy on an object store, such as s3://bucket/run.
      by_dask: whether its arrays are dask arrays; if not, each is read whole at its first use, and opening is faster.

    Raises:
      UserError: there is no cube; or its run is not finished; or its metadata state what no cube of this package does.
    """
    tree = open_tree(place, by_dask)
    if tree.attrs.get("status") == "complete":
        return tree
    remedy = (
        "Copy it to a disk to look at what is there."
        if object_store.is_url(place)
        else "Run it again to finish it, or look at what is there with open_run(..., partial=True)."
    )
    raise UserError(str(place), [f"its run has not come to its end. {remedy}"])


def open_tree(place: str | Path, by_dask: bool = True) -> xr.DataTree:
    """The cube of a run, finished or not, lazily; metadata and chunk sizes are checked (`storage/zarr_checked.py`).

    Args:
      place: the run folder, or the URL of its copy on an object store.
      by_dask: as of `open_cube`.

    Raises:
      UserError: there is no cube, or its metadata state what no cube of this package does.
    """
    import xarray as xr
    from zarr.storage import ObjectStore

    from engine.storage.zarr_checked import Whose, checked_store

    if object_store.is_url(place):
        at = object_store.store_at(f"{str(place).rstrip('/')}/{CUBE_FOLDER}")
        whose = Whose(str(place), f"{CUBE_FOLDER}/", "Copy the run there again.")
        store = checked_store(ObjectStore(at, read_only=True), whose)
    else:
        _refuse_other_root(Path(place))
        store = _checked(Path(place))
    chunks: dict[str, int] | None = {} if by_dask else None
    tree = xr.open_datatree(store, engine="zarr", chunks=chunks)  # type: ignore[arg-type]
    if tree.attrs.get("status") == "complete":
        kept = min(tree["draws"].attrs.get("kept", 0), tree.attrs["paths"]) if "draws" in tree.children else 0
        store.due = {"paths": math.inf, "draws": -(-kept // BLOCK)}
    return _numbered(tree)


def _numbered(tree: xr.DataTree) -> xr.DataTree:
    """The tree with a coordinate `path`, a range that takes no memory, and encodings that xarray can write again."""
    import pandas as pd
    import xarray as xr

    for name in ("paths", "draws"):
        node = tree.children.get(name)
        if node is None or "path" not in node.sizes:
            continue
        for variable in node.variables.values():
            for key in ("chunks", "shards", "preferred_chunks"):  # of the shards, which hold several chunks of dask
                variable.encoding.pop(key, None)
        range_index = pd.RangeIndex(node.sizes["path"], name="path")
        node.coords["path"] = xr.IndexVariable("path", range_index, described_paths())
    return tree


def _refuse_other_root(folder: Path) -> None:
    """Refuses a run without a cube, or whose cube's root metadata are not those that its record states."""
    ownership.refuse_links(folder)
    root, status = f"{CUBE_FOLDER}/zarr.json", attributes(folder).get("status")
    if status is None and not (folder / CUBE_FOLDER).exists():
        raise UserError(str(folder), ["expected a run folder, with a cube.zarr inside."])
    recorded = {} if status == "incomplete" else ledger.files_of(folder, ledger.CUBE)
    if status is None or (root in recorded and ledger.wrong(folder, recorded[root])):
        raise ledger.damaged(folder, root, "not as it was written")


def _checked(folder: Path) -> CheckedStore:
    from engine.storage.zarr_checked import Whose, checked_store

    return checked_store(folder / CUBE_FOLDER, Whose(str(folder), f"{CUBE_FOLDER}/", ledger.remedy(folder)))


def _read(
    run: RunFolder, outcome: str, spans: Sequence[slice], room: Callable[..., np.ndarray] = np.empty
) -> list[np.ndarray]:
    """Parts of an outcome [policy, path] along its paths.

    Raises:
      UserError: it is damaged, and where.
    """
    folder, name, rows = run.path, f"paths/{outcome}", [len(run.study.policies)]

    def of(store: Any) -> list[np.ndarray]:
        import zarr

        array: Any = zarr.open_array(store, path=name, mode="r", zarr_format=3)
        zarr_shards.refuse_other(array.shape, array.dtype.name, rows, spans)
        return [np.asarray(array[:, span]) for span in spans]

    with writing(folder):
        try:
            refuse_linked(folder, [f"{CUBE_FOLDER}/{name}/c/0/0"])
            found = zarr_shards.read(folder / CUBE_FOLDER / name, rows, BLOCK, spans, room)
            return of(_checked(folder)) if found is None else found
        except UNREADABLE as error:
            with suppress(*UNREADABLE):  # slower, and it says which file it is
                checked = _checked(folder)
                checked.due = {"paths": math.inf}
                of(checked)
            message = f"the cube cannot be read ({error}). See what is damaged: {command_line('verify', folder)}"
            raise UserError(str(folder), [message]) from error


def _spans(blocks: Sequence[Block]) -> list[slice]:
    """Ranges of paths that the blocks cover, neighbours joined."""
    spans: list[slice] = []
    for block in blocks:
        first = spans.pop().start if spans and spans[-1].stop == block.first else block.first
        spans.append(slice(first, block.first + block.count))
    return spans
