"""Cubes from elsewhere: what is honest opens as it would without checks, and every attack is refused before it costs memory."""

import functools
import json
import os
import pickle
import re
import shutil
import struct
import tracemalloc
import warnings
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr
import zarr
from google_crc32c import value as crc32c
from hypothesis import given, settings
from hypothesis import strategies as st
from numcodecs.blosc import Blosc
from numcodecs.zstd import Zstd
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from engine.errors import UserError
from engine.storage import zarr_writer
from engine.storage.zarr_checked import DOCUMENT, LISTED, Whose, checked_store
from engine.storage.zarr_chunks import held_chunks, zstd_size
from tests.helpers import assert_same

PATHS, SPAN = 150, 64
BOMB = 400_000_000
SHARD = "paths/loss/c/0/1"
LABELS = "risk/measure/c/0"
NUMBERS = "risk/level/c/0/0"


# ---------------------------------------------------------------------------------------------- cubes and bombs


def make_cube(folder: Path) -> Path:
    """A small cube as zarr itself writes it: text labels, numbers, shards of a chunk for each policy, one shard missing."""
    rng = np.random.default_rng(2016)
    root = zarr.create_group(
        zarr.storage.LocalStore(folder), zarr_format=3, attributes={"status": "complete"}
    )
    zstd = ZstdCodec(level=3, checksum=True)
    for name in ("paths", "risk", "draws"):
        root.create_group(name)
    policies, measures = np.array(["old", "Größe, 体积"]), np.array([f"VaR{k}" for k in range(16)])
    values = {
        "paths/policy": (["policy"], policies),
        "risk/policy": (["policy"], policies),
        "risk/measure": (["measure"], measures),
        "risk/level": (["measure", "year"], rng.standard_normal((16, 125))),
        "risk/count": (["policy", "measure"], np.arange(32).reshape(2, 16)),
        "risk/sure": (["policy"], np.array([True, False])),
    }
    for place, (dims, numbers) in values.items():
        dtype = str if numbers.dtype.kind == "U" else numbers.dtype
        array = root.create_array(
            place, shape=numbers.shape, dtype=dtype, compressors=zstd, dimension_names=dims
        )
        array[...] = numbers
    packing = [BloscCodec(typesize=4, cname="lz4", clevel=5, shuffle="bitshuffle"), Crc32cCodec()]
    for place, shape in (("paths/loss", (2, PATHS)), ("draws/fund", (PATHS,))):
        rows = shape[:-1]
        array = root.create_array(
            place,
            shape=shape,
            chunks=(*(1 for _ in rows), SPAN),
            shards=(*rows, SPAN),
            dtype="float32",
            fill_value=np.nan,
            compressors=packing,
            dimension_names=["policy", "path"][-len(shape) :],
        )
        drawn = rng.standard_normal(shape).astype(np.float32)
        array[..., : 2 * SPAN] = drawn[..., : 2 * SPAN]
    with warnings.catch_warnings(action="ignore"):
        zarr.consolidate_metadata(root.store)
    return folder


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return make_cube(tmp_path_factory.mktemp("foreign") / "cube.zarr")


@pytest.fixture
def cube(honest, tmp_path):
    return shutil.copytree(honest, tmp_path / "cube.zarr")


def opened(store, **how):
    return xr.open_datatree(store, engine="zarr", **{"chunks": {}, **how})


def loaded(store):
    return opened(store, chunks=None).load()


def change(cube: Path, place: str, alter) -> None:
    """Alters the metadata of a node, its own and those gathered at the root."""
    root = json.loads((cube / "zarr.json").read_text())
    alter(root["consolidated_metadata"]["metadata"][place])
    (cube / "zarr.json").write_text(json.dumps(root))
    own = json.loads((cube / place / "zarr.json").read_text())
    alter(own)
    (cube / place / "zarr.json").write_text(json.dumps(own))


def setting(**fields):
    return lambda node: node.update(fields)


def refused(action, message: str, kind=UserError):
    """The error that it ends in, with this message and with hardly any memory taken."""
    tracemalloc.start()
    try:
        with pytest.raises(kind, match=message) as error:
            action()
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    return error.value


def zstd_bomb(size: int, says: int | None = None) -> bytes:
    """A zstd frame of so many zeros, in blocks of one repeated byte each (RFC 8878, 3.1.1.2), that says another size or none."""
    flags = (
        b"\x00\x58" if says is None else b"\xe0" + struct.pack("<Q", says)
    )  # a window of 2 MB, or the size
    whole, rest = divmod(size, 1 << 17)
    blocks = [1 << 17] * whole + [rest]
    ends = [k == len(blocks) - 1 for k in range(len(blocks))]
    return (
        b"\x28\xb5\x2f\xfd"
        + flags
        + b"".join(
            struct.pack("<I", n << 3 | 1 << 1 | end)[:3] + b"\0" for n, end in zip(blocks, ends, strict=True)
        )
    )


def shard_of(*chunks: bytes, entries=None) -> bytes:
    """A shard of packed chunks, each with its checksum, and its index, or the index of other entries."""
    summed = [chunk + struct.pack("<I", crc32c(chunk)) for chunk in chunks]
    starts = np.cumsum([0, *map(len, summed)])
    entries = entries or [(int(at), len(chunk)) for at, chunk in zip(starts, summed, strict=False)]
    index = b"".join(struct.pack("<QQ", *entry) for entry in entries)
    return b"".join([*summed, index, struct.pack("<I", crc32c(index))])


def packed(values=None) -> bytes:
    return Blosc(cname="lz4", shuffle=2).encode(np.zeros(SPAN, np.float32) if values is None else values)


def blosc_bomb(size: int) -> bytes:
    """An honest chunk whose header says another size."""
    chunk = bytearray(packed())
    chunk[4:8] = struct.pack("<I", size)
    return bytes(chunk)


# ---------------------------------------------------------------------------------------------- honest cubes


def test_an_honest_cube_opens_lazily_and_is_the_same_bit_for_bit(honest):
    plain, checked = opened(honest), opened(checked_store(honest))
    assert checked.identical(plain)
    assert checked["paths"]["loss"].chunks == plain["paths"]["loss"].chunks
    assert not checked["paths"]["loss"]._in_memory
    with dask.config.set(scheduler="threads"):
        for place in ("paths/loss", "draws/fund", "risk/level", "risk/count", "risk/sure", "risk/policy"):
            assert_same(checked[place].compute().values, plain[place].compute().values)
    one_policy = checked["paths"]["loss"].isel(policy=1, path=slice(70, 90))
    assert_same(one_policy.values, plain["paths"]["loss"].values[1, 70:90])
    assert np.isnan(checked["draws"]["fund"].values[2 * SPAN :]).all()


def test_what_this_package_writes_opens(tmp_path):
    labels = xr.Dataset(coords={"policy": ("policy", np.array(["old", "reform"], dtype=object))})
    files = zarr_writer.tree_files(
        {"paths": labels, "risk/yearly": labels.assign(stock=("policy", np.arange(2.0)), n=((), 3))}
    )
    files["paths/loss/zarr.json"] = zarr_writer.sharded((2, 10), ("policy", "path"), SPAN, {})
    values = np.random.default_rng(1).standard_normal((2, 10)).astype(np.float32)
    files["paths/loss/c/0/0"] = zarr_writer.shard(values, SPAN)
    files["zarr.json"] = zarr_writer.root({}, files)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    tree = loaded(checked_store(tmp_path))
    assert tree.identical(loaded(tmp_path))
    assert_same(tree["paths/loss"].values, values)


def test_it_can_be_pickled_and_read_from_processes(honest):
    store = checked_store(honest)
    again = pickle.loads(pickle.dumps(store))
    assert again == store != checked_store(honest)
    assert opened(again).identical(opened(honest))
    tree = pickle.loads(pickle.dumps(opened(store)))
    assert tree.load().identical(opened(honest))


def test_groups_open_alone_and_without_gathered_metadata(honest):
    store = checked_store(honest)
    alone = xr.open_dataset(store, engine="zarr", group="risk", chunks={})
    assert alone.identical(xr.open_dataset(honest, engine="zarr", group="risk", chunks={}))
    assert opened(store, consolidated=False).identical(opened(honest, consolidated=False))


def test_a_store_of_zarr_is_checked_too(honest):
    memory = zarr.storage.MemoryStore()
    for path in honest.rglob("*"):
        if path.is_file():
            content = default_buffer_prototype().buffer.from_bytes(path.read_bytes())
            sync(memory.set(path.relative_to(honest).as_posix(), content))
    assert opened(checked_store(memory)).identical(opened(honest))
    sync(memory.set(NUMBERS, default_buffer_prototype().buffer.from_bytes(zstd_bomb(BOMB, BOMB))))
    refused(
        lambda: loaded(checked_store(memory)),
        f"{NUMBERS}: .*expected 16,000 bytes, unpacked, got 400,000,000",
    )


def test_nothing_can_be_written_and_nothing_is_read_past_the_checks(cube):
    store = checked_store(cube)
    assert store.read_only and not hasattr(store, "get_sync")
    with pytest.raises(ValueError, match="read-only"):
        sync(store.set("zarr.json", default_buffer_prototype().buffer.from_bytes(b"{}")))
    with pytest.raises(ValueError, match="read-only"):
        sync(store.delete("zarr.json"))
    assert not sync(store.exists("risk/level/c/0/7")) and sync(store.exists(NUMBERS))
    (cube / "secret").write_bytes(b"1")
    for key in ("secret", "risk/level/c/../../../secret", "../cube.zarr/secret", "risk/level/other"):
        assert sync(store.get(key, default_buffer_prototype())) is None


def test_metadata_are_those_that_were_checked(cube):
    store = checked_store(cube)
    before = loaded(cube)
    change(cube, "risk/level", setting(data_type="float32", shape=[10**12]))
    assert loaded(store).identical(before)


# ---------------------------------------------------------------------------------------------- metadata


def sharding(**fields):
    return lambda node: node["codecs"][0]["configuration"].update(fields)


def codecs(*names):
    return setting(codecs=[{"name": name, "configuration": {}} for name in names])


METADATA = {
    "labels of 10^12": ("risk/policy", setting(shape=[10**12]), "bytes of labels"),
    "a coordinate of 10^12": (
        "risk/sure",
        setting(shape=[10**12], dimension_names=["sure"]),
        "bytes of labels",
    ),
    "objects": ("risk/level", setting(data_type="object"), "expected data_type .*, got object"),
    "pickles": (
        "risk/level",
        codecs("bytes", "numcodecs.pickle"),
        "expected codecs bytes or .*numcodecs.pickle",
    ),
    "variable bytes": ("risk/level", setting(data_type="variable_length_bytes"), "expected data_type"),
    "records": (
        "risk/level",
        setting(data_type={"name": "structured", "configuration": {}}),
        "expected data_type",
    ),
    "gzip": ("risk/level", codecs("bytes", "gzip"), "expected codecs"),
    "a compressor of a compressor": ("risk/level", codecs("bytes", "zstd", "zstd"), "expected codecs"),
    "a compressor behind the checksum": ("risk/level", codecs("bytes", "crc32c", "zstd"), "expected codecs"),
    "turned": ("risk/count", codecs("transpose", "bytes"), "expected codecs"),
    "unknown settings": (
        "risk/level",
        lambda n: n["codecs"][1]["configuration"].update(speed=1),
        "expected metadata of",
    ),
    "texts through blosc": ("risk/policy", codecs("vlen-utf8", "blosc"), "expected codecs"),
    "no codecs": ("risk/level", setting(codecs=[]), "expected metadata of zarr v3"),
    "transformers": (
        "risk/level",
        setting(storage_transformers=[{"name": "x"}]),
        "expected no storage_transformers",
    ),
    "zarr v2": ("risk/level", setting(zarr_format=2), "expected a group or an array of zarr v3"),
    "another node": ("risk/level", setting(node_type="table"), "expected a group or an array of zarr v3"),
    "strange fields of a group": ("risk", setting(extra=1), "expected a group or an array of zarr v3"),
    "another grid": (
        "risk/level",
        lambda n: n["chunk_grid"].update(name="rectilinear"),
        "expected a regular grid",
    ),
    "another key": ("risk/level", setting(chunk_key_encoding={"name": "v2"}), "expected default chunk keys"),
    "too large chunks": (
        "paths/loss",
        lambda n: (
            n["chunk_grid"]["configuration"].update(chunk_shape=[2, 1 << 40]),
            sharding(chunk_shape=[1, 1 << 40])(n),
        ),
        "expected at most 268,435,456 bytes in a chunk, got 4,398,046,511,104",
    ),
    "too large shards": (
        "paths/loss",
        lambda n: n["chunk_grid"]["configuration"].update(chunk_shape=[2, SPAN << 23]),
        "expected at most 1,073,741,824 bytes in a shard.* chunks in a shard|bytes in a shard",
    ),
    "too many chunks": ("paths/loss", setting(shape=[2, 10**12]), "expected at most 4,194,304 chunks, got"),
    "parts of chunks": ("paths/loss", sharding(chunk_shape=[1, 63]), "a regular grid of whole chunks"),
    "shards in shards": (
        "paths/loss",
        lambda n: sharding(codecs=[json.loads(json.dumps(n["codecs"][0]))])(n),
        "expected codecs",
    ),
    "packed shards": (
        "paths/loss",
        lambda n: n["codecs"].append({"name": "crc32c"}),
        "expected shards of numbers",
    ),
    "index in front": (
        "paths/loss",
        sharding(index_location="start"),
        "expected the index of shards at the end",
    ),
    "index without checksum": (
        "paths/loss",
        sharding(index_codecs=[]),
        "expected the index of shards at the end",
    ),
    "negative sizes": ("risk/level", setting(shape=[-1, 125]), "got ValueError"),
    "huge sizes": ("risk/level", setting(shape=[10**4000]), "got ValueError"),
    "no shape": ("risk/level", lambda n: n.pop("shape"), "got KeyError"),
    "sizes of texts": ("risk/level", setting(shape=["a"]), "got ValueError"),
    "a fill of another type": ("risk/level", setting(fill_value="many"), "expected metadata of zarr v3"),
    "a long fill": (
        "risk/policy",
        setting(fill_value="x" * 2000),
        "expected a fill_value of at most 1,024 letters",
    ),
    "another rank": ("risk/level", setting(dimension_names=["a"]), "expected a name for each dimension"),
    "no names": ("risk/level", lambda n: n.pop("dimension_names"), "expected a name for each dimension"),
    "attributes of another type": (
        "risk",
        setting(attributes=[1]),
        "expected a group or an array of zarr v3",
    ),
    "many texts": (
        "risk/policy",
        lambda n: n["chunk_grid"]["configuration"].update(chunk_shape=[10**5]),
        "expected at most 16,384 texts in a chunk, got 100,000",
    ),
}


@pytest.mark.parametrize("attack", METADATA)
def test_metadata_that_no_cube_has_are_refused(cube, attack):
    place, alter, message = METADATA[attack]
    change(cube, place, alter)
    error = refused(lambda: checked_store(cube), message)
    assert error.source == str(cube)
    assert {problem.place for problem in error.problems} == {place}


def test_all_problems_are_told_together_and_twenty_at_most(cube):
    for place in ("risk/level", "risk/count", "paths/loss"):
        change(cube, place, setting(data_type="object"))
    error = refused(lambda: checked_store(cube), "3 problems")
    assert {problem.place for problem in error.problems} == {"risk/level", "risk/count", "paths/loss"}
    assert "Open it with xarray alone if you trust" in str(error)
    array = json.loads((cube / "risk/level/zarr.json").read_text())
    for k in range(30):
        (cube / f"risk/more{k}").mkdir()
        (cube / f"risk/more{k}/zarr.json").write_text(json.dumps(array))
    error = refused(lambda: checked_store(cube), "and 13 more")
    assert len(error.problems) == LISTED + 1


def test_metadata_that_disagree_are_refused(cube):
    own, root = (cube / "risk/level/zarr.json").read_text(), (cube / "zarr.json").read_text()
    (cube / "risk/level/zarr.json").write_text(own.replace('"float64"', '"int64"'))
    refused(
        lambda: checked_store(cube), "risk/level/zarr.json: expected risk/level as gathered above, got ano"
    )
    (cube / "risk/level/zarr.json").write_text(own)
    (cube / "zarr.json").write_text(root.replace('"risk/level"', '"risk/bevel"'))
    refused(lambda: checked_store(cube), "risk/bevel: expected a zarr.json of its own too")


def test_labels_count_together(cube):
    array = json.loads((cube / "risk/sure/zarr.json").read_text())
    array["chunk_grid"]["configuration"]["chunk_shape"] = [1 << 25]
    for k in range(3):
        (cube / f"risk/more{k}").mkdir()
        half = {**array, "shape": [1 << 25], "dimension_names": [f"more{k}"]}
        (cube / f"risk/more{k}/zarr.json").write_text(json.dumps(half))
    refused(
        lambda: checked_store(cube),
        "risk/more.: expected at most 67,108,864 bytes of labels in all, got 67,1",
    )


@pytest.mark.parametrize(
    "name", ["..", ".", "", "a//b", "../../etc", "a\\b", "risk/level/below", "nowhere/below"]
)
def test_places_that_lead_elsewhere_are_refused(cube, name):
    root = json.loads((cube / "zarr.json").read_text())
    nodes = root["consolidated_metadata"]["metadata"]
    nodes[name] = nodes["risk/level"]
    (cube / "zarr.json").write_text(json.dumps(root))
    refused(lambda: checked_store(cube), "expected a plain name in a group|expected .* as gathered above")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
@pytest.mark.parametrize("place", ["zarr.json", "risk/zarr.json"])
def test_what_is_no_metadata_is_refused(cube, place, content):
    (cube / place).write_bytes(content)
    refused(lambda: checked_store(cube), "expected metadata of zarr v3, got|an empty file")


def test_a_huge_document_is_refused_unread(cube):
    with open(cube / "risk/zarr.json", "wb") as handle:
        handle.truncate(1 << 40)
    refused(
        lambda: checked_store(cube),
        f"risk/zarr.json: expected 1 to {DOCUMENT:,} bytes, got 1,099,511,627,776",
    )


def test_too_many_nodes_are_refused(cube):
    root = json.loads((cube / "zarr.json").read_text())
    group = {"attributes": {}, "zarr_format": 3, "node_type": "group"}
    root["consolidated_metadata"]["metadata"] |= {f"g{k}": group for k in range(20_000)}
    (cube / "zarr.json").write_text(json.dumps(root))
    refused(lambda: checked_store(cube), "expected at most 16,384 groups and arrays")


def test_other_folders_are_refused(tmp_path):
    refused(lambda: checked_store(tmp_path / "nowhere"), "expected the folder of a zarr v3 store, got none")
    (tmp_path / "notes.txt").write_text("a")
    refused(lambda: checked_store(tmp_path / "notes.txt"), "expected the folder of a zarr v3 store, got none")
    refused(lambda: checked_store(tmp_path), "expected a zarr v3 store, got no zarr.json")
    zarr.create_group(zarr.storage.LocalStore(tmp_path / "old"), zarr_format=2)
    refused(
        lambda: checked_store(tmp_path / "old"), "expected a zarr v3 store, got no zarr.json.* not of zarr v2"
    )
    array = zarr.create_array(
        zarr.storage.LocalStore(tmp_path / "alone"), shape=(2,), dtype="int8", zarr_format=3
    )
    assert array.shape == (2,)
    refused(lambda: checked_store(tmp_path / "alone"), "/: expected a plain name in a group")


# ---------------------------------------------------------------------------------------------- chunks


def test_the_bombs_are_real():
    """Small ones unpack to what they were made to; numcodecs also unpacks what follows a frame."""
    assert Zstd().decode(zstd_bomb(300_000, 300_000)) == bytes(300_000)
    assert len(Zstd().decode(Zstd().encode(b"1" * 24) + zstd_bomb(300_000, 300_000))) == 300_024
    assert len(zstd_bomb(BOMB, BOMB)) < 13_000


CHUNKS = {
    "zstd": (NUMBERS, zstd_bomb(BOMB, BOMB), "expected 16,000 bytes, unpacked, got 400,000,000"),
    "zstd that says less": (NUMBERS, zstd_bomb(BOMB, 16_000), "other content than was written"),
    "zstd behind an honest frame": (NUMBERS, Zstd().encode(b"1" * 16_000) + zstd_bomb(BOMB, BOMB), "expected one zstd chunk"),
    "zstd without a size": (NUMBERS, zstd_bomb(BOMB), "expected one zstd chunk"),
    "zstd behind what is skipped": (NUMBERS, b"\x50\x2a\x4d\x18\0\0\0\0" + zstd_bomb(BOMB, BOMB), "expected one zstd"),
    "zstd cut off": (NUMBERS, Zstd().encode(b"1" * 16_000)[:-3], "expected one zstd chunk"),
    "too few bytes": (NUMBERS, Zstd().encode(b"1" * 16), "expected 16,000 bytes, unpacked, got 16"),
    "no zstd": (NUMBERS, b"something else", "expected one zstd chunk"),
    "empty": (NUMBERS, b"", "got an empty file"),
    "texts": (LABELS, zstd_bomb(BOMB, BOMB), "expected 16,452 bytes, unpacked, got 400,000,000"),
    "a number of texts": (LABELS, Zstd().encode(struct.pack("<II", 2**32 - 1, 0)), "expected 16 texts, got 4,294,967,295"),
    "garbled texts": (LABELS, zstd_bomb(BOMB, 100), "other content than was written"),
    "empty shard": (SHARD, b"", "got an empty file"),
    "blosc": (SHARD, shard_of(packed(), blosc_bomb(BOMB)), "expected 256 bytes, unpacked, got 400,000,000"),
    "blosc that says less": (SHARD, shard_of(packed(), blosc_bomb(4)), "expected one blosc chunk"),
    "blosc beyond its end": (SHARD, shard_of(packed()[:12] + b"\xff\xff\0\0" + packed()[16:], packed()), "one blosc chunk"),
    "blosc of nothing": (SHARD, shard_of(b"", packed()), "expected one blosc chunk"),
    "index beyond the file": (SHARD, shard_of(packed(), entries=[(0, 1 << 40), (0, 4)]), "expected chunks and 36 bytes"),
    "index that wraps": (SHARD, shard_of(packed(), entries=[(2**64 - 9, 20), (0, 4)]), "expected chunks and 36 bytes"),
    "chunks on one another": (SHARD, shard_of(packed(), entries=[(0, 20), (8, 20)]), "expected chunks and 36 bytes"),
    "a chunk that is the index": (SHARD, shard_of(packed(), entries=[(0, 20), (36, 36)]), "expected chunks and 36 bytes"),
    "half of an index": (SHARD, shard_of(packed(), packed())[-20:], "expected chunks and 36 bytes|expected bytes -"),
    "no shard": (SHARD, os.urandom(200), "expected chunks and 36 bytes"),
}  # fmt: skip


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
    assert error.source == str(cube) and "Copy the cube again" in str(error)


@pytest.mark.parametrize("key", [NUMBERS, SHARD])
def test_a_flipped_byte_is_refused_wherever_it_is_and_named_as_its_owner_mends_it(cube, key):
    content = (cube / key).read_bytes()
    place = key.partition("/c/")[0]
    for at in range(0, len(content), max(len(content) // 40, 1)):
        flipped = bytearray(content)
        flipped[at] ^= 0x10
        (cube / key).write_bytes(flipped)
        for whose, message in (
            (None, "Copy the cube again"),
            (Whose("run", "cube.zarr/", "Mend it."), "Mend it"),
        ):
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
        refused(
            lambda place=place: zarr.open_group(store, mode="r")[place][...],
            f"{key}: .*got 1,099,511,627,776",
        )


def test_bombs_are_refused_through_xarray_and_dask(cube):
    (cube / SHARD).write_bytes(shard_of(packed(), blosc_bomb(BOMB)))
    tree = opened(checked_store(cube))
    assert tree["paths"]["loss"].isel(policy=0).compute().shape == (PATHS,)
    with dask.config.set(scheduler="threads"):
        refused(lambda: tree["paths"]["loss"].mean().compute(), f"{SHARD}: bytes .* expected 256 bytes")
    (cube / LABELS).write_bytes(zstd_bomb(BOMB, BOMB))
    refused(lambda: opened(checked_store(cube)), f"{LABELS}: bytes 0 to .* expected 16,452 bytes")


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
    refused(lambda: loaded(checked_store(cube)), f"{key}: expected a file, got a link")
    (cube / key).unlink()
    os.mkfifo(cube / key)
    refused(lambda: loaded(checked_store(cube)), f"{key}: expected a file, got a named pipe")
    (cube / key).unlink()
    (cube / key).mkdir()
    refused(lambda: loaded(checked_store(cube)), f"{key}: expected a file, got a folder")


def test_folders_that_are_links_are_refused_and_the_cube_may_be_one(cube, tmp_path):
    (tmp_path / "link").symlink_to(cube)
    assert loaded(checked_store(tmp_path / "link")).identical(loaded(cube))
    os.rename(cube / "risk/level/c", tmp_path / "chunks")
    (cube / "risk/level/c").symlink_to(tmp_path / "chunks")
    refused(lambda: loaded(checked_store(cube)), f"{NUMBERS}: expected a folder, got a link")
    os.rename(cube / "risk", tmp_path / "risk")
    (cube / "risk").symlink_to(tmp_path / "risk")
    refused(lambda: checked_store(cube), "risk/zarr.json: expected a folder, got a link")


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
