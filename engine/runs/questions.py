"""What a run has answered, as it is kept beside its cube."""

from __future__ import annotations

from contextlib import suppress

from engine.answers import registry
from engine.answers.answer import Answer
from engine.answers.question import fields
from engine.errors import UserError
from engine.formatting import command_line
from engine.run_folder import answer_store, ledger
from engine.run_folder.folder import RunFolder


def answer_to(folder: RunFolder, question: str) -> Answer:
    """What a run has answered to a question, as it was last asked.

    Raises:
      UserError: it has not been asked, or by a version whose answers have another form.
    """
    answer = answer_store.read(folder.path, question)
    if answer is None:
        command = command_line(question, folder.path, *_needed(question), model=folder.study.model_spec)
        raise UserError(str(folder.path), [f"has not been asked. Ask it: {command}"])
    return Answer.of_tree(answer)


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
