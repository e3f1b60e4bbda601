"""Arrays by name to the bytes of an .npz file, always the same for the same arrays, and back, their sizes checked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import numpy as np

LARGEST = 1 << 32
"""Most bytes that the arrays of one file may take unpacked."""


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Content of an .npz file with these arrays, lightly compressed; names may contain slashes."""
    buffer = io.BytesIO()
    # NumPy's own function compresses at the default level: ten times the time to save a tenth of the bytes
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def unpacked(content: bytes) -> dict[str, np.ndarray]:
    """The arrays, by name, in the bytes that `packed` gives.

    Raises:
      ValueError: it is no such file, or its arrays would take more than `LARGEST` bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > LARGEST:
                raise ValueError(f"expected arrays of at most {LARGEST} bytes, got {size}")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, EOFError, OSError, MemoryError) as error:
        raise ValueError(f"expected an .npz file: {error}") from error
