"""Pages of the documentation, followed as a reader does: commands to type, files to write, and output that is shown."""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

BOX = re.compile(r"(?:^(?P<before>[^\n]+)\n+)?```(?P<kind>\w+)\n(?P<code>.*?)```", re.DOTALL | re.MULTILINE)
FINGERPRINT = re.compile(r"(?<=-)[0-9a-f]{8,12}\b")
CUT = "..."


class Box(NamedTuple):
    """A box of a page: its kind (sh, toml, python, text), its content, and the line before it."""

    kind: str
    code: str
    before: str


def boxes(page: str) -> list[Box]:
    """All boxes of a page that state their kind."""
    return [Box(found["kind"], found["code"], found["before"] or "") for found in BOX.finditer(page)]


def last_value(code: str, names: dict[str, Any]) -> str | None:
    """What a notebook would show after the code: the text of its last line, None where that has no value."""
    tree = ast.parse(code)
    ending = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "page", "exec"), names)
    if ending is None:
        return None
    value = eval(compile(ast.Expression(ending.value), "page", "eval"), names)
    return None if value is None else str(value)


def not_printed(page: str, printed: str) -> str | None:
    """The first shown line of a page that was not printed, in the order of the page; None if there is none.

    Numbers may differ by one in their last digit, as they do between kinds of processors. Rules of tables are left out.
    """
    lines = iter(printed.splitlines())
    for line in page.splitlines():
        if line.strip() in ("", CUT):
            continue
        if not any(_alike(line, other) for other in lines):
            return line
    return None


def _alike(line: str, other: str) -> bool:
    ours, theirs = (FINGERPRINT.sub("", text).split() for text in (line, other))
    return len(ours) == len(theirs) and all(map(_same, ours, theirs))


def _same(word: str, other: str) -> bool:
    if word == other:
        return True
    number, its = (text.strip("[](),%").replace(",", "") for text in (word, other))
    try:
        value, its_value = float(number), float(its)
    except ValueError:
        return False
    digits = len(number.partition(".")[2])
    return abs(value - its_value) < 1.5 * 10.0**-digits
