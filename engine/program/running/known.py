"""What earlier processes found out about a study: its machine code, whether its model keeps its contract, what rounding does to it.

Code itself is kept by its text, which must be written to be asked for: the model traced, its operations listed. Of a model of this
package nothing can change that but the study's records, the code of this package as it is in memory (`modelling/executed.py`), and
versions of what it is written with; where all are as they were, so is all that follows from them. A model of one's own may read what
nobody sees: it is traced by every process.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from engine.modelling import contract, executed
from engine.modelling.records import Model
from engine.program.emitting.driver import Layout
from engine.program.emitting.loop import Code
from engine.program.lowering.stages import Listing, Room
from engine.program.running import compilation_cache, machine_code
from engine.study.study import Study

_ELSEWHERE = ("document", "source", "model", "paths", "observed", "settings")
"""Fields of a study that its list does not follow from: its records say what the document does, and the sources what the model does."""
_PACKAGES = ("jax", "jaxlib", "numpy", "scipy")
_CODE = tuple(
    f"{executed.PACKAGE}.{name}"
    for name in ("program.lowering.listing", "program.emitting.loop", "program.running.machine_code")
)
"""Modules that machine code is written by."""


@dataclass(frozen=True)
class Unlisted:
    """A study whose code may be known, so that it need not be listed.

    Args:
      dtype: of all numbers that go in and out.
      listing: lists it where that must be.
      code: of this package, as it was in memory when this was made; None where code hangs on what nobody sees.
    """

    dtype: type
    listing: Callable[[], Listing]
    code: str | None


def code_of(study: Study, *more: str) -> str | None:
    """What a study's machine code is written by, as `executed.code_of`.

    Args:
      more: modules that write code for others than this processor.
    """
    return executed.code_of(study.model, *_CODE, *more)


def key_of(study: Study, code: str | None, *about: str | int) -> str | None:
    """What is kept by it follows from a study, from code, and from what is said about it; None where it hangs on what nobody sees.

    The number of paths has no part in it.

    Args:
      code: a digest of what finds it out, as it is in memory.
    """
    records = {
        field.name: getattr(study, field.name) for field in fields(study) if field.name not in _ELSEWHERE
    }
    return _key(study.model, code, [*about, records])


def key_of_code(study: Study, code: str | None, dtype: type, width: int, gives: str) -> str | None:
    """The key of a study's code.

    Args:
      code: as `code_of` gives it.
      width: lanes of a vector.
      gives: what the code gives, as `loop.code` takes it.
    """
    return key_of(study, code, "code", np.dtype(dtype).name, width, gives)


def key_of_contract(model: Model) -> str | None:
    """The key of a model that keeps its contract."""
    return _key(model, executed.code_of(model, contract.__name__), ["contract"])


def found(key: str) -> tuple[Layout, Any] | None:
    """The layout of known code and what holds its functions in memory; None where it is not known, or not there any more."""
    noted = _noted(key)
    engine = None if noted is None else machine_code.kept(noted["code"])
    if noted is None or engine is None:
        return None
    held = noted["layout"]
    rooms = {name: Room(**held[name]) for name in ("table", "shared")}
    return Layout(**{**held, **rooms, "dtype": np.dtype(held["dtype"]).type}), engine


def is_known(key: str | None) -> bool:
    """Whether code was written under the key."""
    return key is not None and _noted(key) is not None


def operations(key: str | None) -> int | None:
    """As `Listing.of_future`, of the study whose code was written under the key; None where that is not known."""
    noted = None if key is None else _noted(key)
    return None if noted is None else noted.get("operations")


def note(study: Study, code: str | None, key: str | None, written: Code, listing: Listing) -> None:
    """Notes for the next process what was written under a key, where nobody has changed anything meanwhile.

    Args:
      code: what the study's code was written by, as `code_of` gave it before.
      listing: that it was written from.
    """
    if key is not None and code_of(study) == code:
        held = {**asdict(written.layout), "dtype": np.dtype(written.layout.dtype).name}
        count = listing.of_future(len(study.policies), len(study.years))
        content = {"layout": held, "code": machine_code.key_of(written.text), "operations": count}
        compilation_cache.keep("layout", key, json.dumps(content).encode())


def _noted(key: str) -> dict[str, Any] | None:
    content = compilation_cache.held("layout", key)
    return None if content is None else json.loads(content)


def _name(model: Model) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"


@functools.cache
def _packages() -> dict[str, str]:
    return {name: version(name) for name in _PACKAGES} | {"python": platform.python_version()}


def _surroundings() -> dict[str, Any]:
    """All but the study and the code of this package that code follows from."""
    # which devices JAX starts changes no code
    told = {
        name: value
        for name, value in jax.config.values.items()
        if "cache" not in name and name != "jax_platforms"
    }
    return {
        "packages": _packages(),
        "compiler": machine_code.surroundings(),
        "jax": {name: str(told[name]) for name in sorted(told)},
    }


def _key(model: Model, code: str | None, about: list[Any]) -> str | None:
    """One digest of records, of the code that they are handed to, and of all that they stand among; None where one is no plain data."""
    if code is None:
        return None
    digest = hashlib.blake2b(digest_size=16)
    try:
        _add(
            [
                _surroundings(),
                code,
                _name(model),
                model.constants,
                [*model.levers],
                [*model.outcomes],
                *about,
            ],
            digest.update,
        )
    except TypeError:
        return None
    return digest.hexdigest()


def _add(value: Any, to: Callable[[bytes], None]) -> None:
    """Adds a record's type and content, and all that it is made of.

    Raises:
      TypeError: something in it is no plain data.
    """
    to(f"{type(value).__module__}.{type(value).__qualname__}\0".encode())
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
