"""A labelled dataset as the files of one zarr v3 group: many small arrays, each of a single chunk.

xarray and zarr take milliseconds for every array, and a cube has hundreds; here they are put together in memory, by
the specification of zarr v3 (https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html), as xarray encodes them.
"""

from __future__ import annotations

import base64
import json
import os
import struct
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numcodecs.vlen import VLenUTF8
from numcodecs.zstd import Zstd

from engine.ledger import sync

WRITERS = 16
"""Threads that write: what many of them force to the disk at once takes hardly longer than one file."""
_ZSTD = {"level": 3, "checksum": True}
_BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
_TEXT = {"name": "vlen-utf8", "configuration": {}}
# xarray's own spelling of the value that it masks when it reads floats
_MISSING = {"_FillValue": base64.b64encode(struct.pack("<d", np.nan)).decode()}


def group_files(dataset: xr.Dataset) -> dict[str, bytes]:
    """Content of the group's files by their place below the group; the same dataset gives the same bytes.

    Numbers keep their type, texts are variable-length UTF-8, chunks are zstd with a checksum.
    """
    variables, attributes = xr.conventions.encode_dataset_coordinates(dataset)
    files = {"zarr.json": _group(attributes)}
    for name, variable in variables.items():
        files |= {f"{name}/{file}": content for file, content in _array_files(variable).items()}
    return files


def tree_files(groups: Mapping[str, xr.Dataset]) -> dict[str, bytes]:
    """As `group_files`, of several groups by their places below another, and of the groups that these are in."""
    files: dict[str, bytes] = {}
    for place, dataset in groups.items():
        for above in Path(place).parents[:-1]:
            files.setdefault(f"{above}/zarr.json", _group({}))
        files |= {f"{place}/{name}": content for name, content in group_files(dataset).items()}
    return files


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes files by their place below a folder, which is made if it is missing, and forces them to the disk.

    Every folder between holds a file, as groups and arrays do.
    """
    folders = {folder / place for place in {os.path.dirname(name) for name in files}} | {folder}
    paths = [folder / name for name in files]
    for place in sorted(folders):
        place.mkdir(parents=True, exist_ok=True)
    for path, content in zip(paths, files.values(), strict=True):
        path.write_bytes(content)
    sync_all([*paths, *folders])


def sync_all(paths: Iterable[Path]) -> None:
    """Forces the content of many files and folders to the disk, as `ledger.sync` of each."""
    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(sync, paths))


def _group(attributes: Mapping[Any, Any]) -> bytes:
    return as_json({"attributes": dict(attributes), "zarr_format": 3, "node_type": "group"})


def _array_files(variable: xr.Variable) -> dict[str, bytes]:
    values = np.asarray(variable.values)
    is_text, is_float = values.dtype == object, values.dtype.kind == "f"
    shape = list(values.shape)
    metadata = {
        "shape": shape,
        "data_type": "string" if is_text else values.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
        # a chunk of five dimensions would lie in five folders one in the other
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": "" if is_text else "NaN" if is_float else 0,
        "codecs": [_TEXT if is_text else _BYTES, {"name": "zstd", "configuration": _ZSTD}],
        "attributes": {**variable.attrs, **(_MISSING if is_float else {})},
        **({"dimension_names": list(variable.dims)} if shape else {}),
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }
    flat = values.ravel()
    plain = VLenUTF8().encode(flat) if is_text else flat.astype(flat.dtype.newbyteorder("<")).tobytes()
    chunk = ".".join(["c", *("0" for _ in shape)])
    return {"zarr.json": as_json(metadata), chunk: bytes(Zstd(**_ZSTD).encode(plain))}


def as_json(value: Mapping[str, Any]) -> bytes:
    """Metadata as zarr writes them."""
    return json.dumps(value, indent=2).encode()
