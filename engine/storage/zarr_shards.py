"""Reads sharded arrays as `zarr_writer` wrote them, without zarr, which takes longer to set up than to read."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from google_crc32c import value as crc32c
from numcodecs.blosc import Blosc

from engine.storage.regular_files import content_of
from engine.storage.zarr_writer import METADATA, sharded

SOUND = 0x48674BC7
"""crc32c of any bytes followed by their own crc32c (a constant, so that the checksum need not be cut off)."""
KINDS = "float32", "float64"
"""Types that the numbers of a sharded array may have."""


def read(
    place: Path, rows: Sequence[int], span: int, parts: Sequence[slice], room: Callable[..., np.ndarray] = np.empty
) -> list[np.ndarray] | None:
    """Parts of an array along its last axis; None where `zarr_writer.sharded` with `span` writes other metadata.

    Args:
      place: folder of the array.
      rows: its size along each of the other axes.
      span: length of a shard along the last axis.
      parts: slices of the last axis, within the array.
      room: allocates an array of a shape and a type.

    Raises:
      ValueError: its metadata, or a shard, are not as they were written.
      RuntimeError: a shard cannot be unpacked.
      OSError: the array is not there, or cannot be read.
    """
    content = content_of(place / "zarr.json", METADATA)
    about = json.loads(content)
    refuse_other(about["shape"], about["data_type"], rows, parts)
    length, kind = about["shape"][-1], np.dtype(about["data_type"])
    if content != sharded([*rows, length], about["dimension_names"], span, about["attributes"], kind.name):
        return None
    read_parts = []
    for part in parts:
        start, stop = part.start or 0, part.stop
        values: np.ndarray = room((*rows, stop - start), kind)
        flat = values.reshape(math.prod(rows), stop - start)
        for k in range(start // span, -(-stop // span)):
            begin, end = max(start - k * span, 0), min(stop - k * span, span)
            into = flat[:, k * span + begin - start : k * span + end - start]
            _fill(into, place.joinpath("c", *("0" for _ in rows), str(k)), span, begin)
        read_parts.append(values)
    return read_parts


def refuse_other(shape: Sequence[Any], kind: Any, rows: Sequence[int], parts: Sequence[slice]) -> None:
    """Refuses an array that has no floats or not the shape asked for, before memory is allocated for it.

    Raises:
      ValueError: it is such an array.
    """
    *own, length = shape
    asked = max((part.stop for part in parts), default=0)
    is_whole = all(type(size) is int for size in shape)
    if kind not in KINDS or not is_whole or own != [*rows] or length < asked:
        expected = f"expected {' or '.join(KINDS)} {[*rows, asked]} or more of the last"
        raise ValueError(f"{expected}, got {kind} {list(shape)}")


def _fill(into: np.ndarray, file: Path, span: int, begin: int) -> None:
    """Fills each row from its chunk in a shard, from index `begin` of that on; with NaN where the shard is missing."""
    try:
        content = content_of(file)
    except FileNotFoundError:
        into[:] = np.nan
        return
    index, size, end = 16 * len(into) + 4, span * into.itemsize, 0
    _refuse_unless(len(content) >= index and _is_sound(content[-index:]))
    for row, (at, length) in zip(into, struct.iter_unpack("<QQ", content[-index:-4]), strict=True):
        _refuse_unless(end <= at and at + length <= len(content) - index and length >= 20)
        end, packed = at + length, content[at : at + length]
        _refuse_unless(_is_sound(packed))
        unpacked_size, _, packed_size = struct.unpack_from("<III", packed, 4)
        _refuse_unless((unpacked_size, packed_size) == (size, length - 4))
        chunk = memoryview(packed)[:-4]
        if len(row) == span:
            Blosc().decode(chunk, out=row)
        else:
            unpacked = np.frombuffer(Blosc().decode(chunk), into.dtype)
            row[:] = unpacked[begin : begin + len(row)]


def _is_sound(content: bytes) -> bool:
    """Whether the last four bytes are the crc32c of those before them."""
    return bool(crc32c(content) == SOUND)


def _refuse_unless(as_written: bool) -> None:
    if not as_written:
        raise ValueError("a shard is not as it was written")
