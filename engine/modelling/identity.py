"""Identity of a model: the files of one that ships, the records and the trace of any other.

A model that ships is identified by the files of its package, so that nothing has to be traced to know it. Any other
model may depend on whatever Python can reach, so it is identified by what is executed: the jaxpr of its methods, as
text that depends on no variable name, address, file or module.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from itertools import repeat, zip_longest
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, TypeVar

import numpy as np

from engine.errors import refusal

_OF_TOOLS = re.compile(r"^[.#]|~$|\.pyc$|^__pycache__$")
_ENGINE = Path(__file__).resolve().parents[1]
PACKAGE = __name__.partition(".")[0]
OBSERVED = "observed.csv"
"""File of a model's package with observed figures; it is left out of digests, as no number depends on it."""
_WRITTEN = "_as_written"
"""Attribute in which a model that was changed by a study (its constants, say) keeps the original model."""
_TABLES = ("dims", "factors", "constants", "shocks", "levers", "yearly", "outcomes")
_NO_NUMBERS = {"about", "source", "confidence", "fold", "observed"}
"""Fields of records that change no number, and folds, which are traced."""
_METHODS = ("init", "step", "evaluate")
_CALLS = {
    "jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat", "remat2", "checkpoint",
}  # fmt: skip
"""Primitives that only call a jaxpr; their other parameters (names, rules of differentiation) change no value."""
_LIBRARIES = (*(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")), _ENGINE)
_INSTALLED = {"site-packages", "dist-packages"}
_LONGEST = 80
_Model = TypeVar("_Model")


# ------------------------------------------------------------------------------------------------ models that ship


def as_written(model: _Model) -> _Model:
    """The model as its author wrote it, without a study's changes; the model itself where there are none."""
    written: _Model = getattr(model, _WRITTEN, model)
    return written


def altered(model: _Model, **tables: Any) -> _Model:
    """A copy of a model with some tables replaced, which remembers the original (`as_written`).

    Raises:
      UserError: the model computes the table of that name.
    """
    own = copy.copy(model)
    for name, table in {**tables, _WRITTEN: as_written(model)}.items():
        try:
            object.__setattr__(own, name, table)
        except AttributeError as error:
            text = f"{type(model).__name__} computes its {name}. Let it state them as a plain table."
            raise refusal("", text) from error
    return own


def ships(model: object) -> bool:
    """Whether a model is of this package and has no attributes of its own: its release and the study determine it."""
    return type(model).__module__.partition(".")[0] == PACKAGE and not vars(as_written(model))


@functools.cache
def digest_of_files(folder: Path) -> str:
    """SHA-256 of the files below a package's folder that can be its code or data, sorted by their place in it.

    Left out are files that tools create and delete at any time (byte code, hidden files, an editor's locks, backups and
    autosaves), and `OBSERVED`, as a model is compared with observed figures but never computed from them.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=Path.as_posix):
        place = path.relative_to(folder)
        if path.is_file() and path.name != OBSERVED and not any(map(_OF_TOOLS.search, place.parts)):
            content = path.read_bytes()
            digest.update(f"{place.as_posix()}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    return digest.hexdigest()


def digest_of_package(part: type) -> str:
    """SHA-256 of the files of the package of a model that ships."""
    return digest_of_files(Path(str(sys.modules[part.__module__].__file__)).resolve().parent)


RELEASE = digest_of_files(_ENGINE)
"""SHA-256 of this package's files, read before its other modules are imported, so that these are what it covers."""


# ------------------------------------------------------------------------------------------------ models of one's own


Trace = Sequence[tuple[str, Any]]
"""A model's records and the trace of its methods: a line of text for each record, equation, result and problem; and
beside it the equation that it states, or the name of the method."""


def digest_of_trace(trace: Trace) -> str:
    """SHA-256 of the lines of a trace."""
    return _digest("\n".join(line for line, _ in trace))


def trace_of(model: Any, closed: Any, places: Sequence[str], problems: Iterable[Any]) -> Trace:
    """The trace of a model.

    Args:
      closed: the closed jaxpr of its methods.
      places: for each result, the method that gave it.
      problems: those of the model, which is no other one where its trace ends at them.
    """
    records = [(f"{table} {_text(getattr(model, table))}", "model") for table in _TABLES]
    return [*records, *_lines(closed, places), *((str(problem), "model") for problem in problems)]


def difference(first: Trace, second: Trace) -> tuple[str, str] | None:
    """(the method in which two traces first differ, how, with the line of the source); None where they are equal."""
    for (line, origin), (other, other_origin) in zip_longest(first, second, fillvalue=("nothing", None)):
        if line != other:
            place, where = _origin(origin or other_origin)
            return place, f"`{line[:_LONGEST]}` in one trace, `{other[:_LONGEST]}` in the next{where}"
    return None


@functools.cache
def is_own(path: Path | str) -> bool:
    """Whether a file is the user's own, that is, not of Python, an installed package or the engine.

    A package is installed in a folder of that name, or where a `.dist-info` beside it lists it, as `pip install
    --target` leaves it.
    """
    place = Path(path)
    if (
        place.name.startswith("<frozen ")
        or not _INSTALLED.isdisjoint(place.parts)
        or any(map(place.is_relative_to, _LIBRARIES))
    ):
        return False
    return not any(place.relative_to(folder).parts[0] in _installed(folder) for folder in place.parents)


@functools.cache
def _installed(folder: Path) -> set[str]:
    """Names in a folder of what packages have installed there, by their lists of files."""
    names = set[str]()
    with suppress(OSError):
        for record in folder.glob("*.dist-info/RECORD"):
            names.update(re.findall("^[^/,]+", record.read_text("utf-8", "replace"), re.MULTILINE))
    return names


def _lines(closed: Any, places: Iterable[str] = repeat("model")) -> Iterator[tuple[str, Any]]:
    """Yields each equation of a jaxpr as text, with the equation, then its results, with their places.

    Variables are numbered, constants are values.
    """
    jaxpr = getattr(closed, "jaxpr", closed)
    names = dict(zip(jaxpr.constvars, map(_text, getattr(closed, "consts", ())), strict=True))
    given = [*jaxpr.invars, *(var for equation in jaxpr.eqns for var in equation.outvars)]
    names |= {var: f"v{place}" for place, var in enumerate(given)}

    def operand(atom: Any) -> str:
        return _text(np.asarray(atom.val, atom.aval.dtype)) if hasattr(atom, "val") else names[atom]

    yield f"given {' '.join(var.aval.str_short() for var in jaxpr.invars)}", "model"
    for equation in jaxpr.eqns:
        name, bodies, params = equation.primitive.name, [], []
        for key, value in sorted(equation.params.items()):
            parts = value if isinstance(value, tuple | list) else (value,)
            inner = [part for part in parts if hasattr(getattr(part, "jaxpr", part), "eqns")]
            bodies += inner
            if not inner and name not in _CALLS:
                params.append(f" {key}={_text(value)}")
        yield f"{name} {' '.join(map(operand, equation.invars))}{''.join(params)}", equation
        for body in bodies:
            yield from _lines(body)
    yield from ((f"gives {operand(atom)}", place) for atom, place in zip(jaxpr.outvars, places, strict=False))


def _text(value: Any) -> str:
    """A value by its type and content, without addresses, files and names of modules."""
    if is_dataclass(value) and not isinstance(value, type):
        held = {field.name: getattr(value, field.name) for field in fields(value) if field.name not in _NO_NUMBERS}
        return f"{type(value).__name__}{_text(held)}"
    if isinstance(getattr(value, "dtype", None), np.dtype):
        with suppress(Exception):  # a tracer that a method kept from an earlier call has no values
            array = np.asarray(value)
            if not array.shape:
                return f"{array[()]!s}:{array.dtype}"
            content = repr(array.tolist()) if array.dtype.hasobject else array.tobytes().hex()
            return f"{array.dtype}{list(array.shape)} {_digest(content)[:32]}"
    match value:
        case Mapping():
            return f"{{{' '.join(f'{key}: {_text(part)}' for key, part in value.items())}}}"
        case tuple() | list():
            return f"({' '.join(map(_text, value))})"
        case set() | frozenset():
            return f"{{{' '.join(sorted(map(_text, value)))}}}"
        case FunctionType():
            return f"{value.__qualname__} {_text(value.__code__)}"
        case CodeType():
            return _digest(f"{value.co_code!r} {value.co_names} {_text(value.co_consts)}")[:32]
        case type():
            return value.__qualname__
    text = repr(value)
    return type(value).__qualname__ if " at 0x" in text else text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _origin(origin: Any) -> tuple[str, str]:
    """The method that an equation was traced in, and its line, ` (my_model.py, line 7)`."""
    if isinstance(origin, str):
        return origin, ""
    frames = [frame for frame in getattr(origin.source_info.traceback, "frames", ()) if is_own(frame.file_name)]
    methods = [frame.function_name.rpartition(".")[2] for frame in frames]
    place = next((f"model.{name}" for name in methods if name in _METHODS), "model")
    return place, f" ({Path(frames[0].file_name).name}, line {frames[0].line_num})" if frames else ""
