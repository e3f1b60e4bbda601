"""Digests of what is in no file: a model's class in a notebook, and attributes that a model was created with."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

from engine.errors import UserError
from engine.modelling.code_digests import PACKAGE, Walk, names_in
from engine.modelling.opened_files import is_own
from engine.modelling.sources import file_of


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
    try:
        usual = dict(vars(part()))
    except Exception:  # its class asks for something
        return _as_text(part, model)
    text = _as_text(part, {name: vars(model).get(name) for name in usual})
    return "" if _as_text(part, usual) == text else text


def in_memory(part: type) -> str:
    """A class as it is in memory, with all of the user's own that its methods refer to by name; "" if that is too much.

    Two classes of one source have one text, in whichever modules they are, unless one was changed from outside.
    """
    with suppress(UserError):
        return _as_text(part, part)
    return ""


def _as_text(part: type, value: Any) -> str:
    """A value with all that it refers to; `part` is the class of the model."""
    try:
        return _Walk(part.__module__).text(value)
    except OverflowError as error:
        raise UserError(
            part.__name__,
            ["it refers to so many numbers that its runs could not be told apart. Make its lists and dicts arrays."],
        ) from error


class _Walk(Walk):
    """A walk through a value that goes on to what functions of the user's own look up by name.

    Args:
      home: name of the module of the model's class.
    """

    def __init__(self, home: str):
        super().__init__("", "")
        self._home = home
        self._done: dict[int, Any] = {}

    def _follows(self, module: str) -> bool:
        file = file_of(sys.modules.get(module))
        return module in ("__main__", self._home) or (file is not None and is_own(file))

    def _name(self, value: type | FunctionType) -> str:
        module = value.__module__ or ""
        return value.__qualname__ if self._follows(module) else f"{module}.{value.__qualname__}"

    def _counts_elsewhere(self, value: type | FunctionType) -> bool:
        return isinstance(value, type) and not self._follows(value.__module__)

    def _opens(self, kind: type) -> bool:
        of_engine = kind.__module__.startswith(f"{PACKAGE}.")
        return of_engine or kind is SimpleNamespace or super()._opens(kind)

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
        elif isinstance(value, FunctionType):
            if self._follows(value.__globals__.get("__name__", self._home)):
                return [*parts, *self._looked_up(value)]
            return [part for part in parts if not isinstance(part, CodeType)]
        elif self._follows(type(value).__module__):
            parts.append(type(value))
        if not parts and " at 0x" not in (text := repr(value)):
            parts.append(re.sub(rf"\b{re.escape(self._home)}\b", "", text))  # as of a logger, which is named after it
        return parts

    def _looked_up(self, function: FunctionType) -> Iterator[Any]:
        """Names that a function looks up in its module, and in modules of the user's own there; each with its value."""
        names, modules = sorted(names_in(function.__code__)), [function.__globals__]
        for held in modules:
            for name in filter(held.__contains__, names):
                value = held[name]
                if not isinstance(value, ModuleType):
                    yield from (name, value)
                elif self._follows(value.__name__) and not any(vars(value) is one for one in modules):
                    modules.append(vars(value))
