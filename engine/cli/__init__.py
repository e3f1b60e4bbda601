"""The command line, `rustbelt`: one command a file, imported when it is called; and messages and exit codes."""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import logging
import traceback
import warnings
from copy import copy as duplicate
from pathlib import Path
from typing import Any

import click

from engine.answers import registry
from engine.cli import endings
from engine.cli.show import streams
from engine.errors import UserError, did_you_mean
from engine.modelling.loading import end_quietly

SELDOM = ("precision", "constants", "schema", "completion")
"""The commands that only `rustbelt --help --full` shows."""
GROUPS = {
    "Run": ("run", "check", "init"),
    "Ask": ("answer", *(name for name in registry.OURS if name not in SELDOM), "report", "plot", "replay"),
    "Look after": ("list", "status", "verify", "repair"),
    "Other": ("fit",),
}
"""The commands that `rustbelt --help` shows, by heading, the most used first."""
SELDOM_OPTIONS = """
Seldom used options, which COMMAND --help --full describes:
  --program    Select the form of the compiled program.
  --scheduler  Compute on the workers of a dask scheduler.
  --shard      Compute one task of a job array.
  --log        Select the form of progress on stderr.
"""
COMMANDS = (*(name for names in GROUPS.values() for name in names), *SELDOM)

REMOVED = {
    "assumptions": "rustbelt challenge STUDY --only assumptions",
    "check --constants": "rustbelt constants STUDY",
    "check --for": "rustbelt precision STUDY 'ES99 of OUTCOME under POLICY within 1 %'",
    "check --gates": "rustbelt gates STUDY",
    "check --json": "rustbelt gates STUDY --json",
    "check --operations": "rustbelt check STUDY",
    "compare --numbers": "rustbelt compare RUN",
    "condition --calibration": "rustbelt condition STUDY",
    "condition --on": "rustbelt condition STUDY --set observed.file=FILE",
    "copy": "rustbelt verify FOLDER, after a program such as rclone has copied the run",
    "diff": "rustbelt compare RUN OTHER",
    "discover --numbers": "rustbelt discover RUN --where WHERE",
    "explain --levers": "rustbelt flip STUDY --outcome V",
    "explain --mechanisms": "rustbelt challenge STUDY --only assumptions",
    "explain --numbers": "rustbelt explain RUN --outcome V",
    "replay --all": "rustbelt replay RUN --path N --full",
    "init --schema": "rustbelt schema -o study.schema.json",
    "replay --float64": "rustbelt replay RUN --path N",
    "report --pdf": "rustbelt report RUN -o FILE.pdf",
    "report --slide": "rustbelt plot overview RUN -o overview.pdf",
    "risk --digits": "rustbelt risk RUN --save FILE",
    "risk --out": "rustbelt risk RUN --save FILE",
    "schema --model": "rustbelt schema",
    "sensitivity --given-data": "rustbelt sensitivity STUDY",
    "sensitivity --within": "rustbelt sensitivity STUDY",
}
"""Removed commands ("NAME") and options ("COMMAND --OPTION"), and what to type instead ("rustbelt COMMAND ...")."""

FEW_COLLECTIONS = 100_000, 20, 20
"""Thresholds of Python's garbage collector: tracing a model makes a million small objects that stay, and with the
default thresholds the search for garbage took a tenth of a start.
"""

GREETING = """\
rustbelt simulates policies on the same random
futures and estimates their risks.

Three commands to try:
  rustbelt list                          list the studies, models and runs
  rustbelt check rustbelt                show what a study computes
  rustbelt run rustbelt --paths 131072   compare old policies with reform

rustbelt -h shows all commands, rustbelt COMMAND -h the options of one."""


class Commands(click.Group):
    """The group of all commands. An error that the user can correct ends with exit code 2, a fault of ours with 1."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the command line. With -h or --help, --full stands for all commands and options."""
        ctx.meta["full"] = "--full" in args and not {"-h", "--help"}.isdisjoint(args)
        if ctx.meta["full"]:
            args = [word for word in args if word != "--full"]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands by group; with --full also what is seldom used."""
        seldom = SELDOM if ctx.meta["full"] else ()
        for heading, names in {**GROUPS, "Seldom used": seldom, "Other packages": (*registry.outsiders(),)}.items():
            commands = [(f"{name:11}", self.get_command(ctx, name)) for name in names]
            if shown := [(name, one.get_short_help_str(100)) for name, one in commands if one]:
                with formatter.section(heading):
                    formatter.write_dl(shown)
        if ctx.meta["full"]:
            formatter.write(SELDOM_OPTIONS)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, as help shows them."""
        return [*COMMANDS, *(name for name in registry.outsiders() if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none, or if it is another package's and cannot be imported."""
        if cmd_name not in self.list_commands(ctx):
            return None
        if cmd_name in registry.OURS or cmd_name not in COMMANDS:
            from engine.cli.ask import command_of

            try:
                return command_of(cmd_name)
            except UserError as error:  # in another package's question: all other commands work
                click.echo(f"note: {error.source} {error.problems[0].message}", err=True)
                return None
        command: click.Command = importlib.import_module(f"engine.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command that the first word names, made to keep a model's prints apart from its results.

        Raises:
          click.UsageError: there is no such command; with what to type instead of one that was removed, or else the
            closest match.
        """
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            if args[0] in REMOVED:
                raise _removed("command", args[0], args[0], ctx)
            raise click.UsageError(f"unknown command '{args[0]}'.{did_you_mean(args[0], known)}", ctx)
        ctx.meta["words"] = [*args]
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and command.callback is not None:
            callback, command = command.callback, duplicate(command)
            command.callback = streams.prints_apart()(callback)
            if ctx.meta["full"]:
                command.params = [_shown(one) for one in command.params]
        return name, command, rest

    def main(self, *args: Any, **options: Any) -> Any:
        """Runs the command line; control characters in what it prints are written out, so that none acts."""
        with streams.guarded():
            try:
                return super().main(*args, **options)
            except OSError as error:  # the help text cannot be written, before any command runs
                click.echo(str(endings.users(error)), err=True)
                raise SystemExit(2) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command and gives its result; a failure becomes a message and an exit code."""
        gc.set_threshold(*FEW_COLLECTIONS)
        atexit.register(gc.freeze)  # else Python searches all objects for garbage again as it ends: 0.3 s
        logging.getLogger("jax._src.callback").setLevel(logging.CRITICAL)  # our message says what a callback raised
        try:
            with (
                warnings.catch_warnings(),
                endings.stopping_at_once(lambda: endings.stopped(ctx.meta.get("words", []))),
            ):
                warnings.showwarning = _show_warning
                return super().invoke(ctx)
        except click.NoSuchOption as error:
            name = f"{error.ctx.info_name} {error.option_name}" if error.ctx else ""
            if name in REMOVED:
                raise _removed("option", error.option_name, name, error.ctx) from None
            raise
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # the reader of our output has closed it; click handles that
            debug = "--debug" in ctx.meta.get("words", [])
            if debug:
                click.echo(traceback.format_exc(), err=True, nl=False)
            end_quietly()
            refused = endings.users(error)
            click.echo(str(refused) if refused else endings.ours(error, debug), err=True)
            ctx.exit(2 if refused else 1)


def _removed(kind: str, given: str, name: str, ctx: click.Context | None) -> click.UsageError:
    return click.UsageError(f"{kind} '{given}' was removed. Type instead: {REMOVED[name]}", ctx)


def _shown(param: Any) -> Any:
    """The same option or argument, which help shows."""
    param = duplicate(param)
    param.hidden = False
    return param


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    """Prints a warning on stderr: our own as words alone, any other with the place that it comes from."""
    ours = Path(filename).is_relative_to(Path(__file__).parents[1])
    text = f"{message}\n" if ours else warnings.formatwarning(message, category, filename, lineno, line)
    click.echo(f"warning: {text}" if ours else text, err=True, nl=False)


# "color": else click removes colour codes from a message, which then no longer shows the very text that it refuses
@click.group(
    cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "color": True}
)
@click.version_option(None, "-V", "--version", package_name="rustbelt", message="%(package)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Compare policies on the same futures. --help --full shows all commands."""
    if ctx.invoked_subcommand is None:
        click.echo(GREETING)
