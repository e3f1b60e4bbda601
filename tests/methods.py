"""Writes `engine/runs/methods.py`, the typed methods of a run, from the registry of questions.

python -m tests.methods
"""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from engine.answers import registry
from engine.answers.question import STUDY, Field, fields

PLACE = Path(__file__).parents[1] / "engine" / "runs" / "methods.py"
WIDTH = 120
"""Columns of a line, as in `pyproject.toml`."""
HEAD = '''"""The questions of a run as methods, with their options and help; `python -m tests.methods` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.answers.answer import Answer


class Questions:
    """A method a question; each gives an `Answer`, which most questions also store beside the cube."""

    if TYPE_CHECKING:

        def _ask(self, question: str, **options: Any) -> Answer: ...
'''


def annotation(one: Field) -> str:
    """The type of an option, with its default."""
    types = ["Mapping[str, str]" if of is Mapping else of.__name__ for of in one.types]
    kind = " | ".join([*(f"Sequence[{of}]" for of in types if one.many), *types])
    if one.required:
        return kind
    return f"{kind} = {one.default!r}" if one.default is not None else f"{kind} | None = None"


def method(name: str) -> str:
    """The source of a question's method."""
    question = registry.question(name)
    own = fields(question)
    anew = ["paths", "device"] if question.needs == STUDY else ["device"]
    more = ["*", *(f"{one}: {'int' if one == 'paths' else 'str'} | None = None" for one in anew)]
    takes = ["self", *(f"{one.name}: {annotation(one)}" for one in own), *more]
    gives = [f"{one.name}={one.name}" for one in own] + [f"{one}={one}" for one in anew]
    about = textwrap.dedent(f"{question.__doc__.partition(chr(10))[0]}\n")
    lines = [
        f"    def {name}(",
        f"        {', '.join(takes)}",
        "    ) -> Answer:",
        f'        """{about.strip()}',
        "",
        "        Args:",
    ]
    for one in own:
        lines += textwrap.wrap(
            f"{one.name}: {one.option.help}", WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 12
        )
    lines += (
        ["          paths: how many are computed anew; as many as the question thinks fit if not given."]
        if "paths" in anew
        else []
    )
    lines += ['          device: "cpu" or "gpu"; the GPUs if there are any.', "", "        Raises:"]
    lines += ["          UserError: what is asked for is not there.", '        """']
    lines += [f'        return self._ask("{name}", {", ".join(gives)})']
    return "\n".join(lines) + "\n"


def written() -> str:
    """The content of the file."""
    return "\n".join([HEAD, *(method(name) for name in registry.QUESTIONS)])


if __name__ == "__main__":
    PLACE.write_text(written(), encoding="utf-8")
