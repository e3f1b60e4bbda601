"""What a run can be asked that takes its program, or all of its paths, once more; answers are also written beside its cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.analyses import registry
from engine.answers.question import STUDY
from engine.execution import notebook, questions
from engine.execution.asking import Asking, ask
from engine.execution.methods import Questions
from engine.execution.stages import Stage
from engine.run_folder import answer_store

if TYPE_CHECKING:
    import xarray as xr

    from engine.analyses.assumptions import ByStructure
    from engine.analyses.comparison import Comparison
    from engine.analyses.discovery import Discovery
    from engine.analyses.explanation import Explanation
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

    def comparison(
        self, variables: Sequence[str] | None = None, policies: Sequence[str] | None = None, **options: Any
    ) -> Comparison:
        """Which policy is better, how surely, in which futures not, from when on: `engine.execution.questions.comparison_of`."""
        answer = questions.comparison_of(self.answers, self.cube, variables, policies, **options)
        self._keep("compare", answer.groups)
        return answer

    def explain(
        self, variable: str, policy: str | None = None, level: str | float | None = None, **options: Any
    ) -> Explanation:
        """What the worst futures of an outcome, or those of an event, have in common.

        Args:
          level: of an outcome, such as 97.5: its worst 2.5 % are looked at; 99 if not given.
          options: others of `engine.analyses.explanation.explain`.
        """
        from engine.analyses.explanation import explain
        from engine.analyses.explanation_dataset import labelled

        answers, at = self.answers, questions.level_of(level)
        answer = explain(answers.study, variable, policy, at, questions.first_paths(answers), **options)
        self._keep("explain", labelled(answer))
        return answer

    def discover(self, where: str) -> Discovery:
        """In which boxes of factors futures of a kind are frequent, such as "reform worse than old in cost".

        `engine.execution.questions.discovery_of` says what may be asked.
        """
        answer = questions.discovery_of(self.answers, self.cube, where)
        self._keep("discover", answer.groups)
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

    def assumptions(
        self, variables: Sequence[str] | None = None, paths: int | None = None, device: str | None = None
    ) -> ByStructure:
        """What the study says with each of its assumptions off, doubled, and all of them.

        Args:
          variables: outcomes, of which mean and ES99 are looked at, and events; the headline and all events if not given.
          paths: from the first on; those of the run, but 131,072 at most, if not given.
          device: "cpu" or "gpu"; the GPUs if there are any.

        Raises:
          UserError: as `engine.analyses.assumptions.assumptions`.
        """
        from engine.analyses.assumptions import assumptions, of_few

        study = of_few(self.study) if paths is None else replace(self.study, paths=paths)
        answer = assumptions(study, variables, device, **_watched({}))
        self._keep("assumptions", answer.groups)
        return answer

    def _keep(self, question: str, groups: Mapping[str, xr.Dataset]) -> None:
        answer_store.keep(self.run_folder, question, groups, stacklevel=4)


def _watched(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a question, with an observer that shows progress in notebooks where they name none."""
    watch = notebook.observer()
    return {"observe": lambda stage, done, total: watch(Stage(stage, done, total)), **options}
