"""The summary groups of the cube, declared once: they are filled, written, read and documented by this table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.risk.estimation.evidence import measures
from engine.study.study import Study

FULL, SHORT, EVENT = ("policy", "measure", "stat"), ("policy", "stat"), ("policy", "event", "stat")


@dataclass(frozen=True)
class Numbers:
    """What a summary group holds of each outcome, yearly variable or event, or once.

    Args:
      dims: of its array; a yearly variable has `year` and its own dimensions besides.
      about: its long name, around the title of what it is of.
      name: what it is called in the group, around the name of what it is of; one name for all events, which are a dimension.
      unit: that of what it is of if not given.
      table: the field of `Tables` that its records stand in; none if not given.
      measure: what these records have as measure, around the label along `measure`.
      bounds: what begins the names of the attributes that say the bounds of a yearly variable.
    """

    dims: tuple[str, ...]
    about: str = "{}"
    name: str = "{}"
    unit: str | None = None
    table: Literal["", "risk", "comparison"] = ""
    measure: str = "{}"
    bounds: Literal["", "valid", "bound"] = ""

    def measures(self, study: Study) -> dict[str, str]:
        """Label along `measure` -> the measure of its records; of one label without a name where there is no such dimension."""
        labels = measures(study.levels) if "measure" in self.dims else ("",)
        return {label: self.measure.format(label) for label in labels}


@dataclass(frozen=True)
class SummaryGroup:
    """A summary group.

    Args:
      place: in the cube.
      comment: what it is in words, with the `paths`, or the `sample` of them, that it is over, and the `baseline`.
      numbers: what it holds of each.
      of: the table of the model or the study that its numbers are of; of none if empty.
      sample: what it is called among the results of the yearly sample; empty if it is over all paths.
      optional: whether it is there only where it holds something.
    """

    place: str
    comment: str
    numbers: tuple[Numbers, ...]
    of: Literal["", "outcomes", "yearly", "events"] = "outcomes"
    sample: str = ""
    optional: bool = False

    def names(self, study: Study) -> tuple[str, ...]:
        """Names of what its numbers are of."""
        if self.of == "events":
            return tuple(event.name for event in study.events)
        return tuple(getattr(study.model, self.of)) if self.of else ("",)

    def held(
        self, study: Study, arrays: Mapping[str, np.ndarray]
    ) -> Iterator[tuple[str, Numbers, str, np.ndarray]]:
        """Its arrays that are there, with what each is called, what it says, and the name of what it is of."""
        for name in self.names(study):
            for of in self.numbers:
                called = of.name.format(name)
                if called in arrays:
                    yield name, of, called, arrays[called]


GROUPS = (
    SummaryGroup(
        "risk",
        "risk measures over {paths}; VaR is the quantile at its level on the bad side, ES the mean beyond it",
        (Numbers(FULL, table="risk"),),
    ),
    SummaryGroup(
        "events",
        "how likely events are, and policy less '{baseline}', {paths}",
        (
            Numbers(
                EVENT,
                "probability of the event",
                "probability",
                "1",
                "risk",
                "probability",
            ),
            Numbers(
                EVENT,
                "difference in the probability of the event",
                "difference",
                "1",
                "comparison",
                "difference_probability",
            ),
        ),
        "events",
        optional=True,
    ),
    SummaryGroup(
        "risk/yearly",
        "risk measures over {sample}, at the resolution of the model",
        (Numbers(FULL),),
        "yearly",
        "risk_yearly",
    ),
    SummaryGroup(
        "comparison",
        "paired differences: policy less '{baseline}' on the same paths, {paths}",
        (Numbers(FULL, "{}: difference", table="comparison", measure="difference_{}"),),
    ),
    SummaryGroup(
        "comparison/worse",
        "probability that a path is worse than under '{baseline}', {paths}",
        (Numbers(SHORT, "{}: probability of being worse", unit="1", table="comparison", measure="worse"),),
    ),
    SummaryGroup(
        "comparison/regret",
        "mean distance from the best policy of the same path, {paths}",
        (Numbers(SHORT, "{}: regret", table="comparison", measure="regret"),),
    ),
    SummaryGroup(
        "comparison/yearly",
        "paired differences of means: policy less '{baseline}' on the same paths, {sample}",
        (Numbers(SHORT, "{}: difference"),),
        "yearly",
        "difference_yearly",
    ),
    SummaryGroup(
        "distribution",
        "quantiles of {sample}, at the resolution of the model",
        (Numbers(("policy", "quantile"), bounds="valid"),),
        "yearly",
        "distribution",
    ),
    SummaryGroup(
        "distribution/outcomes",
        "histograms over {paths}; the outer two bins reach to the smallest and largest value",
        (
            Numbers(("policy", "bin"), "{}: number of paths", unit="1"),
            Numbers(("edge",), "{}: edges of the bins", "{}_edges"),
        ),
    ),
    SummaryGroup(
        "moments",
        "moments over {sample}; standard_error is that of the mean",
        (Numbers(("policy", "moment")),),
        "yearly",
        "moments",
    ),
    SummaryGroup(
        "diagnostics",
        "counts over the whole run",
        (
            Numbers(("policy", "outcome"), "values that are not finite", "nonfinite", "1"),
            Numbers(
                (),
                "number of paths kept out of every number: values that are not finite",
                "n_excluded",
                "1",
            ),
            Numbers((), "number of paths", "n_paths", "1"),
            Numbers((), "number of independent units of {unit} paths", "n_units", "1"),
        ),
        "",
    ),
    SummaryGroup(
        "diagnostics/bounds",
        "share of {sample} on which a value stands at a bound that the model clips it at",
        (Numbers(("policy", "bound"), "{}: share of paths on the bound", unit="1", bounds="bound"),),
        "yearly",
        "on_bounds",
        optional=True,
    ),
)
