"""What a question is: a frozen record of its options that answers; and what it sees of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Protocol,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from engine.answers.answer import Answer
    from engine.risk.estimation.tables import Tables
    from engine.study.study import Study

STUDY, RUN = "study", "run"
"""What a question needs: a study, whose futures are computed again; or a run, whose cube is read."""


@dataclass(frozen=True)
class Option:
    """What a command and its help say of an option.

    Args:
      help: a sentence.
      metavar: what help calls its value.
      names: what completion offers: "outcome", "variable", "policy", which then runs, or "followed", a policy that need not; "" for nothing.
      flag: what the command line calls it, where that is another word than its field.
    """

    help: str
    metavar: str = ""
    names: str = ""
    flag: str = ""


class Asked(Protocol):
    """A run, or a study that need not have been run, as a question sees it.

    `study` has, of a run, as many paths as are there. `paths` is None where nobody has said how many are to be looked at; `device` None for
    the GPUs if there are any; `observe` is called with what is being done, and how much of how much is done. `cube` and `outcomes`, kept
    whole [policy, path], are those of a run; `first` has the outcomes of the first so many paths, or of some more; `first_outcomes` those of as
    many as are there, and none where blocks between are not done. `tables` are
    risk and comparison of a run, `stored_tables` those of the cube where it has them all; `with_level` is the same run with VaR and ES also at a level.
    """

    @property
    def study(self) -> Study: ...
    @property
    def folder(self) -> Path: ...
    @property
    def paths(self) -> int | None: ...
    @property
    def device(self) -> str | None: ...
    @property
    def observe(self) -> Callable[[str, int, int], None]: ...
    @property
    def cube(self) -> xr.DataTree: ...
    @property
    def outcomes(self) -> Mapping[str, np.ndarray]: ...
    def first(self, paths: int) -> Mapping[str, np.ndarray]: ...
    @property
    def first_outcomes(self) -> Mapping[str, np.ndarray]: ...
    def tables(self, variables: Container[str] | None = None) -> Tables: ...
    @property
    def stored_tables(self) -> Tables: ...
    def with_level(self, level: float | None) -> Asked: ...


class Question(Protocol):
    """A frozen dataclass. Its fields are its options, each `Annotated` with an `Option`; its docstring is the help of its command.

    `needs` is `STUDY` or `RUN`; `heading` stands above its section of the report. One that is an `OfRun` is asked of that run, which is computed
    first where it is not there.
    """

    needs: ClassVar[str]
    heading: ClassVar[str]

    def answer(self, of: Asked) -> Answer:
        """The answer.

        Raises:
          UserError: what is asked for is not there, all problems at once.
        """
        ...


@runtime_checkable
class OfRun(Protocol):
    """A question that is asked of a run which it names itself."""

    def run_of(self, of: Asked) -> Study | None:
        """The study whose run must be there; None where the question is asked of what it is given."""
        ...


@dataclass(frozen=True)
class Field:
    """One option of a question, as its annotation has it.

    Args:
      types: of str, int, float, bool, and Mapping for labels by dimension; the first is what a command line gives, others what Python may.
      many: whether it takes several values, as a tuple.
    """

    name: str
    types: tuple[type, ...]
    many: bool
    required: bool
    default: Any
    option: Option

    @property
    def type(self) -> type:
        """What a command line gives."""
        return self.types[0]

    @property
    def flag(self) -> str:
        """What the command line calls it: `--given-data`."""
        return f"--{self.option.flag or self.name.replace('_', '-')}"


def fields(question: type) -> list[Field]:
    """The options of a question, in the order in which its record states them."""
    hints = get_type_hints(question, include_extras=True)
    made = []
    for one in dataclasses.fields(question):
        kind, option = get_args(hints[one.name])
        many = get_origin(kind) is tuple
        inner = tuple(part for part in get_args(kind) if part not in (type(None), Ellipsis)) or (kind,)
        required = one.default is dataclasses.MISSING
        first = get_origin(inner[0]) or inner[0]
        made.append(
            Field(one.name, (first, *inner[1:]), many, required, None if required else one.default, option)
        )
    return made


def plain_options(question: Any) -> dict[str, Any]:
    """The options as plain data."""
    held = {one.name: getattr(question, one.name) for one in dataclasses.fields(question)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in held.items()}
