"""The contracts of a question (a frozen record of options with a method `answer`) and of the run or study it gets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Protocol,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

from engine.errors import UserError
from engine.run_folder.folder import RunFolder
from engine.run_folder.reading import Paths
from engine.run_folder.stored_estimates import tables_as_made
from engine.study.study import BLOCK, Study

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from engine.answers.answer import Answer
    from engine.risk.estimation.tables import Tables

STUDY, RUN = "study", "run"
"""What a question needs: a study, whose futures it simulates again; or a run, whose stored cube it reads."""


@dataclass(frozen=True)
class Option:
    """How an option looks on the command line and in its help.

    Args:
      help: what it does, in a sentence.
      metavar: what help calls its value.
      names: which names shell completion offers: "outcome", "variable", "policy" (it is then one of those that run),
        "followed" (a policy that need not be one of those that run), "place" (a study or a run); "" for none.
      flag: its name on the command line, where that is not its field's name.
      argument: whether it stands behind STUDY or RUN without a name.
    """

    help: str
    metavar: str = ""
    names: str = ""
    flag: str = ""
    argument: bool = False


@dataclass(frozen=True)
class Asked:
    """A run, or a study that need not have been run, as a question sees it.

    Args:
      study: with the settings that the caller asked for in place of its own; for a run, with as many paths as are done.
      run_folder: where its answers are kept, whether that run exists or not.
      results, read: functions that give the results and the cube of a run; None if it is a study that is asked.
      paths: how many to simulate; None if not stated.
      device: where to simulate; the GPUs if there are any, if None.
      memory: main memory that it may take [bytes]; what is free if None.
      observe: shows progress when it is called with a stage, and how much of it is done and there is.
    """

    study: Study
    run_folder: RunFolder
    results: Callable[[], Any] | None = None
    read: Callable[[], xr.DataTree] | None = None
    paths: int | None = None
    device: str | None = None
    memory: int | None = None
    observe: Callable[[str, int, int], None] = field(default=lambda *_: None)

    @property
    def folder(self) -> Path:
        """The run folder, which need not exist."""
        return self.run_folder.path

    def _of_run(self, value: Callable[[], Any] | None) -> Any:
        if value is None:
            raise UserError(str(self.folder), ["expected a run, got a study."])
        return value()

    @cached_property
    def answers(self) -> Any:
        """The results of the run, `engine.execution.results.Answers`, from the blocks that are done.

        Raises:
          UserError: it is a study that is asked.
        """
        return self._of_run(self.results)

    @cached_property
    def cube(self) -> xr.DataTree:
        """The labelled cube of the run.

        Raises:
          UserError: it is a study that is asked.
        """
        tree: xr.DataTree = self._of_run(self.read)
        return tree

    @property
    def outcomes(self) -> Mapping[str, np.ndarray]:
        """Outcomes that are stored path by path, [policy, path], each read when it is accessed."""
        stored: Mapping[str, np.ndarray] = self.answers.paths
        return stored

    def first(self, paths: int) -> Mapping[str, np.ndarray]:
        """Outcomes stored path by path from the blocks that hold the first `paths` paths, so perhaps from some more."""
        answers = self.answers
        return Paths(answers.folder, answers.blocks[: -(-paths // BLOCK)])

    @property
    def first_outcomes(self) -> Mapping[str, np.ndarray]:
        """Outcomes stored path by path of all paths that are done; empty where a block between them is not done."""
        blocks = self.answers.blocks
        return self.outcomes if [block.index for block in blocks] == [*range(len(blocks))] else {}

    def tables(self, variables: Container[str] | None = None) -> Tables:
        """The estimates of risk and comparison of every outcome and event, or of those named."""
        answers = self.answers
        tables: Tables = answers.all_tables if variables is None else answers.tables(variables)
        return tables

    @cached_property
    def stored_tables(self) -> Tables:
        """The estimates of every outcome and event, read from the cube; computed where it lacks any of them."""
        return tables_as_made(self.study, self.cube) or self.tables()

    def with_level(self, level: float | None) -> Asked:
        """The same run with VaR and ES also at a level."""
        answers = self.answers.with_level(level)
        return replace(self, study=answers.study, results=lambda: answers)


class Question(Protocol):
    """A frozen dataclass. Its fields are its options, each `Annotated` with an `Option`.

    Its docstring is the help of its command.

    `needs` is `STUDY` or `RUN`; `heading` is the title of its section in the report. The answer is stored beside the
    cube unless the question has an attribute `stored` that is False. If it has an attribute `is_whole` that is False,
    its answer is a part of another one, and does not replace a stored answer that is whole. A study is refused if its
    whole run does not fit into memory, unless the question has an attribute `as_run` that is False: it takes less, and
    refuses that itself. A question that is also an `OfRun` chooses the run that it is asked of, which is computed first
    if it is not there.
    """

    needs: ClassVar[str]
    heading: ClassVar[str]

    def answer(self, of: Asked) -> Answer:
        """The answer to the question, asked of a run or study.

        Raises:
          UserError: what is asked for does not exist; all problems at once.
        """
        ...


@runtime_checkable
class OfRun(Protocol):
    """A question that chooses the run that it is asked of."""

    def run_of(self, of: Asked) -> Study | None:
        """The study whose run is needed, and computed first if it is not there; None to be asked of `of` as it is."""
        ...


@dataclass(frozen=True)
class Field:
    """One option of a question, read from its annotation.

    Args:
      type: of its value, or of each value if it takes several; Mapping for labels by dimension. Of several types it is
        the first, which a command line gives.
      many: whether it takes several values, as a tuple.
    """

    name: str
    type: Any
    many: bool
    required: bool
    default: Any
    option: Option

    @property
    def flag(self) -> str:
        """Its name on the command line, such as `--outcome`; the metavar of an argument."""
        option = self.option
        return option.metavar if option.argument else f"--{option.flag or self.name.replace('_', '-')}"


def fields(question: type) -> list[Field]:
    """The options of a question's record, in the order of its fields."""
    hints = get_type_hints(question, include_extras=True)
    options = []
    for one in dataclasses.fields(question):
        kind, option = get_args(hints[one.name])
        many = get_origin(kind) is tuple
        parts = get_args(kind) if many or get_origin(kind) in (Union, UnionType) else (kind,)
        first = next(part for part in parts if part is not NoneType)
        of, required = Mapping if get_origin(first) is Mapping else first, one.default is dataclasses.MISSING
        options.append(Field(one.name, of, many, required, None if required else one.default, option))
    return options


def plain_options(question: Any) -> dict[str, Any]:
    """The options of a question by name, as plain data: tuples become lists, and what JSON does not have its text."""
    return {one.name: _plain(getattr(question, one.name)) for one in dataclasses.fields(question)}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | Mapping | None) else str(value)
