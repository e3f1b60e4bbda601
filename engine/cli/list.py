"""`rustbelt list`: studies and models that ship, and runs in `outputs/`."""

from __future__ import annotations

import click
from rich.markup import escape
from rich.table import Table

from engine.cli import options
from engine.cli.show import screen


@click.command("list")
@options.debug
def command() -> None:
    """List the shipped studies and models, and the runs in outputs/."""
    from engine.run_folder.finding import OUTPUTS, described, known_runs
    from engine.study.loading import known_models, load_study, shipped_studies

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    runs = {folder.name: described(folder) for folder in known_runs()}
    sections = {
        "Studies": {name: load_study(name).question for name in shipped_studies()},
        "Models": known_models(),
        f"Runs in {OUTPUTS}/": runs or {"none yet": "rustbelt run rustbelt"},
    }
    for heading, rows in sections.items():
        table.add_row(f"[bold]{heading}[/bold]")
        for name, about in rows.items():
            table.add_row(f"  {escape(name)}", escape(about))
    screen.stdout().print(table)
