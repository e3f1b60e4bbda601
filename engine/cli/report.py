"""`rustbelt report`: a finished run as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli import options
from engine.cli.show import screen


@click.command("report", short_help="Make one HTML page of a finished run.")
@click.argument("run", metavar="DIR")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="The file; report.html in the run's folder if not given.",
)
@click.option("--variable", metavar="V", help="The outcome that the answer speaks of first.")
@options.partial
@options.own_model
@options.debug
def command(run: str, out: Path | None, variable: str | None, partial: bool, model: Any) -> None:
    """Make one HTML page of a run: DIR is its folder, its study file, or the beginning of the folder's name.

    The page holds the answer in three sentences, tables, charts, what was assumed and how it was computed. It loads
    nothing, so that it can be sent as it is. It needs the extra: pip install 'rustbelt[report]'.
    """
    from rich.markup import escape

    from engine.errors import UserError
    from engine.execution import results
    from engine.run_folder import cube
    from engine.run_folder.finding import find_run
    from engine.storage.files import write_atomically, writing

    try:
        from engine.report import page
    except ModuleNotFoundError as error:
        if error.name != "jinja2":
            raise
        from engine.report.charts import MISSING

        raise UserError("rustbelt report", [MISSING]) from error
    folder, asked = find_run(run, model)
    study = results.of_run(folder, asked, partial).study
    content = page.report(folder, study, results.open_cube(folder, partial, model), variable)
    place = out or folder / page.NAME
    with writing(place.parent):
        write_atomically(place, content)
    screen.stdout().print(escape(f"{place}: {cube.size(len(content))}"), soft_wrap=True)
