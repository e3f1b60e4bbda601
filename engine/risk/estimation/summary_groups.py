"""Declaration of the cube's summary groups, by which they are computed, written, read and documented."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.risk.estimation.events import ByName
from engine.risk.estimation.evidence import measures
from engine.study.study import Study

FULL, SHORT, EVENT = ("policy", "measure", "stat"), ("policy", "stat"), ("policy", "event", "stat")


@dataclass(frozen=True)
class Numbers:
    """One array that a summary group holds for each outcome, yearly variable or event, or once.

    Args:
      dims: dimensions of the array; for a yearly variable `year` and its own dimensions are added.
      about: long name; {} stands for the variable's title.
      name: name in the group; {} stands for the variable's name. Events share one array, in which they are a dimension.
      unit: unit; the variable's own if None.
      table: field of `Tables` with the records that it is filled from; empty for none.
      measure: measure of these records; {} stands for the label along `measure`.
      bounds: prefix of the attributes that state a yearly variable's bounds; empty for none.
    """

    dims: tuple[str, ...]
    about: str = "{}"
    name: str = "{}"
    unit: str | None = None
    table: Literal["", "risk", "comparison"] = ""
    measure: str = "{}"
    bounds: Literal["", "valid", "bound"] = ""

    def measures(self, study: Study) -> dict[str, str]:
        """Measure of the records by label along `measure`; a single label "" without that dimension."""
        labels = measures(study.levels) if "measure" in self.dims else ("",)
        return {label: self.measure.format(label) for label in labels}


@dataclass(frozen=True)
class SummaryGroup:
    """A summary group of the cube.

    Args:
      place: path in the cube.
      comment: description; {paths} or {sample} stands for the paths it is computed from, {baseline} for the baseline.
      numbers: arrays that it holds for each variable.
      of: table of the model or the study whose entries are its variables; empty for a group without variables.
      sample: name among the results of the yearly sample; empty for a group computed from all paths.
      optional: whether the group is left out where it would be empty.
    """

    place: str
    comment: str
    numbers: tuple[Numbers, ...]
    of: Literal["", "outcomes", "yearly", "events"] = "outcomes"
    sample: str = ""
    optional: bool = False

    def names(self, study: Study) -> tuple[str, ...]:
        """Names of its variables."""
        if self.of == "events":
            return tuple(event.name for event in study.events)
        return tuple(getattr(study.model, self.of)) if self.of else ("",)

    def held(self, study: Study, arrays: ByName) -> Iterator[tuple[str, Numbers, str, np.ndarray]]:
        """For each of its arrays in `arrays`: variable's name, declaration, array's name, and the array."""
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
            Numbers(EVENT, "probability of the event", "probability", "1", "risk", "probability"),
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
            Numbers((), "number of paths kept out of every number: values that are not finite", "n_excluded", "1"),
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
