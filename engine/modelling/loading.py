"""Loads models from the user's own files (`FILE:CLASS`), and digests the sources of models."""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeGuard
from weakref import WeakKeyDictionary

from engine.errors import UserError, unknown
from engine.modelling import code_digests
from engine.modelling.class_digests import digest_of_unfiled, given_by_hand, in_memory
from engine.modelling.package_digests import digest_of_shipped
from engine.modelling.sources import Sources, execute, of_imported

if TYPE_CHECKING:  # imports JAX, which a command that loads no model must not wait for
    from engine.modelling.records import Model

_LOADED: WeakKeyDictionary[type, Sources] = WeakKeyDictionary()
"""Class -> the files that it was loaded from."""
_SEEN: WeakKeyDictionary[type, tuple[str, str]] = WeakKeyDictionary()
"""Class -> (digest of its sources, the class as these give it: its text by `in_memory`)."""
_LAST: dict[tuple[str, str], str] = code_digests.Cache()
"""Module and name of a class -> its text in memory when it was last digested."""

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
    module, sources = _import_file(spec, Path(file))
    part = getattr(module, name, None)
    if part is None:
        own = {key for key, value in vars(module).items() if is_model(value)}
        raise UserError(spec, [unknown("class", name, own - {"PathModel", "StaticModel"})])
    if not is_model(part) or part in (PathModel, StaticModel):
        raise UserError(spec, [f"expected a class derived from PathModel or StaticModel, got {part!r}."])
    _LOADED[part], _SEEN[part] = sources, (sources.digest(), in_memory(part))
    try:
        return part()
    except Exception as error:
        raise UserError(spec, [f"making one raised {_raised(error)}"]) from error


def is_model(part: object) -> TypeGuard[type[Model]]:
    """Whether something is the class of a model, or one of the two that models derive from."""
    from engine.modelling.records import PathModel, StaticModel

    return isinstance(part, type) and issubclass(part, PathModel | StaticModel)


def _import_file(spec: str, path: Path) -> tuple[ModuleType, Sources]:
    if not path.is_file():
        raise UserError(spec, [f"no file '{path}'; expected a Python file."])
    if path.stat().st_size > LARGEST_FILE:
        raise UserError(spec, [f"expected a Python file of at most {LARGEST_FILE >> 20} MiB, got '{path}'."])
    file = path.resolve()
    try:
        return execute(_module_name(file), file)
    except (Exception, SystemExit) as error:
        raise UserError(spec, [f"importing it raised {_raised(error, file)}"]) from error


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


def source_digest(part: type) -> str:
    """SHA-256 of the source of a class and of all own code that it depends on.

    For a class in a single file: that file, the modules outside installed packages that it imports, and the files that
    are read while it is loaded. For a class in a package: every file of the package, sorted by name, and imported
    modules outside of this and of installed packages. For a class in no file, as in a notebook: its source, and what
    its methods refer to.

    Raises:
      UserError: it has no source, or it ships with this package and differs in memory from its source.
    """
    module, home = sys.modules.get(part.__module__), _home(part)
    if module is None:
        raise UserError(
            part.__name__, ["its source cannot be read, so its runs could not be told apart. Put the class in a file."]
        )
    if home is None:
        return digest_of_unfiled(part)
    if part.__module__.partition(".")[0] == code_digests.PACKAGE:
        return digest_of_shipped(part)
    if part not in _SEEN or _SEEN[part][1] != in_memory(part):
        _SEEN[part] = _as_on_disk(part, module, home)
    return _SEEN[part][0]


def _as_on_disk(part: type, module: ModuleType, home: Path) -> tuple[str, str]:
    """The digest of a class's sources as they are on the disk now, and the class as these give it."""
    if module.__package__:
        digest = of_imported(module, home).digest_of_package()
        before = _SEEN.get(part)
        return before if before and before[0] == digest else (digest, in_memory(part))
    if module.__name__ != "__main__":  # a script would run again
        with suppress(Exception, SystemExit):
            fresh, _LOADED[part] = execute(_module_name(home), home)  # to see what it reads
            return _LOADED[part].digest(), in_memory(getattr(fresh, part.__name__, part))
    return of_imported(module, home).digest(), in_memory(part)


def model_digest(model: object) -> tuple[str, str | None]:
    """SHA-256 of a model, and the `FILE:CLASS` by which another process can load the same model; None where none can.

    The digest is that of the source of its class; for a model created with arguments or changed by hand, and for one
    whose code or constants were changed in memory, of what it holds too.

    Raises:
      UserError: its class has no source.
    """
    part, by_hand = type(model), given_by_hand(model)
    source = source_digest(part)
    if not code_digests.ships(model):
        text, name = in_memory(part), (part.__module__, part.__qualname__)
        if _LAST.setdefault(name, text) != text:
            import jax

            jax.clear_caches()  # it keeps traced functions, with the numbers that these read by name as they were
            _LAST[name] = text
        if part in _SEEN and text != _SEEN[part][1]:
            by_hand += text
    if not by_hand:
        return source, spec_of(part)
    return hashlib.sha256(f"{source}\0{by_hand}".encode()).hexdigest(), None


def files_of(part: type) -> Mapping[Path, str]:
    """SHA-256 of each file, by absolute path, on which a class in a single file depends; empty for any other class."""
    return _LOADED[part].files if part in _LOADED else {}


def _module_name(file: Path) -> str:
    """Name of a model's file among the modules of this process."""
    return f"{_PREFIX}{file.stem}_{hashlib.sha256(os.fsencode(file)).hexdigest()[:8]}"
