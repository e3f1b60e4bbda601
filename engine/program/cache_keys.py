"""Cache keys by which a process finds what earlier ones found out about a study without tracing its model.

Machine code is cached under a digest of its text, and writing this text means tracing the model. For a model of this
package the text follows from the study's records, the files of this package (`identity.RELEASE`) and the versions of
the compilers. A digest of these is the key here, under which the layout of the code, the check of the model's contract
and its rounding errors are kept. A user's own model may depend on anything, so it has no such key and every process
traces it, once for equal studies (`key_of_trace`).
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from engine.lanes import compilation_cache, cpu, machine_code
from engine.lanes.cpu import Compiled
from engine.lanes.layout import Layout
from engine.modelling.identity import RELEASE, ships
from engine.study.study import Study
from engine.study.tables.record import Table

_ELSEWHERE = ("document", "source", "model", "paths", "observed", "settings")
"""Fields of a study that its key leaves out: they do not change its code, or stand in another part of the key."""
_PACKAGES = ("jax", "jaxlib", "numpy", "scipy")


def key_of(study: Study, *about: Any) -> str | None:
    """Cache key of a finding about a study, whatever its number of paths.

    It is a digest of the surroundings, the release, the model, the study's records and `about`; None for a model that
    does not ship, or if not all is plain data.

    Args:
      about: the kind of finding, and what else it depends on.
    """
    return _digest(study, about) if ships(study.model) else None


def key_of_trace(study: Study) -> str | None:
    """Key under which this process keeps the trace of a study; None where nothing identifies its model, or if not all
    is plain data.

    A user's own model is identified by its trace when the study was loaded (`Study.traced`).
    """
    return _digest(study, ()) if ships(study.model) or study.traced else None


def _digest(study: Study, about: Any) -> str | None:
    model = study.model
    digest = hashlib.blake2b(digest_size=16)
    of_model = [_kind(model), model.constants, [*model.levers], [*model.outcomes]]
    records = {field.name: getattr(study, field.name) for field in fields(study) if field.name not in _ELSEWHERE}
    try:
        _add([surroundings(), of_model, records, about], digest.update)
    except TypeError:
        return None
    return digest.hexdigest()


def found(key: str | None) -> Compiled | None:
    """The machine code under a key; None where the cache does not hold both its layout and the code."""
    noted = _noted(key)
    return cpu.kept(Layout.of_plain(noted["layout"]), noted["code"]) if noted else None


def operations(key: str | None) -> int | None:
    """Operations of a path, as `note` was given them; None where the cache does not hold the code."""
    return _noted(key).get("operations")


def note(key: str | None, made: Compiled, operations: int) -> None:
    """Keeps the layout of machine code under a key.

    Args:
      key: as `key_of` gives it; with None nothing is kept.
      made: the machine code.
      operations: of a path.
    """
    if key is not None:
        content = {"layout": made.layout.as_plain(), "code": made.key, "operations": operations}
        compilation_cache.keep("layout", key, json.dumps(content).encode())


def _noted(key: str | None) -> dict[str, Any]:
    content = compilation_cache.held("layout", key)
    return {} if content is None else json.loads(content)


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


@functools.cache
def _packages() -> dict[str, str]:
    return {name: version(name) for name in _PACKAGES} | {"python": platform.python_version()}


def surroundings() -> dict[str, Any]:
    """What machine code depends on besides the study: this package, versions, processor and settings of JAX."""
    settings = sorted(jax.config.values.items())
    return {
        "release": RELEASE,
        "packages": _packages(),
        "compiler": machine_code.surroundings(),
        # the code does not depend on which devices JAX starts
        "jax": {name: str(value) for name, value in settings if "cache" not in name and name != "jax_platforms"},
    }


def _add(value: Any, to: Callable[[bytes], None]) -> None:
    """Feeds the type and content of a value, and of all its parts, to a digest.

    Raises:
      TypeError: something in it is no plain data.
    """
    parts: Iterable[Any] = ()
    if value is None or isinstance(value, bool | int | float | str):
        content = repr(value).encode()
    elif isinstance(value, np.ndarray | np.generic):
        if value.dtype.hasobject:
            raise TypeError(f"{value.dtype}")
        content = f"{value.dtype}{value.shape}\0".encode() + value.tobytes()
    elif isinstance(value, Mapping):
        content, parts = str(len(value)).encode(), value.items()
    elif isinstance(value, list | tuple | range):
        content, parts = str(len(value)).encode(), value
    elif isinstance(value, Table):
        content, parts = b"", vars(value).values()
    elif is_dataclass(value):
        content, parts = b"", (getattr(value, field.name) for field in fields(value))
    else:
        raise TypeError(type(value).__qualname__)
    to(f"{_kind(value)}\0".encode() + content + b"\0")
    for part in parts:
        _add(part, to)
