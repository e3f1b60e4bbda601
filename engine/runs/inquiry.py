"""The questions that a run can be asked; answers are also kept beside its cube."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.answers import registry
from engine.answers.question import STUDY
from engine.execution.outdated import refuse_outdated
from engine.execution.progress import Progress
from engine.runs import notebook
from engine.runs.asking import Asking, ask
from engine.runs.methods import Questions

if TYPE_CHECKING:
    import xarray as xr

    from engine.answers.answer import Answer
    from engine.execution.results import Answers
    from engine.run_folder.folder import RunFolder
    from engine.study.study import Study


class Inquiry(Questions):
    """The questions of a run as methods; the code that answers one is imported when it is asked."""

    if TYPE_CHECKING:

        @property
        def run_folder(self) -> RunFolder: ...
        @property
        def study(self) -> Study: ...
        @cached_property
        def answers(self) -> Answers: ...
        @cached_property
        def cube(self) -> xr.DataTree: ...
        @cached_property
        def read_cube(self) -> xr.DataTree: ...

    def asking(self, **place: Any) -> Asking:
        """The run as a question sees it; `place` sets further fields of `Asking`."""
        return Asking(self.study, self.run_folder, lambda: self.answers, lambda: self.read_cube, **place)

    def ask(self, question: str, *, paths: int | None = None, device: str | None = None, **options: Any) -> Answer:
        """The answer to a question by its name, which is also kept beside the cube; progress is shown in notebooks.

        Args:
          question: one of `engine.answers.registry.names()`, which include questions of other packages.
          paths: how many to simulate, for a question that simulates futures again; its own default if not given.
          device: "cpu" or "gpu" to simulate on; the GPUs if there are any.
          options: of the question.

        Raises:
          UserError: no such question or option, what is asked for is not there, or the model gives other values now.
        """
        if "answers" in vars(self):  # else they are compared when they are read; in a notebook, a name may have changed
            refuse_outdated(self.run_folder, device)
        watch = notebook.observer()
        of = self.asking(device=device, observe=lambda stage, done, total: watch(Progress(stage, done, total)))
        if registry.question(question).needs == STUDY:
            study = self.study if paths is None else replace(self.study, paths=paths)
            of = replace(of, study=study, paths=paths)
        return ask(question, options, of, stacklevel=4)[0]
