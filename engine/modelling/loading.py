"""Loads models from the user's own files (`FILE:CLASS`)."""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, TypeGuard
from weakref import WeakKeyDictionary

from engine.errors import UserError, unknown
from engine.modelling.identity import is_own

if TYPE_CHECKING:  # imports JAX, which a command that loads no model must not wait for
    from engine.modelling.records import Model

_LOADED: WeakKeyDictionary[type, str] = WeakKeyDictionary()
"""Class -> SHA-256 of the file that it was loaded from, as it was executed."""
_BROUGHT: set[str] = set()
"""Names of the user's own modules that models have imported so far."""

LARGEST_FILE = 16 << 20
"""Most bytes of a model's file that is read."""
_PREFIX = "rustbelt_model_"
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_LONGEST = 300


def load_model(spec: str) -> Model:
    """An instance of the model that `FILE:CLASS` names, created without arguments.

    Args:
      spec: a Python file and a class in it, such as `my_model.py:MyModel`.

    Raises:
      UserError: no such file or class, a file that cannot be imported, a class that is no model.
    """
    from engine.modelling.records import PathModel, StaticModel

    file, _, name = spec.rpartition(":")
    if not file or not name:
        raise UserError(spec, ["expected FILE:CLASS, such as my_model.py:MyModel."])
    module, sha256 = _import_file(spec, Path(file))
    part = getattr(module, name, None)
    if part is None:
        own = {key for key, value in vars(module).items() if is_model(value)}
        raise UserError(spec, [unknown("class", name, own - {"PathModel", "StaticModel"})])
    if not is_model(part) or part in (PathModel, StaticModel):
        raise UserError(spec, [f"expected a class derived from PathModel or StaticModel, got {part!r}."])
    _LOADED[part] = sha256
    try:
        return part()
    except Exception as error:
        raise UserError(spec, [f"making one raised {_raised(error)}"]) from error


def is_model(part: object) -> TypeGuard[type[Model]]:
    """Whether something is the class of a model, or one of the two that models derive from."""
    from engine.modelling.records import PathModel, StaticModel

    return isinstance(part, type) and issubclass(part, PathModel | StaticModel)


def _import_file(spec: str, path: Path) -> tuple[ModuleType, str]:
    if not path.is_file():
        raise UserError(spec, [f"no file '{path}'; expected a Python file."])
    if path.stat().st_size > LARGEST_FILE:
        raise UserError(spec, [f"expected a Python file of at most {LARGEST_FILE >> 20} MiB, got '{path}'."])
    file = path.resolve()
    try:
        return _executed(_module_name(file), file)
    except (Exception, SystemExit) as error:
        raise UserError(spec, [f"importing it raised {_raised(error, file)}"]) from error


def _executed(name: str, file: Path) -> tuple[ModuleType, str]:
    """A Python file executed as a module of a name, and the SHA-256 of what was executed."""
    loader = _FromSource(name, str(file))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))  # type: ignore[arg-type]
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and pickling look their module up there
    try:
        with _own_modules_anew(file.parent):
            loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise
    return module, loader.sha256


class _FromSource(SourceFileLoader):
    """Loads a module from its source and never from byte code, which may be outdated."""

    sha256 = ""

    def get_code(self, fullname: str) -> CodeType:
        """The module's code, compiled from what the file holds now."""
        content = Path(self.path).read_bytes()
        self.sha256 = hashlib.sha256(content).hexdigest()
        return self.source_to_code(content, self.path)


@contextmanager
def _own_modules_anew(folder: Path) -> Iterator[None]:
    """A `with` block in which a folder's modules can be imported, as by a script in it, and the user's own are imported
    anew: those in the folder, and those that other models imported.

    At its end, modules that were imported otherwise before are put back. No byte code is written, which would be taken
    for that of a source that is edited within the same second.
    """
    aside = {name: one for name, one in [*sys.modules.items()] if _is_taken_anew(name, one, folder)}
    for name in aside:
        del sys.modules[name]
    known, before = {*sys.modules}, sys.dont_write_bytecode
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        new = {name for name, one in [*sys.modules.items()] if name not in known | aside.keys() and _file_of(one)}
        for name, module in aside.items():
            if name not in _BROUGHT or name not in sys.modules:
                sys.modules[name] = module
        _BROUGHT.update(new)


def _is_taken_anew(name: str, module: Any, folder: Path) -> bool:
    stated = vars(module).get("__file__") if isinstance(module, ModuleType) else None
    there = isinstance(stated, str) and stated.startswith(f"{folder}{os.sep}")  # a path of each of thousands: 12 ms
    return name != "__main__" and (there or name in _BROUGHT) and _file_of(module) is not None


def _file_of(module: Any) -> str | None:
    """The Python file of a module of the user's own; None for any other module."""
    file = vars(module).get("__file__") if isinstance(module, ModuleType) else None
    return file if isinstance(file, str) and file.endswith(".py") and is_own(file) else None


def _raised(error: BaseException, path: Path | None = None) -> str:
    """An exception in words, such as `ValueError: what it says (line 7)`."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}" + (f" (line {line})" if line else "")


def blamed(error: BaseException) -> UserError | None:
    """The `UserError` for an exception raised in a file from which a model was loaded; None for any other exception.

    The exception of a JAX callback arrives as text, in which the file is looked for.
    """
    files = {module.__file__ for name, module in [*sys.modules.items()] if name.startswith(_PREFIX)}
    frames = [(frame.filename, str(frame.lineno)) for frame in traceback.extract_tb(error.__traceback__)]
    text = f"raised {type(error).__name__}: {error}"
    if "callback" in str(error) and (named := _FRAME.findall(str(error))):
        frames, text = named, f"a callback raised {str(error).strip().splitlines()[-1]}"
    places = [place for place in frames if place[0] in files]
    if not places:
        return None
    file, line = places[-1]
    return UserError(f"model {Path(file).name}", [f"{text[:_LONGEST]} (line {line})"])


def end_quietly() -> None:
    """Keeps Python from reporting a failed callback a second time at its exit, when JAX waits for the callback."""
    atexit.register(setattr, sys, "unraisablehook", lambda _: None)


def spec_of(part: type) -> str | None:
    """`FILE:CLASS` (absolute) by which `load_model` loads a class; None for a class in no file, as in a notebook."""
    file = _home(part)
    return f"{file}:{part.__name__}" if file else None


def _home(part: type) -> Path | None:
    """The file of a class; None for one in a notebook, or in a script that was piped to Python."""
    file = Path(getattr(sys.modules.get(part.__module__), "__file__", None) or "")
    return file.resolve() if file.is_file() else None


def digest_of_file(part: type) -> str | None:
    """SHA-256 of the file that a class was loaded from, as it was executed; None where `load_model` did not load it."""
    return _LOADED.get(part)


def _module_name(file: Path) -> str:
    """Name of a model's file among the modules of this process."""
    return f"{_PREFIX}{file.stem}_{hashlib.sha256(os.fsencode(file)).hexdigest()[:8]}"
