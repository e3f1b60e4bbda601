"""Loads models from the user's own files (`FILE:CLASS`)."""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, TypeGuard

from engine.errors import UserError, unknown
from engine.modelling.identity import is_own

if TYPE_CHECKING:  # imports JAX, which a command that loads no model must not wait for
    from engine.modelling.records import Model

_BROUGHT: set[str] = set()
"""Names of the user's own modules that models have imported so far."""
_EXECUTED: set[str] = set()
"""Files from which models were loaded."""
LARGEST_FILE = 16 << 20
"""Most bytes of a model's file that is read."""
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_LONGEST = 300


def load_model(spec: str) -> Model:
    """An instance of the model that `FILE:CLASS` names, created without arguments.

    Args:
      spec: a Python file and a class in it, such as `my_model.py:MyModel`.

    Raises:
      UserError: no such file or class, a file that cannot be imported, a class that is no model.
    """
    file, name = file_of(spec), spec.rpartition(":")[2]
    try:
        module = _executed(file.resolve())
    except (Exception, SystemExit) as error:
        raise UserError(spec, [f"importing it raised {in_words(error)}"]) from error
    part = getattr(module, name, None)
    if part is None:
        own = {key for key, value in vars(module).items() if is_model(value)}
        raise UserError(spec, [unknown("class", name, own)])
    if not is_model(part):
        raise UserError(spec, [f"expected a class derived from PathModel or StaticModel, got {part!r}."])
    try:
        return part()
    except Exception as error:
        raise UserError(spec, [f"making one raised {in_words(error)}"]) from error


def file_of(spec: str) -> Path:
    """The file in `FILE:CLASS`.

    Raises:
      UserError: there is no such file, or the class is not named.
    """
    file, _, name = spec.rpartition(":")
    if not file or not name:
        raise UserError(spec, ["expected FILE:CLASS, such as my_model.py:MyModel."])
    path = Path(file)
    if not os.path.isfile(path) or path.stat().st_size > LARGEST_FILE:
        raise UserError(spec, [f"expected a Python file of at most {LARGEST_FILE >> 20} MiB; '{file}' is none."])
    return path


def is_model(part: object) -> TypeGuard[type[Model]]:
    """Whether something is the class of a model, and none of the two that models derive from."""
    from engine.modelling.records import PathModel, StaticModel

    kinds = PathModel, StaticModel
    return isinstance(part, type) and issubclass(part, kinds) and part not in kinds


def _executed(file: Path) -> ModuleType:
    """A Python file executed as a module, whose name depends on its place and content."""
    _EXECUTED.add(str(file))
    content = file.read_bytes()
    place = hashlib.sha256(os.fsencode(file) + content).hexdigest()
    loader = _FromSource(f"rustbelt_model_{file.stem}_{place[:8]}", str(file))
    loader.content = content
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))  # type: ignore[arg-type]
    with _own_modules_anew(file.parent):
        sys.modules[loader.name] = module  # dataclasses and pickling look their module up there
        loader.exec_module(module)
    return module


class _FromSource(SourceFileLoader):
    """Loads a module from the content of its source, and never from byte code, which may be outdated."""

    content: bytes

    def get_code(self, fullname: str) -> CodeType:
        """The module's code."""
        return self.source_to_code(self.content, self.path)


@contextmanager
def _own_modules_anew(folder: Path) -> Iterator[None]:
    """A `with` block in which a folder's modules can be imported, as by a script in it, and the user's own are imported
    anew: those in the folder, and those that other models imported.

    At its end, modules that were imported otherwise before are put back. No byte code is written, which would be taken
    for that of a source that is edited within the same second.
    """
    known, before, writes_none = {*sys.modules}, _own_modules(sys.modules), sys.dont_write_bytecode
    aside = {
        name: sys.modules.pop(name)
        for name, file in before.items()
        if name in _BROUGHT or Path(file).is_relative_to(folder)
    }
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_none
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        new = _own_modules(sys.modules.keys() - known)
        for name, module in aside.items():
            if name not in _BROUGHT or name not in sys.modules:
                sys.modules[name] = module
        _BROUGHT.update(new)


def _own_modules(names: Iterable[str]) -> dict[str, str]:
    """The Python file of each module of the user's own with one of these names, by the module's name."""
    files = {name: str(getattr(sys.modules.get(name), "__dict__", {}).get("__file__")) for name in [*names]}
    return {name: file for name, file in files.items() if name != "__main__" and file.endswith(".py") and is_own(file)}


def in_words(error: BaseException, text: str = "") -> str:
    """An exception with the last of its lines in the user's own files: `ValueError: no such rate (model.py, line 7)`.

    Args:
      text: what is said in place of the exception's own words.
    """
    words = text or " ".join(str(error).partition("\n\n")[0].split())[:_LONGEST]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(frame.filename)]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {words}{where}"


def blamed(error: BaseException) -> UserError | None:
    """The `UserError` for an exception raised in a file from which a model was loaded; None for any other exception.

    The exception of a JAX callback arrives as text, in which the file is looked for.
    """
    frames = [(frame.filename, str(frame.lineno)) for frame in traceback.extract_tb(error.__traceback__)]
    text = f"raised {type(error).__name__}: {error}"
    if "callback" in str(error) and (named := _FRAME.findall(str(error))):
        frames, text = named, f"a callback raised {str(error).strip().splitlines()[-1]}"
    for file, line in reversed(frames):
        if file in _EXECUTED:
            return UserError(f"model {Path(file).name}", [f"{text[:_LONGEST]} (line {line})"])
    return None


def end_quietly() -> None:
    """Keeps Python from reporting a failed callback a second time at its exit, when JAX waits for the callback."""
    atexit.register(setattr, sys, "unraisablehook", lambda _: None)


def spec_of(part: type) -> str | None:
    """`FILE:CLASS` (absolute) by which `load_model` loads a class; None for a class in no file, as in a notebook or in
    a script that was piped to Python."""
    file = Path(getattr(sys.modules.get(part.__module__), "__file__", None) or "")
    return f"{file.resolve()}:{part.__name__}" if file.is_file() else None


def digest_of_file(part: type) -> str | None:
    """SHA-256 of the file that a class was loaded from, as it was executed; None where `load_model` did not load it."""
    loader = getattr(sys.modules.get(part.__module__), "__loader__", None)
    return hashlib.sha256(loader.content).hexdigest() if isinstance(loader, _FromSource) else None
