"""Chunks of cubes from elsewhere: every attack is refused before it costs memory, and a changed byte is noticed."""

import functools
import os
import re
import struct

import dask
import pytest
import zarr
from hypothesis import given, settings, strategies as st
from numcodecs.zstd import Zstd
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from engine.errors import UserError
from engine.storage.zarr_checked import Whose, checked_store
from engine.storage.zarr_chunks import held_chunks, zstd_size
from tests.storage.foreign import (
    BOMB,
    LABELS,
    NUMBERS,
    PATHS,
    SHARD,
    blosc_bomb,
    loaded,
    opened,
    packed,
    refused,
    shard_of,
    zstd_bomb,
)

# ---------------------------------------------------------------------------------------------- chunks


def test_the_bombs_are_real():
    """Small ones unpack to what they were made to; numcodecs also unpacks what follows a frame."""
    assert Zstd().decode(zstd_bomb(300_000, 300_000)) == bytes(300_000)
    assert len(Zstd().decode(Zstd().encode(b"1" * 24) + zstd_bomb(300_000, 300_000))) == 300_024
    assert len(zstd_bomb(BOMB, BOMB)) < 13_000


CHUNKS = {
    "zstd": (NUMBERS, zstd_bomb(BOMB, BOMB), "expected 16,000 bytes, unpacked, got 400,000,000"),
    "zstd that says less": (NUMBERS, zstd_bomb(BOMB, 16_000), "other content"),
    "zstd behind an honest frame": (
        NUMBERS,
        Zstd().encode(b"1" * 16_000) + zstd_bomb(BOMB, BOMB),
        "expected one zstd chunk",
    ),
    "zstd without a size": (NUMBERS, zstd_bomb(BOMB), "expected one zstd chunk"),
    "zstd behind what is skipped": (NUMBERS, b"\x50\x2a\x4d\x18\0\0\0\0" + zstd_bomb(BOMB, BOMB), "expected one zstd"),
    "zstd cut off": (NUMBERS, Zstd().encode(b"1" * 16_000)[:-3], "expected one zstd chunk"),
    "too few bytes": (NUMBERS, Zstd().encode(b"1" * 16), "expected 16,000 bytes, unpacked, got 16"),
    "no zstd": (NUMBERS, b"something else", "expected one zstd chunk"),
    "empty": (NUMBERS, b"", "got an empty file"),
    "texts": (LABELS, zstd_bomb(BOMB, BOMB), "expected 16,452 bytes, unpacked, got 400,000,000"),
    "a number of texts": (LABELS, Zstd().encode(struct.pack("<II", 2**32 - 1, 0)), "16 texts, got 4,294,967,295"),
    "garbled texts": (LABELS, zstd_bomb(BOMB, 100), "other content"),
    "empty shard": (SHARD, b"", "got an empty file"),
    "blosc": (SHARD, shard_of(packed(), blosc_bomb(BOMB)), "256 bytes, .* 400,000,000"),
    "blosc that says less": (SHARD, shard_of(packed(), blosc_bomb(4)), "one blosc chunk"),
    "blosc beyond its end": (
        SHARD,
        shard_of(packed()[:12] + b"\xff\xff\0\0" + packed()[16:], packed()),
        "one blosc chunk",
    ),
    "blosc of nothing": (SHARD, shard_of(b"", packed()), "one blosc chunk"),
    "index beyond the file": (SHARD, shard_of(packed(), entries=[(0, 1 << 40), (0, 4)]), "and 36 bytes"),
    "index that wraps": (SHARD, shard_of(packed(), entries=[(2**64 - 9, 20), (0, 4)]), "and 36 bytes"),
    "chunks on one another": (SHARD, shard_of(packed(), entries=[(0, 20), (8, 20)]), "and 36 bytes"),
    "a chunk that is the index": (SHARD, shard_of(packed(), entries=[(0, 20), (36, 36)]), "and 36 bytes"),
    "half of an index": (SHARD, shard_of(packed(), packed())[-20:], "and 36 bytes|bytes -"),
    "no shard": (SHARD, os.urandom(200), "and 36 bytes"),
}


@pytest.mark.parametrize("how", ["whole", "part"])
@pytest.mark.parametrize("attack", CHUNKS)
def test_chunks_that_are_not_what_the_array_says_are_refused(cube, attack, how):
    key, content, message = CHUNKS[attack]
    (cube / key).write_bytes(content)
    place = key.partition("/c/")[0]

    def read():
        array = zarr.open_group(checked_store(cube), mode="r")[place]
        return [array[...]] if how == "whole" else [array[row] for row in range(2)]

    error = refused(read, re.escape(key) + ": .*(" + message + ")")
    assert error.source == str(cube) and "cube again" in str(error)


@pytest.mark.parametrize("key", [NUMBERS, SHARD])
def test_a_flipped_byte_is_refused_wherever_it_is_and_named_as_its_owner_mends_it(cube, key):
    content = (cube / key).read_bytes()
    place = key.partition("/c/")[0]
    for at in range(0, len(content), max(len(content) // 40, 1)):
        flipped = bytearray(content)
        flipped[at] ^= 0x10
        (cube / key).write_bytes(flipped)
        for whose, message in ((None, "Copy the cube again"), (Whose("run", "cube.zarr/", "Mend it."), "Mend it")):
            with pytest.raises(UserError) as error:
                zarr.open_group(checked_store(cube, whose), mode="r")[place][...]
            assert message in str(error.value) and key in str(error.value), at
    (cube / key).write_bytes(content)
    zarr.open_group(checked_store(cube), mode="r")[place][...]


def test_a_large_file_is_refused_unread(cube):
    for key in (NUMBERS, SHARD):
        with open(cube / key, "wb") as handle:
            handle.truncate(1 << 40)
    store = checked_store(cube)
    for key in (NUMBERS, SHARD):
        place = key.partition("/c/")[0]
        refused(lambda place=place: zarr.open_group(store, mode="r")[place][...], f"{key}: .*got 1,099,511,627,776")


def test_bombs_are_refused_through_xarray_and_dask(cube):
    (cube / SHARD).write_bytes(shard_of(packed(), blosc_bomb(BOMB)))
    tree = opened(checked_store(cube))
    assert tree["paths"]["loss"].isel(policy=0).compute().shape == (PATHS,)
    with dask.config.set(scheduler="threads"):
        refused(lambda: tree["paths"]["loss"].mean().compute(), f"{SHARD}: bytes .* expected 256 bytes")
    (cube / LABELS).write_bytes(zstd_bomb(BOMB, BOMB))
    refused(lambda: opened(checked_store(cube)), f"{LABELS}: bytes 0 .* 16,452 bytes")


@pytest.mark.parametrize("wanted", [RangeByteRequest(3, 40), OffsetByteRequest(2), SuffixByteRequest(20)])
def test_parts_that_begin_nowhere_are_refused(cube, wanted):
    store = checked_store(cube)
    for key in (NUMBERS, SHARD):
        refused(lambda key=key: sync(store.get(key, default_buffer_prototype(), wanted)), f"{key}: ")


def test_a_shard_cut_off_anywhere_is_refused(cube):
    content = (cube / SHARD).read_bytes()
    array = zarr.open_group(checked_store(cube), mode="r")["paths/loss"]
    for length in range(0, len(content), 7):
        (cube / SHARD).write_bytes(content[:length])
        refused(lambda: array[...], f"{SHARD}: ")


@pytest.mark.parametrize("key", [NUMBERS, SHARD, "risk/zarr.json"])
def test_links_and_what_is_no_file_are_refused(cube, tmp_path, key):
    os.rename(cube / key, tmp_path / "elsewhere")
    (cube / key).symlink_to(tmp_path / "elsewhere")
    refused(lambda: loaded(checked_store(cube)), f"{key}: .* a link")
    (cube / key).unlink()
    os.mkfifo(cube / key)
    refused(lambda: loaded(checked_store(cube)), f"{key}: .* named pipe")
    (cube / key).unlink()
    (cube / key).mkdir()
    refused(lambda: loaded(checked_store(cube)), f"{key}: .* got a folder")


def test_folders_that_are_links_are_refused_and_the_cube_may_be_one(cube, tmp_path):
    (tmp_path / "link").symlink_to(cube)
    assert loaded(checked_store(tmp_path / "link")).identical(loaded(cube))
    os.rename(cube / "risk/level/c", tmp_path / "chunks")
    (cube / "risk/level/c").symlink_to(tmp_path / "chunks")
    refused(lambda: loaded(checked_store(cube)), f"{NUMBERS}: .* a link")
    os.rename(cube / "risk", tmp_path / "risk")
    (cube / "risk").symlink_to(tmp_path / "risk")
    refused(lambda: checked_store(cube), "risk/zarr.json: .* a link")


# ---------------------------------------------------------------------------------------------- at random


ERRORS = (UserError, ValueError, RuntimeError)
"""What a damaged cube may end in: refusals, checksums that do not match, decoders that stop."""


@functools.cache
def whole(cube):
    """All groups of a cube by place."""
    return {node.path: node.to_dataset() for node in loaded(cube).subtree}


def _a_changed_byte_is_noticed_or_changes_nothing(honest, data):
    before = whole(honest)
    path = data.draw(st.sampled_from(sorted(path for path in honest.rglob("*") if path.is_file())))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        path.write_bytes(changed)
        tree = loaded(checked_store(honest))
    except ERRORS:
        return
    finally:
        path.write_bytes(content)
    for node in tree.subtree:
        assert node.to_dataset().drop_attrs().identical(before[node.path].drop_attrs())


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_changed_byte_is_noticed_or_changes_nothing(honest, data):
    _a_changed_byte_is_noticed_or_changes_nothing(honest, data)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_of_hundreds_of_changed_bytes_is_noticed_or_changes_nothing(honest, data):
    _a_changed_byte_is_noticed_or_changes_nothing(honest, data)


@settings(max_examples=300)
@given(st.binary(max_size=3000), st.integers(1, 22), st.booleans())
def test_sizes_are_those_that_zstd_unpacks_to(content, level, checksum):
    chunk = bytes(Zstd(level=level, checksum=checksum).encode(content))
    assert zstd_size(memoryview(chunk)) == len(content)
    assert zstd_size(memoryview(chunk + b"\0")) is None


@settings(max_examples=500)
@given(st.binary(max_size=200))
def test_any_bytes_have_a_size_or_none(content):
    zstd_size(memoryview(content))
    zstd_size(memoryview(b"\x28\xb5\x2f\xfd" + content))
    index = memoryview((content + bytes(36))[:36])
    for chunk in held_chunks(index, 100) or ():
        assert 0 <= chunk.start <= chunk.stop <= 100
