"""The questions of a run as methods: their options are the parameters, and their help is the docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.answers import registry
from engine.answers.question import STUDY, fields

if TYPE_CHECKING:
    from engine.answers.answer import Answer


def method(name: str, ask: Callable[..., Answer]) -> Callable[..., Answer]:
    """The method of a question.

    Args:
      name: of the question.
      ask: asks a run the question of a name, with its options and `paths` and `device` by keyword.
    """
    record = registry.question(name)
    place = ("paths", "device") if record.needs == STUDY else ("device",)
    further = (inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY, default=None) for one in place)
    signature = inspect.Signature([*inspect.signature(record).parameters.values(), *further])

    def asked(*given: Any, **options: Any) -> Answer:
        return ask(name, **signature.bind(*given, **options).arguments)

    helped = [f"  {one.name}: {one.option.help}" for one in fields(record)]
    asked.__name__, asked.__signature__ = name, signature  # type: ignore[attr-defined]
    asked.__doc__ = "\n".join([inspect.cleandoc(record.__doc__), "", "Args:", *helped])
    return asked
