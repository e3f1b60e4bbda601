"""`rustbelt schema`: the JSON schema of study files, for editors; and of answers."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli import options
from engine.cli.show import screen


@click.command("schema", short_help="Print the JSON schema of study files, for editors.")
@click.argument("of", type=click.Choice(["study", "answer"]), default="study")
@click.option("-o", "--output", type=options.FILE, metavar="FILE", help="Write it to a file.")
@options.debug
def command(of: str, output: Path | None) -> None:
    """Print the JSON schema (draft 2020-12) of study files, so that an editor completes and checks them.

    An editor with Even Better TOML (taplo) takes it from the first line of a study: #:schema ./study.schema.json
    `rustbelt schema answer` is the schema of what --json prints of every question.
    """
    import json

    from engine.answers.plain import SCHEMA
    from engine.run_folder.folder import written
    from engine.study.json_schema import as_json_schema

    text = json.dumps(as_json_schema() if of == "study" else SCHEMA, indent=1) + "\n"
    if output is None:
        screen.print_text(text)
        return
    written(output, text.encode("utf-8"))
    use = f" First line of a study that it is for:  #:schema ./{output.name}" if of == "study" else ""
    screen.print_text(f"Wrote {output}.{use}")
