"""Groups put together as files, against zarr and xarray themselves."""

import json

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from engine.storage.files import write_files
from engine.storage.zarr_writer import Group, Variable, group_files, read_shard, root, shard, sharded, tree_files
from tests.helpers import assert_same

STRANGE = "Größe, 体积 or none"


def dataset() -> xr.Dataset:
    """Every type that summaries have, in none to five dimensions, with what needs care: NaN, zeros, texts, labels."""
    rng = np.random.default_rng(2016)
    wide = rng.standard_normal((2, 3, 4, 5, 2))
    wide[0, 1] = np.nan
    variables = {
        "wide": (("policy", "measure", "stat", "year", "region"), wide, {"units": "1", "flags": STRANGE}),
        "turned": (("measure", "policy"), rng.standard_normal((2, 3), np.float32).T, {"sample_paths": 16_384}),
        "counts": (("policy", "year"), np.zeros((2, 5), np.int64)),
        "alone": ((), np.int64(1 << 40), {"long_name": "a number"}),
        "edges": (("edge",), np.array([-np.inf, 0.0, np.inf])),
    }
    coords = {
        "policy": ("policy", np.array(["old", STRANGE], dtype=object), {"baseline": "old"}),
        "measure": ("measure", np.array(["mean", "", "ES99"], dtype=object)),
        "level": ("measure", np.array([np.nan, 0.95, 0.99]), {"units": "1"}),
        "year": ("year", np.arange(2016, 2021)),
    }
    return xr.Dataset(variables, coords, {"comment": STRANGE})


def as_group(of: xr.Dataset) -> Group:
    data, coords = (
        {str(name): Variable(one.dims, one.values, one.attrs) for name, one in part.items()}
        for part in (of.data_vars, of.coords)
    )
    return Group(data, coords, of.attrs)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The folders of the same dataset as written here and by xarray."""
    here, there = tmp_path_factory.mktemp("zarr") / "here", tmp_path_factory.mktemp("zarr") / "there"
    write_files(here, group_files(as_group(dataset())))
    encoding = {name: {"compressors": (ZstdCodec(level=3, checksum=True),)} for name in dataset().variables}
    dataset().to_zarr(there, consolidated=False, zarr_format=3, encoding=encoding)
    return here, there


def test_xarray_reads_what_was_to_be_written(both):
    found = xr.open_dataset(both[0], engine="zarr", consolidated=False)
    assert found.identical(dataset())
    assert {name: v.dtype for name, v in found.data_vars.items()} == {
        name: v.dtype for name, v in dataset().data_vars.items()
    }


def test_metadata_are_those_that_xarray_writes_but_for_the_names_of_chunks(both):
    for file in sorted(both[1].rglob("zarr.json")):
        ours = json.loads((both[0] / file.relative_to(both[1])).read_bytes())
        theirs = json.loads(file.read_bytes())
        if theirs["node_type"] == "array":
            assert ours.pop("chunk_key_encoding") == {"name": "default", "configuration": {"separator": "."}}
            del theirs["chunk_key_encoding"]
        assert ours == theirs


def test_groups_in_groups_have_metadata_all_the_way(tmp_path):
    small = as_group(dataset()[["alone"]])
    files = tree_files({"a/b/c": small, "d": small, "d/e": small})
    assert {name for name in files if "alone" not in name} == {
        f"{place}/zarr.json" for place in ("a", "a/b", "a/b/c", "d", "d/e")
    }
    write_files(tmp_path, {"zarr.json": group_files(as_group(xr.Dataset()))["zarr.json"], **files})
    tree = xr.open_datatree(tmp_path, engine="zarr", consolidated=False)
    for place in ("a/b/c", "d", "d/e"):
        assert_same(tree[place]["alone"].values, np.int64(1 << 40))
    assert tree["d"].attrs == {"comment": STRANGE} and tree["a"].attrs == {}


@pytest.mark.parametrize("shape", [(3, 50), (3, 64), (50,), (1, 1)])
def test_shards_are_those_that_zarr_writes(shape):
    values = np.random.default_rng(7).standard_normal(shape, np.float32)
    dims, theirs = ("policy", "path")[-len(shape) :], {}
    array = zarr.create_array(
        zarr.storage.MemoryStore(theirs),
        shape=shape,
        dtype="float32",
        shards=(*shape[:-1], 64),
        chunks=(*(1 for _ in shape[:-1]), 64),
        compressors=(BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", typesize=4), Crc32cCodec()),
        fill_value=np.nan,
        dimension_names=dims,
        attributes={"units": "1"},
    )
    array[...] = values
    assert json.loads(sharded(shape, dims, 64, {"units": "1"})) == json.loads(theirs["zarr.json"].to_bytes())
    assert shard(values, 64) == theirs["/".join(["c", *("0" for _ in shape)])].to_bytes()


def test_a_shard_is_read_back_in_parts_and_each_changed_byte_is_noticed():
    values = np.random.default_rng(1).normal(size=(2, 50)).astype(np.float32)
    content = shard(values, 64)
    for begin, end in ((0, 50), (10, 20), (49, 50)):
        into = np.empty((2, end - begin), np.float32)
        read_shard(content, into, begin)
        assert_same(into, values[:, begin:end])
    changed = [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] for at in range(len(content))]
    for damaged in (*changed, content[:-1], b""):
        with pytest.raises(ValueError, match="a shard is not as it was written"):
            read_shard(damaged, np.empty((2, 64), np.float32), 0)


def test_the_gathered_metadata_are_those_that_zarr_gathers(tmp_path):
    files = tree_files({"a/b": as_group(dataset()), "d": as_group(dataset()[["alone"]])})
    write_files(tmp_path, {**files, "zarr.json": root({"title": "x"}, files)})
    ours = json.loads((tmp_path / "zarr.json").read_bytes())
    with pytest.warns(match="Consolidated metadata"):
        zarr.consolidate_metadata(tmp_path, zarr_format=3)
    theirs = json.loads((tmp_path / "zarr.json").read_bytes())

    def plain(node):
        return {key: value for key, value in node.items() if key != "consolidated_metadata"}

    nodes = [each["consolidated_metadata"]["metadata"] for each in (ours, theirs)]
    assert plain(ours) == plain(theirs) and set(nodes[0]) == set(nodes[1])
    assert all(plain(nodes[0][name]) == plain(nodes[1][name]) for name in nodes[0])
