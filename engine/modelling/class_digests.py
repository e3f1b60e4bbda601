"""Digests of what is in no file: a model's class in a notebook, and attributes that a model was created with."""

from __future__ import annotations

import ast
import hashlib
import inspect
import linecache
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from engine.modelling.code_digests import names_in
from engine.modelling.opened_files import is_own
from engine.modelling.sources import file_of, of_imported


def digest_of_unfiled(part: type) -> str:
    """SHA-256 of a class that was written in a notebook: its source, and all that its methods refer to by name.

    Raises:
      OSError, TypeError: it has no source.
    """
    known: dict[str, str] = {}
    todo: list[tuple[str, Any]] = [(part.__qualname__, part)]
    while todo:
        name, value = todo.pop()
        if name in known:
            continue
        known[name] = ""
        module = value if isinstance(value, ModuleType) else sys.modules.get(getattr(value, "__module__", ""))
        file = file_of(module)
        if file is not None and is_own(file):
            known[name] = of_imported(module, file.resolve()).digest()  # type: ignore[arg-type]
        elif isinstance(value, type | FunctionType) and value.__module__ == part.__module__:
            known[name] = _source_of(value)
            todo += _referred_to(value)
        elif not (isinstance(value, ModuleType) or callable(value)):
            known[name] = _as_text(value)
    return hashlib.sha256("\0".join(f"{name}\0{known[name]}" for name in sorted(known)).encode()).hexdigest()


def _source_of(value: type | FunctionType) -> str:
    """The source of a function or class. `inspect` finds no class of a notebook: a method tells in which cell it is."""
    functions = [one for one in vars(value).values() if isinstance(one, FunctionType)]
    if not isinstance(value, type) or not functions:
        return inspect.getsource(value)
    code = functions[0].__code__
    text = "".join(linecache.getlines(code.co_filename))
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.ClassDef)
            and node.name == value.__name__
            and node.lineno <= code.co_firstlineno <= (node.end_lineno or 0)
        ):
            return ast.get_source_segment(text, node) or ""
    raise OSError(f"no source of {value.__name__}")


def _referred_to(value: type | FunctionType) -> Iterator[tuple[str, Any]]:
    """Yields the names that a function, or the methods of a class and its bases, look up, with their values now."""
    held: list[Any] = []
    if isinstance(value, type):
        held = [member for one in value.__mro__ for member in vars(one).values()]
        yield from ((one.__qualname__, one) for one in value.__mro__ if one.__module__ == value.__module__)
        for name, one in vars(value).items():
            if not (name.startswith("__") or callable(one)):
                yield f"{value.__qualname__}.{name}", one
    records = [record for one in held if isinstance(one, dict) for record in one.values()]
    held += [value, *(one for record in records for one in getattr(record, "__dict__", {}).values())]
    for function in (one for one in held if isinstance(one, FunctionType) and one.__module__ == value.__module__):
        for name in sorted(names_in(inspect.unwrap(function).__code__)):
            if name in function.__globals__:
                yield name, function.__globals__[name]


def given_by_hand(model: Any) -> str:
    """A model's attributes as text, if any differs from that of `type(model)()`, or the class needs arguments; else "".

    Attributes that the class does not set by itself (results that a method caches on the model) are ignored.
    """
    try:
        usual = dict(vars(type(model)()))
    except Exception:  # its class asks for something
        return _as_text(vars(model))
    here = {name: vars(model).get(name) for name in usual}
    return "" if _as_text(usual) == _as_text(here) else _as_text(here)


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_as_text(value[key])}' for key in value)}}}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(_as_text, value))})"
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        return f"{array.dtype}{array.shape}{array.tobytes().hex()}"
    text = repr(value)
    return type(value).__qualname__ if " at 0x" in text else text
