"""Digests of the sources of this package's models, given only if these sources are what is in memory."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engine.errors import UserError
from engine.modelling import code_digests
from engine.modelling.sources import Sources, imported_afresh

_SOURCES: dict[str, str] = code_digests.Cache()
"""Digest of a package in memory -> SHA-256 of the sources that were seen to give it when executed."""
_ALONE = threading.RLock()
_SHOWN, _DIGEST = 5, 32


def digest_of_shipped(part: type) -> str:
    """SHA-256 of the sources of a model's package: all its files, sorted by name.

    Raises:
      UserError: the package in memory is not what these sources give: a name was set from outside, files were edited
        after the import, or byte code is older than its source.
    """
    module = sys.modules[part.__module__]
    package = module.__package__ or part.__module__
    try:
        now = code_digests.state([part.__module__], package)
    except code_digests.Unseen as own:
        raise _changed(package, [f"{own}, code of your own"]) from own
    key = code_digests.digest(now)
    if key not in _SOURCES:
        with _ALONE, _afresh(package) as sources:
            before = sources.digest_of_package()
            importlib.import_module(part.__module__)
            given = code_digests.state([part.__module__], package)
            files = sources.digest_of_package()
        names = [name for name in sorted(given.keys() | now.keys()) if given.get(name) != now.get(name)]
        wrong = [_difference(name, given, now) for name in names]
        if wrong or files != before:
            raise _changed(package, wrong or ["its files change now"])
        _SOURCES[key] = files
    return _SOURCES[key]


def _difference(name: str, given: Mapping[str, str], now: Mapping[str, str]) -> str:
    short = [side.get(name, "nothing") for side in (now, given)]
    return (
        name if any(" " in text or len(text) == _DIGEST for text in short) else f"{name} is {short[0]} for {short[1]}"
    )


def _changed(package: str, wrong: list[str]) -> UserError:
    more = [f"{len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return UserError(
        "model",
        [
            f"'{package.rpartition('.')[2]}' is not what its source says, so its numbers would go by a name that is not"
            f" theirs: {', '.join([*wrong[:_SHOWN], *more])}. If its files were edited, start Python again, and delete"
            " __pycache__ if that does not help; to try another model, write one of your own."
        ],
    )


@contextmanager
def _afresh(package: str) -> Iterator[Sources]:
    """A `with` block in which a package's modules are imported anew from sources; its end puts the old ones back."""
    sources = Sources(Path(sys.modules[package].__file__ or "").resolve())
    aside = {name: module for name, module in [*sys.modules.items()] if _is_of(package, name)}
    try:
        with imported_afresh(sources, aside, lambda spec: _is_of(package, spec.name)):
            yield sources
    finally:
        for name in [name for name in sys.modules if _is_of(package, name)]:
            del sys.modules[name]
        sys.modules.update(aside)
        parent, _, name = package.rpartition(".")
        if parent:
            setattr(sys.modules[parent], name, aside[package])


def _is_of(package: str, name: str) -> bool:
    return f"{name}.".startswith(f"{package}.")
