"""The files of a zarr v3 store, made in memory: labelled datasets of many small arrays, and shards of large arrays.

Written by hand, because xarray and zarr write in place, so that a killed run leaves half a file behind, and take
milliseconds for each of the hundreds of arrays of a cube. Files put together in memory can be hashed for the ledger,
compared with those on the disk, and written whole or not at all; so a run can resume. It follows the specification of
zarr v3 (https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html), and tests compare its bytes with those that
xarray and zarr write.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from google_crc32c import value as crc32c
from numcodecs.blosc import BITSHUFFLE, Blosc
from numcodecs.vlen import VLenUTF8
from numcodecs.zstd import Zstd

SOUND = 0x48674BC7
"""crc32c of any bytes followed by their own crc32c (a constant, so that the checksum need not be cut off)."""
_ZSTD = {"level": 3, "checksum": True}
_BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
_INLINE: dict[str, Any] = {"kind": "inline", "must_understand": False}
# lz4 with bit shuffle costs no more time than writing plain floats and spares a sixth of the bytes (docs/cube.md);
# crc32c comes last, over what is on disk
_BLOSC: dict[str, Any] = {"cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "blocksize": 0}
_TEXT = {"name": "vlen-utf8", "configuration": {}}
# the value that xarray reads as missing in arrays of floats, spelled as xarray writes it
_MISSING = {"_FillValue": base64.b64encode(struct.pack("<d", np.nan)).decode()}


class Variable(NamedTuple):
    """An array with its dimension names and attributes; xarray, not imported here, accepts it as a variable."""

    dims: tuple[str, ...]
    values: np.ndarray
    attrs: dict[str, Any]


class Group(NamedTuple):
    """The labelled variables of one group, the arguments of `xarray.Dataset(*group)`."""

    data_vars: Mapping[str, Variable]
    coords: Mapping[str, Variable]
    attrs: dict[str, Any]


def group_files(group_of: Group) -> dict[str, bytes]:
    """Content of a group's files by their place below the group; the same group gives the same bytes.

    Numbers keep their type, texts are variable-length UTF-8, chunks are zstd with a checksum.
    """
    labels, attributes, files = group_of.coords, dict(group_of.attrs), dict[str, bytes]()
    dims = {dim for variable in (*group_of.data_vars.values(), *labels.values()) for dim in variable.dims}
    # by the CF conventions a variable names those of its coordinates that are no dimension
    left = beside = sorted(labels.keys() - dims)
    for name, variable in group_of.data_vars.items():
        own = [label for label in beside if {*labels[label].dims} <= {*variable.dims}]
        left = [label for label in left if label not in own]
        files |= _array_files(name, variable, own)
    for name, label in labels.items():
        files |= _array_files(name, label)
    if left:
        attributes["coordinates"] = " ".join(left)
    return {"zarr.json": group(attributes), **files}


def tree_files(groups: Mapping[str, Group]) -> dict[str, bytes]:
    """As `group_files`, for several groups by their places below a root, and for the groups between."""
    files: dict[str, bytes] = {}
    for place, of_place in groups.items():
        for above in Path(place).parents[:-1]:
            files.setdefault(f"{above}/zarr.json", group({}))
        files |= {f"{place}/{name}": content for name, content in group_files(of_place).items()}
    return files


def sharded(
    shape: Sequence[int], dims: Sequence[str], span: int, attributes: Mapping[str, Any], kind: str = "float32"
) -> bytes:
    """Metadata of an array of floats whose last axis is cut into shards of `span`, each with one chunk per row.

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
    sharding = [{"name": "sharding_indexed", "configuration": chunk}]
    return _array(shape, dims, [*rows, span], "/", kind, "NaN", sharding, attributes)


def shard(values: np.ndarray, span: int) -> bytes:
    """One shard of `sharded`, a chunk per row, from floats [row, path] or [path], filled with NaN up to the span."""
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


def read_shard(content: bytes, into: np.ndarray, begin: int) -> None:
    """Fills each row of an array from its chunk of a shard, as `shard` wrote it, from an index of the chunk on.

    Written by hand, as zarr takes longer to import than a run takes to read.

    Raises:
      ValueError: the shard is not as it was written.
    """
    index = content[-16 * len(into) - 4 :]
    _refuse_unless_sound(index)
    for row, (at, length) in zip(into, struct.iter_unpack("<QQ", index[:-4]), strict=True):
        chunk = content[at : at + length]
        _refuse_unless_sound(chunk)
        row[:] = np.frombuffer(Blosc().decode(chunk[:-4]), into.dtype)[begin : begin + len(row)]


def _refuse_unless_sound(content: bytes) -> None:
    if crc32c(content) != SOUND:
        raise ValueError("a shard is not as it was written")


def group(attributes: Mapping[Any, Any]) -> bytes:
    """Metadata of a group."""
    return as_json(_group(attributes))


def _group(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    return {"attributes": dict(attributes), "zarr_format": 3, "node_type": "group"}


def root(attributes: Mapping[Any, Any], files: Mapping[str, bytes]) -> bytes:
    """Metadata of the root group with consolidated metadata, without which xarray warns whenever it opens the store.

    Args:
      files: all other files of the store, by their place.
    """
    nodes = {}
    for place, content in sorted(files.items()):
        if place.endswith("/zarr.json"):
            node = nodes[place.removesuffix("/zarr.json")] = json.loads(content)
            if node["node_type"] == "group":
                node["consolidated_metadata"] = {**_INLINE, "metadata": {}}
    consolidated = {**_INLINE, "metadata": nodes}
    return as_json({**_group(attributes), "consolidated_metadata": consolidated})


def _array_files(name: str, variable: Variable, beside: Sequence[str] = ()) -> dict[str, bytes]:
    """Files of an array of one chunk by their place below the group.

    Args:
      beside: names of its coordinates that are no dimension.
    """
    dims, values, attributes = variable
    is_text, is_float, shape = values.dtype == object, values.dtype.kind == "f", values.shape
    codecs = [_TEXT if is_text else _BYTES, {"name": "zstd", "configuration": _ZSTD}]
    fill = "" if is_text else "NaN" if is_float else 0
    coordinates = {"coordinates": " ".join(beside)} if beside else {}
    about = {**attributes, **coordinates, **(_MISSING if is_float else {})}
    # with "/" a chunk of five dimensions would lie in five nested folders
    kind = "string" if is_text else values.dtype.name
    metadata = _array(shape, dims, shape, ".", kind, fill, codecs, about)
    flat = values.ravel()
    plain = VLenUTF8().encode(flat) if is_text else flat.astype(flat.dtype.newbyteorder("<")).tobytes()
    chunk = ".".join(["c", *("0" for _ in shape)])
    return {f"{name}/zarr.json": metadata, f"{name}/{chunk}": bytes(Zstd(**_ZSTD).encode(plain))}


def _array(
    shape: Sequence[int],
    dims: Sequence[str],
    chunk: Sequence[int],
    separator: str,
    kind: str,
    fill: str | int,
    codecs: Sequence[Mapping[str, Any]],
    attributes: Mapping[str, Any],
) -> bytes:
    """Metadata of an array, with the keys of the zarr v3 specification."""
    metadata = {
        "shape": shape,
        "data_type": kind,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": separator}},
        "fill_value": fill,
        "codecs": codecs,
        "attributes": attributes,
        **({"dimension_names": dims} if dims else {}),
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }
    return as_json(metadata)


def as_json(value: Mapping[str, Any]) -> bytes:
    """The bytes of metadata."""
    return json.dumps(value).encode()
