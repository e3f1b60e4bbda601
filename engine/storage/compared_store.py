"""A zarr store whose files are compared with what was written, as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.storage import LocalStore, WrapperStore


class ComparedStore(WrapperStore[LocalStore]):
    """A read-only zarr store that looks at each file before it is first read.

    zarr reads a missing chunk as fill values, and takes metadata as they are. Every way of zarr to read comes through
    `get`.

    Args:
      place: the folder that is read.
      compare: called with the place of a file in the store; raises a UserError where it is not as it was written.
    """

    def __init__(self, place: Path, compare: Callable[[str], None]):
        super().__init__(LocalStore(place, read_only=True))
        self._compare, self._compared = compare, set[str]()

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        if key not in self._compared:
            self._compare(key)
            self._compared.add(key)
        return await super().get(key, prototype, byte_range)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, wanted) for key, wanted in key_ranges]

    async def exists(self, key: str) -> bool:
        return await self.get(key, default_buffer_prototype()) is not None

    # the wrapper's own asks the store within
    _get_many = Store._get_many
