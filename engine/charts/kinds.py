"""Every kind of figure by its name: its table, the function that draws it, and a line on what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import getfullargspec
from typing import Any, TypeAlias

import pandas as pd

from engine.charts import theme
from engine.charts.figures import (
    answers as drawn_answers,
    challenged as drawn_claims,
    inputs as drawn_inputs,
    observed as drawn_facts,
    outcomes as drawn_outcomes,
    yearly as drawn_years,
)
from engine.charts.tables import answers, challenged, inputs, observed, outcomes, yearly
from engine.errors import Problems, UserError, unknown

ANSWERS = ("extremes", "explain", "sensitivity", "flip", "design", "challenge", "backtest", "condition")
"""Questions whose answers have figures of their own, by the names of their commands."""
SOURCES = ("cube", "study", "story", *ANSWERS)
"""Sources of figures: a run's cube, its study, one path (`engine.runs.replay`), and answers to questions on the run."""
OUTCOME, YEARLY = "outcome", "yearly"
Tables: TypeAlias = "pd.DataFrame | tuple[pd.DataFrame, ...]"


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Args:
      tables: the function that gives its table, or several, whose name is that of the kind; its parameters are sources,
        named as in `SOURCES`, then options.
      draw: the function that draws the table, or the several tables.
      about: what it shows, in a line.
      shows: kind of its variable, `OUTCOME` or `YEARLY`, if by default it is taken from the run's headline; "" if
        `tables` chooses it.
      table: table that an answer must have to be drawn so; "" where every answer to the question can be.
    """

    tables: Callable[..., Tables]
    draw: Callable[..., Any]
    about: str
    shows: str = ""
    table: str = ""

    @property
    def of(self) -> tuple[str, ...]:
        """Names of the sources that it is drawn from, out of `SOURCES`."""
        return tuple(name for name in getfullargspec(self.tables).args if name in SOURCES)

    @property
    def takes(self) -> tuple[str, ...]:
        """Names of its options. Keyword-only parameters, such as `most`, are for Python alone."""
        return tuple(name for name in getfullargspec(self.tables).args if name not in SOURCES)


_KINDS = (
    Kind(yearly.overview, drawn_years.overview, "an outcome's tail, and its variable by year", OUTCOME),
    Kind(yearly.fan, drawn_years.fan, "how futures spread by year, a panel for each place", YEARLY),
    Kind(
        outcomes.exceedance, drawn_outcomes.exceedance, "probability to pass each level of an outcome", OUTCOME
    ),
    Kind(answers.beyond, drawn_answers.beyond, "return levels, also extrapolated (answer to `extremes`)"),
    Kind(
        outcomes.differences, drawn_outcomes.differences, "the difference from the baseline on the same path", OUTCOME
    ),
    Kind(
        outcomes.thresholds, drawn_outcomes.thresholds, "probability of events at any threshold, with the study's"
    ),
    Kind(yearly.tails, drawn_years.tails, "mean, VaR and ES with intervals, a panel for each place", YEARLY),
    Kind(inputs.tornado, drawn_inputs.tornado, "the outcome where each factor is low and high", OUTCOME),
    Kind(answers.drivers, drawn_answers.drivers, "inputs in the worst futures (answer to `explain`)"),
    Kind(answers.inputs, drawn_answers.intervals, "share of each input (answer to `sensitivity`)"),
    Kind(answers.turns, drawn_answers.intervals, "moves of priors that reverse a ranking (answer to `flip`)"),
    Kind(
        answers.lever, drawn_answers.lever, "a measure along a lever, and its limit (answer to `design`)", table="looks"
    ),
    Kind(
        challenged.profile, drawn_claims.profile, "share of universes in which claims hold (answer to `challenge`)"
    ),
    Kind(challenged.curve, drawn_claims.curve, "a claim in every universe, sorted (answer to `challenge`)"),
    Kind(observed.hindcast, drawn_facts.hindcast, "observed figures and futures (answer to `backtest`)"),
    Kind(observed.pit, drawn_facts.pit, "places of figures among the futures (answer to `backtest`)"),
    Kind(
        observed.known, drawn_facts.known, "factors and events given facts (answer to `condition`)", table="known"
    ),
    Kind(yearly.replay, drawn_years.replay, "one path in full, year by year"),
    Kind(inputs.priors, drawn_inputs.priors, "the distribution of every factor"),
)  # fmt: skip
KINDS: Mapping[str, Kind] = {kind.tables.__name__: kind for kind in _KINDS}
"""All kinds of figures by name, the most useful first."""


def tables_of(kind: str, sources: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[pd.DataFrame, ...]:
    """What a figure shows, as data frames: one, or several for a figure of several parts.

    Args:
      sources: the sources by name; at least those in `Kind.of`.
      options: options by name; None leaves an option at its default.

    Raises:
      UserError: no such kind, an option that it does not take, or what the kind itself refuses.
    """
    chosen = kind_of(kind)
    given = {name: value for name, value in options.items() if value is not None}
    refuse_options(kind, given)
    made = chosen.tables(*(sources[name] for name in chosen.of), **given)
    return made if isinstance(made, tuple) else (made,)


def chart(kind: str, data: tuple[pd.DataFrame, ...]) -> Any:
    """The Altair chart of the tables that `tables_of` gives; one that says why there is nothing to draw."""
    if is_empty(data):
        return theme.nothing(data[0].attrs).configure(**theme.config())
    return kind_of(kind).draw(*data).configure(**theme.config())


def is_empty(data: tuple[pd.DataFrame, ...]) -> bool:
    """Whether the tables of a figure have nothing to draw: no row, or no number."""
    first = data[0]
    values = first.select_dtypes("number").drop(columns=["year", "paths"], errors="ignore")
    return first.empty or bool(values.isna().all(axis=None))


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
    problems = Problems()
    for name in given:
        if name not in takes:
            problems.add(name, f"expected an option of '{kind}' ({', '.join(takes) or 'none'}).")
    problems.refuse(kind)
