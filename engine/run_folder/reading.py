"""The cube read back: outcomes of every path, and the whole as a DataTree; the owner of zarr."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import UserError
from engine.run_folder import ledger
from engine.run_folder.cube import CUBE_FOLDER, ROOT, attributes
from engine.run_folder.cube_groups import described_paths
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import Part, Stored
from engine.storage import zarr_writer
from engine.storage.files import content_of, unsealed, writing
from engine.study.study import BLOCK, Block

if TYPE_CHECKING:
    import xarray as xr

HELD = 1 << 28
"""Bytes that all kept outcomes together may take for those that have been read to stay in memory."""


class Paths(Mapping[str, np.ndarray]):
    """Outcomes that are kept whole, by name: [policy, path] in the study's precision, read when asked for (see `HELD`).

    Args:
      folder: the run folder; the paths of its study are read, which may be fewer than are stored.
      blocks: only the paths of these, one after the other, each of one block or of a part of it; all of the study's if
        not given.
      room: allocates an array of a shape and a type.
    """

    def __init__(
        self, folder: RunFolder, blocks: Sequence[Block] | None = None, room: Callable[..., np.ndarray] = np.empty
    ):
        self._folder, self._names, self._room = folder, folder.study.keep.outcomes, room
        self._blocks = folder.study.blocks() if blocks is None else blocks
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
        values = _read(self._folder, name, self._blocks, self._room)
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
    return {name: _read(folder, name, [Block(path // BLOCK, path, 1)])[..., 0] for name in names}


def open_cube(folder: str | Path, by_dask: bool = True) -> xr.DataTree:
    """Returns the cube of a finished run as a DataTree that is read lazily; each file is compared with the ledger.

    Args:
      by_dask: whether its arrays are dask arrays; if not, each is read whole at its first use, and opening is faster.

    Raises:
      UserError: there is no cube, or its run is not finished, or it is damaged.
    """
    tree = open_tree(folder, by_dask)
    if tree.attrs.get("status") == "complete":
        return tree
    remedy = "Run the study again to finish it, or read the finished blocks with open_run(..., partial=True)."
    raise UserError(folder, [f"the run is not finished. {remedy}"])


def open_tree(folder: str | Path, by_dask: bool = True) -> xr.DataTree:
    """The cube of a run, finished or not, lazily; each file is compared with the ledger as it is read.

    Args:
      by_dask: as of `open_cube`.

    Raises:
      UserError: there is no cube, or it is damaged.
    """
    import xarray as xr

    from engine.storage.compared_store import ComparedStore

    cube = Path(folder) / CUBE_FOLDER
    if not cube.exists():
        raise UserError(folder, [f"expected a run folder, with a {CUBE_FOLDER} inside."])
    store = ComparedStore(cube, Comparison(Path(folder)))
    chunks: dict[str, int] | None = {} if by_dask else None
    return _numbered(xr.open_datatree(store, engine="zarr", chunks=chunks))  # type: ignore[arg-type]


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


@dataclass(frozen=True)
class Comparison:
    """Compares files of the cube in a run folder with its ledger."""

    folder: Path

    @cached_property
    def of_cube(self) -> Mapping[str, Stored]:
        """The files of the cube's own record; none where its root says that the run is not finished.

        Raises:
          UserError: the cube's root is missing or cannot be read.
        """
        with writing(self.folder):
            status = attributes(self.folder).get("status")
        if status is None:
            root = f"{CUBE_FOLDER}/{ROOT}"
            fault = ledger.OTHER_CONTENT if (self.folder / root).exists() else "missing"
            raise ledger.damaged(self.folder, root, fault)
        return {} if status == "incomplete" else self.files_of(ledger.CUBE)

    def files_of(self, part: Part) -> dict[str, Stored]:
        """The files that a part's record states; none where there is no sound record."""
        with writing(self.folder):
            return ledger.files_in(unsealed(ledger.record_file(self.folder, part)) or {})

    def __call__(self, key: str) -> None:
        """Raises a UserError where a file of the cube, by its place in it, is not what its record states."""
        name, block, recorded = f"{CUBE_FOLDER}/{key}", key.rpartition("/")[2], self.of_cube
        if block.isdecimal():  # a shard
            recorded = self.files_of(int(block))
            if self.of_cube and not recorded:
                raise ledger.damaged(self.folder, name, f"block {block} has no record")
        if name in recorded:
            ledger.content_of(self.folder, recorded[name])


def _read(
    run: RunFolder, outcome: str, blocks: Sequence[Block], room: Callable[..., np.ndarray] = np.empty
) -> np.ndarray:
    """An outcome [policy, path] on the paths of blocks, or of parts of them, one after the other.

    Raises:
      UserError: it is damaged, and where.
    """
    study, at = run.study, 0
    values: np.ndarray = room((len(study.policies), sum(block.count for block in blocks)), study.dtype)
    for block in blocks:
        name = f"{CUBE_FOLDER}/paths/{outcome}/c/0/{block.index}"
        with writing(run.path):
            try:
                into = values[:, at : at + block.count]
                zarr_writer.read_shard(content_of(run.path / name), into, block.first % BLOCK)
            except FileNotFoundError:
                raise ledger.damaged(run.path, name, "missing") from None
            except (ValueError, RuntimeError):
                raise ledger.damaged(run.path, name, ledger.OTHER_CONTENT) from None
        at += block.count
    return values
