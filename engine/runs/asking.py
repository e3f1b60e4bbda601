"""A question asked of a run, or of a study that need not have been run: as a method, with progress, and stored."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

from engine.answers import registry
from engine.answers.answer import Answer
from engine.answers.question import RUN, STUDY, Asked, OfRun, Question, fields, plain_options
from engine.errors import UserError, unknown
from engine.execution.job import RunOptions
from engine.execution.progress import Observer, Progress, unobserved
from engine.execution.resources import refuse_if_memory_too_small
from engine.execution.until import compute
from engine.formatting import command_line, counted
from engine.run_folder import answer_store, ledger, ownership
from engine.run_folder.finding import is_run, run_folder
from engine.run_folder.folder import RunFolder
from engine.study.loading import again, load_study
from engine.study.study import Study


def ask(name: str, options: Mapping[str, Any], of: Asked, stacklevel: int = 2) -> tuple[Answer, Path | None]:
    """The answer to a question, and the path where it is now stored.

    The path is None if answers to this question are not stored, if a whole answer is stored of which this one is a
    part, if there is no run to store it in, or if it cannot be written, of which a warning says why.

    Args:
      name: of the question.
      options: by name, as `question_of` takes them.
      of: the run or study that is asked.
      stacklevel: of that warning, as `warnings.warn` takes it.

    Raises:
      UserError: what is asked for is not there; or the computer has too little memory.
    """
    question = question_of(name, options)
    home = _run_first(question, of)
    answer, place = _answered(name, question, home), None
    if getattr(question, "stored", True):
        both = home.run_folder.path != of.run_folder.path and of.study.facts is None
        for one in (of, home) if both else (home,):
            if getattr(question, "is_whole", True) or not _holds_whole(one.run_folder, name):
                place = answer_store.keep(one.run_folder, name, answer.groups, stacklevel + 1)
    return answer, place


def _run_first(question: Question, of: Asked) -> Asked:
    """The run or study that a question is asked of: `of`, or the run that it chooses, computed if it is not there."""
    wanted = question.run_of(of) if isinstance(question, OfRun) else None
    if wanted is None or (wanted is of.study and of.results is not None):
        return of

    def observe(stage: Progress) -> None:
        if not stage.note:
            of.observe(stage.name, stage.done, stage.total)

    own = run_folder(of.study).path.name
    is_free = of.folder.name != own and not is_run(of.folder)
    is_begun = ownership.said_of(of.folder).get("fingerprint") == wanted.fingerprint
    place = of.folder if wanted is of.study or is_free or is_begun else of.folder.parent / run_folder(wanted).path.name
    answers = compute(wanted, RunOptions(place, of.device, of.memory, observe=observe)).answers
    return replace(of, study=answers.study, run_folder=answers.folder, results=lambda: answers, paths=None)


def answered(name: str, options: Mapping[str, Any], of: Asked) -> Answer:
    """The answer to a question, as `ask` gives it, without storing it."""
    question = question_of(name, options)
    return _answered(name, question, _run_first(question, of))


def _answered(name: str, question: Question, of: Asked) -> Answer:
    if question.needs == RUN:
        of = replace(of, study=of.answers.study)
    if of.results is None and getattr(question, "as_run", True):
        refuse_if_memory_too_small(of.study, of.memory)
    of_prior = of.study.facts is not None and name in registry.OF_PRIOR
    if of_prior:
        of = replace(of, study=replace(again(of.study, facts=None), paths=of.study.paths))
    answer = question.answer(of)
    if of_prior:
        first, *rest = answer.findings
        basis = f"before conditioning; {answer.basis}"
        answer = replace(answer, findings=(f"Before conditioning: {first}", *rest), basis=basis)
    return replace(answer, question=name, heading=question.heading, asked=plain_options(question))


def attribute(
    study: Study | str | Path,
    start: str,
    end: str,
    outcome: Sequence[str] | str = (),
    *,
    paths: int | None = None,
    device: str | None = None,
) -> Answer:
    """Attributes the difference of two policies of a study to its levers, and returns an `Answer`.

    The study need not have been run, and the answer is not stored.

    `answer["outcomes"]` and `answer["events"]` have, for each group of levers, its share, its effect alone, and what is
    lost without it.

    Args:
      study: a resolved study, its file, or the name of one that ships. Its `lever_groups` say which levers change
        together.
      start: policy that is subtracted.
      end: policy whose difference from `start` is attributed.
      outcome: outcomes and events; the headline and all events if none are given.
      paths: from the first on; the study's, at most 131,072, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.

    Raises:
      UserError: the study is not sound; or as `engine.questions.attribute.Attribute.answer`.
    """
    if not isinstance(study, Study):
        study = load_study(study, policies=[*dict.fromkeys((start, end))])
    options = {"start": start, "end": end, "outcome": outcome}
    return answered("attribute", options, Asked(study, run_folder(study), paths=paths, device=device))


def question_of(name: str, options: Mapping[str, Any]) -> Question:
    """The record of a question with its options filled in.

    Args:
      options: by name; one that takes several values takes them or a single one.

    Raises:
      UserError: no such question, unknown options, or required ones that are missing: all problems at once.
    """
    record = registry.question(name)
    known = {one.name: one for one in fields(record)}
    values = {option: value for option, value in options.items() if value is not None}
    problems = [unknown("option", option, known) for option in options if option not in known]
    problems += [
        f"needs '{one.name}': {one.option.help}" for one in known.values() if one.required and one.name not in values
    ]
    if problems:
        raise UserError(name, problems)
    for option, value in values.items():
        if known[option].many:
            several = isinstance(value, Iterable) and not isinstance(value, str)
            values[option] = tuple(value) if several else (value,)
    question: Question = record(**values)
    return question


# ------------------------------------------------------------------------------------------------- stored answers


def stored(folder: RunFolder) -> list[Answer]:
    """All answers stored beside a run; those in the format of another version are left out."""
    every = (Answer.stored(folder.path, question) for question in ledger.answers(folder.path))
    return [one for one in every if one]


def _holds_whole(folder: RunFolder, question: str) -> bool:
    """Whether a run folder holds a whole answer to a question, in this version's format."""
    answer = Answer.stored(folder.path, question)
    with suppress(UserError):  # with options that this version does not have
        return answer is not None and bool(getattr(question_of(question, answer.asked), "is_whole", True))
    return False


def stored_answer(folder: RunFolder, question: str, table: str = "") -> Answer:
    """The stored answer to a question, which is the last one that the run gave.

    Args:
      table: name of a table that the answer must have.

    Raises:
      UserError: the question has not been asked, or its last answer lacks the table or is in another version's format.
    """
    tree = answer_store.read(folder.path, question)
    answer = None if tree is None else Answer.of_tree(tree)
    if answer is not None and (not table or table in answer):
        return answer
    required = [one for one in fields(registry.question(question)) if one.required]
    needed = [word for one in required for word in dict.fromkeys((one.flag, one.option.metavar))]
    command = command_line(question, folder.path, *needed, model=folder.study.model_spec)
    state = "has no stored answer" if answer is None else f"has an answer to '{question}' with other options"
    how = f" (its options: rustbelt {question} --help)" if answer else ""
    raise UserError(folder.path, [f"{state}. Ask the question: {command}{how}"])


def gates_that_fail(study: Study, folder: RunFolder, device: str | None) -> str:
    """How many of a study's gates fail, and which, in a sentence; the answer is stored beside the run."""
    from engine.questions.gates import MOST_PATHS, stored_gates

    answer = stored_gates(replace(folder, study=study)) or ask("gates", {}, Asked(study, folder, device=device), 3)[0]
    few = f", by {counted(study.paths, 'path')} only" if study.paths < MOST_PATHS else ""
    return answer.finding.removesuffix(".") + few


PLACE = {
    "paths": "paths from the first on; the study's if not given.",
    "device": "cpu or gpu; the GPUs if there are any.",
}
"""What is given beside a question's own options, by keyword, with its meaning."""


def method(name: str, ask: Callable[..., Answer]) -> Callable[..., Answer]:
    """The method of a question.

    Args:
      name: of the question.
      ask: asks a run the question of a name, with its options and `paths` and `device` by keyword.
    """
    record = registry.question(name)
    types = get_type_hints(record)
    place = [*PLACE] if record.needs == STUDY else ["device"]
    further = (inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY, default=None) for one in place)
    options = [one.replace(annotation=types[key]) for key, one in inspect.signature(record).parameters.items()]
    signature = inspect.Signature([*options, *further])

    def asked(*given: Any, **named: Any) -> Answer:
        return ask(name, **signature.bind(*given, **named).arguments)

    about = inspect.cleandoc(record.__doc__).partition("\b")[0]  # commands follow
    asked.__name__, asked.__signature__ = name, signature  # type: ignore[attr-defined]
    helped = [f"  {one.name}: {one.option.help}" for one in fields(record)]
    asked.__doc__ = "\n".join([about.rstrip(), "", "Args:", *helped, *(f"  {one}: {PLACE[one]}" for one in place)])
    return asked


def observer() -> Observer:
    """An observer that shows progress under the cell in a notebook's kernel, and nothing in any other process."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return _Line() if getattr(shell, "kernel", None) is not None else unobserved


class _Line:
    """A progress bar and a sentence, rewritten in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def __call__(self, stage: Progress) -> None:
        from IPython.display import HTML, display

        text = stage.note or f"{stage.name}: {stage.counted}"
        line = HTML(f'<progress value="{stage.done}" max="{max(stage.total, 1)}"></progress> {text}')
        if self._handle is None:
            self._handle = display(line, display_id=True)
        else:
            self._handle.update(line)
