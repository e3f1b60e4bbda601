"""The questions of a run as methods: their options are the parameters, and their help is the docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_type_hints

from engine.answers import registry
from engine.answers.question import STUDY, fields

if TYPE_CHECKING:
    from engine.answers.answer import Answer

PLACE = {
    "paths": "paths from the first on; the study's if not given.",
    "device": "cpu or gpu; the GPUs if there are any.",
}
"""What is given beside a question's own options, by keyword, with its meaning."""


def method(name: str, ask: Callable[..., Answer]) -> Callable[..., Answer]:
    """The method of a question.

    Args:
      name: of the question.
      ask: asks a run the question of a name, with its options and `paths` and `device` by keyword.
    """
    record = registry.question(name)
    types = get_type_hints(record)
    place = [*PLACE] if record.needs == STUDY else ["device"]
    further = (inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY, default=None) for one in place)
    options = [one.replace(annotation=types[key]) for key, one in inspect.signature(record).parameters.items()]
    signature = inspect.Signature([*options, *further])

    def asked(*given: Any, **named: Any) -> Answer:
        return ask(name, **signature.bind(*given, **named).arguments)

    about = inspect.cleandoc(record.__doc__).partition("\b")[0]  # commands follow
    asked.__name__, asked.__signature__ = name, signature  # type: ignore[attr-defined]
    helped = [f"  {one.name}: {one.option.help}" for one in fields(record)]
    asked.__doc__ = "\n".join([about.rstrip(), "", "Args:", *helped, *(f"  {one}: {PLACE[one]}" for one in place)])
    return asked
