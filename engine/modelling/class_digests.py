"""Digests of what is in no file: a model's class in a notebook, and attributes that a model was created with."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

from engine.errors import UserError
from engine.modelling.code_digests import PACKAGE, Unseen, Walk, names_in
from engine.modelling.opened_files import is_own
from engine.modelling.sources import file_of, of_imported


def digest_of_unfiled(part: type) -> str:
    """SHA-256 of a class that was written in a notebook: its code, and all that its methods refer to by name.

    Raises:
      UserError: that is too much.
    """
    return hashlib.sha256(_as_text(part, part).encode()).hexdigest()


def given_by_hand(model: Any) -> str:
    """A model's attributes as text, if any differs from that of `type(model)()`, or the class needs arguments; else "".

    Attributes that the class does not set by itself (results that a method caches on the model) are ignored.

    Raises:
      UserError: that is too much.
    """
    part = type(model)
    kept = functools.cached_property
    here = {name: value for name, value in vars(model).items() if not isinstance(getattr(part, name, None), kept)}
    try:
        usual = dict(vars(part()))
    except Exception:  # its class asks for something
        return _as_text(part, here)
    text = _as_text(part, {name: here.get(name) for name in usual})
    return "" if _as_text(part, usual) == text else text


def _as_text(part: type, value: Any) -> str:
    """Digests of a value and of the user's own files that it refers to; `part` is the class of the model."""
    walk = _Walk(part.__module__)
    try:
        text = walk.text(value)
    except OverflowError as error:
        raise UserError(
            part.__name__,
            ["it refers to so many numbers that its runs could not be told apart. Make its lists and dicts arrays."],
        ) from error
    files = sorted(of_imported(module, Path(file).resolve()).digest() for file, module in walk.files.items())
    return "\0".join([text, *files])


class _Walk(Walk):
    """A walk through a value that goes on to what functions in no file look up by name; files are recorded.

    Args:
      home: name of the module of the model's class.
    """

    def __init__(self, home: str):
        super().__init__("", "")
        self.files: dict[Path, ModuleType] = {}
        self._home = home
        self._done: dict[int, Any] = {}

    def _follows(self, module: str) -> bool:
        return module in ("__main__", self._home) and file_of(sys.modules.get(module)) is None

    def _name(self, value: type | FunctionType) -> str:
        try:
            return super()._name(value)
        except Unseen:
            self._sees_file(value.__module__)
            return f"{value.__module__}.{value.__qualname__}"

    def _sees_file(self, module: str | None) -> bool:
        """Whether a module is a file of the user's own, which is recorded."""
        file = file_of(sys.modules.get(module or ""))
        if file is None or not is_own(file):
            return False
        self.files[file] = sys.modules[module or ""]
        return True

    def _counts_elsewhere(self, value: type | FunctionType) -> bool:
        return isinstance(value, type) and not self._follows(value.__module__)

    def _opens(self, kind: type) -> bool:
        of_engine = kind.__module__.startswith(f"{PACKAGE}.")
        return of_engine or kind is SimpleNamespace or self._sees_file(kind.__module__) or super()._opens(kind)

    def _parts(self, value: Any) -> Iterable[Any]:
        """As in any walk, but each function and class once, and none of a package by its code.

        What nothing else is known of counts by what it prints.
        """
        if isinstance(value, FunctionType | type):
            if id(value) in self._done:
                return [self._name(value)]
            self._done[id(value)] = value
        parts = [*super()._parts(value)]
        if isinstance(value, MethodType):
            parts.append(value.__self__)
        elif isinstance(value, ModuleType):
            self._sees_file(value.__name__)
        elif isinstance(value, FunctionType):
            known, module = value.__globals__, value.__globals__.get("__name__", "")
            if self._follows(module):
                for name in sorted(names_in(value.__code__) & known.keys()):
                    parts += name, known[name]
            elif not self._sees_file(module):
                parts = [part for part in parts if not isinstance(part, CodeType)]
        elif self._follows(type(value).__module__):
            parts.append(type(value))
        if not parts and " at 0x" not in (text := repr(value)):
            parts.append(text)
        return parts
