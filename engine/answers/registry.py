"""The registry of questions: one row each, from which their commands and the methods of a run are made."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Mapping
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Any

from engine.errors import UserError, in_a_line, unknown

GROUP = "rustbelt.questions"
"""Group of entry points by which other packages register questions: name = "module:Class"."""
QUESTIONS: Mapping[str, tuple[str, str]] = {
    "compare": ("engine.questions.compare:Compare", "Compare policies: differences, dominance, regret and ranks."),
    "extremes": ("engine.questions.extremes.question:Extremes", "Estimate return levels, also beyond the sample."),
    "explain": ("engine.questions.explain:Explain", "Show what the worst futures have in common."),
    "discover": ("engine.questions.discover:Discover", "Find boxes of factors in which a kind of future is frequent."),
    "attribute": ("engine.questions.attribute:Attribute", "Attribute the difference of two policies to their levers."),
    "sensitivity": ("engine.questions.sensitivity:Sensitivity", "Estimate the share of each input in the variance."),
    "flip": ("engine.questions.flip:Flip", "Find break-even values at which two policies change places."),
    "design": ("engine.questions.design.question:Design", "Find the values of levers at which limits hold."),
    "challenge": ("engine.questions.challenge.question:Challenge", "Test the claims of a study against other choices."),
    "backtest": ("engine.questions.backtest.question:Backtest", "Score the forecasts of a study against observations."),
    "condition": ("engine.questions.conditioning.question:Condition", "Condition a study on observations."),
    "gates": ("engine.questions.gates:Gates", "Compare a study with the facts that its gates state."),
    "constants": ("engine.questions.constants:Constants", "List the constants of a model and their sources."),
    "precision": ("engine.questions.precision:Precision", "Predict how many futures a precision takes."),
}
"""Module and class of each question, and a line on what it does; in the order in which one asks them."""
OF_CUBE: Mapping[str, tuple[str, str]] = {
    "risk": ("engine.questions.risk:Risk", "Print the risk measures and events of a run.")
}
"""As `QUESTIONS`, for those that only read estimates, and whose answers are not stored."""
OF_PRIOR = ("sensitivity", "flip", "design", "challenge", "backtest")
"""Questions that sample inputs anew or compare with observations.

For a study conditioned on facts, they answer for the study as it was before its facts.
"""
OURS = {**OF_CUBE, **QUESTIONS}


@functools.cache
def outsiders() -> Mapping[str, str]:
    """Module and class of each question that another package registers, by name.

    A question is left out, with a warning, if its name is that of one of ours or of another file of a run folder, or
    does not match [a-z][a-z0-9_]*.
    """
    held = {one.name: one.value for one in entry_points(group=GROUP)}
    if not held:
        return {}  # the import below loads `engine.study`, which the command line starts without
    from engine.run_folder.ledger import OTHERS

    wrong = [name for name in held if name in {*OURS, *OTHERS} or not re.fullmatch("[a-z][a-z0-9_]*", name)]
    for name in wrong:
        text = (
            f"the question '{name}' of another package is left out: it needs another name ({held[name]}, entry"
            f" point of {GROUP})"
        )
        warnings.warn(text, stacklevel=2)
    return {name: held[name] for name in sorted(held.keys() - {*wrong})}


def names() -> tuple[str, ...]:
    """The names of all questions, ours first."""
    return (*OURS, *outsiders())


def question(name: str) -> Any:
    """The class of a question, whose fields are its options, by name.

    Raises:
      UserError: there is no question of that name, or what another package registers cannot be imported or is none.
    """
    if name in OURS:
        return resolve_name(OURS[name][0])
    if name not in outsiders():
        raise UserError("question", [unknown("question", name, names())])
    from engine.answers.question import fields

    home = outsiders()[name]
    try:
        found = resolve_name(home)
        fields(found)
        for needed in ("needs", "heading", "answer"):
            getattr(found, needed)
    except (Exception, SystemExit) as error:
        problem = f"cannot be used: {home} raised {in_a_line(error)}. Correct or remove that package."
        raise UserError(f"question '{name}'", [problem]) from error
    return found


def about(name: str) -> str:
    """What a question does, in one line, by its name."""
    return OURS[name][1] if name in OURS else (question(name).__doc__ or "").partition("\n")[0]
