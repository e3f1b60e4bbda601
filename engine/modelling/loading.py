"""Parts by name: a class that stands in a user's own file."""

from __future__ import annotations

import atexit
import hashlib
import importlib.machinery
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from engine.errors import UserError, unknown

Part = TypeVar("Part")

_PREFIX = "rustbelt_model_"
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_LONGEST = 300


def load_part(spec: str, kinds: tuple[type[Part], ...]) -> Part:
    """An instance of the class that `FILE:CLASS` names, which takes no arguments.

    Args:
      spec: a Python file and a class in it, such as `my_model.py:MyModel`.
      kinds: the classes that it may derive from.

    Raises:
      UserError: no such file or class, a file that cannot be imported, a class of another kind.
    """
    file, _, name = spec.rpartition(":")
    if not file or not name:
        raise UserError(spec, ["expected FILE:CLASS, such as my_model.py:MyModel."])
    module = _import_file(spec, Path(file))
    expected = " or ".join(kind.__name__ for kind in kinds)
    part = getattr(module, name, None)
    if part is None:
        own = [
            key for key, value in vars(module).items() if isinstance(value, type) and issubclass(value, kinds)
        ]
        raise UserError(spec, [unknown("class", name, set(own) - {kind.__name__ for kind in kinds})])
    if not (isinstance(part, type) and issubclass(part, kinds) and part not in kinds):
        raise UserError(spec, [f"expected a class derived from {expected}, got {part!r}."])
    try:
        return part()
    except Exception as error:
        raise UserError(spec, [f"making one raised {_raised(error)}"]) from error


def _import_file(spec: str, path: Path) -> ModuleType:
    if not path.is_file():
        raise UserError(spec, [f"no file '{path}'; expected a Python file."])
    name = f"{_PREFIX}{path.stem}_{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:8]}"
    loader = importlib.machinery.SourceFileLoader(name, str(path.resolve()))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))  # type: ignore[arg-type]
    sys.modules[name] = module  # dataclasses and pickling look their module up there
    try:
        with _importable(path.resolve().parent):
            loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise UserError(spec, [f"importing it raised {_raised(error, path.resolve())}"]) from error
    return module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """The folder's modules can be imported, as when a script in it is run."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _raised(error: BaseException, path: Path | None = None) -> str:
    """`ValueError: what it says (line 7)`."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}" + (f" (line {line})" if line else "")


def blamed(error: BaseException) -> UserError | None:
    """A failure as the model's, where it was raised in a file that `load_part` loaded; None where it was not.

    A callback's failure comes as the text that JAX makes of it.
    """
    files = {module.__file__ for name, module in [*sys.modules.items()] if name.startswith(_PREFIX)}
    frames = traceback.extract_tb(error.__traceback__)
    places = [(frame.filename, frame.lineno) for frame in frames if frame.filename in files]
    text = f"raised {type(error).__name__}: {error}"
    if "callback" in str(error) and (named := _FRAME.findall(str(error))):
        places = [(file, int(line)) for file, line in named if file in files]
        text = f"a callback raised {str(error).strip().splitlines()[-1]}"
    if not places:
        return None
    file, line = places[-1]
    return UserError(f"model {Path(file).name}", [f"{text[:_LONGEST]} (line {line})"])


def end_quietly() -> None:
    """Keeps a callback that has failed from being told of once more as Python ends and JAX waits for it."""
    atexit.register(setattr, sys, "unraisablehook", lambda _: None)


def spec_of(part: type) -> str | None:
    """`FILE:CLASS` that `load_part` loads a class by, the file absolute; None where it stands in none, as in a notebook."""
    file = getattr(sys.modules.get(part.__module__), "__file__", None)
    return f"{Path(file).resolve()}:{part.__name__}" if file else None


def source_digest(part: type) -> str:
    """SHA-256 of the source a class comes from: every file of its package, names sorted, or the one file it stands in.

    What such a file imports from elsewhere is not covered.
    """
    module = sys.modules.get(part.__module__)
    file = getattr(module, "__file__", None)
    if file is None:
        try:
            return hashlib.sha256(inspect.getsource(part).encode()).hexdigest()
        except (OSError, TypeError) as error:
            text = "its source cannot be read, so its runs could not be told apart. Put the class in a file."
            raise UserError(part.__name__, [text]) from error
    home = Path(file)
    if not getattr(module, "__package__", ""):
        return hashlib.sha256(home.read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for path in sorted(home.parent.rglob("*"), key=lambda path: path.relative_to(home.parent).as_posix()):
        inside = path.relative_to(home.parent)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.is_file() and path.suffix != ".pyc" and not hidden:
            content = path.read_bytes()
            digest.update(f"{inside.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
