"""Every kind of figure: its function, what it is drawn from, the options it takes, and a line on what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import Problem, UserError, unknown
from engine.plots.convergence import convergence
from engine.plots.correlation import correlation
from engine.plots.differences import differences
from engine.plots.exceedance import exceedance
from engine.plots.fan import fans
from engine.plots.priors import priors
from engine.plots.replay import replay
from engine.plots.scatter import scatter
from engine.plots.style import Figure
from engine.plots.tails import tails
from engine.plots.tornado import tornado


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Args:
      draw: what draws it: sources in the order of `of`, then options by name -> a figure, or the axes of one.
      of: what it is drawn from: "cube", "study", "story" (one path, as `engine.execution.replay` gives it).
      takes: options that it knows.
      about: what it shows, in a line.
    """

    draw: Callable[..., Any]
    of: tuple[str, ...]
    takes: tuple[str, ...]
    about: str


KINDS: Mapping[str, Kind] = {
    "fan": Kind(fans, ("cube",), ("variable", "where", "policies"), "how futures spread by year, a panel for each place"),
    "exceedance": Kind(exceedance, ("cube",), ("variable", "policies"), "how likely each level of an outcome is passed, on a log scale"),
    "differences": Kind(differences, ("cube",), ("variable", "policies"), "what a policy changes on the same path, better and worse"),
    "tails": Kind(tails, ("cube",), ("variable", "where", "policies", "year"), "mean, VaR and ES with intervals, a panel for each place"),
    "scatter": Kind(scatter, ("cube",), ("variable", "factor", "policies"), "an outcome against a factor, the worst 1 % marked"),
    "tornado": Kind(tornado, ("cube",), ("variable", "policies", "measure"), "the outcome where each factor is low and where it is high"),
    "correlation": Kind(correlation, ("cube", "study"), (), "how the priors move together, groups outlined"),
    "convergence": Kind(convergence, ("cube",), ("variable", "policies"), "how the headline measures settle as paths are added"),
    "replay": Kind(replay, ("story",), ("variable", "where", "policies"), "one path in full, every yearly variable under each policy"),
    "priors": Kind(priors, ("study",), ("factor",), "the density of every factor, asked and fitted"),
}  # fmt: skip
"""By name, in the order in which one wants them."""


def figure(kind: str, sources: Mapping[str, Any], options: Mapping[str, Any]) -> Figure:
    """A figure by the name of its kind.

    Args:
      sources: what it is drawn from, by the names in `Kind.of`.
      options: by name; those that are None are left to the kind.

    Raises:
      UserError: no such kind, an option that it does not take, or what the kind itself refuses.
    """
    chosen = named(kind)
    given = {name: value for name, value in options.items() if value is not None}
    refuse_options(kind, given)
    drawn = chosen.draw(*(sources[name] for name in chosen.of), **given)
    return drawn if isinstance(drawn, Figure) else drawn.get_figure(root=True)


def named(kind: str) -> Kind:
    """The kind of that name.

    Raises:
      UserError: there is none.
    """
    if kind not in KINDS:
        raise UserError("KIND", [unknown("kind of figure", kind, KINDS)])
    return KINDS[kind]


def refuse_options(kind: str, given: Mapping[str, Any]) -> None:
    """Refuses options that a kind does not know.

    Raises:
      UserError: there are such.
    """
    takes = named(kind).takes
    told = ", ".join(takes) or "none"
    wrong = [
        Problem(name, f"'{kind}' does not take it. It takes: {told}.") for name in given if name not in takes
    ]
    if wrong:
        raise UserError(kind, wrong)
