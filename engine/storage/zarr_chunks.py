"""How a cube's array is chunked and compressed, from its metadata; and faults of a packed chunk, from its header."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import google_crc32c
import numpy as np
from numcodecs.zstd import Zstd
from zarr.core.metadata import ArrayV3Metadata

# Limits; after each colon, the value in a run of 10^6 paths under two policies
CHUNK = 256 << 20  # bytes of a chunk, unpacked: 0.5 MB; but summaries are one chunk, of up to tens of MB
SHARD, INNER = 1 << 30, 1 << 16  # bytes and chunks of a shard: 1 MB and 2
CHUNKS = 1 << 22  # chunks of an array, which dask lists: 16; 10^9 paths under a hundred policies: 0.8 million
TEXTS, TEXT = 1 << 14, 1 << 10  # texts in a chunk, and bytes of each on average: 31 and 10
_TYPES = r"string|bool|u?int(8|16|32|64)|float(32|64)"
# at most one compressor, so that its header states the size of what comes out
_PACKED = {True: ("vlen-utf8", "vlen-utf8 zstd"), False: ("bytes", "bytes zstd", "bytes blosc")}
_KEYS = [{"name": "default", "configuration": {"separator": separator}} for separator in "/."]
OTHER = "other content than was written"
_INDEX = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}], "end"


@dataclass(frozen=True)
class Layout:
    """How an array is chunked and compressed."""

    packing: str  # codecs without checksum: one of _PACKED
    is_summed: bool  # whether a crc32c of four bytes stands behind each chunk
    count: int  # elements of a chunk
    size: int  # bytes that a chunk unpacks to; of texts, at most
    inner: int  # chunks of a shard; 0 where each chunk is a file
    labels: int  # bytes that xarray loads as it opens the cube

    @property
    def most(self) -> int:
        """Most bytes of a packed chunk: incompressible data grow by less (zstd 1/256, blosc 16 bytes)."""
        return self.size + self.size // 256 + 1024

    @property
    def index(self) -> int:
        """Bytes of the index at the end of a shard: offset and length of each chunk, and a crc32c."""
        return 16 * self.inner + 4 if self.inner else 0


def array_layout(name: str, node: Mapping[str, Any]) -> tuple[Layout, list[str]]:
    """Layout of an array by its metadata (zarr v3 core specification), and a text on each that no cube here would have.

    Raises errors of many kinds where the metadata are malformed.
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


def chunk_fault(layout: Layout, packed: memoryview) -> str:
    """What is wrong with a packed chunk, by sizes, checksum and (for texts) their number; "" where nothing is."""
    body = packed[: len(packed) - 4 * layout.is_summed]
    first, _, packing = layout.packing.partition(" ")
    size = {"zstd": zstd_size, "blosc": blosc_size, "": len}[packing](body)
    if size is None or len(packed) > layout.most:
        return f"expected one {packing} chunk of at most {layout.most:,} bytes, got {len(packed):,} others"
    if size > layout.size or (size < layout.size and first == "bytes"):
        return f"expected {layout.size:,} bytes, unpacked, got {size:,}"
    if layout.is_summed and not is_summed_right(packed):
        return OTHER
    if first == "bytes" and (layout.is_summed or packing != "zstd"):
        return ""
    try:  # unpacks, for the frame's own checksum or the number of texts; the size in the header is checked by now
        unpacked = bytes(Zstd().decode(body) if packing else body)
    except RuntimeError:
        return OTHER
    # numcodecs allocates memory for as many texts as the chunk claims to have
    count = layout.count if first == "bytes" else int.from_bytes(unpacked[:4], "little")
    return "" if count == layout.count else f"expected {layout.count:,} texts, got {count:,}"


def is_summed_right(packed: memoryview) -> bool:
    """Whether the last four bytes are the crc32c of those before them."""
    return len(packed) >= 4 and google_crc32c.value(bytes(packed[:-4])) == int.from_bytes(packed[-4:], "little")


def zstd_size(packed: memoryview) -> int | None:
    """Bytes that a zstd frame unpacks to; None where it does not say or is not one whole frame (RFC 8878, 3.1.1).

    numcodecs unpacks all frames that follow one another, so the size in the first alone bounds nothing.
    """
    if len(packed) < 6 or bytes(packed[:4]) != b"\x28\xb5\x2f\xfd":
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
    """Byte ranges of a shard's chunks; None where they overlap or reach beyond the bytes before the index.

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
