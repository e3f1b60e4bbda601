"""Digests of modules as they are in memory, whatever their files contain now, so that cached results match what was
executed.

A file may be edited after it was imported, a constant set from outside, byte code be older than its source. So a
module's digest covers the code of its functions and the values of its names, as they would be executed now, and the
same of each module that it refers to.
"""

from __future__ import annotations

import copy
import enum
import functools
import hashlib
import operator
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import Field
from types import CellType, CodeType, FunctionType, MappingProxyType, ModuleType
from typing import Any, TypeVar

import numpy as np

from engine.modelling.opened_files import is_own

PACKAGE = __name__.partition(".")[0]
WRITTEN = "_as_written"
"""Attribute in which a model that was changed by a study (its constants, say) keeps the original model."""
_PLAIN = {bool, int, float, complex, str, bytes, type(None), type(Ellipsis)}
_METHODS = (FunctionType, classmethod, staticmethod, property)
_WRAPPERS = ("__name__", "__wrapped__", "__func__", "fget", "fset", "fdel", "func", "args", "keywords")
"""Attributes in which properties, class methods, and partial, cached and compiled functions keep what they call."""
_LONGEST, _MOST = 80, 2_000_000
_Model = TypeVar("_Model")


class Cache(dict[Any, Any]):
    """A cache of this process: no result depends on what it holds, so digests leave that out."""


_CODES: dict[int, tuple[CodeType, str, frozenset[str]]] = Cache()
"""Address of a code object -> the object (so that the address stays its own), its digest, names that it looks up."""
_WALKS: dict[tuple[str, str], Walk] = Cache()
"""The last walk through each module, by the package whose modules are followed and the module's name."""


class Unseen(TypeError):
    """A module refers to the user's own code, whose inputs a digest cannot cover."""


def state(roots: Iterable[str], within: str = PACKAGE) -> dict[str, str]:
    """The state of each name in some modules, and in all modules that these refer to, as text by `module.name`.

    A function counts by its code, defaults and closure, a class by its members, any other value by its content: as text
    where that is short, else as a digest. An object of another package counts by its name, a function of one by its
    code too.

    Args:
      roots: names of modules that have been imported.
      within: the package whose modules are followed.

    Raises:
      Unseen: the modules refer to the user's own code.
    """
    walks: dict[str, Walk] = {}
    todo = [*roots]
    while todo:
        module = todo.pop()
        if module not in walks:
            walks[module] = _walked(within, module)
            todo += walks[module].met
    names, looked_up, others = dict[str, str](), set[str](), dict[str, ModuleType]()
    for walk in walks.values():
        names |= walk.names
        looked_up |= walk.looked_up
        others |= walk.others
    end = Walk(within, "")
    for module, other in others.items():
        for name in looked_up & vars(other).keys():
            value = vars(other)[name]
            if not name.startswith("__") and (callable(value) or type(value) in _PLAIN) and value != sys.executable:
                names[f"{module}.{name}"] = end.text(value)
    return names


def _walked(within: str, module: str) -> Walk:
    """A walk through a module; the last one is reused where nothing has changed since."""
    walk = _WALKS.get((within, module))
    if walk is None or walk.held is not vars(sys.modules[module]) or not walk.holds():
        walk = Walk(within, module)
        walk.go()
        _WALKS[within, module] = walk
    return walk


def digest(names: Mapping[str, str]) -> str:
    """One digest of the states of names that `state` gives."""
    return _digest("".join(f"{name}\0{names[name]}\0" for name in sorted(names)))


def as_written(model: _Model) -> _Model:
    """The model as its author wrote it, without a study's changes; the model itself where there are none."""
    written: _Model = getattr(model, WRITTEN, model)
    return written


def altered(model: _Model, **tables: Any) -> _Model:
    """A copy of a model with some tables replaced, which remembers the original (`as_written`).

    Raises:
      AttributeError: the model computes the table of that name.
    """
    own = copy.copy(model)
    for name, table in {**tables, WRITTEN: as_written(model)}.items():
        try:
            object.__setattr__(own, name, table)
        except AttributeError as error:
            raise AttributeError(name) from error
    return own


def ships(model: object) -> bool:
    """Whether a model is of this package and has no attributes of its own: code and a study's tables determine it."""
    return type(model).__module__.partition(".")[0] == PACKAGE and not vars(as_written(model))


def code_of(model: object, *modules: str) -> str | None:
    """Digest of the code of a model of this package and of some modules; None where other code takes part."""
    if not ships(model):
        return None
    try:
        return digest(state([type(model).__module__, *modules]))
    except Unseen:
        return None


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Walk:
    """One walk through a module and all that it holds.

    Args:
      within: the package whose modules are followed.
      module: its name.
    """

    def __init__(self, within: str, module: str):
        self.held: dict[str, Any] = vars(sys.modules[module]) if module else {}
        self.names: dict[str, str] = {}
        self.met: set[str] = set()
        self.others: dict[str, ModuleType] = {}
        self.looked_up: set[str] = set()
        self._within, self._module = f"{within}.", module
        self._called: dict[int, str] = {}
        self._inside: set[int] = set()
        self._seen: list[tuple[Callable[[Any], list[Any]], Any, list[Any]]] = []

    def go(self) -> None:
        """Records the state of each name, the modules referred to, and the names looked up in other packages."""
        self._see(_items, self.held)
        for name, value in self.held.items():
            if type(value) is ModuleType:
                if not self._follows(value.__name__):
                    self.others[value.__name__] = value
                elif value.__name__.rpartition(".")[0] != self._module:  # an import sets a submodule in its package
                    self.met.add(value.__name__)
            elif _counts(name, value):
                self.names[f"{self._module}.{name}"] = self.text(value)

    def holds(self) -> bool:
        """Whether all parts that were recorded are still the same objects."""
        return all(
            len(now := parts_of(value)) == len(before) and all(map(operator.is_, now, before))
            for parts_of, value, before in self._seen
        )

    def text(self, value: Any) -> str:
        """The state of a value: as text where that is short, else as a digest."""
        parts: list[str] = []
        self._write(value, parts)
        text = " ".join(parts)
        return text if len(text) <= _LONGEST else _digest(text)

    def _see(self, parts_of: Callable[[Any], list[Any]], value: Any) -> list[Any]:
        """The parts of a value that may change, recorded so that `holds` can compare them."""
        parts = parts_of(value)
        self._seen.append((parts_of, value, parts))
        return parts

    def _follows(self, module: str) -> bool:
        return f"{module}.".startswith(self._within)

    def _write(self, value: Any, to: list[str]) -> None:
        """Appends the state of a value, and of its parts, as text.

        Raises:
          OverflowError: there are too many parts, counted as often as the value leads to them.
        """
        if len(to) > _MOST:
            raise OverflowError(
                f"a name of {self._module} holds too much for a digest; if no result depends on it, make it a Cache"
            )
        kind = type(value)
        if kind in _PLAIN:
            to.append(repr(value))
        elif kind is CodeType:
            to.append(self._code(value))
        elif id(value) in self._inside:
            to.append("again")
        else:
            self._inside.add(id(value))
            to.append(f"({self._name(kind)}")
            for part in self._parts(value):
                self._write(part, to)
            to.append(")")
            self._inside.remove(id(value))

    def _parts(self, value: Any) -> Iterable[Any]:
        match value:
            case FunctionType() | type():
                if self._counts_elsewhere(value):
                    return [self._name(value)]
                return [self._name(value), *self._see(_members if isinstance(value, type) else _function, value)]
            case tuple():
                return value
            case list():
                return self._see(list, value)
            case Cache():
                return ()
            case dict() | MappingProxyType():
                return self._see(_items, value)
            case set() | frozenset():
                return sorted(map(self.text, self._see(list, value)))
            case CellType():
                return self._see(_content, value)
            case re.Pattern():
                return value.pattern, value.flags
            case enum.Enum():
                return value.name, value.value
            case np.dtype() | range() | slice():
                return [str(value)]
            case np.ndarray():
                return self._see(_written, value)
        if hasattr(type(value), "__array__"):
            return _written(value)
        wrapped = [part for name in _WRAPPERS if (part := getattr(value, name, None)) is not None]
        return [*wrapped, *(self._see(_attributes, value) if self._opens(type(value)) else ())]

    def _opens(self, kind: type) -> bool:
        """Whether an object of a class counts with its attributes."""
        return self._follows(kind.__module__) or issubclass(kind, Field)

    def _counts_elsewhere(self, value: type | FunctionType) -> bool:
        """Whether a class or function is what its name gives in another module that is walked through; or is a class of
        another package.
        """
        module = value.__module__ or ""
        if module == self._module:
            return False
        if not self._follows(module):
            return isinstance(value, type)
        place: Any = sys.modules.get(module)
        for name in value.__qualname__.split("."):
            place = getattr(place, "__dict__", {}).get(name)
        return place is value

    def _name(self, value: type | FunctionType) -> str:
        """`module.qualname` of a class or function; its module is recorded as referred to."""
        name = self._called.get(id(value))
        if name is None:
            module = value.__module__ or ""
            if self._follows(module):
                self.met.add(module)
            elif not module.startswith(f"{PACKAGE}.") and _is_own(value, module):
                raise Unseen(f"{module}.{value.__qualname__}")
            name = self._called[id(value)] = f"{module}.{value.__qualname__}"
        return name

    def _code(self, code: CodeType) -> str:
        held = _CODES.get(id(code))
        if held is None:
            names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
            counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
            parts = [repr((code.co_code, code.co_exceptiontable, names, counts))]
            self._write(code.co_consts, parts)
            held = _CODES[id(code)] = code, _digest(" ".join(parts)), frozenset(names_in(code))
        self.looked_up |= held[2]
        return held[1]


def names_in(code: CodeType) -> set[str]:
    """Names that a code object, and those nested in it, look up (globals and attributes)."""
    return {name for one in nested(code) for name in one.co_names}


def nested(code: CodeType) -> Iterator[CodeType]:
    """Yields a code object and those nested in it."""
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from nested(one)


def _is_own(value: type | FunctionType, module: str) -> bool:
    """Whether a class or function is the user's own: of no installed package."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if isinstance(value, FunctionType) and not value.__code__.co_filename.startswith("<"):
        file = value.__code__.co_filename
    return module == "__main__" or (file is not None and is_own(file))


def _counts(name: str, value: Any) -> bool:
    """Whether a member counts in a digest: what Python itself stores in a module, class or enumeration does not."""
    return isinstance(value, _METHODS) or not (name.startswith("_") and name.endswith("_"))


def _items(value: Mapping[Any, Any]) -> list[Any]:
    return [*value, *value.values()]


def _function(value: FunctionType) -> list[Any]:
    return [value.__code__, value.__defaults__, value.__kwdefaults__, value.__closure__, *_items(value.__dict__)]


def _members(value: type) -> list[Any]:
    held = sorted((item for item in vars(value).items() if _counts(*item)), key=operator.itemgetter(0))
    return [*value.__bases__, *(part for item in held for part in item)]


def _content(value: CellType) -> list[Any]:
    try:
        return [value.cell_contents]
    except ValueError:  # nothing in it yet
        return []


def _written(value: Any) -> list[Any]:
    """An array as text, the same object each time that it is the same text."""
    array = np.asarray(value)
    content = repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()
    return [sys.intern(f"{array.dtype}{array.shape}{hashlib.blake2b(content, digest_size=16).hexdigest()}")]


def _attributes(value: Any) -> list[Any]:
    """Names and values of an object's attributes, without cached properties."""
    computed, slots = _made_of(type(value))  # type: ignore[arg-type]
    held = {name: getattr(value, name, None) for name in slots} | getattr(value, "__dict__", {})
    return [part for name in sorted(held.keys() - computed) for part in (name, held[name])]


@functools.cache
def _made_of(kind: type) -> tuple[set[str], set[str]]:
    """Names of the cached properties of a class, and of its slots."""
    members = [item for part in kind.__mro__ for item in vars(part).items()]
    slots = {name for part in kind.__mro__ for name in getattr(part, "__slots__", ())}
    computed = {name for name, one in members if isinstance(one, functools.cached_property)}
    return computed, slots - {"__dict__", "__weakref__"}
