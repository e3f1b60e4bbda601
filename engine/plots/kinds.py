"""Every kind of figure by its name: the function that draws it, and a line on what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

from engine.errors import Problems, UserError, unknown
from engine.plots.conditioning import CALIBRATION
from engine.plots.figures import (
    beyond,
    boxes,
    challenge_profile,
    convergence,
    correlation,
    differences,
    drivers,
    exceedance,
    fan,
    hindcast,
    overview,
    pit,
    posteriors,
    priors,
    ranks,
    replay,
    scatter,
    sensitivities,
    specification_curve,
    tails,
    thresholds,
    tornado,
    turns,
)
from engine.plots.style import Figure, as_value

ANSWERS = ("extremes", "explain", "sensitivity", "discover", "flip", "challenge", "backtest", "condition")
"""Questions whose answers have figures, by the names of their commands."""
SOURCES = ("cube", "study", "story", *ANSWERS)
"""Sources of figures: a run's cube, its study, one path (`engine.runs.replay`), and answers to questions on the run."""

OUTCOME, YEARLY = "outcome", "yearly"


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Args:
      draw: the function that draws it; its parameters are sources, named as in `SOURCES`, then options. Gives a figure
        or axes.
      about: what it shows, in a line.
      shows: kind of its variable, `OUTCOME` or `YEARLY`, if by default it is taken from the run's headline; "" if
        `draw` chooses it.
      table: table that an answer must have to be drawn so; "" where every answer to the question can be.
      asked: options with which the question gives that table.
    """

    draw: Callable[..., Any]
    about: str
    shows: str = ""
    table: str = ""
    asked: tuple[str, ...] = ()

    @property
    def of(self) -> tuple[str, ...]:
        """Names of the sources that it is drawn from, out of `SOURCES`."""
        return tuple(name for name in self._parameters if name in SOURCES)

    @property
    def takes(self) -> tuple[str, ...]:
        """Names of its options. Keyword-only parameters, such as `ax`, are left out: they are for Python alone."""
        return tuple(
            name
            for name, parameter in self._parameters.items()
            if name not in SOURCES and parameter.kind is not Parameter.KEYWORD_ONLY
        )

    @property
    def _parameters(self) -> Mapping[str, Parameter]:
        return signature(self.draw).parameters


KINDS: Mapping[str, Kind] = {
    "overview": Kind(overview.overview, "an outcome's tail, and the years of what it is made of", OUTCOME),
    "fan": Kind(fan.fans, "how futures spread by year, a panel for each place", YEARLY),
    "exceedance": Kind(exceedance.exceedance, "how likely each level of an outcome is passed, on a log scale", OUTCOME),
    "beyond": Kind(beyond.beyond, "rare levels on log-log axes, extrapolated too, once a run is asked"),
    "differences": Kind(differences.differences, "what a policy changes on the same path, better and worse", OUTCOME),
    "thresholds": Kind(thresholds.thresholds, "how likely events would be wherever their thresholds were put"),
    "tails": Kind(tails.tails, "mean, VaR and ES with intervals, a panel for each place", YEARLY),
    "scatter": Kind(scatter.scatter, "an outcome against a factor, the worst 1 % marked", OUTCOME),
    "tornado": Kind(tornado.tornado, "the outcome where each factor is low and where it is high", OUTCOME),
    "drivers": Kind(drivers.drivers, "what the worst futures have in common, once a run is explained"),
    "inputs": Kind(sensitivities.inputs, "which inputs an outcome hangs on, once a run is asked"),
    "boxes": Kind(boxes.boxes, "boxes of factors that hold futures of a kind, once a run is asked"),
    "turns": Kind(turns.turns, "how far priors must move to turn a ranking, once a run is asked"),
    "profile": Kind(challenge_profile.profile, "in which share of universes claims hold, once a run is challenged"),
    "curve": Kind(specification_curve.curve, "a claim in every universe, sorted, once a run is challenged"),
    "hindcast": Kind(hindcast.hindcast, "what was observed among its futures, once a run is backtested"),
    "pit": Kind(pit.pit, "where figures lie among the futures, once a run is backtested"),
    "known": Kind(posteriors.known, "what facts say of factors and events, once a run is conditioned", table="known"),
    "ranks": Kind(
        ranks.ranks, "whether what is known is told right, once that is calibrated", table="ranks", asked=CALIBRATION
    ),
    "correlation": Kind(correlation.correlation, "how the priors move together, groups outlined"),
    "convergence": Kind(convergence.convergence, "how the headline measures settle as paths are added", OUTCOME),
    "replay": Kind(replay.replay, "one path in full: what the outcomes are made of, year by year"),
    "priors": Kind(priors.priors, "the density of every factor, asked and fitted"),
}
"""All kinds of figures by name, the most useful first."""


def figure(kind: str, sources: Mapping[str, Any], options: Mapping[str, Any]) -> Figure:
    """A figure by the name of its kind.

    Args:
      sources: the sources by name; at least those in `Kind.of`.
      options: options by name; None leaves an option at its default.

    Raises:
      UserError: no such kind, an option that it does not take, or what the kind itself refuses.
    """
    chosen = kind_of(kind)
    given = {name: value for name, value in options.items() if value is not None}
    refuse_options(kind, given)
    drawn = chosen.draw(*(sources[name] for name in chosen.of), **given)
    return drawn if isinstance(drawn, Figure) else as_value(drawn.get_figure(root=True))


def kind_of(kind: str) -> Kind:
    """The kind of that name.

    Raises:
      UserError: there is none.
    """
    if kind not in KINDS:
        raise UserError("KIND", [unknown("kind of figure", kind, KINDS)])
    return KINDS[kind]


def refuse_options(kind: str, given: Mapping[str, Any]) -> None:
    """Refuses options that a kind of figure does not have.

    Raises:
      UserError: there are such options.
    """
    takes = kind_of(kind).takes
    listed = ", ".join(takes) or "none"
    problems = Problems()
    for name in given:
        if name not in takes:
            problems.add(name, f"'{kind}' does not take it. It takes: {listed}.")
    problems.refuse(kind)
