"""The operations that a model is made of, counted, on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.show.rows import print_named
from engine.cli.show.screen import print_command, print_text, print_words
from engine.execution.operations import by_pass, counted, lines

if TYPE_CHECKING:
    from rich.console import Console

    from engine.study.study import Study

MOST_ROWS = 10
"""Most kinds of operations that are shown."""


def print_program(console: Console, study: Study, full: bool) -> None:
    """Prints how many operations a future takes, by how often they are done, by kind, and after each compiler pass.

    Args:
      full: print also every operation, a line each.

    Raises:
      UserError: the model has an operation that the one loop cannot do.
    """
    found = counted(study)
    print_words(console, f"A future takes {found.of_future:,} operations under all policies, random numbers aside.")
    console.print()
    rows = [[f"{count:,}" for count in parts.values()] for parts in found.by_stage.values()]
    heads = [*next(iter(found.by_stage.values()))]
    print_named(console, "Operations, by how often they are done", "", [*found.by_stage], heads, rows)
    kinds, shown = found.by_name, found.by_name[:MOST_ROWS]
    numbers = [(f"{count:,}",) for _, count in shown]
    print_named(console, "Of these", "kind", [name for name, _ in shown], ("number",), numbers)
    if len(shown) < len(kinds):
        print_words(console, f"{len(kinds) - len(shown)} kinds more.", "dim")
        console.print()
    passes, left = zip(*by_pass(study), strict=True)
    print_named(console, "After each pass of the compiler", "pass", passes, ("number",), [(f"{n:,}",) for n in left])
    if full:
        for line in lines(study):
            print_text(line)
    else:
        print_command(
            console, "Every operation", "check", study.source, "--operations", "--full", model=study.model_spec
        )
