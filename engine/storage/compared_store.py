"""A zarr store whose files are compared with what was written, as they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.storage import LocalStore


class ComparedStore(Store):
    """A read-only zarr store that looks at each file before it is first read.

    zarr reads a missing chunk as fill values, and takes metadata as they are. Every way of zarr to read comes through
    `get`, as the base class has it.

    Args:
      place: the folder that is read.
      compare: called with the place of a file in the store; raises a UserError where it is not as it was written.
    """

    supports_writes = supports_deletes = False
    supports_listing = True

    def __init__(self, place: Path, compare: Callable[[str], None]):
        super().__init__(read_only=True)
        self._store, self._compare, self._compared = LocalStore(place, read_only=True), compare, set[str]()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComparedStore) and self._store == other._store

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        if key not in self._compared:
            self._compare(key)
            self._compared.add(key)
        return await self._store.get(key, prototype, byte_range)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, wanted) for key, wanted in key_ranges]

    async def exists(self, key: str) -> bool:
        return await self.get(key, default_buffer_prototype()) is not None

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()

    async def delete(self, key: str) -> None:
        self._check_writable()

    def list(self) -> AsyncIterator[str]:
        return self._store.list()

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        return self._store.list_prefix(prefix)

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        return self._store.list_dir(prefix)
