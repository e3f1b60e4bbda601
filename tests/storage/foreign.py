"""A cube as zarr itself writes it, and what an attacker makes of its metadata and its chunks."""

import json
import struct
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from google_crc32c import value as crc32c
from numcodecs.blosc import Blosc
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from engine.errors import UserError

PATHS, SPAN = 150, 64
BOMB = 400_000_000
SHARD = "paths/loss/c/0/1"
LABELS = "risk/measure/c/0"
NUMBERS = "risk/level/c/0/0"


def make_cube(folder: Path) -> Path:
    """A small cube as zarr itself writes it: text labels, numbers, shards of a chunk for each policy, one shard
    missing.
    """
    rng = np.random.default_rng(2016)
    root = zarr.create_group(zarr.storage.LocalStore(folder), zarr_format=3, attributes={"status": "complete"})
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
        array = root.create_array(place, shape=numbers.shape, dtype=dtype, compressors=zstd, dimension_names=dims)
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
    """A zstd frame of so many zeros, in blocks of one repeated byte each (RFC 8878, 3.1.1.2), that says another size or
    none.
    """
    flags = b"\x00\x58" if says is None else b"\xe0" + struct.pack("<Q", says)  # a window of 2 MB, or the size
    whole, rest = divmod(size, 1 << 17)
    blocks = [1 << 17] * whole + [rest]
    ends = [k == len(blocks) - 1 for k in range(len(blocks))]
    return (
        b"\x28\xb5\x2f\xfd"
        + flags
        + b"".join(struct.pack("<I", n << 3 | 1 << 1 | end)[:3] + b"\0" for n, end in zip(blocks, ends, strict=True))
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
