"""`rustbelt schema`: the JSON schema of study files, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli import options
from engine.cli.show import screen


@click.command("schema", short_help="Print the JSON schema of study files, for editors.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it to a file.")
@options.own_model
@options.debug
def command(output: Path | None, model: Any) -> None:
    """Print the JSON schema (draft 2020-12) of study files, so that an editor completes and checks them.

    An editor with Even Better TOML (taplo) takes it from the first line of a study: #:schema ./study.schema.json
    With --model the factors, shocks and levers of that model are completed.
    """
    import json

    from engine.storage.files import write_atomically, writing
    from engine.study.json_schema import study_schema

    text = json.dumps(study_schema(model), indent=1) + "\n"
    if output is None:
        screen.print_text(text)
        return
    with writing(output.parent):
        write_atomically(output, text.encode("utf-8"))
    screen.print_text(f"Wrote {output}. First line of a study that it is for:  #:schema ./{output.name}")
