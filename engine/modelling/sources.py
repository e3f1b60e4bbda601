"""The sources of the user's own model (its file, own modules that it imports, files that it reads) and their digest."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from engine.modelling.code_digests import Cache
from engine.modelling.opened_files import files_opened, is_own

OBSERVED = "observed.csv"
"""File of a model's package with observed figures; it is left out of digests, as no number depends on it."""
_BROUGHT: dict[str, None] = Cache()
"""Names of the user's own modules that models have imported so far."""


@dataclass
class Sources:
    """The files that a model depends on.

    Args:
      home: the model's own file.
      files: SHA-256 of each file, by absolute path.
    """

    home: Path
    files: dict[Path, str] = field(default_factory=dict)

    def digest(self) -> str:
        """One SHA-256 of all files: that of the model's own file where there is no other.

        It does not depend on where the model's folder lies: a file below it counts by its relative place, any other
        file by its name.
        """
        own = self.files[self.home]
        others = sorted((self._place(path), one) for path, one in self.files.items() if path != self.home)
        if not others:
            return own
        text = "".join(f"{name}\0{one}\0" for name, one in [("", own), *others])
        return hashlib.sha256(_bytes(text)).hexdigest()

    def digest_of_package(self) -> str:
        """As `digest`, of all files of the package around the model's file, and of those `files` that lie elsewhere."""
        folder, digest = self.home.parent, hashlib.sha256()
        for path in files_of_package(folder):
            content = path.read_bytes()
            digest.update(_bytes(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0") + content)
        elsewhere = [path for path in self.files if not path.is_relative_to(folder)]
        for name, one in sorted((path.name, self.files[path]) for path in elsewhere):
            digest.update(_bytes(f"{name}\0{one}\0"))
        return digest.hexdigest()

    def _place(self, path: Path) -> str:
        folder = self.home.parent
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def files_of_package(folder: Path) -> list[Path]:
    """The files below a package's folder that can be its code or data, sorted by their place in it.

    Left out are files that tools create and delete at any time (byte code, hidden files, an editor's locks, backups and
    autosaves), and `OBSERVED`, as a model is compared with observed figures but never computed from them.
    """
    places = sorted((path.relative_to(folder) for path in folder.rglob("*")), key=Path.as_posix)
    kept = [folder / place for place in places if not any(map(_is_of_tools, place.parts))]
    return [path for path in kept if path.is_file() and path.name != OBSERVED]


def _is_of_tools(part: str) -> bool:
    return part.startswith((".", "#")) or part.endswith(("~", ".pyc")) or part == "__pycache__"


def execute(name: str, file: Path) -> tuple[ModuleType, Sources]:
    """Executes a Python file as a module, and gives the module with the files that it depends on.

    The user's own modules that it imports are executed again too, as they are on the disk now, whatever was imported
    before and whatever byte code there is: those in the folder of the file, and those that other models imported.
    Modules of installed packages are not.
    """
    sources = Sources(file)
    loader = FromSource(name, str(file), sources)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))  # type: ignore[arg-type]
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses and pickling look their module up there
    try:
        with _importable(file.parent), _afresh(sources), files_opened() as opened:
            loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise
    for path in (*_imported(module), *filter(is_own, opened)):
        if path not in sources.files:
            sources.files[path] = _digest_of(path)
    return module, sources


def of_imported(module: ModuleType, file: Path) -> Sources:
    """The sources of a module that is imported already: its file, and the user's own modules that it imports.

    Which files it read as it was imported is no longer known.
    """
    return Sources(file, {path: _digest_of(path) for path in {file, *_imported(module)}})


def _bytes(text: str) -> bytes:
    """The text as UTF-8, also where it has file names that are no valid text."""
    return text.encode("utf-8", "surrogateescape")


def _digest_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


# ---------------------------------------------------------------------------------------------- modules


class FromSource(SourceFileLoader):
    """Loads a module from its source and never from byte code, which may be outdated; records the file's SHA-256."""

    def __init__(self, name: str, path: str, sources: Sources):
        super().__init__(name, path)
        self._sources = sources

    def get_code(self, fullname: str) -> CodeType:
        """The module's code, compiled from what the file holds now."""
        content = Path(self.path).read_bytes()
        self._sources.files[Path(self.path).resolve()] = hashlib.sha256(content).hexdigest()
        return self.source_to_code(content, self.path)


class _Finder:
    """Finds modules as Python would, and makes wanted ones load from their sources (`FromSource`)."""

    def __init__(self, sources: Sources, wanted: Callable[[ModuleSpec], bool]):
        self._sources, self._wanted = sources, wanted
        self._thread, self.names = threading.get_ident(), set[str]()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder.find_spec`; None for a module that is not wanted."""
        if threading.get_ident() != self._thread:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is None or type(spec.loader) is not SourceFileLoader or not self._wanted(spec):
            return None
        self.names.add(name)
        spec.loader = FromSource(name, spec.loader.path, self._sources)
        return spec


@contextmanager
def imported_afresh(sources: Sources, aside: Iterable[str], wanted: Callable[[ModuleSpec], bool]) -> Iterator[set[str]]:
    """A `with` block in which wanted modules are imported anew from their sources; gives the set of their names.

    Args:
      sources: the files of these modules are added here.
      aside: names of modules that are removed from `sys.modules` first; the caller puts back those that should stay.
      wanted: whether a module is to be loaded from its source.
    """
    for name in aside:
        del sys.modules[name]
    finder = _Finder(sources, wanted)
    importlib.invalidate_caches()
    sys.meta_path.insert(0, finder)
    try:
        yield finder.names
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def _afresh(sources: Sources) -> Iterator[None]:
    """A `with` block in which the user's own modules are imported anew; at its end, those not replaced are put back."""
    folder = str(sources.home.parent)
    aside = {
        name: module for name, module in list(sys.modules.items()) if name in _BROUGHT or _stands_in(module, folder)
    }
    with imported_afresh(sources, aside, lambda spec: is_own(spec.origin or "")) as names:
        try:
            yield
        finally:
            for name, module in aside.items():
                if name not in _BROUGHT or name not in sys.modules:
                    sys.modules[name] = module
            _BROUGHT.update(dict.fromkeys(names - aside.keys()))


def _stands_in(module: Any, folder: str) -> bool:
    stated = vars(module).get("__file__") if isinstance(module, ModuleType) else None
    if not isinstance(stated, str) or not stated.startswith(folder + os.sep):  # a path of each of thousands takes 12 ms
        return False
    file = file_of(module)
    return file is not None and module.__name__ != "__main__" and is_own(file)


def file_of(module: Any) -> Path | None:
    """The Python file of a module; None where it has none, or is no module."""
    file = vars(module).get("__file__") if isinstance(module, ModuleType) else None
    return Path(file) if isinstance(file, str) and file.endswith(".py") else None


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """A `with` block in which the folder's modules can be imported, as by a script in the folder."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _imported(module: ModuleType) -> Iterator[Path]:
    """Yields files of the user's own modules that a module imports outside of functions, directly or indirectly.

    Of a module in a zip archive it yields the archive.
    """
    found, todo = set[str](), [module]
    while todo:
        for name in _names_imported(todo.pop()):
            other = sys.modules.get(name)
            file = file_of(other)
            if other and file and name not in found and is_own(file):
                found.add(name)
                todo.append(other)
                yield _on_disk(file.resolve())


def _on_disk(file: Path) -> Path:
    """The file, or the archive that it is in."""
    return next((place for place in (file, *file.parents) if place.is_file()), file)


def _names_imported(module: ModuleType) -> Iterator[str]:
    """Names of modules that the source of a module names in its imports, but for those inside functions."""
    file = file_of(module)
    try:
        tree = ast.parse(file.read_bytes()) if file else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return
    package = vars(module).get("__package__") or ""
    for node in _outside_functions(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _and_above(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            name = ".".join(filter(None, [base, node.module]))
            yield from _and_above(name)
            yield from (f"{name}.{alias.name}" for alias in node.names)


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from _outside_functions(node)


def _and_above(name: str) -> Iterable[str]:
    return itertools.accumulate(name.split("."), "{}.{}".format)
