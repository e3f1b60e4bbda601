"""What a run has answered, as it is kept beside its cube."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from engine.answers import registry
from engine.answers.answer import Answer
from engine.answers.question import fields
from engine.errors import UserError
from engine.formatting import command_line
from engine.run_folder import answer_store, ledger
from engine.run_folder.folder import RunFolder


def answer_to(folder: RunFolder, question: str, table: str = "", asked_with: Sequence[str] = ()) -> Answer:
    """What a run has answered to a question, as it was last asked.

    Args:
      table: that the answer must have.
      asked_with: what the question is asked with, to have it.

    Raises:
      UserError: it has not been asked, or otherwise, or by a version whose answers have another form.
    """
    held = answer_store.read(folder.path, question)
    answer = None if held is None else Answer.of_tree(held)
    if answer is not None and (not table or table in answer):
        return answer
    command = command_line(
        question, folder.path, *_needed(question), *asked_with, model=folder.study.model_spec
    )
    told = (
        "has not been asked"
        if answer is None
        else f"has answered '{question}' otherwise, and keeps its last answer"
    )
    raise UserError(str(folder.path), [f"{told}. Ask it: {command}"])


def kept(folder: RunFolder) -> list[Answer]:
    """What a run has answered, as it was last asked; nothing of versions whose answers have another form."""
    held = []
    for question in ledger.answers(folder.path):
        answer = answer_store.read(folder.path, question)
        with suppress(UserError):
            held += [Answer.of_tree(answer)] if answer is not None else []
    return held


def _needed(question: str) -> tuple[str, ...]:
    """What the command of a question needs besides the run."""
    needed = (one for one in fields(registry.question(question)) if one.required)
    return tuple(word for one in needed for word in (one.flag, one.option.metavar))
