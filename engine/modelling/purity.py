"""Checks that a model's methods are pure functions of their arguments: two traces are compared, and side effects looked
for.

A method is traced once for all paths of a process, so a number that it draws, counts or reads by itself is a constant
for all of them, and another constant in another process.
"""

from __future__ import annotations

import datetime
import dis
import functools
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, islice, zip_longest
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
from jax.extend import core as jex

from engine.errors import Problems, refusal
from engine.modelling.opened_files import files_opened, is_own
from engine.modelling.sources import file_of

CONSTANT = "All paths that a process computes would share it, and those of another have another one."
_METHODS = ("init", "step", "evaluate")
_CLOCKS: tuple[Any, ...] = (time, datetime.datetime, datetime.date)


class Traced(NamedTuple):
    """A trace of a model's methods on abstract numbers.

    Args:
      equations: the closed jaxpr.
      places: for each output, the method that gave it.
    """

    equations: Any
    places: Sequence[str]


@contextmanager
def watched(model: Any, place: str, method: Callable[..., Any]) -> Iterator[None]:
    """A `with` block around a call of a model's method, which may not draw random numbers, read files or ask a clock.

    Clocks are looked for where a file of the user's own names one, as every call that Python makes has to be looked at.

    Args:
      place: name of the method in messages.

    Raises:
      UserError: the method does one of these.
    """
    before, looks = _generators(), _is_users(model) and _names_clocks(model)
    with files_opened() as opened, _clocks_asked(looks) as asked:
        yield
    for clock in asked:
        raise refusal(place, f"asks for the time ({clock}). {CONSTANT} Write the date down, or declare a factor.")
    for name, state in _generators().items():
        if state != before[name]:
            where = _line_naming(method, "random")
            remedy = "Declare a factor or a shock, which the engine draws."
            raise refusal(place, f"draws random numbers by itself ({name}{where}). {CONSTANT} {remedy}")
    for file in filter(is_own, opened):
        remedy = "Read it where the model's file begins: what is read there is part of the fingerprint."
        raise refusal(place, f"reads a file, {file.name}. {remedy}")


@contextmanager
def _clocks_asked(looks: bool) -> Iterator[list[str]]:
    """A `with` block that gives a list, in which each function that tells the time and is called by the user's own code
    is entered, with the line of the call; an empty one if nobody looks.

    Two traces follow so fast on each other that their times may agree in single precision.
    """
    asked: list[str] = []

    def note(frame: FrameType, event: str, called: Any) -> None:
        file, owner = frame.f_code.co_filename, getattr(called, "__self__", None)
        if event == "c_call" and is_own(file) and any(owner is clock for clock in _CLOCKS):
            asked.append(f"'{called.__name__}', {Path(file).name}, line {frame.f_lineno}")

    before = sys.getprofile()
    sys.setprofile(note if looks else before)
    try:
        yield asked
    finally:
        sys.setprofile(before)


def refuse_impure(model: Any, first: Traced, again: Callable[[], Traced], problems: Problems) -> None:
    """Adds a problem where a model's methods change the model, or give another trace the next time.

    Models of installed packages are not checked.

    Args:
      first: the first trace.
      again: traces the methods once more.
      problems: where method, difference and line are added.
    """
    if not _is_users(model):
        return
    before = _memory(model)
    second = again()
    for name, value in _memory(model).items():
        known = before.get(name, before)
        if value is not known and not (isinstance(value, int) and value == known):
            remedy = (
                "A method remembers nothing of earlier calls: what lasts from year to year is the state that step"
                " returns."
            )
            problems.add("model", f"changes {name} each time that it is called. {remedy}")
    if not problems:
        for place, message in islice(_differing(first, second), 1):  # the others follow from the first
            problems.add(place, message)


def _is_users(model: Any) -> bool:
    """Whether a model is the user's own, in a file or a notebook, and not one of an installed package."""
    file = file_of(sys.modules.get(type(model).__module__))
    return file is None or is_own(file)


def _names_clocks(model: Any) -> bool:
    """Whether a file of the user's own that is imported names a clock; true of a notebook, which has no file."""
    files = [file for file in map(file_of, [*sys.modules.values()]) if file is not None and is_own(file)]
    in_file = file_of(sys.modules.get(type(model).__module__)) is not None
    return not in_file or any(not file.exists() or _has_the_word(file, file.stat().st_mtime_ns) for file in files)


@functools.cache
def _has_the_word(file: Path, written: int) -> bool:
    """Whether `time` or `datetime` stands in a file; `written` is when it was last written."""
    return re.search(rb"\b(?:date)?time\b", file.read_bytes()) is not None


def _generators() -> dict[str, Any]:
    """States of the random generators that a process shares (`np.random`, `random`), by name."""
    state = np.random.get_state()  # noqa: NPY002 (it is what a model must not use)
    return {"np.random": (state[1].tobytes(), *state[2:]), "random": random.getstate()}  # type: ignore[index]


def _memory(model: Any) -> dict[str, Any]:
    """Attributes of a model and names of its module, with their values, and the lengths of lists, dicts and sets."""
    module = vars(sys.modules[type(model).__module__]) if type(model).__module__ in sys.modules else {}
    held = {f"self.{name}": value for name, value in vars(model).items()}
    held |= {f"'{name}'": value for name, value in module.items() if not name.startswith("__")}
    grown = (name for name, value in held.items() if isinstance(value, list | dict | set))
    return held | {f"{name} (its length)": len(held[name]) for name in grown}


# ---------------------------------------------------------------------------------------------- what differs


def _differing(first: Traced, second: Traced) -> Iterator[tuple[str, str]]:
    one, other = first.equations, second.equations
    remedy = "A method is a function of its arguments alone; what is uncertain is a factor or a shock."
    for equation, what in _pairs(one, other):
        place, where = _origin(equation)
        yield place, f"gives another rule when it is traced again{where}: {what}. {CONSTANT} {remedy}"
    left, right = _operands(one), _operands(other)
    for place, a, b in zip(first.places, one.jaxpr.outvars, other.jaxpr.outvars, strict=False):
        what = _differ(left(a), right(b))
        if what:
            yield place, f"gives another number when it is traced again: {what}. {CONSTANT} {remedy}"


def _operands(traced: Any) -> Callable[[Any], Any]:
    """A function of an operand of a closed jaxpr: the value of a constant or literal, else the index of the value among
    all that the jaxpr takes and computes.
    """
    jaxpr = traced.jaxpr
    given = [*jaxpr.invars, *(var for equation in jaxpr.eqns for var in equation.outvars)]
    known = dict(zip(jaxpr.constvars, map(np.asarray, traced.consts), strict=True)) | dict(zip(given, count()))
    return lambda atom: np.asarray(atom.val) if isinstance(atom, jex.Literal) else known[atom]


def _pairs(one: Any, other: Any) -> Iterator[tuple[Any, str]]:
    """Yields the equations that differ between two closed jaxprs, in order, and how they differ."""
    first, second = _operands(one), _operands(other)
    for a, b in zip_longest(one.eqns, other.eqns):
        if a is None or b is None or a.primitive is not b.primitive or len(a.invars) != len(b.invars):
            operations = ["nothing" if each is None else f"'{each.primitive}'" for each in (a, b)]
            yield a or b, f"{operations[0]} the first time, {operations[1]} the second"
            return
        for left, right in zip(a.invars, b.invars, strict=True):
            what = _differ(first(left), second(right))
            if what:
                yield a, what
        for left, right in zip(_bodies(a.params), _bodies(b.params), strict=False):
            yield from _pairs(left, right)


def _bodies(params: Mapping[str, Any]) -> Iterator[Any]:
    for value in params.values():
        for each in value if isinstance(value, tuple | list) else (value,):
            if isinstance(each, jex.ClosedJaxpr):
                yield each


def _differ(one: Any, other: Any) -> str:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes():
            return ""
        if one.shape == other.shape == ():
            return f"the number {one:.9g} the first time, {other:.9g} the second"
        return f"an array of numbers of its own, shape {one.shape}"
    same = type(one) is type(other) and one == other
    return "" if same else "a value computed in another way"


def _origin(equation: Any) -> tuple[str, str]:
    """The method that an equation was traced in, and its line, ` (my_model.py, line 7)`."""
    traceback = getattr(equation.source_info, "traceback", None)
    frames = [frame for frame in getattr(traceback, "frames", ()) if is_own(Path(frame.file_name))]
    called = (frame.function_name.rpartition(".")[2] for frame in frames)
    methods = [name for name in called if name in _METHODS]
    where = f" ({Path(frames[0].file_name).name}, line {frames[0].line_num})" if frames else ""
    return f"model.{methods[0]}" if methods else "model", where


def _line_naming(function: Callable[..., Any], name: str) -> str:
    """`, my_model.py, line 7` where a function names something; "" where it does not."""
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    lines = [at.positions.lineno for at in dis.get_instructions(code) if at.argval == name and at.positions]
    return f", {Path(code.co_filename).name}, line {lines[0]}" if lines else ""
