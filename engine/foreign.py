"""A cube from someone else: its types, codecs and sizes are checked before a chunk is unpacked.

zarr believes what a store says of itself: 12 KB unpack to 400 MB, a label stands for 10^12 numbers, a link leads to any file.
What is opened through `checked_store` unpacks to what its shapes promise and to no byte more, and only what cubes are made of
is let through. Metadata are read once and served from memory, so that what is used is what was checked. The store is made from
the abstract `Store` and not from zarr's `WrapperStore`: that one hands on, past the checks, each way to read that a new zarr
brings (`get_ranges`, `get_sync`); here all of them come through `get`.

Not guarded against: wrong numbers with right checksums; results that are themselves too large (10^12 paths without a shard);
time; what xarray makes of attributes; errors in the decoders; and someone who changes the folder while it is read.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import secrets
import stat
import struct
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs.zstd import Zstd
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.core.metadata import ArrayV3Metadata
from zarr.core.sync import sync
from zarr.storage import LocalStore

from engine.errors import Problem, UserError

# Limits, and what a run of 10^6 paths under two policies has of it
DOCUMENT = 16 << 20  # bytes of a zarr.json, of all twice that; parsed they take up to twenty times it: 0.5 MB
NODES = 1 << 14  # groups and arrays: 400
CHUNK = 256 << 20  # bytes of a chunk, unpacked: 0.5 MB; but summaries are one chunk, of up to tens of MB
SHARD, INNER = 1 << 30, 1 << 16  # bytes and chunks of a shard: 1 MB and 2
CHUNKS = 1 << 22  # chunks of an array, which dask lists: 16; 10^9 paths under a hundred policies: 0.8 million
LABELS = 64 << 20  # bytes of all labels, which xarray loads as it opens: 1 MB, as they are counted here
TEXTS, TEXT = 1 << 14, 1 << 10  # texts in a chunk, and bytes of each on average: 31 and 10
LISTED = 20  # problems in words

_TYPES = r"string|bool|u?int(8|16|32|64)|float(32|64)"
# one compressor at most: what its header says is then all that comes out
_PACKED = {True: ("vlen-utf8", "vlen-utf8 zstd"), False: ("bytes", "bytes zstd", "bytes blosc")}
_GROUP = {"attributes", "node_type", "zarr_format"}
_KEYS = [{"name": "default", "configuration": {"separator": separator}} for separator in "/."]
_INDEX = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}], "end"
_PLACE = re.compile(r"|(?!\.\.?(/|$))[^/\\\0]{1,255}(/(?!\.\.?(/|$))[^/\\\0]{1,255})*")
_CHUNK = re.compile(r"(.+)/c([/.]\d+)*")
_MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_TRUST = "Open it with xarray alone if you trust whoever made it."
_MEND = "Copy the cube again; if that does not help, do not use it."


def checked_store(place: str | Path | Store) -> Store:
    """A store to read a cube through: `xr.open_datatree(checked_store("cube.zarr"), engine="zarr", chunks={})`.

    It can be pickled. Reading from it raises a UserError that names the file where a chunk is not what its array says.

    Args:
      place: folder of a zarr v3 store, or a zarr store that tells sizes without reading (`getsize`).

    Raises:
      UserError: no zarr v3 store, or one with metadata that no cube has; all problems, the first twenty in words.
    """
    if not isinstance(place, Store) and not Path(place).is_dir():
        raise UserError(str(place), ["expected the folder of a zarr v3 store, got none. Check the path."])
    store = place if isinstance(place, Store) else LocalStore(Path(place).resolve(), read_only=True)
    checked = CheckedStore(store, str(place))
    sync(checked.inspect())
    return checked


# ---------------------------------------------------------------------------------------------- metadata


@dataclass(frozen=True)
class Layout:
    """How an array is cut and packed."""

    packing: str  # codecs without checksum: one of _PACKED
    is_summed: bool  # whether a crc32c of four bytes stands behind each chunk
    count: int  # elements of a chunk
    size: int  # bytes that a chunk unpacks to; of texts, at most
    inner: int  # chunks of a shard; 0 where each chunk is a file
    labels: int  # bytes that xarray loads as it opens the cube

    @property
    def most(self) -> int:
        """Bytes of a packed chunk at most: what cannot be compressed grows by less (zstd 1/256, blosc 16 bytes)."""
        return self.size + self.size // 256 + 1024

    @property
    def index(self) -> int:
        """Bytes of the index at the end of a shard: offset and length of each chunk, and a crc32c."""
        return 16 * self.inner + 4 if self.inner else 0


def array_layout(name: str, node: Mapping[str, Any]) -> tuple[Layout, list[str]]:
    """How an array is packed, by its metadata (zarr v3 core specification), and what in them is not as in a cube.

    Raises errors of many kinds where they are malformed.
    """
    kind, shape, grid, codecs = (node[field] for field in ("data_type", "shape", "chunk_grid", "codecs"))
    outer, keys, fill = grid["configuration"]["chunk_shape"], node["chunk_key_encoding"], node["fill_value"]
    dims, transformers = node.get("dimension_names") or [], node.get("storage_transformers")
    inner, chain, index = outer, codecs, _INDEX
    is_sharded, is_text = codecs[0]["name"] == "sharding_indexed", kind == "string"
    if is_sharded:
        shards = codecs[0]["configuration"]
        inner, chain = shards["chunk_shape"], shards["codecs"]
        index = shards["index_codecs"], shards.get("index_location", "end")
    sizes = [*shape, *outer, *inner]
    if len(sizes) > 96 or not all(type(n) is int and 0 <= n < 1 << 63 for n in sizes) or 0 in outer + inner:
        raise ValueError(f"sizes {sizes}")
    packing, _, behind = " ".join(codec["name"] for codec in chain).partition(" crc32c")
    count, in_shard = math.prod(inner), math.prod(outer) // math.prod(inner)
    is_known, packings = re.fullmatch(_TYPES, str(kind)), _PACKED[is_text]
    item = TEXT + 4 if is_text else np.dtype(kind).itemsize if is_known else 0
    size, labels = count * item + 4 * is_text, shape[0] * item if dims == [name] else 0
    n_chunks = math.prod(-(-total // part) for total, part in zip(shape, inner, strict=True))
    is_whole = not any(whole % part for whole, part in zip(outer, inner, strict=True))
    is_plain = not is_sharded or (len(codecs) == 1 and not is_text)
    expected = (
        (is_known, f"data_type {_TYPES}", kind),
        (grid["name"] == "regular" and is_whole, "a regular grid of whole chunks", [grid, inner]),
        ([type(dim) for dim in dims] == [str] * len(shape), "a name for each dimension", dims),
        (keys in _KEYS, "default chunk keys", keys),
        (not transformers, "no storage_transformers", transformers),
        (packing in packings and not behind, f"codecs {' or '.join(packings)}, then crc32c or not", chain),
        (is_plain, "shards of numbers, not packed again", codecs),
        (index == _INDEX, "the index of shards at the end, as bytes (little) and crc32c", index),
        (len(str(fill)) <= TEXT, f"a fill_value of at most {TEXT:,} letters", fill),
        (count * is_text <= TEXTS, f"at most {TEXTS:,} texts in a chunk", f"{count:,}"),
        (size <= CHUNK, f"at most {CHUNK:,} bytes in a chunk", f"{size:,}"),
        (size * in_shard <= SHARD, f"at most {SHARD:,} bytes in a shard", f"{size * in_shard:,}"),
        (in_shard <= INNER, f"at most {INNER:,} chunks in a shard", f"{in_shard:,}"),
        (n_chunks <= CHUNKS, f"at most {CHUNKS:,} chunks", f"{n_chunks:,}"),
    )
    faults = [f"expected {what}, got {str(got)[:120]}" for holds, what, got in expected if not holds]
    if not faults:
        ArrayV3Metadata.from_dict(dict(node))  # the rest is left to zarr: names, types and configurations
    return Layout(packing, chain[-1]["name"] == "crc32c", count, size, in_shard * is_sharded, labels), faults


def nodes_in(place: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A node and those gathered in it, by their places; without what is gathered."""
    gathered = node.pop("consolidated_metadata", None)
    yield place, node
    for name, below in gathered["metadata"].items() if gathered else ():
        yield from nodes_in(f"{place}/{name}" if place else name, below)


# ---------------------------------------------------------------------------------------------- chunks


def chunk_fault(layout: Layout, packed: memoryview) -> str:
    """What is wrong with a packed chunk by its header, of texts also by their count; "" where nothing is."""
    body = packed[: len(packed) - 4 * layout.is_summed]
    first, _, packing = layout.packing.partition(" ")
    size = {"zstd": zstd_size, "blosc": blosc_size, "": len}[packing](body)
    if size is None or len(packed) > layout.most:
        return f"expected one {packing} chunk of at most {layout.most:,} bytes, got {len(packed):,} others"
    if size > layout.size or (size < layout.size and first == "bytes"):
        return f"expected {layout.size:,} bytes, unpacked, got {size:,}"
    if first == "bytes":
        return ""
    try:  # numcodecs makes room for as many texts as the chunk says there are
        count = int.from_bytes(bytes(Zstd().decode(body) if packing else body)[:4], "little")
    except RuntimeError as error:
        return f"expected one zstd chunk, got an error: {error}"
    return "" if count == layout.count else f"expected {layout.count:,} texts, got {count:,}"


def zstd_size(packed: memoryview) -> int | None:
    """Bytes that a zstd frame unpacks to; None where it does not say or is not one whole frame (RFC 8878, 3.1.1).

    numcodecs unpacks all frames that follow one another, so the size in the first alone bounds nothing.
    """
    if len(packed) < 6 or packed[:4] != b"\x28\xb5\x2f\xfd":
        return None
    flags, is_single = packed[4], packed[4] >> 5 & 1
    at, width = 6 - is_single + (0, 1, 2, 4)[flags & 3], (is_single, 2, 4, 8)[flags >> 6]
    size = int.from_bytes(packed[at : at + width], "little") + 256 * (width == 2)
    at += width
    while width and at + 3 <= len(packed):
        block = int.from_bytes(packed[at : at + 3], "little")
        at += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        if block & 1:
            return size if at + (flags & 4) == len(packed) else None
    return None


def blosc_size(packed: memoryview) -> int | None:
    """Bytes that a blosc chunk unpacks to; None where it is not as long as it says (c-blosc, README_CHUNK_FORMAT)."""
    if len(packed) < 16:
        return None
    unpacked, block, length = struct.unpack_from("<III", packed, 4)
    return unpacked if length == len(packed) and block <= unpacked else None


def held_chunks(index: memoryview, room: int) -> list[slice] | None:
    """Where the chunks of a shard lie; None where they overlap or lie outside of the bytes before the index.

    Args:
      index: offset and length of each, uint64, both at their maximum where it is missing; then a crc32c.
      room: bytes before the index.
    """
    entries = np.frombuffer(index[:-4], "<u8").reshape(-1, 2)
    held = entries[(entries != np.iinfo(np.uint64).max).any(axis=1)]
    held = held[held[:, 0].argsort(kind="stable")]
    if (held > room).any() or (held.sum(axis=1) > room).any() or (held[1:, 0] < held[:-1].sum(axis=1)).any():
        return None
    return [slice(at, at + length) for at, length in held.tolist()]


# ---------------------------------------------------------------------------------------------- the store


class CheckedStore(Store):
    """Metadata as they were when they were checked, and chunks once they are; for reading only (`checked_store`)."""

    supports_writes = supports_deletes = False
    supports_listing = True

    def __init__(self, store: Store, name: str):
        super().__init__(read_only=True)
        self._store, self._name = store, name
        self._root = os.path.realpath(store.root) if isinstance(store, LocalStore) else ""
        self._documents: dict[str, bytes] = {}
        self._layouts: dict[str, Layout] = {}
        self._labels, self._token = 0, secrets.token_hex()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CheckedStore) and self._token == other._token

    def __dask_tokenize__(self) -> str:
        return self._token  # else dask hashes all metadata for each group

    async def inspect(self) -> None:
        """Reads and checks all metadata; raises a UserError with all that is wrong with them."""
        await self._store._ensure_open()
        problems, nodes, places, room = list[Problem](), dict[str, Any](), [""], 2 * DOCUMENT
        for place in places:
            key = f"{place}/zarr.json".lstrip("/")
            try:
                found = await self._bytes(key, default_buffer_prototype(), None, DOCUMENT)
                if found is None:
                    continue
                content = self._documents[key] = found[0].to_bytes()
                for where, node in nodes_in(place, json.loads(content, parse_constant=str)):
                    if nodes.setdefault(where, node) != node:
                        problems.append(Problem(key, f"expected {where} as gathered above, got another"))
                room -= len(content)
                # far away each look takes its time, and what is gathered is all that is read there
                is_near = bool(self._root) or len(nodes) == 1
                if is_near and self._store.supports_listing and nodes[place]["node_type"] == "group":
                    names = [name async for name in self._store.list_dir(place) if name != "zarr.json"]
                    places += [f"{place}/{name}".lstrip("/") for name in names]
            except UserError as error:
                problems += error.problems
            except _MALFORMED as error:
                problems.append(Problem(key, f"expected metadata of zarr v3, got {error!r:.120}"))
            if room < 0 or max(len(nodes), len(places)) > NODES:
                limits = f"{NODES:,} groups and arrays in {2 * DOCUMENT:,} bytes"
                raise UserError(self._name, [f"expected at most {limits}, got more"])
        if not nodes and not problems:
            message = "expected a zarr v3 store, got no zarr.json. Is it a cube.zarr, and not of zarr v2?"
            raise UserError(self._name, [message])
        for place, node in nodes.items():
            try:
                faults = self._node_faults(place, node, nodes.get(place.rpartition("/")[0], {}))
            except _MALFORMED as error:
                faults = [f"expected metadata of zarr v3, got {error!r:.120}"]
            problems += [Problem(place or "/", fault) for fault in faults]
        if problems:
            problems[0] = Problem(problems[0].place, f"{problems[0].message}. {_TRUST}")
            more = [f"and {len(problems) - LISTED:,} more"] if len(problems) > LISTED else []
            raise UserError(self._name, [*problems[:LISTED], *more])

    def _node_faults(self, place: str, node: dict[str, Any], above: Mapping[str, Any]) -> list[str]:
        """What speaks against reading a node; the layout of an array is kept."""
        kind, attributes = node["node_type"], node.get("attributes", {})
        is_known = kind == "array" or (kind == "group" and node.keys() <= _GROUP)
        if not is_known or node["zarr_format"] != 3 or not isinstance(attributes, dict):
            return [f"expected a group or an array of zarr v3, got {str(node)[:120]}"]
        if not _PLACE.fullmatch(place) or above.get("node_type") != "group":
            return ["expected a plain name in a group, got another place"]
        if self._store.supports_listing and place and f"{place}/zarr.json" not in self._documents:
            return ["expected a zarr.json of its own too, got what is gathered at the root alone"]
        if kind == "group":
            return []
        layout, faults = array_layout(place.rpartition("/")[2], node)
        labels = self._labels + layout.labels
        if labels > LABELS:
            return [*faults, f"expected at most {LABELS:,} bytes of labels in all, got {labels:,}"]
        self._layouts[place], self._labels = layout, labels
        return faults

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """A file or a part of it, checked; None where there is none, which zarr takes for missing values.

        A part is one chunk of a shard or the shard's index: zarr asks for no other, and no other could be checked.

        Raises:
          UserError: it is not what the array's metadata say.
        """
        if key in self._documents:
            return prototype.buffer.from_bytes(self._documents[key])
        named = _CHUNK.fullmatch(key)
        layout = self._layouts.get(named[1]) if named else None
        most = max(layout.inner, 1) * layout.most + layout.index if layout else 0
        found = await self._bytes(key, prototype, byte_range, most) if layout else None
        if layout is None or found is None:
            return None
        part, start, behind = found
        packed, chunks = memoryview(part.as_numpy_array().data), [slice(0, len(part))]
        if layout.inner and not behind:  # a shard or its index
            room = start + len(part) - layout.index
            held = held_chunks(packed[-layout.index :], room) if start in (0, room) and room >= 0 else None
            if held is None:
                raise self._refusal(key, f"expected chunks and {layout.index:,} bytes of index, got others")
            chunks = [] if start else held
        for where in chunks:
            if fault := chunk_fault(layout, packed[where]):
                raise self._refusal(key, f"bytes {start + where.start:,} to {start + where.stop:,}: {fault}")
        return part

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return await asyncio.gather(*(self.get(key, prototype, wanted) for key, wanted in key_ranges))

    async def get_ranges(
        self, key: str, byte_ranges: Sequence[ByteRequest | None], *, prototype: BufferPrototype, **_: int
    ) -> AsyncIterator[Sequence[tuple[int, Buffer | None]]]:
        # zarr 3.4 itself would ask for neighbouring chunks as one part, whose headers stand anywhere
        parts = await self.get_partial_values(prototype, [(key, wanted) for wanted in byte_ranges])
        yield list(enumerate(parts))

    async def exists(self, key: str) -> bool:
        return await self.get(key, default_buffer_prototype()) is not None

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()

    async def delete(self, key: str) -> None:
        self._check_writable()

    def list(self) -> AsyncIterator[str]:
        return self._store.list()

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        return self._store.list_prefix(prefix)

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        return self._store.list_dir(prefix)

    async def _bytes(
        self, key: str, prototype: BufferPrototype, wanted: ByteRequest | None, most: int
    ) -> tuple[Buffer, int, int] | None:
        """Bytes of a file of at most so many, where they start, and how many are behind; None where there is no file."""
        try:
            size = self._file_size(key) if self._root else await self._store.getsize(key)
            start, stop = (wanted.start, wanted.end) if isinstance(wanted, RangeByteRequest) else (0, size)
            if isinstance(wanted, SuffixByteRequest | OffsetByteRequest):
                start = size - wanted.suffix if isinstance(wanted, SuffixByteRequest) else wanted.offset
            if not 0 < size <= most:
                expected, got = f"1 to {most:,} bytes", f"{size:,}" if size else "an empty file"
                raise self._refusal(key, f"expected {expected}, got {got}")
            if not 0 <= start < stop <= size:
                raise self._refusal(key, f"expected bytes {start:,} to {stop:,}, got a file of {size:,}")
            content = await self._store.get(key, prototype, RangeByteRequest(start, stop))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._refusal(key, f"expected a file that can be read, got {error}") from error
        if content is None or len(content) != stop - start:
            raise self._refusal(key, f"expected bytes {start:,} to {stop:,}, got others: the file changed")
        return content, start, size - stop

    def _file_size(self, key: str) -> int:
        path = os.path.join(self._root, *key.split("/"))
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or os.path.realpath(path) != path:
            raise self._refusal(key, "expected a file of the cube, got a link, a folder or a device")
        return status.st_size

    def _refusal(self, key: str, fault: str) -> UserError:
        return UserError(self._name, [Problem(key, f"{fault}. {_MEND}")])
