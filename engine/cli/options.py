"""What several commands take: a study to be run, a run that is there, counts such as 1e6, names separated by commas, --json."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from engine.modelling.records import Model


class Count(click.ParamType):
    """A whole number, also written 1_000_000 or 1e6."""

    name = "N"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """The number that the text states."""
        if isinstance(value, int):
            return value
        try:
            return int(value)
        except ValueError:
            pass
        try:
            number = float(value)
        except ValueError:
            number = 0.5
        if not number.is_integer():
            self.fail(
                f"expected a whole number such as 1000000, 1_000_000 or 1e6, got '{value}'.", param, ctx
            )
        return int(number)


class Shard(click.ParamType):
    """One task of a job array, written 3/16."""

    name = "I/N"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """The task's number and how many there are."""
        if isinstance(value, tuple):
            return value
        number, slash, of = value.partition("/")
        if not (slash and number.isdecimal() and of.isdecimal()):
            self.fail(f"expected a task of a job array such as 3/16, got '{value}'.", param, ctx)
        return int(number), int(of)


class Size(click.ParamType):
    """A number of bytes, written 4GiB or 512MB."""

    name = "SIZE"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """The bytes that the text means."""
        from engine.program.devices import bytes_of

        try:
            return bytes_of(value)
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)


class Names(click.ParamType):
    """Names separated by commas."""

    name = "A,B"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        """The names."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        if not names:
            self.fail("expected names separated by commas, got nothing.", param, ctx)
        return names


class OwnModel(click.ParamType):
    """A model of one's own: the class in a Python file."""

    name = "FILE:CLASS"

    def convert(self, value: Any, param: Any, ctx: Any) -> Model:
        """The model."""
        if not isinstance(value, str):
            return value
        from engine.study.loading import load_model_file

        return load_model_file(value)


def _remember_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta["debug"] = value


paths = click.option("--paths", type=Count(), help="Number of paths, in place of the study's.")
seed = click.option("--seed", type=Count(), help="Seed of the random numbers, in place of the study's.")
policies = click.option(
    "--policies", type=Names(), help="Policies that run, in place of the study's; the baseline always runs."
)
own_model = click.option("--model", type=OwnModel(), help="A model of your own, such as my_model.py:MyModel.")
device = click.option(
    "--device", type=click.Choice(["cpu", "gpu"]), help="Where it runs; the GPUs if there are any."
)
out = click.option("--out", type=click.Path(path_type=Path), help="The run folder itself.")
memory = click.option(
    "--memory", type=Size(), help="Main memory that it may take, such as 4GiB; what is free if not given."
)
partial = click.option(
    "--partial", is_flag=True, help="Take also a run that has not come to its end: the blocks that are done."
)
quiet = click.option("--quiet", is_flag=True, help="No progress.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one list of records and nothing else.")
debug = click.option(
    "--debug", is_flag=True, is_eager=True, expose_value=False, callback=_remember_debug,
    help="Show the traceback of a failure.",
)  # fmt: skip


def _complete_study(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Studies that ship, then files."""
    from engine.study.loading import shipped_studies

    named = [CompletionItem(name) for name in shipped_studies() if name.startswith(incomplete)]
    return [*named, CompletionItem(incomplete, type="file")]


def _complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Runs in `outputs/`, then folders."""
    from engine.run_folder.finding import known_runs

    fitting = [path for path in known_runs() if incomplete and path.name.startswith(incomplete)]
    fitting += [path for path in known_runs() if str(path).startswith(incomplete)]
    return [*(CompletionItem(str(path)) for path in fitting), CompletionItem(incomplete, type="dir")]


study = click.argument("study", shell_complete=_complete_study)
run = click.argument("run", metavar="DIR", shell_complete=_complete_run)


def study_to_run(command: Callable[..., None]) -> Callable[..., None]:
    """STUDY with what may stand in place of what it says, handed on as the resolved `study`; and where it runs, as `place`.

    `place` holds fields of `RunOptions` by name: out, device, memory.
    """

    @wraps(command)
    def wrapped(study: str, paths: Any, seed: Any, policies: Any, model: Any, **given: Any) -> None:
        from engine.program import devices
        from engine.study.loading import load_study

        devices.use_every_core()
        resolved = load_study(study, model=model, paths=paths, seed=seed, policies=policies)
        place = {name: given.pop(name) for name in ("out", "device", "memory")}
        command(study=resolved, place=place, **given)

    for option in (memory, device, own_model, out, policies, seed, paths, study):
        wrapped = option(wrapped)
    return wrapped


def run_that_is_there(command: Callable[..., None]) -> Callable[..., None]:
    """DIR and the model that it was run with, handed on as the `Run`; with its finished blocks alone where --partial says so."""

    @wraps(command)
    def wrapped(run: str, model: Any, **given: Any) -> None:
        from engine.execution.run import open_run
        from engine.program import devices

        devices.use_every_core()
        command(run=open_run(run, model, given.pop("partial", False)), **given)

    return run(own_model(wrapped))
