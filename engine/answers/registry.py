"""The questions there are: one row each, from which their commands, the methods of a run and everything else follow."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from engine.errors import UserError, unknown

GROUP = "rustbelt.questions"
"""Entry points by which other packages register theirs: name = "module:Class"."""
QUESTIONS: Mapping[str, tuple[str, str]] = {
    "compare": (
        "engine.analyses.compare_question:Compare",
        "Say which policy is better, how surely, and where not.",
    ),
    "explain": (
        "engine.analyses.explain_question:Explain",
        "Show what the worst futures of a run have in common.",
    ),
    "discover": (
        "engine.analyses.discover_question:Discover",
        "Say in which boxes of factors futures of a kind are frequent.",
    ),
    "attribute": (
        "engine.analyses.attribution_question:Attribute",
        "Show which lever does what between two policies.",
    ),
    "sensitivity": (
        "engine.analyses.sensitivity_question:Sensitivity",
        "Show which inputs the answer hangs on.",
    ),
    "flip": (
        "engine.analyses.flip_question:Flip",
        "Show which belief would turn the ranking of two policies.",
    ),
    "assumptions": (
        "engine.analyses.assumptions_question:Assumptions",
        "Hold a study against its own assumptions.",
    ),
}
"""Where each question stands, and what it does in a line; in the order in which one asks them."""


@functools.cache
def outsiders() -> Mapping[str, str]:
    """Where the questions of other packages stand, by name; none has the name of one of ours."""
    held = {one.name: one.value for one in entry_points(group=GROUP)}
    return {name: held[name] for name in sorted(held.keys() - QUESTIONS.keys())}


def names() -> tuple[str, ...]:
    """The questions by name."""
    return (*QUESTIONS, *outsiders())


def question(name: str) -> Any:
    """The record of a question's options, by its name.

    Raises:
      UserError: there is none of that name.
    """
    if name not in QUESTIONS and name not in outsiders():
        raise UserError("question", [unknown("question", name, names())])
    home = QUESTIONS[name][0] if name in QUESTIONS else outsiders()[name]
    module, _, record = home.partition(":")
    return getattr(importlib.import_module(module), record)


def about(name: str) -> str:
    """What a question does, in a line."""
    return QUESTIONS[name][1] if name in QUESTIONS else (question(name).__doc__ or "").partition("\n")[0]
