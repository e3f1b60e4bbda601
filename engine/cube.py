"""The labelled cube on disk: arrays of paths and draws, written block by block, and the summary groups at the end.

One shard of every stored variable per block, one file, one writer: zarr reads and rewrites a whole shard for anything
less (zarr-python #3682). Nothing in the cube tells when, where or by how many workers it was made. Layout and recipes:
`docs/cube.md`.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from engine import ledger
from engine.errors import UserError
from engine.ledger import sync, writing
from engine.reducers import cell_count
from engine.reserved import refuse_reserved
from engine.study import BLOCK, Block, Study
from engine.summaries import Summaries, described, described_value, groups, policies, words
from engine.zarr_files import WRITERS, as_json, sync_all, tree_files, write_files

HELD = 1 << 28
"""Bytes of outcomes that stay in memory once they are read, where all of them together are no more."""
# lz4 with bit shuffle costs no more time than writing plain floats and spares a sixth of the bytes (docs/cube.md);
# crc32c comes last, over what is on disk
_CODECS = (BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", typesize=4), Crc32cCodec())


# ---------------------------------------------------------------------------------------------- paths, by block


def create(folder: Path, study: Study) -> None:
    """Makes the cube's arrays, empty; where they are there already, brings them to the study's path count.

    The cube is marked incomplete until `write_summaries` has been through.

    Raises:
      UserError: a variable's name is taken by a dimension of the cube, or the folder cannot be written.
    """
    refuse_reserved(study)
    cube = _cube(folder)
    with writing(folder):
        if cube.exists():
            _extend_arrays(folder, study)
        else:
            begun = folder / "cube.partial"
            shutil.rmtree(begun, ignore_errors=True)
            _create_arrays(begun, study)
            sync_all([begun, *begun.rglob("*")])
            os.rename(begun, cube)
            sync(folder)
        _gather_metadata(folder)


def write_block(
    folder: Path, study: Study, block: Block, outcomes: np.ndarray, draws: Mapping[str, np.ndarray]
) -> list[Path]:
    """Files of the cube that now hold the block, on disk for good. The block's record is dropped before.

    Args:
      outcomes: float32 [policy, outcome, path], over all outcomes of the model in its order.
      draws: factor -> its draws, for as many of the block's paths as `kept_draws` says, or more; those beyond are
        not stored.

    Raises:
      ValueError: the block is no whole shard of this study.
    """
    if block.first != block.index * BLOCK or block not in study.blocks():
        raise ValueError(
            f"block {block}: a shard has one writer, so a block must be exactly one of the study's"
        )
    names = list(study.model.outcomes)
    expected = (len(study.policies), len(names), block.count)
    if outcomes.shape != expected or outcomes.dtype != np.float32:
        raise ValueError(f"outcomes: expected float32 {expected}, got {outcomes.dtype} {outcomes.shape}")
    values = {f"paths/{name}": outcomes[:, names.index(name)] for name in study.keep.outcomes}
    kept = kept_draws(study, block)
    values |= {f"draws/{item.name}": draws[item.name][:kept] for item in study.inputs if kept}
    with writing(folder):
        ledger.drop(folder, block)
        root = _open(folder)
        with ThreadPoolExecutor(WRITERS) as writers:
            return list(
                writers.map(lambda name: _write_shard(folder, root, name, block, values[name]), values)
            )


def _write_shard(folder: Path, root: zarr.Group, name: str, block: Block, values: np.ndarray) -> Path:
    """The file that holds the block's values [..., path], on disk for good; NaN on the paths that are missing."""
    shard = _shard(folder, name, block)
    # zarr reads the old shard before it writes, and over a torn one it would fail for ever
    shard.unlink(missing_ok=True)
    missing = block.count - values.shape[-1]
    if missing:
        values = np.pad(values, [*[(0, 0)] * (values.ndim - 1), (0, missing)], constant_values=np.nan)
    array = root[name]
    assert isinstance(array, zarr.Array)
    array[..., block.first : block.first + block.count] = values
    # up to the array: the first shard makes the folders too
    above = len(shard.relative_to(_cube(folder) / name).parts)
    for path in (shard, *shard.parents[:above]):
        sync(path)
    return shard


def kept_draws(study: Study, block: Block) -> int:
    """How many of the block's paths keep their draws."""
    return min(max(study.keep.draws - block.first, 0), block.count)


def read_paths(folder: Path, names: Sequence[str], n_paths: int) -> dict[str, np.ndarray]:
    """Stored outcomes by name, float32 [policy, path], for the first so many paths."""
    root = _open(folder, "r")
    return {name: np.asarray(root[f"paths/{name}"][:, :n_paths]) for name in names}  # type: ignore[index]


class Paths(Mapping[str, np.ndarray]):
    """Outcomes kept whole by name, float32 [policy, path], read when they are asked for; few enough stay in memory.

    Args:
      folder: the run folder.
      study: its study; of its paths those that are asked for.
    """

    def __init__(self, folder: Path, study: Study):
        self._folder, self._study = folder, study
        self._held: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        """One outcome of all paths."""
        if name not in self._study.keep.outcomes:
            raise KeyError(name)
        held = self._held.get(name)
        if held is not None:
            return held
        values = read_paths(self._folder, (name,), self._study.paths)[name]
        if values.nbytes * len(self) <= HELD:
            self._held[name] = values
        return values

    def __iter__(self) -> Iterator[str]:
        """Names in the order of the model."""
        return iter(self._study.keep.outcomes)

    def __len__(self) -> int:
        """How many outcomes are kept whole."""
        return len(self._study.keep.outcomes)


def read_path(folder: Path, names: Sequence[str], path: int) -> dict[str, np.ndarray]:
    """Stored outcomes of one path by name, float32 [policy]."""
    root = _open(folder, "r")
    return {name: np.asarray(root[f"paths/{name}"][:, path]) for name in names}  # type: ignore[index]


def bytes_needed(study: Study) -> int:
    """Bytes that a finished run folder takes at most: shards uncompressed, and the ledger with its tallies."""
    blocks = -(-study.paths // BLOCK)
    draw_blocks = -(-min(study.keep.draws, study.paths) // BLOCK)
    shards = (
        4
        * BLOCK
        * (blocks * len(study.policies) * len(study.keep.outcomes) + draw_blocks * len(study.inputs))
    )
    cells = len(study.policies) * len(study.years) * cell_count(study.model)
    tallies = len(study.policies) * (len(study.model.outcomes) - len(study.keep.outcomes)) << 16
    return shards + blocks * (tallies + 4096) + 8 * 80 * cells + (1 << 20)


def bytes_free(folder: Path) -> int:
    """Bytes free on the disk that the folder is, or will be, on."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def refuse_if_too_large(folder: Path, study: Study) -> None:
    """Raises a UserError where the disk has no room for the run, what the folder already holds counted as there."""
    held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    free, needed = bytes_free(folder), bytes_needed(study)
    if needed - held > free:
        message = (
            f"{study.paths:,} paths take {size(needed)} on disk, and there are {size(free)} free. "
            f"Ask for fewer paths, keep fewer outcomes, or choose another --out."
        )
        raise UserError(str(folder), [message])


def size(count: float) -> str:
    """Bytes as people read them: 1.2 GB."""
    for unit, scale in (("EB", 1e18), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count:,.0f} bytes"


def _cube(folder: Path) -> Path:
    return folder / "cube.zarr"


def _open(folder: Path, mode: Any = "r+") -> zarr.Group:
    return zarr.open_group(_cube(folder), mode=mode, use_consolidated=False)


def _shard(folder: Path, name: str, block: Block) -> Path:
    within = f"c/0/{block.index}" if name.startswith("paths/") else f"c/{block.index}"
    return _cube(folder) / name / within


def _stored_arrays(study: Study) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays that grow with the paths. Draws span all paths too; those not kept are absent chunks, NaN."""
    shapes: dict[str, tuple[int, ...]] = {
        f"paths/{name}": (len(study.policies), study.paths) for name in study.keep.outcomes
    }
    if study.keep.draws:
        shapes |= {f"draws/{item.name}": (study.paths,) for item in study.inputs}
    return shapes


def _create_arrays(place: Path, study: Study) -> None:
    root = zarr.create_group(place, attributes=_root_attributes(study))
    root.create_group(
        "draws",
        attributes={"comment": "factor draws of the first paths; NaN beyond", "kept": study.keep.draws},
    )
    outcomes = study.model.outcomes
    attributes = {f"paths/{name}": described_value(name, outcomes[name]) for name in study.keep.outcomes}
    for item in study.inputs:
        attributes[f"draws/{item.name}"] = described(item.about or words(item.name), item.unit)
    files: dict[str, bytes] = {}
    alike: dict[tuple[int, ...], dict[str, Any]] = {}
    for name, shape in _stored_arrays(study).items():
        if shape in alike:  # zarr takes milliseconds for each
            files[f"{name}/zarr.json"] = as_json({**alike[shape], "attributes": attributes[name]})
            continue
        root.create_array(
            name,
            shape=shape,
            dtype="float32",
            shards=(*shape[:-1], BLOCK),
            chunks=(*(1 for _ in shape[:-1]), BLOCK),
            compressors=_CODECS,
            fill_value=np.nan,  # a missing shard must not look like a run without losses
            dimension_names=("policy", "path") if len(shape) == 2 else ("path",),
            attributes=attributes[name],
        )
        alike[shape] = json.loads((place / name / "zarr.json").read_bytes())
    if study.keep.outcomes:
        about = {"comment": "outcomes of every path; path = number of the future, from 0"}
        labels = xr.Dataset(coords={"policy": policies(study)}, attrs=about)
        files |= tree_files({"paths": labels})
    write_files(place, files)


def _extend_arrays(folder: Path, study: Study) -> None:
    """Brings the arrays to the study's path count, and takes away what a crash has left."""
    cube = _cube(folder)
    for stray in cube.rglob("*.partial"):
        stray.unlink()
    root = _open(folder)
    root.update_attributes({"status": "incomplete"})  # which also drops the metadata gathered at the root
    for array, shape in _stored_arrays(study).items():
        held = root[array]
        assert isinstance(held, zarr.Array)
        if held.shape != shape:
            held.resize(shape)
            sync(cube / array / "zarr.json")
            sync(cube / array)


# ---------------------------------------------------------------------------------------------- summaries


def write_summaries(folder: Path, study: Study, summaries: Summaries) -> None:
    """Writes the summary groups and marks the cube complete, last. A crash leaves each group old, absent or whole."""
    cube, begun = _cube(folder), folder / "summaries.partial"
    with writing(folder):
        _open(folder).update_attributes({"status": "incomplete"})
        shutil.rmtree(begun, ignore_errors=True)
        written = tree_files(dict(groups(study, summaries)))
        write_files(begun, written)
        for name in {file.partition("/")[0]: None for file in written}:
            shutil.rmtree(cube / name, ignore_errors=True)
            os.rename(begun / name, cube / name)
        begun.rmdir()
        sync(cube)
        _open(folder).update_attributes({"status": "complete", "paths": study.paths})
        _gather_metadata(folder)


def is_finished(folder: Path, study: Study) -> bool:
    """Whether the folder holds the whole of this study: every block done, summaries written over all its paths."""
    if ledger.pending(folder, study):
        return False
    try:
        root = zarr.open_group(_cube(folder), mode="r")
    except (OSError, ValueError, KeyError):
        return False
    gathered = root.metadata.consolidated_metadata is not None
    return gathered and root.attrs.get("status") == "complete" and root.attrs.get("paths") == study.paths


def open_cube(folder: str | Path) -> xr.DataTree:
    """The cube of a run folder, lazily.

    Raises:
      UserError: there is no cube, or its run has not come to its end.
    """
    place = _cube(Path(folder))
    if not (place / "zarr.json").is_file():
        raise UserError(str(folder), ["expected a run folder, with a cube.zarr inside."])
    tree = xr.open_datatree(place, engine="zarr", chunks={})
    if tree.attrs.get("status") != "complete":
        raise UserError(
            str(folder), ["its run has not come to its end. Run the same command again to finish it."]
        )
    return tree


def attributes(folder: str | Path) -> dict[str, Any]:
    """What the cube of a run folder says of itself, `title`, `summary`, `status` and `paths` among it; empty if there is none."""
    try:
        return dict(json.loads((_cube(Path(folder)) / "zarr.json").read_bytes())["attributes"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _gather_metadata(folder: Path) -> None:
    """Metadata of all groups at the root: without it xarray warns at every open. Any change to the root drops it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        zarr.consolidate_metadata(_cube(folder), zarr_format=3)
    sync(_cube(folder) / "zarr.json")
    sync(_cube(folder))


def _root_attributes(study: Study) -> dict[str, Any]:
    try:
        made_by = version("rustbelt")
    except PackageNotFoundError:
        made_by = "unknown"
    return {
        "Conventions": "CF-1.11",
        "title": study.name,
        "summary": study.question,
        "source": f"rustbelt {made_by}, model {study.model_name} {study.model_digest[:12]}",
        "id": f"{study.name}-{study.fingerprint}",
        "sampler": study.sampler,
        "seed": study.seed,
        "independent_unit": study.unit,
        "block": BLOCK,
        "status": "incomplete",
    }
