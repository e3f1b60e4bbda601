"""`rustbelt plot`: a figure of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from engine.cli import options
from engine.cli.show import screen


def _complete_kind(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completions: kinds of figures, each with what it shows."""
    from engine.runs.figures import kinds

    known = ((name, kind.about) for name, kind in kinds().items() if name.startswith(incomplete))
    return [CompletionItem(name, help=about) for name, about in known]


@click.command("plot", short_help="Draw a figure of a run.")
@click.argument("kind", required=False, shell_complete=_complete_kind)
@click.argument("run", cls=options.Place, required=False)
@click.option(
    "--variable",
    metavar="V",
    shell_complete=options.complete_variable,
    help="An outcome or a yearly variable. Default: the headline.",
)
@click.option(
    "--policy",
    "policies",
    type=options.NAMES,
    shell_complete=options.complete_policy,
    help="Policies to show, in this order.",
)
@click.option("--where", type=options.LABEL, multiple=True, help="Place to show, such as region=Liaoning.")
@click.option("--factor", metavar="F", shell_complete=options.complete_factor, help="One factor.")
@click.option("--measure", metavar="M", help="A measure: mean, median, sd, VaR95, ES97.5 and so on.")
@click.option("--year", type=options.YEAR, help="Year to show. Default: the last.")
@click.option("--claim", metavar="C", help="One claim of a challenge, as its answer states it.")
@click.option("--ledger", metavar="L", help="Kind of choices of a challenge: specification or policies.")
@click.option("--path", type=options.COUNT, help="Number of the path to show. Default: 0.")
@click.option(
    "-o", "--out", type=options.FILE, metavar="FILE",
    help="A file that ends in .png, .svg, .pdf, .html or .json. Default: KIND-VARIABLE.png.",
)  # fmt: skip
@click.option("--dark", is_flag=True, help="Draw light text on a dark background.")
@options.partial
@options.own_model
@options.debug
@click.pass_context
def command(
    ctx: click.Context,
    /,
    kind: str | None,
    run: str | None,
    path: int | None,
    out: Path | None,
    dark: bool,
    partial: bool,
    model: Any,
    **given: Any,
) -> None:
    """Draw a KIND of figure of RUN.

    Without KIND: the kinds there are.
    """
    from engine.run_folder.finding import PLACES, find_study, run_folder
    from engine.runs import figures
    from engine.runs.run import Run, open_run

    if kind is None:
        _print_kinds()
        return
    computed = figures.needs_numbers(kind)
    if run is None:
        raise click.UsageError(f"missing argument 'RUN': expected {PLACES}.", ctx)
    given["where"] = dict(given["where"]) or None
    wanted = {name: value for name, value in given.items() if value is not None}
    parts = (kind, None if path is None else f"path-{path}", given["variable"], given["factor"])
    file = out or Path(f"{'-'.join(filter(None, parts))}.png")
    figures.refuse(kind, wanted, path, file)
    if computed:
        opened = open_run(run, model, partial)
        options.note_what_is_there(opened)
    else:  # no cube is needed, so that a study that has not been run will do
        opened = Run(run_folder(find_study(run, model)[0]))
    title = figures.save(opened.plot, kind, wanted, path, file, "dark" if dark else "light")
    console = screen.stdout()
    screen.print_words(console, title)
    screen.print_line(console, f"Saved in {file}.", "dim")


def _print_kinds() -> None:
    from engine.run_folder.finding import known_runs
    from engine.runs.figures import kinds

    console = screen.stdout()
    for name, kind in kinds().items():
        screen.print_line(console, kind.about, head=f"{name:<13}")
    runs = known_runs()
    if runs:
        screen.print_command(console, "To draw a figure of a run", "plot", "exceedance", runs[-1])
    else:
        screen.print_command(console, "A figure needs a run, and there is none yet. To make one", "run", "rustbelt")
