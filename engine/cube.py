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
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from engine import ledger
from engine.errors import UserError
from engine.ledger import sync, writing
from engine.reducers import cell_count
from engine.study import BLOCK, Block, Study
from engine.summaries import Summaries, described, described_value, groups, policies, words

_RESERVED = {
    "policy",
    "path",
    "measure",
    "level",
    "stat",
    "year",
    "quantile",
    "moment",
    "bin",
    "edge",
    "outcome",
}
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
    _refuse_reserved(study)
    cube = _cube(folder)
    with writing(folder):
        if not cube.exists():
            begun = folder / "cube.partial"
            shutil.rmtree(begun, ignore_errors=True)
            _create_arrays(begun, study)
            _sync_tree(begun)
            os.rename(begun, cube)
            sync(folder)
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
    for item in study.inputs if kept else ():
        padded = np.full(block.count, np.nan, np.float32)
        padded[:kept] = draws[item.name][:kept]
        values[f"draws/{item.name}"] = padded
    with writing(folder):
        ledger.drop(folder, block)
        root = _open(folder)
        shards = []
        for name, part in values.items():
            shard = _shard(folder, name, block)
            # zarr reads the old shard before it writes, and over a torn one it would fail for ever
            shard.unlink(missing_ok=True)
            array = root[name]
            assert isinstance(array, zarr.Array)
            array[..., block.first : block.first + block.count] = part
            sync(shard)
            for parent in shard.parents:  # up to the array: the first shard makes the folders too
                sync(parent)
                if parent == _cube(folder) / name:
                    break
            shards.append(shard)
    return shards


def kept_draws(study: Study, block: Block) -> int:
    """How many of the block's paths keep their draws."""
    return min(max(study.keep.draws - block.first, 0), block.count)


def read_paths(folder: Path, names: Sequence[str], n_paths: int) -> dict[str, np.ndarray]:
    """Stored outcomes by name, float32 [policy, path], for the first so many paths."""
    root = _open(folder, "r")
    return {name: np.asarray(root[f"paths/{name}"][:, :n_paths]) for name in names}  # type: ignore[index]


def read_path(folder: Path, names: Sequence[str], path: int) -> dict[str, np.ndarray]:
    """Stored outcomes of one path by name, float32 [policy]."""
    root = _open(folder, "r")
    return {name: np.asarray(root[f"paths/{name}"][:, path]) for name in names}  # type: ignore[index]


def bytes_needed(study: Study) -> int:
    """Bytes that a finished run folder takes at most: shards uncompressed, and the ledger."""
    blocks = -(-study.paths // BLOCK)
    draw_blocks = -(-min(study.keep.draws, study.paths) // BLOCK)
    shards = (
        4
        * BLOCK
        * (blocks * len(study.policies) * len(study.keep.outcomes) + draw_blocks * len(study.inputs))
    )
    cells = len(study.policies) * len(study.years) * cell_count(study.model)
    return shards + blocks * (8 * 7 * cells + 4096) + 8 * 80 * cells + (1 << 20)


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
        "paths", attributes={"comment": "outcomes of every path; path = number of the future, from 0"}
    )
    root.create_group(
        "draws",
        attributes={"comment": "factor draws of the first paths; NaN beyond", "kept": study.keep.draws},
    )
    outcomes = study.model.outcomes
    attributes = {f"paths/{name}": described_value(name, outcomes[name]) for name in study.keep.outcomes}
    for item in study.inputs:
        attributes[f"draws/{item.name}"] = described(item.about or words(item.name), item.unit)
    for name, shape in _stored_arrays(study).items():
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
            config={"write_empty_chunks": True},
        )
    _write_group(place, "paths", xr.Dataset(coords={"policy": policies(study)}), mode="a")


def _refuse_reserved(study: Study) -> None:
    tables = {"outcome": study.model.outcomes, "yearly variable": getattr(study.model, "yearly", {})}
    tables["factor"] = {item.name: item for item in study.inputs}
    tables["event"] = {event.name: event for event in study.events}
    problems = [
        f"the {kind} '{name}' has the name of a dimension of the cube. Choose another name."
        for kind, table in tables.items()
        for name in table
        if name in _RESERVED or name in study.model.dims or "/" in name
    ]
    problems += [
        f"the dimension '{dim}' has the name of a dimension of the cube. Choose another name."
        for dim in study.model.dims
        if dim in _RESERVED
    ]
    problems += [
        f"the event '{event.name}' has the name of an outcome. Choose another name."
        for event in study.events
        if event.name in study.model.outcomes
    ]
    if problems:
        raise UserError(study.source, problems)


# ---------------------------------------------------------------------------------------------- summaries


def write_summaries(folder: Path, study: Study, summaries: Summaries) -> None:
    """Writes the summary groups and marks the cube complete, last. A crash leaves each group old, absent or whole."""
    cube, begun = _cube(folder), folder / "summaries.partial"
    with writing(folder):
        _open(folder).update_attributes({"status": "incomplete"})
        shutil.rmtree(begun, ignore_errors=True)
        zarr.create_group(begun)
        written = dict(groups(study, summaries))
        for name, group in written.items():
            _write_group(begun, name, group, mode="w")
        _sync_tree(begun)
        for name in {name.partition("/")[0]: None for name in written}:
            shutil.rmtree(cube / name, ignore_errors=True)
            os.rename(begun / name, cube / name)
        shutil.rmtree(begun)
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


def _write_group(place: Path, name: str, group: xr.Dataset, mode: Any) -> None:
    checked = {"compressors": (ZstdCodec(level=3, checksum=True),)}
    encoding = {name: checked for name in group.variables}
    group.to_zarr(place, group=name, mode=mode, consolidated=False, zarr_format=3, encoding=encoding)


def _sync_tree(place: Path) -> None:
    for path in place.rglob("*"):
        sync(path)
    sync(place)


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
