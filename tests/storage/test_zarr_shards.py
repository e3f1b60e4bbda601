"""Shards read back by hand are what zarr reads, and what is not as it was written is not read."""

import numpy as np
import pytest
import zarr

from engine.storage import zarr_shards
from engine.storage.zarr_writer import shard, sharded

SPAN, LENGTH = 64, 150
PARTS = [slice(0, LENGTH), slice(0, SPAN), slice(10, 20), slice(60, 140), slice(149, 150), slice(5, 5)]


@pytest.fixture(params=[("float32", 2), ("float64", 0)])
def place(request, tmp_path):
    kind, rows = request.param
    shape = (rows, LENGTH) if rows else (LENGTH,)
    values = np.random.default_rng(1).normal(size=shape).astype(kind)
    dims = ["policy", "path"][-len(shape) :]
    folder = tmp_path / "c" / "0" if rows else tmp_path / "c"
    folder.mkdir(parents=True)
    (tmp_path / "zarr.json").write_bytes(sharded(shape, dims, SPAN, {"units": "1"}, kind))
    for k in (0, 2):  # the one between is not there
        (folder / str(k)).write_bytes(shard(values[..., k * SPAN : (k + 1) * SPAN], SPAN))
    return tmp_path, folder


def test_parts_are_those_that_zarr_reads(place):
    array = zarr.open_array(place[0], mode="r", zarr_format=3)
    for mine, part in zip(zarr_shards.read(place[0], SPAN, PARTS), PARTS, strict=True):
        theirs = np.asarray(array[..., part])
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


def test_every_changed_byte_is_met(place):
    file = place[1] / "0"
    content = file.read_bytes()
    for at in range(0, len(content), 7):
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises((ValueError, RuntimeError)):
            zarr_shards.read(place[0], SPAN, [slice(0, LENGTH)])
    file.write_bytes(content[:-1])
    with pytest.raises(ValueError, match="as it was written"):
        zarr_shards.read(place[0], SPAN, [slice(0, LENGTH)])


def test_another_layout_is_left_to_zarr(place):
    assert zarr_shards.read(place[0], SPAN // 2, [slice(0, 10)]) is None
