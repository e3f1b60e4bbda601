"""The files of a zarr v3 store, put together in memory: labelled datasets of many small arrays, and shards of large ones.

By hand, though xarray and zarr write stores too: they write in place, so that a killed run leaves half a file behind, and take
milliseconds for every array, of which a cube has hundreds. What is in memory first can be hashed for the ledger, compared with what
is on disk, and put there whole or not at all; so a run resumes. It follows the specification of zarr v3
(https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html), and tests hold its bytes to those of xarray and zarr.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from google_crc32c import value as crc32c
from numcodecs.blosc import BITSHUFFLE, Blosc
from numcodecs.vlen import VLenUTF8
from numcodecs.zstd import Zstd

_ZSTD = {"level": 3, "checksum": True}
_BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
_INLINE: dict[str, Any] = {"kind": "inline", "must_understand": False}
# lz4 with bit shuffle costs no more time than writing plain floats and spares a sixth of the bytes (docs/cube.md);
# crc32c comes last, over what is on disk
_BLOSC: dict[str, Any] = {"cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "blocksize": 0}
_TEXT = {"name": "vlen-utf8", "configuration": {}}
# xarray's own spelling of the value that it masks when it reads floats
_MISSING = {"_FillValue": base64.b64encode(struct.pack("<d", np.nan)).decode()}


def group_files(dataset: xr.Dataset) -> dict[str, bytes]:
    """Content of the group's files by their place below the group; the same dataset gives the same bytes.

    Numbers keep their type, texts are variable-length UTF-8, chunks are zstd with a checksum.
    """
    variables, attributes = xr.conventions.encode_dataset_coordinates(dataset)
    files = {"zarr.json": group(attributes)}
    for name, variable in variables.items():
        files |= {f"{name}/{file}": content for file, content in _array_files(variable).items()}
    return files


def tree_files(groups: Mapping[str, xr.Dataset]) -> dict[str, bytes]:
    """As `group_files`, of several groups by their places below another, and of the groups that these are in."""
    files: dict[str, bytes] = {}
    for place, dataset in groups.items():
        for above in Path(place).parents[:-1]:
            files.setdefault(f"{above}/zarr.json", group({}))
        files |= {f"{place}/{name}": content for name, content in group_files(dataset).items()}
    return files


def sharded(
    shape: Sequence[int], dims: Sequence[str], span: int, attributes: Mapping[str, Any], kind: str = "float32"
) -> bytes:
    """Metadata of an array of floats of some kind whose last axis is cut into shards of `span`, with a chunk for each row.

    A shard that is missing reads as NaN, so that it does not look like a run without losses.
    """
    rows = list(shape[:-1])
    chunk = {
        "chunk_shape": [*(1 for _ in rows), span],
        "codecs": [
            _BYTES,
            {"name": "blosc", "configuration": {"typesize": np.dtype(kind).itemsize, **_BLOSC}},
            {"name": "crc32c"},
        ],
        "index_codecs": [_BYTES, {"name": "crc32c"}],
        "index_location": "end",
    }
    metadata = {
        "shape": list(shape),
        "data_type": kind,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [*rows, span]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "NaN",
        "codecs": [{"name": "sharding_indexed", "configuration": chunk}],
        "attributes": dict(attributes),
        "dimension_names": list(dims),
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }
    return as_json(metadata)


def shard(values: np.ndarray, span: int) -> bytes:
    """One shard of `sharded`: a chunk for each row of floats [row, path] or of the one row [path], NaN up to the span."""
    rows = np.full((*values.shape[:-1], span), np.nan, values.dtype)
    rows[..., : values.shape[-1]] = values
    codec = Blosc(**{**_BLOSC, "shuffle": BITSHUFFLE, "typesize": values.dtype.itemsize})
    chunks, index, at = [], b"", 0
    for row in rows.reshape(-1, span):
        packed = codec.encode(row)
        chunks.append(packed + struct.pack("<I", crc32c(packed)))
        index += struct.pack("<QQ", at, len(chunks[-1]))
        at += len(chunks[-1])
    return b"".join([*chunks, index, struct.pack("<I", crc32c(index))])


def group(attributes: Mapping[Any, Any]) -> bytes:
    """Metadata of a group."""
    return as_json({"attributes": dict(attributes), "zarr_format": 3, "node_type": "group"})


def root(attributes: Mapping[Any, Any], files: Mapping[str, bytes]) -> bytes:
    """Metadata of the root group with those of all below gathered in it: without them xarray warns at every open.

    Args:
      files: all others of the store, by their place.
    """
    gathered = {
        place.removesuffix("/zarr.json"): _known(json.loads(content))
        for place, content in sorted(files.items())
        if place.endswith("/zarr.json")
    }
    return as_json(
        {
            "attributes": dict(attributes),
            "zarr_format": 3,
            "consolidated_metadata": {**_INLINE, "metadata": gathered},
            "node_type": "group",
        }
    )


def _known(metadata: dict[str, Any]) -> dict[str, Any]:
    """As zarr writes a node into gathered metadata."""
    return (
        metadata | {"consolidated_metadata": {**_INLINE, "metadata": {}}}
        if metadata["node_type"] == "group"
        else metadata
    )


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
