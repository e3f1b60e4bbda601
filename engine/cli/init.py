"""`rustbelt init`: a commented study to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli import options
from engine.cli.show import screen


@click.command("init", short_help="Write a study file with comments.")
@click.argument("file", type=options.FILE, default=Path("study.toml"))
@click.option(
    "--extends", "study", metavar="STUDY", help="The study to extend, a shipped one or a file. Default: rustbelt."
)
@options.own_model
@options.debug
def command(file: Path, study: str | None, model: Any) -> None:
    """Write a commented study to FILE (study.toml), to be edited; what is there is not overwritten.

    It extends the shipped study, and has a prior, a policy and an event as comments. With --model and without --extends
    it is the skeleton of a whole study, in which the tables of factors, shocks, policies and events are comments.
    """
    from engine.modelling.declaration import check_declaration
    from engine.run_folder.folder import written
    from engine.study import loading
    from engine.study.templates import base_of, refuse_study_file, skeleton

    refuse_study_file(file)
    if model is not None and study is None:
        check_declaration(model, ())
        base, purpose = model, "To see which priors it lacks"
    else:
        base, purpose = study or "rustbelt", "To see what it states"
        loading.load_study(base, model=model)
        base = base_of(base, file)
    written(file, skeleton(file.stem, base).encode("utf-8"))
    console, spec = screen.stdout(), click.get_current_context().params["model"]
    screen.print_line(console, f"Wrote {file}.")
    screen.print_command(console, purpose, "check", file, model=spec)
    if base is not model:
        screen.print_command(console, "Run it", "run", file, "--paths", 16384, model=spec)
