"""The answers that are kept beside a run's cube."""

from __future__ import annotations

from contextlib import suppress

from engine.answers import registry
from engine.answers.answer import Answer
from engine.answers.question import fields
from engine.errors import UserError
from engine.formatting import command_line
from engine.run_folder import answer_store, ledger
from engine.run_folder.folder import RunFolder


def answer_to(folder: RunFolder, question: str, table: str = "") -> Answer:
    """The kept answer to a question, which is the last one that the run gave.

    Args:
      table: name of a table that the answer must have.

    Raises:
      UserError: the question has not been asked, or its last answer lacks the table or is in another version's format.
    """
    held = answer_store.read(folder.path, question)
    answer = None if held is None else Answer.of_tree(held)
    if answer is not None and (not table or table in answer):
        return answer
    command = command_line(question, folder.path, *_required(question), model=folder.study.model_spec)
    told = "has not been asked" if answer is None else f"has answered '{question}' otherwise, and keeps its last answer"
    raise UserError(str(folder.path), [f"{told}. Ask it: {command}"])


def kept(folder: RunFolder) -> list[Answer]:
    """All kept answers of a run; those that another version kept in another format are left out."""
    held = []
    for question in ledger.answers(folder.path):
        answer = answer_store.read(folder.path, question)
        with suppress(UserError):
            held += [Answer.of_tree(answer)] if answer is not None else []
    return held


def _required(question: str) -> tuple[str, ...]:
    """The required options of a question's command, as words of the command line."""
    needed = (one for one in fields(registry.question(question)) if one.required)
    return tuple(word for one in needed for word in (one.flag, one.option.metavar))
