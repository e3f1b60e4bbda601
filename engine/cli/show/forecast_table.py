"""How many futures a precision takes, on the screen: a row for each target and sampler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.show.rows import print_named
from engine.cli.show.screen import print_words
from engine.formatting import size_as_text
from engine.risk.estimation.stopping import few_digits

if TYPE_CHECKING:
    from rich.console import Console

    from engine.answers.answer import Answer


def print_forecast(console: Console, answer: Answer, full: bool) -> None:
    """Prints what the targets take in sentences, then a table for each target.

    Args:
      full: print also how each target stands in the pilot.
    """
    for text in answer.findings:
        print_words(console, text)
    table = answer["forecast"]
    for target in table.labels("target"):
        rows = [*table.where(target=target)]
        cells = [
            (
                f"{row['pilot']:,.0f}",
                few_digits(row["futures"]) if row["futures"] else "unknown",
                f"{few_digits(row['low'])} to {few_digits(row['high'])}" if row["low"] else "-",
                f"{row['seconds']:,.0f} s" if row["futures"] else "-",
                size_as_text(int(row["bytes"])) if row["futures"] else "-",
            )
            for row in rows
        ]
        heads = ("pilot", "futures", "95 % interval", "here", "on disk at most")
        console.print()
        print_named(console, str(target), "sampler", [row["sampler"] for row in rows], heads, cells)
        unlike = dict.fromkeys(row["standing"] for row in rows if full or not row["futures"])
        for text in unlike:
            print_words(console, f"{text}.", "dim")
