"""A store to read an untrusted cube through: types, codecs and sizes are checked before a chunk is unpacked.

Written by hand, because no library does it. zarr trusts a store's metadata: 12 KB may unpack to 400 MB, one label may
stand for 10^12 numbers, a link may lead to any file. What is opened through `checked_store` unpacks to what its shapes
promise and to no byte more, and only what cubes are made of is let through. Metadata are read once and served from
memory, so that what is used is what was checked. The store is made from the abstract `Store` and not from zarr's
`WrapperStore`: that one hands on, past the checks, each way to read that a new zarr brings (`get_ranges`, `get_sync`);
here all of them come through `get`.

Not guarded against: wrong numbers with right checksums; results that are themselves too large (10^12 paths without a
shard); time; what xarray makes of attributes; errors in the decoders; changes to the folder while it is read.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore

from engine.errors import Problem, UserError
from engine.storage.regular_files import Irregular, size_below
from engine.storage.zarr_chunks import OTHER, Layout, array_layout, chunk_fault, held_chunks, is_summed_right
from engine.storage.zarr_writer import METADATA

# Limits; after each colon, the value in a run of 10^6 paths under two policies
DOCUMENT = METADATA  # bytes of a zarr.json, of all twice that; parsed they take up to twenty times it: 0.5 MB
NODES = 1 << 14  # groups and arrays: 400
LABELS = 64 << 20  # bytes of all labels, which xarray loads as it opens: 1 MB, as they are counted here
LISTED = 20  # problems in words
TOGETHER = 16  # documents that are read at the same time

_GROUP = {"attributes", "node_type", "zarr_format"}
_PLACE = re.compile(r"|(?!\.\.?(/|$))[^/\\\0]{1,255}(/(?!\.\.?(/|$))[^/\\\0]{1,255})*")
_CHUNK = re.compile(r"(.+)/c(?:[/.](\d+))*")
_MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_TRUST = "Open it with xarray alone if you trust whoever made it."
_MEND = "Copy the cube again; if that does not help, do not use it."


@dataclass(frozen=True)
class Whose:
    """How messages name a cube of the user's own, which can be repaired.

    Args:
      name: the run folder that the cube belongs to.
      prefix: place of the cube's files in that folder.
      remedy: how to repair a damaged file.
    """

    name: str
    prefix: str
    remedy: str


def checked_store(place: str | Path | Store, whose: Whose | None = None) -> CheckedStore:
    """A store to read a cube through: `xr.open_datatree(checked_store("cube.zarr"), engine="zarr", chunks={})`.

    It can be pickled. Reading from it raises a UserError that names the file where a chunk is not what its array says.

    Args:
      place: folder of a zarr v3 store, or a zarr store that tells sizes without reading (`getsize`).
      whose: how messages name a cube of the user's own; if not given, it is treated as somebody else's.

    Raises:
      UserError: no zarr v3 store, or one with metadata that no cube has; all problems, the first twenty in words.
    """
    if not isinstance(place, Store) and not Path(place).is_dir():
        raise UserError(str(place), ["expected the folder of a zarr v3 store, got none. Check the path."])
    store = place if isinstance(place, Store) else LocalStore(Path(place).resolve(), read_only=True)
    checked = CheckedStore(store, str(place), whose)
    sync(checked.inspect())
    return checked


# ---------------------------------------------------------------------------------------------- metadata


def _reason(error: Exception) -> str:
    return "JSON that is nested too deeply" if isinstance(error, RecursionError) else f"{error!r:.120}"


def nodes_in(place: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields a node and all nodes in its consolidated metadata, each with its place and without that metadata."""
    gathered = node.pop("consolidated_metadata", None)
    yield place, node
    for name, below in gathered["metadata"].items() if gathered else ():
        yield from nodes_in(f"{place}/{name}" if place else name, below)


# ---------------------------------------------------------------------------------------------- the store


class CheckedStore(Store):
    """A read-only zarr store that serves metadata as they were when checked, and checks each chunk as it is read.

    Of a cube of the user's own (`whose`) a chunk that is not there is reported too, and not read as NaN; of shards,
    which may be missing, the first ones of each array of a group, as many as `due` says by the group's name.
    """

    supports_writes = supports_deletes = False
    supports_listing = True

    def __init__(self, store: Store, name: str, whose: Whose | None = None):
        super().__init__(read_only=True)
        self._store, self._name, self._whose = store, name, whose
        self._root = os.path.realpath(store.root) if isinstance(store, LocalStore) else ""
        self._documents: dict[str, bytes] = {}
        self._layouts: dict[str, Layout] = {}
        self._labels, self._token = 0, secrets.token_hex()
        self.due: dict[str, float] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CheckedStore) and self._token == other._token

    def __dask_tokenize__(self) -> str:
        return self._token  # else dask hashes all metadata for each group

    async def inspect(self) -> None:
        """Reads and checks all metadata; raises a `UserError` with all problems."""
        await self._store._ensure_open()
        problems, nodes, room = list[Problem](), dict[str, Any](), 2 * DOCUMENT
        places, at = [""], 0
        while at < len(places):
            looked = places[at : at + TOGETHER]
            at += len(looked)
            read = await asyncio.gather(*map(self._document, looked))
            for place, (content, below, refused) in zip(looked, read, strict=True):
                problems += refused
                key, room = f"{place}/zarr.json".lstrip("/"), room - len(content)
                places += [f"{place}/{name}".lstrip("/") for name in below]
                if not content:
                    continue
                try:
                    for where, node in nodes_in(place, json.loads(content, parse_constant=str)):
                        if nodes.setdefault(where, node) != node:
                            problems.append(Problem(key, f"expected {where} as gathered above, got another"))
                except _MALFORMED as error:
                    problems.append(Problem(key, f"expected metadata of zarr v3, got {_reason(error)}"))
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
                faults = [f"expected metadata of zarr v3, got {_reason(error)}"]
            problems += [Problem(place or "/", fault) for fault in faults]
        if problems and self._whose:
            raise self._refusal(
                f"{problems[0].place.strip('/')}".removesuffix("zarr.json").rstrip("/") + "/zarr.json",
                problems[0].message,
            )
        if problems:
            problems[0] = Problem(problems[0].place, f"{problems[0].message}. {_TRUST}")
            more = [f"and {len(problems) - LISTED:,} more"] if len(problems) > LISTED else []
            raise UserError(self._name, [*problems[:LISTED], *more])

    async def _document(self, place: str) -> tuple[bytes, list[str], tuple[Problem, ...]]:
        """Metadata of a node, names below it if it is a group, and problems; all empty where there is no node."""
        key = f"{place}/zarr.json".lstrip("/")
        try:
            read = await self._bytes(key, default_buffer_prototype(), None, DOCUMENT)
            if read is None:
                return b"", [], ()
            content = self._documents[key] = read[0].to_bytes()
            is_group = json.loads(content, parse_constant=str)["node_type"] == "group"
        except UserError as error:
            return b"", [], error.problems
        except _MALFORMED as error:
            return b"", [], (Problem(key, f"expected metadata of zarr v3, got {_reason(error)}"),)
        if not (is_group and self._store.supports_listing):
            return content, [], ()
        return content, [name async for name in self._store.list_dir(place) if name != "zarr.json"], ()

    def _node_faults(self, place: str, node: dict[str, Any], above: Mapping[str, Any]) -> list[str]:
        """Reasons against reading a node, [] if there are none; stores the layout of an array."""
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

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
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
        read = await self._bytes(key, prototype, byte_range, most) if layout else None
        if named is None or layout is None:
            return None
        if read is None:
            is_due = not layout.inner or int(named[2] or 0) < self.due.get(key.partition("/")[0], 0)
            if self._whose and is_due:
                raise self._refusal(key, "missing")
            return None
        part, start, behind = read
        packed, chunks = memoryview(part.as_numpy_array().data), [slice(0, len(part))]
        if layout.inner and not behind:  # a shard or its index
            room = start + len(part) - layout.index
            held = held_chunks(packed[-layout.index :], room) if start in (0, room) and room >= 0 else None
            if held is not None and not is_summed_right(packed[-layout.index :]):
                raise self._refusal(key, OTHER)
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
        # zarr 3.4's own method asks for neighbouring chunks as one part, in which no header can be found
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
        """The wanted bytes of a file of at most `most`, their offset, and how many follow them; None without a file."""
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
        try:
            return size_below(self._root, key)
        except Irregular as error:
            raise self._refusal(key, str(error.strerror)) from error

    def _refusal(self, key: str, fault: str) -> UserError:
        if self._whose is None:
            return UserError(self._name, [Problem(key, f"{fault}. {_MEND}")])
        message = f"is damaged ({fault}). {self._whose.remedy}"
        return UserError(self._whose.name, [Problem(f"{self._whose.prefix}{key.lstrip('/')}", message)])
