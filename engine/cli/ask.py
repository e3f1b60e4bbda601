"""The command of a question, made from its record: options, help, and the answer on the screen, as JSON, in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import progress

if TYPE_CHECKING:
    from engine.answers.answer import Answer
    from engine.answers.question import Field

_NAMES = {
    "outcome": options.complete_outcome,
    "variable": options.complete_variable,
    "policy": options.complete_policy,
    "followed": options.complete_policy,
    "place": options.complete_place,
}
_FULL = click.option("--full", is_flag=True, help="Every row and column of every table.")


def command_of(name: str) -> click.Command:
    """The command of a question, by the question's name."""
    from engine.answers.question import STUDY, fields
    from engine.answers.registry import about, question

    record = question(name)
    own = fields(record)
    on_study = record.needs == STUDY

    def command(**given: Any) -> None:
        from engine.answers.question import Asked
        from engine.cli.show.answers import print_place
        from engine.execution.progress import Progress
        from engine.runs.asking import ask

        typed = click.get_current_context().params
        with progress(typed["quiet"]) as observe:

            def watch(stage: str, done: int, total: int) -> None:
                observe(Progress(stage, done, total))

            if on_study:
                paths = given["study"].paths if typed["paths"] else None
                of = Asked(given["study"], given["folder"], paths=paths, observe=watch, **given["place"])
            else:
                run = given["run"]
                of = run._asking(device=typed["device"], observe=watch)
            answer, kept = ask(name, {one.name: _value(one, typed[one.name]) for one in own}, of)
        print_or_save(answer, **typed)
        if getattr(record, "stored", True) and not typed["as_json"]:
            print_place(screen.stdout(), of.run_folder, kept)

    pair = {one.name: one.flag for one in own if one.option.names == "policy" and not one.many}
    on_run = (options.run_that_is_there, options.device, options.partial)
    for decorate in reversed((
        _FULL, options.save, options.answer_as_json, options.quiet, options.debug,
        *(option_of(one) for one in own if not one.option.argument and not (on_study and one.name == "policies")),
        *((partial(options.study_to_run, pair=pair),) if on_study else on_run),
        *(option_of(one) for one in own if one.option.argument),
    )):  # fmt: skip
        command = decorate(command)
    return click.command(name, help=cleandoc(record.__doc__), short_help=about(name))(command)


def option_of(one: Field) -> Callable[..., Any]:
    """A decorator that gives a command the option or argument for one option of a question."""
    option, parse = one.option, options.PARSERS.get(one.option.metavar) or options.parser_of(one.type)
    face: dict[str, Any] = {"help": option.help, "required": one.required, "metavar": option.metavar or None}
    if option.names:
        face["shell_complete"] = _NAMES[option.names]
    if option.argument:
        kind = options.TextValue(option.metavar, parse)
        face["metavar"] = f"[{option.metavar}]{'...' * one.many}"
        return click.argument(one.name, cls=options.Argument, type=kind, nargs=-1 if one.many else 1, **face)
    if one.type is bool:
        return click.option(one.flag, one.name, is_flag=True, help=option.help)
    many = one.many or one.type is Mapping
    kind = options.TextValue(option.metavar, options.several(parse) if one.many else parse)
    return click.option(one.flag, one.name, type=kind, multiple=many, **face)


def _value(one: Field, typed: Any) -> Any:
    """The value of a question's option from click's; None where it is not given, so that the default holds."""
    if one.type is Mapping:
        return dict(typed) or None
    if not one.many or typed is None:
        return typed
    return tuple(value for values in typed for value in (values if isinstance(values, tuple) else (values,))) or None


def print_or_save(answer: Answer, *, full: bool, as_json: bool, save: Path | None, **others: Any) -> None:
    """Prints an answer, or its JSON, and saves it if a file is given; `others` are further options of the command."""
    from engine.cli.show.answers import print_answer

    if save is not None:
        answer.save(save)
    if as_json:
        screen.print_object(answer.plain())
        return
    console = screen.stdout()
    print_answer(console, answer, full)
    if save is not None:
        screen.print_line(console, f"Saved in {save}.", "dim")
