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

    console = screen.stdout()
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    table.add_row("[bold]Studies[/bold]")
    for name in shipped_studies():
        table.add_row(f"  {name}", escape(load_study(name).question))
    table.add_row("[bold]Models[/bold]")
    for name, about in known_models().items():
        table.add_row(f"  {name}", escape(about))
    table.add_row(f"[bold]Runs in {OUTPUTS}/[/bold]")
    for entry in map(entry_of, known_runs()):
        state = f"{entry.paths:,} paths" if entry.paths else "not finished; run the same command again"
        facts = [entry.date[:16].replace("T", " "), state, ", ".join(entry.policies), entry.question]
        table.add_row(f"  {escape(entry.name)}", escape("; ".join(filter(None, facts))))
    if not known_runs():
        table.add_row("  none yet", "rustbelt run rustbelt")
    console.print(table)
