"""What a run can be asked that takes its program, or all of its paths, once more; answers are also written beside its cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.analyses import registry
from engine.answers.question import STUDY
from engine.execution import notebook
from engine.execution.asking import Asking, ask
from engine.execution.methods import Questions
from engine.execution.stages import Stage
from engine.run_folder import answer_store

if TYPE_CHECKING:
    import xarray as xr

    from engine.analyses.sensitivity import Sensitivity
    from engine.answers.answer import Answer
    from engine.execution.results import Answers
    from engine.run_folder.folder import RunFolder
    from engine.study.study import Study


class Inquiry(Questions):
    """The questions of a run; what answers them is imported when it is asked for."""

    if TYPE_CHECKING:

        @property
        def run_folder(self) -> RunFolder: ...
        @property
        def study(self) -> Study: ...
        @cached_property
        def answers(self) -> Answers: ...
        @cached_property
        def cube(self) -> xr.DataTree: ...

    def attribute(
        self, start: str, end: str, variables: Sequence[str] | None = None, **options: Any
    ) -> xr.Dataset:
        """Which lever does what between two policies: `engine.analyses.attribution_dataset.attribute`, on the run's first paths; not written."""
        from engine.analyses.attribution_dataset import attribute

        return attribute(self.study, start, end, variables, **options)

    def sensitivity(self, variables: Sequence[str] | None = None, **options: Any) -> Sensitivity:
        """Which inputs the answer hangs on, and what knowing them is worth.

        Args:
          variables: outcomes and events; the headline and all events if not given.
          options: others of `engine.analyses.sensitivity.sensitivity`.
        """
        from engine.analyses.sensitivity import sensitivity
        from engine.analyses.sensitivity_dataset import groups

        answer = sensitivity(self.study, variables, **_watched(options))
        self._keep("sensitivity", groups(answer, variables))
        return answer

    def asking(self, **place: Any) -> Asking:
        """The run as a question sees it; `place` are other fields of `Asking`."""
        return Asking(self.study, self.run_folder, lambda: self.answers, lambda: self.cube, **place)

    def ask(
        self, question: str, *, paths: int | None = None, device: str | None = None, **options: Any
    ) -> Answer:
        """The answer to a question by its name, which is also kept beside the cube.

        Args:
          question: one of `engine.analyses.registry.names()`, among them those of other packages.
          paths: that are looked at where futures are computed anew; as many as the question thinks fit if not given.
          device: "cpu" or "gpu" for these; the GPUs if there are any.
          options: of the question.

        Raises:
          UserError: no such question or option, or what is asked for is not there.
        """
        of = self.asking(device=device, **_watched({}))
        if registry.question(question).needs == STUDY:
            study = self.study if paths is None else replace(self.study, paths=paths)
            of = replace(of, study=study, paths=paths)
        return ask(question, options, of, stacklevel=4)[0]

    def _keep(self, question: str, groups: Mapping[str, xr.Dataset]) -> None:
        answer_store.keep(self.run_folder, question, groups, stacklevel=4)


def _watched(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a question, with an observer that shows progress in notebooks where they name none."""
    watch = notebook.observer()
    return {"observe": lambda stage, done, total: watch(Stage(stage, done, total)), **options}
