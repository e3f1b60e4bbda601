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
    from engine.run_folder.finding import OUTPUTS, entry_of, known_runs
    from engine.study.loading import known_models, load_study, shipped_studies

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    runs = {}
    for entry in map(entry_of, known_runs()):
        state = f"{entry.paths:,} paths" if entry.paths else "not finished; run the same command again"
        facts = [entry.date[:16].replace("T", " "), state, ", ".join(entry.policies), entry.question]
        runs[entry.name] = "; ".join(filter(None, facts))
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
