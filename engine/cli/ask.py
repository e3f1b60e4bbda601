"""The command of a question, made from its record: options, help, and the answer on the screen, as JSON, in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.progress import progress

if TYPE_CHECKING:
    from engine.answers.answer import Answer
    from engine.answers.files import Digits
    from engine.answers.question import Field
    from engine.runs.asking import Asking

_NAMES = {
    "outcome": options.complete_outcome,
    "variable": options.complete_variable,
    "policy": options.complete_policy,
    "followed": options.complete_policy,
}
_SAVE = click.option(
    "--save", type=click.Path(path_type=Path), metavar="FILE",
    help="Save all tables in a file that ends in .csv, .xlsx, .parquet or .md.",
)  # fmt: skip
_FULL = click.option("--full", is_flag=True, help="Every row and column of every table.")


def command_of(name: str) -> click.Command:
    """The command of a question, by the question's name."""
    from engine.answers.question import STUDY, fields
    from engine.answers.registry import about, question

    record = question(name)
    own = fields(record)
    on_study = record.needs == STUDY

    def command(**given: Any) -> None:
        from engine.answers.files import refuse_file
        from engine.runs.asking import ask

        face = {key: given.pop(key) for key in ("full", "save", "digits", "as_json", "quiet")}
        asked = {one.name: _flat(one, given.pop(one.name, None)) for one in own}
        if face["save"] is not None:
            refuse_file(face["save"])
        with progress(face.pop("quiet")) as observe:
            if on_study:
                of = _of_study(observe, **given)
            else:
                of = given["run"].asking(device=given.get("device"), observe=_by_name(observe))
            answer, kept = ask(name, asked, of)
        _print(answer, kept, of, **face)

    if on_study:
        pair = [one.name for one in own if one.option.names == "policy" and not one.many]
        wrapped = options.study_to_run(_with_policies(command), pair)
    else:
        wrapped = options.run_that_is_there(options.device(options.partial(command)))
    for one in reversed([one for one in own if not (on_study and one.name == "policies")]):
        wrapped = option_of(one)(wrapped)
    for option in (options.debug, options.quiet, options.answer_as_json, options.digits, _SAVE, _FULL):
        wrapped = option(wrapped)
    return click.command(name, help=cleandoc(record.__doc__), short_help=about(name))(wrapped)


def option_of(one: Field) -> Callable[..., Any]:
    """A decorator that gives a command the click option for one option of a question."""
    face: dict[str, Any] = {"help": one.option.help, "required": one.required}
    if one.option.names:
        face["shell_complete"] = _NAMES[one.option.names]
    if one.type is bool:
        return click.option(one.flag, one.name, is_flag=True, help=one.option.help)
    if one.type is Mapping:
        return click.option(one.flag, one.name, type=options.LABEL, multiple=True, **face)
    if one.many:
        values = {int: options.COUNTS, float: options.NUMBERS}.get(one.type, options.NAMES)
        return click.option(one.flag, one.name, type=values, multiple=True, **face)
    kind = options.YEAR if one.option.metavar == "YEAR" else {int: options.COUNT, float: float}.get(one.type)
    return click.option(one.flag, one.name, type=kind, metavar=one.option.metavar or None, **face)


def _flat(one: Field, given: Any) -> Any:
    """The value of a question's option from click's: labels by dimension, all values in one tuple, else unchanged.

    None where it was not given, so that the question's default holds.
    """
    if one.type is Mapping:
        return dict(given or ()) or None
    if not one.many or given is None:
        return given
    return tuple(value for values in given for value in ([values] if isinstance(values, str) else values)) or None


def _with_policies(command: Callable[..., None]) -> Callable[..., None]:
    """The command, which also gets --policies and --paths as typed; `study_to_run` gives it only their study."""

    @wraps(command)
    def wrapped(**given: Any) -> None:
        named = click.get_current_context().params
        command(**given, policies=named["policies"], asked_paths=named["paths"])

    return wrapped


def _of_study(observe: Any, **given: Any) -> Asking:
    from engine.runs.asking import Asking

    place, study = given["place"], given["study"]
    paths = study.paths if given["asked_paths"] else None
    return Asking(
        study, given["folder"], paths=paths, device=place["device"], memory=place["memory"], observe=_by_name(observe)
    )  # fmt: skip


def _by_name(observe: Any) -> Callable[[str, int, int], None]:
    from engine.execution.progress import Progress

    return lambda stage, done, total: observe(Progress(stage, done, total))


def _print(
    answer: Answer, kept: Path | None, of: Asking, full: bool, save: Path | None, digits: Digits, as_json: bool
) -> None:
    from engine.cli.show.answers import print_answer, print_place

    if save is not None:
        answer.save(save, digits)
    if as_json:
        screen.print_object(answer.plain())
        return
    console = screen.stdout()
    print_answer(console, answer, full)
    if save is not None:
        screen.print_line(console, "", f"Saved in {save}.", "dim")
    print_place(console, of.run_folder, kept)
