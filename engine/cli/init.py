"""`rustbelt init`: a commented study to start from."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli import options
from engine.cli.show import screen
from engine.formatting import command_line


@click.command("init", short_help="Write a study file with comments.")
@click.argument("file", type=click.Path(path_type=Path), default=Path("study.toml"))
@click.option("--extends", metavar="STUDY", help="The study to build on, one that ships or a file; rustbelt.")
@click.option(
    "--model",
    "spec",
    metavar="FILE:CLASS",
    help="A whole study for a model of your own; with --extends, the model of the study to build on.",
)
@click.option("--schema", is_flag=True, help="Write the JSON schema beside it, for editors that complete and check.")
@options.debug
def command(file: Path, extends: str | None, spec: str | None, schema: bool) -> None:
    """Write a commented study to FILE (study.toml), ready to run and to edit; what is there is not overwritten.

    On top of the shipped study: a prior, a policy and an event of your own. With --model every factor, shock, lever and
    outcome of the model, with placeholders that make it run at once.
    """
    import json
    import os

    from engine.errors import UserError
    from engine.modelling.declaration import check_declaration
    from engine.run_folder.folder import written
    from engine.study import loading, templates

    if file.suffix != ".toml":
        raise UserError(
            str(file), [f"expected a file name that ends in .toml. Did you mean '{file.with_suffix('.toml')}'?"]
        )
    beside = file.with_name(f"{file.stem}.schema.json")
    for path in (file, *([beside] if schema else ())):
        if path.exists() or path.is_symlink():
            raise UserError(str(path), ["is there already. Take another name, or remove it."])
    name, line = templates.study_name(file.stem), beside.name if schema else None
    model = None if spec is None else loading.load_model_file(spec)
    if model is not None and extends is None:
        check_declaration(model, ())
        text = templates.study_of(name, model, line)
    else:
        extends = extends or "rustbelt"
        below = loading.load_study(extends, model=model)
        if extends not in loading.shipped_studies():
            extends = Path(os.path.relpath(extends, file.parent)).as_posix()
        text = templates.study_on_top(name, extends, below, line)
    written(file, text.encode("utf-8"))
    if schema:
        from engine.study.json_schema import study_schema

        written(beside, json.dumps(study_schema(model), indent=1).encode("utf-8"))
    screen.print_text(f"Wrote {file}" + (f" and {beside}" if schema else "") + ". Two commands to try next:")
    check, run = command_line("check", file, model=spec), command_line("run", file, "--paths", 16384, model=spec)
    for line, about in ((check, "how it was understood, before it runs"), (run, "the tail table")):
        screen.print_text(screen.noted(line, about))
