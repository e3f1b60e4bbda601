"""Shards read back by hand are what zarr reads, and what is not as it was written is not read."""

import struct

import numpy as np
import pytest
import zarr
from google_crc32c import value as crc32c

from engine.storage import zarr_shards
from engine.storage.zarr_writer import shard, sharded

SPAN, LENGTH = 64, 150
WHOLE = [slice(0, LENGTH)]
PARTS = [*WHOLE, slice(0, SPAN), slice(10, 20), slice(60, 140), slice(149, 150), slice(5, 5)]
DIMS = ["policy", "path"]


@pytest.fixture(params=[("float32", 2), ("float64", 0)])
def place(request, tmp_path):
    """The array's folder, that of its shards, and how many rows it has along its other axes."""
    kind, count = request.param
    rows = [count] if count else []
    values = np.random.default_rng(1).normal(size=(*rows, LENGTH)).astype(kind)
    folder = tmp_path / "c" / "0" if rows else tmp_path / "c"
    folder.mkdir(parents=True)
    about = sharded(values.shape, DIMS[-values.ndim :], SPAN, {"units": "1"}, kind)
    (tmp_path / "zarr.json").write_bytes(about)
    for k in (0, 2):  # the one between is not there
        (folder / str(k)).write_bytes(shard(values[..., k * SPAN : (k + 1) * SPAN], SPAN))
    return tmp_path, folder, rows


def test_parts_are_those_that_zarr_reads(place):
    array = zarr.open_array(place[0], mode="r", zarr_format=3)
    for mine, part in zip(zarr_shards.read(place[0], place[2], SPAN, PARTS), PARTS, strict=True):
        theirs = np.asarray(array[..., part])
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


def test_every_changed_byte_is_met(place):
    file = place[1] / "0"
    content = file.read_bytes()
    for at in range(len(content)):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises((ValueError, RuntimeError)):
            zarr_shards.read(place[0], place[2], SPAN, WHOLE)
    file.write_bytes(content[:-1])
    with pytest.raises(ValueError, match="a shard"):
        zarr_shards.read(place[0], place[2], SPAN, WHOLE)


MOST = 2**64 - 1


@pytest.mark.parametrize(
    "entry",
    [
        lambda at, length, end: (at, end - at + 1),
        lambda at, length, end: (at, length + 1),
        lambda at, length, end: (at + 1, length),
        lambda at, length, end: (end, length),
        lambda at, length, end: (end + 1, length),
        lambda at, length, end: (at, 0),
        lambda at, length, end: (at, MOST),
        lambda at, length, end: (MOST, length),
        lambda at, length, end: (MOST, MOST),
        lambda at, length, end: (2**63, 2**63),
    ],
)
def test_chunks_that_lie_elsewhere_are_refused(place, entry):
    """By an index whose own checksum is right."""
    size = 16 * (place[2] or [1])[0] + 4
    file = place[1] / "0"
    content = file.read_bytes()
    packed, last = content[:-size], content[-20:-4]
    index = content[-size:-20] + struct.pack("<QQ", *entry(*struct.unpack("<QQ", last), len(packed)))
    file.write_bytes(packed + index + struct.pack("<I", crc32c(index)))
    with pytest.raises(ValueError, match="a shard"):
        zarr_shards.read(place[0], place[2], SPAN, WHOLE)


def test_rows_of_the_same_chunk_are_refused(tmp_path):
    """By an index whose own checksum is right, and which stays within the shard."""
    (tmp_path / "c" / "0").mkdir(parents=True)
    (tmp_path / "zarr.json").write_bytes(sharded([2, SPAN], DIMS, SPAN, {}))
    content = shard(np.random.default_rng(1).normal(size=(2, SPAN)).astype(np.float32), SPAN)
    index = 2 * content[-36:-20]
    (tmp_path / "c" / "0" / "0").write_bytes(content[:-36] + index + struct.pack("<I", crc32c(index)))
    with pytest.raises(ValueError, match="a shard"):
        zarr_shards.read(tmp_path, [2], SPAN, [slice(0, SPAN)])


@pytest.mark.parametrize("kind", ["int64", "object", "float16", "complex64"])
def test_other_numbers_than_floats_are_refused(place, kind):
    about = sharded([*place[2], LENGTH], DIMS[-1 - len(place[2]) :], SPAN, {}, kind)
    (place[0] / "zarr.json").write_bytes(about)
    for file in place[1].iterdir():
        file.unlink()
    with pytest.raises(ValueError, match=f"float32 or float64 .* {kind}"):
        zarr_shards.read(place[0], place[2], SPAN, WHOLE)


@pytest.mark.parametrize("shape", [[1 << 40, LENGTH], [2, 1, LENGTH], [2, LENGTH - 1], [2, -1], [2.0, LENGTH]])
def test_another_shape_is_refused_before_memory_is_taken(tmp_path, shape):
    (tmp_path / "zarr.json").write_bytes(sharded(shape, DIMS, SPAN, {}))
    with pytest.raises(ValueError, match=r"float32 or float64 .*2, 150"):
        zarr_shards.read(tmp_path, [2], SPAN, WHOLE)


def test_another_layout_is_left_to_zarr(place):
    assert zarr_shards.read(place[0], place[2], SPAN // 2, [slice(0, 10)]) is None
