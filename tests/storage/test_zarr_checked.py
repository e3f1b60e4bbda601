"""Cubes from elsewhere: what is honest opens as it would without checks, and metadata that no cube has are refused
before they cost memory.
"""

import json
import pickle

import dask
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from engine.storage import zarr_writer
from engine.storage.zarr_checked import DOCUMENT, LISTED, checked_store
from tests.helpers import assert_same
from tests.storage.foreign import BOMB, NUMBERS, SPAN, change, loaded, opened, refused, setting, zstd_bomb

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
    refused(lambda: loaded(checked_store(memory)), f"{NUMBERS}: .*16,000 bytes.* 400,000,000")


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
    "a coordinate of 10^12": ("risk/sure", setting(shape=[10**12], dimension_names=["sure"]), "bytes of labels"),
    "objects": ("risk/level", setting(data_type="object"), "expected data_type .*, got object"),
    "pickles": ("risk/level", codecs("bytes", "numcodecs.pickle"), "codecs .*numcodecs.pickle"),
    "variable bytes": ("risk/level", setting(data_type="variable_length_bytes"), "expected data_type"),
    "records": ("risk/level", setting(data_type={"name": "structured", "configuration": {}}), "expected data_type"),
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
    "no codecs": ("risk/level", setting(codecs=[]), "metadata of zarr"),
    "transformers": ("risk/level", setting(storage_transformers=[{"name": "x"}]), "expected no storage_transformers"),
    "zarr v2": ("risk/level", setting(zarr_format=2), "array of zarr"),
    "another node": ("risk/level", setting(node_type="table"), "array of zarr"),
    "strange fields of a group": ("risk", setting(extra=1), "array of zarr"),
    "another grid": ("risk/level", lambda n: n["chunk_grid"].update(name="rectilinear"), "expected a regular grid"),
    "another key": ("risk/level", setting(chunk_key_encoding={"name": "v2"}), "expected default chunk keys"),
    "too large chunks": (
        "paths/loss",
        lambda n: (
            n["chunk_grid"]["configuration"].update(chunk_shape=[2, 1 << 40]),
            sharding(chunk_shape=[1, 1 << 40])(n),
        ),
        "268,435,456 bytes in .* 4,398,046,511,104",
    ),
    "too large shards": (
        "paths/loss",
        lambda n: n["chunk_grid"]["configuration"].update(chunk_shape=[2, SPAN << 23]),
        "1,073,741,824 bytes",
    ),
    "too many chunks": ("paths/loss", setting(shape=[2, 10**12]), "4,194,304 chunks"),
    "parts of chunks": ("paths/loss", sharding(chunk_shape=[1, 63]), "whole chunks"),
    "shards in shards": (
        "paths/loss",
        lambda n: sharding(codecs=[json.loads(json.dumps(n["codecs"][0]))])(n),
        "expected codecs",
    ),
    "packed shards": ("paths/loss", lambda n: n["codecs"].append({"name": "crc32c"}), "expected shards of numbers"),
    "index in front": ("paths/loss", sharding(index_location="start"), "index of shards"),
    "index without checksum": ("paths/loss", sharding(index_codecs=[]), "index of shards"),
    "negative sizes": ("risk/level", setting(shape=[-1, 125]), "got ValueError"),
    "huge sizes": ("risk/level", setting(shape=[10**4000]), "got ValueError"),
    "no shape": ("risk/level", lambda n: n.pop("shape"), "got KeyError"),
    "sizes of texts": ("risk/level", setting(shape=["a"]), "got ValueError"),
    "a fill of another type": ("risk/level", setting(fill_value="many"), "metadata of zarr"),
    "a long fill": ("risk/policy", setting(fill_value="x" * 2000), "fill_value .* 1,024 letters"),
    "another rank": ("risk/level", setting(dimension_names=["a"]), "each dimension"),
    "no names": ("risk/level", lambda n: n.pop("dimension_names"), "each dimension"),
    "attributes of another type": ("risk", setting(attributes=[1]), "array of zarr"),
    "many texts": (
        "risk/policy",
        lambda n: n["chunk_grid"]["configuration"].update(chunk_shape=[10**5]),
        "16,384 texts .* 100,000",
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
    error = refused(lambda: checked_store(cube), "3 problems(.|\n)*xarray alone")
    assert {problem.place for problem in error.problems} == {"risk/level", "risk/count", "paths/loss"}
    array = json.loads((cube / "risk/level/zarr.json").read_text())
    for k in range(30):
        (cube / f"risk/more{k}").mkdir()
        (cube / f"risk/more{k}/zarr.json").write_text(json.dumps(array))
    error = refused(lambda: checked_store(cube), "and 13 more")
    assert sum(1 + problem.more for problem in error.problems) == LISTED + 1


def test_metadata_that_disagree_are_refused(cube):
    own, root = (cube / "risk/level/zarr.json").read_text(), (cube / "zarr.json").read_text()
    (cube / "risk/level/zarr.json").write_text(own.replace('"float64"', '"int64"'))
    refused(lambda: checked_store(cube), "risk/level/zarr.json: .* gathered above")
    (cube / "risk/level/zarr.json").write_text(own)
    (cube / "zarr.json").write_text(root.replace('"risk/level"', '"risk/bevel"'))
    refused(lambda: checked_store(cube), "risk/bevel: .* zarr.json")


def test_labels_count_together(cube):
    array = json.loads((cube / "risk/sure/zarr.json").read_text())
    array["chunk_grid"]["configuration"]["chunk_shape"] = [1 << 25]
    for k in range(3):
        (cube / f"risk/more{k}").mkdir()
        half = {**array, "shape": [1 << 25], "dimension_names": [f"more{k}"]}
        (cube / f"risk/more{k}/zarr.json").write_text(json.dumps(half))
    refused(lambda: checked_store(cube), "risk/more.: .* 67,108,864 bytes of labels.* 67,1")


@pytest.mark.parametrize("name", ["..", ".", "", "a//b", "../../etc", "a\\b", "risk/level/below", "nowhere/below"])
def test_places_that_lead_elsewhere_are_refused(cube, name):
    root = json.loads((cube / "zarr.json").read_text())
    nodes = root["consolidated_metadata"]["metadata"]
    nodes[name] = nodes["risk/level"]
    (cube / "zarr.json").write_text(json.dumps(root))
    refused(lambda: checked_store(cube), "plain name|gathered above")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
@pytest.mark.parametrize("place", ["zarr.json", "risk/zarr.json"])
def test_what_is_no_metadata_is_refused(cube, place, content):
    (cube / place).write_bytes(content)
    refused(lambda: checked_store(cube), "metadata of zarr|empty file")


def test_a_huge_document_is_refused_unread(cube):
    with open(cube / "risk/zarr.json", "wb") as handle:
        handle.truncate(1 << 40)
    refused(lambda: checked_store(cube), f"risk/zarr.json: .* {DOCUMENT:,} bytes, got 1,099,511,627,776")


def test_too_many_nodes_are_refused(cube):
    root = json.loads((cube / "zarr.json").read_text())
    group = {"attributes": {}, "zarr_format": 3, "node_type": "group"}
    root["consolidated_metadata"]["metadata"] |= {f"g{k}": group for k in range(20_000)}
    (cube / "zarr.json").write_text(json.dumps(root))
    refused(lambda: checked_store(cube), "16,384 groups")


def test_other_folders_are_refused(tmp_path):
    refused(lambda: checked_store(tmp_path / "nowhere"), "the folder of")
    (tmp_path / "notes.txt").write_text("a")
    refused(lambda: checked_store(tmp_path / "notes.txt"), "the folder of")
    refused(lambda: checked_store(tmp_path), "no zarr.json")
    zarr.create_group(zarr.storage.LocalStore(tmp_path / "old"), zarr_format=2)
    refused(lambda: checked_store(tmp_path / "old"), "no zarr.json.* zarr v2")
    array = zarr.create_array(zarr.storage.LocalStore(tmp_path / "alone"), shape=(2,), dtype="int8", zarr_format=3)
    assert array.shape == (2,)
    refused(lambda: checked_store(tmp_path / "alone"), "/: .*plain name")
