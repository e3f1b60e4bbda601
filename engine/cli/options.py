"""Options that several commands share: a study to run, an existing run, counts such as 1e6, names, --json."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from engine.runs.run import Run
    from engine.study.study import Study

Command = Callable[..., None]
Parser = Callable[[str], Any]
"""Gives the value of a text; its ValueError says what was expected."""


class TextValue(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.5 on
    """A type of option whose value is parsed from its text.

    Args:
      name: what help calls the value.
      parse: the parser of a text.
    """

    def __init__(self, name: str, parse: Parser):
        self.name, self.parse = name, parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value of a text; anything else is a default, which is the value already."""
        try:
            return self.parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _expecting(what: str, parse: Parser) -> Parser:
    """The parser with an error that says what it expects."""

    def parsed(text: str) -> Any:
        try:
            return parse(text)
        except (ValueError, KeyError):
            raise ValueError(f"expected {what}, got '{text}'.") from None

    return parsed


def _whole(text: str) -> int:
    with suppress(ValueError):
        return int(text)
    number = float(text)
    if not number.is_integer():
        raise ValueError
    return int(number)


def _label(text: str) -> tuple[str, str]:
    dim, _, label = text.partition("=")
    if not (dim and label):
        raise ValueError
    return dim, label


def _shard(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number + of).isdecimal():  # int takes more, such as 1_0 and -1
        raise ValueError
    return int(number), int(of)


def _size(text: str) -> int:
    from engine.execution.resources import bytes_of

    return bytes_of(text)


def several(parse: Parser) -> Callable[[str], tuple[Any, ...]]:
    """A parser of values separated by commas."""

    def parsed(text: str) -> tuple[Any, ...]:
        values = tuple(parse(value.strip()) for value in text.split(",") if value.strip())
        if not values:
            raise ValueError("expected names separated by commas, got nothing.")
        return values

    return parsed


PARSERS: Mapping[Any, Parser] = {
    int: _expecting("a whole number such as 1000000, 1_000_000 or 1e6", _whole),
    float: _expecting("a number such as 0.4 or 1e6", float),
    Mapping: _expecting("a dimension and a label such as region=Liaoning", _label),
    "YEAR": _expecting("a year such as 2018, or the number of a step", int),
}
"""Parsers by the type of their value or by the name of an option's value."""
COUNT = TextValue("N", PARSERS[int])
"""A whole number, also written 1_000_000 or 1e6."""
YEAR = TextValue("YEAR", PARSERS["YEAR"])
"""A calendar year, or the number of a step of a study by weeks, say."""
SHARD = TextValue("I/N", _expecting("a task of a job array such as 3/16", _shard))
"""One task of a job array and how many there are, written 3/16."""
NAMES = TextValue("A,B", several(str))
"""Names separated by commas."""
FILE = click.Path(path_type=Path)
"""A file or a folder, which need not exist."""
LABEL = TextValue("DIM=LABEL", PARSERS[Mapping])
"""A dimension and a label of it, written region=Liaoning."""


def parser_of(kind: Any) -> Parser:
    """The parser of a type: its own, that of ISO dates and times, one of the values of a `Literal`, else the type."""
    if get_origin(kind) is Literal:
        known = {str(value): value for value in get_args(kind)}
        return _expecting(f"one of {', '.join(known)}", known.__getitem__)
    return PARSERS.get(kind) or getattr(kind, "fromisoformat", kind)


paths = click.option("--paths", type=COUNT, help="Number of paths, in place of the study's.")
seed = click.option("--seed", type=COUNT, help="Seed of the random numbers, in place of the study's.")
policies = click.option(
    "--policies", type=NAMES, help="Policies to simulate, in place of the study's. The baseline is always simulated."
)
program = click.option(
    "--program",
    hidden=True,
    type=click.Choice(["loop", "xla"]),
    help="Form of the compiled program, in place of the study's: one loop over the years, or XLA.",
)
settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="One value in place of the study's, such as factors.lgd.p95=0.9. May be given several times.",
)
device = click.option(
    "--device",
    type=click.Choice(["cpu", "gpu"]),
    help="Device that computes. Default: a GPU for long runs, if there is one.",
)
out = click.option("--out", type=FILE, help="Folder of the run.")
memory = click.option(
    "--memory", type=TextValue("SIZE", _size), help="Limit of main memory, such as 4GiB. Default: the free memory."
)
partial = click.option("--partial", is_flag=True, help="Accept an unfinished run, and use its finished blocks.")
full = click.option("--full", is_flag=True, help="Show all outcomes and all measures.")


def _refuse_file(ctx: click.Context, param: click.Parameter, place: Path | None) -> Path | None:
    """The file, if tables can be written to it."""
    from engine.answers.files import refuse_file

    if place is not None:
        refuse_file(place)
    return place


save = click.option(
    "-o", "--save", "save", type=FILE, metavar="FILE", callback=_refuse_file,
    help="Save all tables in a file that ends in .csv, .xlsx, .parquet or .md.",
)  # fmt: skip
quiet = click.option("--quiet", is_flag=True, help="No progress.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print only one list of records.")
answer_as_json = click.option(
    "--json", "as_json", is_flag=True,
    help="Print only the answer, as one JSON object (see rustbelt schema answer).",
)  # fmt: skip
debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of a failure.")


def complete_place(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completions: studies that ship, runs in `outputs/` by the beginning of name or path, then files and folders."""
    from engine.run_folder.finding import known_runs
    from engine.study.loading import shipped_studies

    names = [(name, name) for name in shipped_studies()]
    names += [(name, str(path)) for path in known_runs() for name in (path.name, str(path))]
    found = dict.fromkeys(place for name, place in names if name.startswith(incomplete))
    return [*map(CompletionItem, found), CompletionItem(incomplete, type="file")]


class Argument(click.Argument):
    """An argument that help describes.

    Args:
      help: what it is.
    """

    def __init__(self, names: Sequence[str], help: str = "", **attributes: Any):
        super().__init__(names, **attributes)
        self.help = help  # also read by click from 8.5 on, which lists no arguments where none has one

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """The argument's name in help, and what it is."""
        return self.make_metavar(ctx), self.help or ""


class Place(Argument):
    """A study or a run, found by the rule of `engine.run_folder.finding.folder_named`, which the help states."""

    def __init__(self, names: Sequence[str], **attributes: Any):
        super().__init__(names, shell_complete=complete_place, **attributes)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """The argument's name in help, and the rule by which its value is read."""
        from engine.run_folder.finding import PLACES

        return self.make_metavar(ctx), f"{PLACES[:1].upper()}{PLACES[1:]}."

    def get_default(self, ctx: click.Context, call: bool = True) -> Any:
        """The study `rustbelt` for --self-test, for which any study will do; else no default."""
        return "rustbelt" if ctx.params.get("self_test") else super().get_default(ctx, call)


def _complete_name(of: Callable[[Any], Iterable[str]]) -> Callable[..., list[CompletionItem]]:
    """A completion of names in the study that the command line already names; of none where it cannot be read."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from engine.errors import UserError
        from engine.run_folder.finding import find_study
        from engine.study.loading import load_model_file

        words = ctx.meta.get("words", [])[1:]
        if words and words[-1] in param.opts:  # an option without a value stops parsing before the run is known
            words.pop()
        with suppress(UserError, OSError, click.ClickException):
            given = ctx.command.make_context(ctx.info_name, words, resilient_parsing=True).params
            model = given.get("model")
            place = given.get("run") or given.get("study") or ""
            study, _ = find_study(place, model if model is None else load_model_file(model))
            return [CompletionItem(name) for name in of(study) if name.startswith(incomplete)]
        return []

    return complete


def _variables(study: Study) -> Iterable[str]:
    return dict.fromkeys((*study.variables, *study.model.yearly))


complete_variable = _complete_name(_variables)
"""Completion of outcomes, events and yearly variables."""
complete_policy = _complete_name(lambda study: study.policy_names)
complete_outcome = _complete_name(lambda study: study.model.outcomes)
first_outcome = click.option(
    "--variable", metavar="V", shell_complete=complete_outcome, help="The outcome that the answer starts with."
)
complete_factor = _complete_name(lambda study: [item.name for item in study.inputs])


def own_model(command: Command) -> Command:
    """The command with --model and --trust; it gets the loaded model, and what its study or run names is trusted."""

    @click.option("--model", metavar="FILE:CLASS", help="A model of your own, such as my_model.py:MyModel.")
    @click.option("--trust", is_flag=True, help="Trust the model file named there, until it or the study changes.")
    @wraps(command)
    def wrapped(model: Any, trust: bool, **given: Any) -> None:
        if place := given.get("study") or given.get("run"):
            from engine.execution.resources import take_every_core
            from engine.run_folder import finding

            take_every_core()
            if trust:
                finding.trust(place)
        elif trust:
            raise click.UsageError("--trust needs a study or a run that names a model file.")
        if model is not None:
            from engine.study.loading import load_model_file

            model = load_model_file(model)
        command(model=model, **given)

    return wrapped


study = click.argument("study", cls=Place)
run = click.argument("run", cls=Place)


def study_to_run(command: Command, pair: Mapping[str, str] | None = None) -> Command:
    """The command with STUDY and the options that override its settings; it gets the resolved study as `study`.

    It also gets `folder`, the folder of the study's run, which need not exist; and `place`, where the study runs, as
    fields of `RunOptions` by name: device and memory. If it has an option `targets` (sentences on how precise the run
    is to be), that overrides the study's `run.until`.

    Args:
      pair: flags of the command's options that name one policy each, by parameter. If the study does not run one of
        these policies, the named ones run in place of the study's, and beside those of --policies, of which a line on
        stderr tells.
    """

    @wraps(command)
    def wrapped(study: str, model: Any, out: Any, **given: Any) -> None:
        from engine.errors import moved
        from engine.run_folder.finding import study_of

        changes = {name: given.pop(name) for name in ("paths", "seed", "policies", "program", "settings")}
        changes["until"] = given.pop("targets", ()) or None
        resolved, folder = study_of(study, model, out, **changes)
        named = {given[name]: flag for name, flag in (pair or {}).items() if given[name] is not None}
        if lacking := [policy for policy in named if policy not in resolved.policy_names]:
            wanted = changes["policies"]
            changes["policies"] = (*wanted, *lacking) if wanted else tuple(named)
            with moved("--policies", ", ".join(map(named.__getitem__, lacking))):
                resolved, folder = study_of(study, model, out, **changes)
            if wanted:
                click.echo(
                    f"note: policies that the question names are simulated as well: {', '.join(lacking)}.", err=True
                )
        place = {name: given.pop(name) for name in ("device", "memory")}
        command(study=resolved, folder=folder, place=place, **given)

    for option in (memory, device, program, out, policies, seed, paths, settings):
        wrapped = option(wrapped)
    return study(own_model(wrapped))


def how_to_finish(run: Run) -> str:
    """The command that computes what a run lacks; and, where it has its first paths, the one that stops at these."""
    from engine.run_folder.finding import finishing_command, kept_paths

    return f"To finish it: {finishing_command(run.run_folder)}\n{kept_paths(run.run_folder)}".rstrip()


def note_what_is_there(run: Run) -> None:
    """Prints on stderr that a run was extended and some of its further paths are not done yet."""
    if run.is_extended:
        there = f"{run.answers.study.paths:,} of {run.study.paths:,} paths are finished and shown"
        click.echo(f"note: {run.folder}: {there}. {how_to_finish(run)}", err=True)


def run_that_is_there(command: Command) -> Command:
    """The command with RUN and --model; it gets the opened `Run`, which with --partial may be unfinished."""

    @wraps(command)
    def wrapped(run: str, model: Any, **others: Any) -> None:
        from engine.runs.run import open_run

        shows_paths = "partial" in others
        opened = open_run(run, model, others.pop("partial", False))
        if shows_paths:
            note_what_is_there(opened)
        command(run=opened, **others)

    return run(own_model(wrapped))
