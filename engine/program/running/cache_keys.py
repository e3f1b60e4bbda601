"""Cache keys by which a process finds what earlier ones found out about a study without tracing its model.

Machine code is cached under a digest of its text, and writing this text means tracing the model. For a model of this
package the text follows from the study's records, the code of this package as it is in memory
(`modelling/code_digests.py`)
and the versions of the compilers. A digest of these is the key here, under which the layout of the code, the check of
the model's contract and its rounding errors are kept. A user's own model may depend on anything, so it has no such key
and every process traces it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from engine.modelling import code_digests, contract
from engine.modelling.records import Model
from engine.program.emitting.driver import Layout
from engine.program.emitting.loop import Code
from engine.program.lowering.stages import Listing, as_plain, of_plain
from engine.program.running import compilation_cache, machine_code
from engine.study.study import Study

_ELSEWHERE = ("document", "source", "model", "paths", "observed", "settings")
"""Fields of a study that its key leaves out: they do not change its code, or stand in another part of the key."""
_PACKAGES = ("jax", "jaxlib", "numpy", "scipy")
_CODE = tuple(
    f"{code_digests.PACKAGE}.{name}"
    for name in ("program.lowering.listing", "program.emitting.loop", "program.running.machine_code")
)
"""Modules that write machine code, with all that they import."""


@dataclass(frozen=True)
class Unlisted:
    """A list of operations that is made only where the cache does not hold the code.

    Args:
      dtype: floating-point type of inputs and results.
      listing: makes the list.
      code: digest of this package's code as it was in memory when this was made; None for a model that has no key.
    """

    dtype: type
    listing: Callable[[], Listing]
    code: str | None = None

    @classmethod
    def of(cls, listing: Listing, code: str | None = None) -> Unlisted:
        """A list that has been made already, in the same form."""
        return cls(listing.dtype, lambda: listing, code)


def code_of(study: Study, *more: str) -> str | None:
    """Digest of the Python code that writes a study's machine code; None for a model that has no key.

    Args:
      more: names of further modules, such as those that write code for cards.
    """
    return code_digests.code_of(study.model, *_CODE, *more)


def key_of(study: Study, code: str | None, *about: str | int) -> str | None:
    """Cache key of a finding about a study, whatever its number of paths; None for a model that has no key.

    Args:
      code: digest of the Python code that makes the finding, as `code_of` gives it.
      about: the kind of finding, and what else it depends on.
    """
    records = {field.name: getattr(study, field.name) for field in fields(study) if field.name not in _ELSEWHERE}
    return _key(study.model, code, [*about, records])


def key_of_code(study: Study, code: str | None, dtype: type, width: int, gives: str) -> str | None:
    """Cache key of the layout of a study's machine code; None for a model that has no key.

    Args:
      code: as `code_of` gives it.
      dtype: floating-point type of the code.
      width: lanes of a vector.
      gives: what the code computes, as `loop.code` takes it.
    """
    return key_of(study, code, "code", np.dtype(dtype).name, width, gives)


def key_of_contract(model: Model) -> str | None:
    """Cache key of the finding that a model keeps its contract; None for a model that has no key."""
    return _key(model, code_digests.code_of(model, contract.__name__), ["contract"])


def found(key: str | None) -> tuple[Layout, Any] | None:
    """(layout of the machine code under a key, the loaded code); None where the cache does not hold both."""
    noted = _noted(key)
    engine = machine_code.kept(noted["code"]) if noted else None
    return None if engine is None else (of_plain(Layout, noted["layout"]), engine)


def is_known(key: str | None) -> bool:
    """Whether the cache holds the layout of machine code under the key."""
    return bool(_noted(key))


def operations(key: str | None) -> int | None:
    """`Listing.of_future` of the study whose layout is kept under the key; None where there is none."""
    return _noted(key).get("operations")


def note(study: Study, code: str | None, key: str | None, written: Code, listing: Listing) -> None:
    """Keeps the layout of machine code under a key, unless the Python code that wrote it has changed meanwhile.

    Args:
      code: as `code_of` gave it before the code was written.
      key: as `key_of_code` gives it; with None nothing is kept.
      written: the machine code's text and layout.
      listing: the list that it was written from.
    """
    if key is not None and code_of(study) == code:
        count = listing.of_future(len(study.policies), len(study.years))
        content = {"layout": as_plain(written.layout), "code": machine_code.key_of(written.text), "operations": count}
        compilation_cache.keep("layout", key, json.dumps(content).encode())


def _noted(key: str | None) -> dict[str, Any]:
    content = compilation_cache.held("layout", key)
    return {} if content is None else json.loads(content)


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


@functools.cache
def _packages() -> dict[str, str]:
    return {name: version(name) for name in _PACKAGES} | {"python": platform.python_version()}


def _surroundings() -> dict[str, Any]:
    """What machine code depends on besides the study and this package: versions, processor and settings of JAX."""
    settings = sorted(jax.config.values.items())
    return {
        "packages": _packages(),
        "compiler": machine_code.surroundings(),
        # the code does not depend on which devices JAX starts
        "jax": {name: str(value) for name, value in settings if "cache" not in name and name != "jax_platforms"},
    }


def _key(model: Model, code: str | None, about: list[Any]) -> str | None:
    """Digest of the surroundings, `code`, the model and `about`; None without `code`, or if not all is plain data."""
    if code is None:
        return None
    digest = hashlib.blake2b(digest_size=16)
    try:
        _add(
            [_surroundings(), code, _kind(model), model.constants, [*model.levers], [*model.outcomes], *about],
            digest.update,
        )
    except TypeError:
        return None
    return digest.hexdigest()


def _add(value: Any, to: Callable[[bytes], None]) -> None:
    """Feeds the type and content of a value, and of all its parts, to a digest.

    Raises:
      TypeError: something in it is no plain data.
    """
    to(f"{_kind(value)}\0".encode())
    if value is None or isinstance(value, bool | int | float | str):
        to(f"{value!r}\0".encode())
    elif isinstance(value, np.ndarray | np.generic):
        if value.dtype.hasobject:
            raise TypeError(f"{value.dtype}")
        to(f"{value.dtype}{value.shape}\0".encode() + value.tobytes())
    elif isinstance(value, Mapping):
        to(f"{len(value)}\0".encode())
        for name, part in value.items():
            _add(name, to)
            _add(part, to)
    elif isinstance(value, list | tuple | range):
        to(f"{len(value)}\0".encode())
        for part in value:
            _add(part, to)
    elif is_dataclass(value):
        for field in fields(value):
            _add(getattr(value, field.name), to)
    else:
        raise TypeError(type(value).__qualname__)
