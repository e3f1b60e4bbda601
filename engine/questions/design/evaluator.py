"""Outcomes and measures of a policy with other levers, on the same futures, by one compiled program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from engine.errors import Problems, UserError
from engine.questions.futures import PATHS, Futures, of_paths, refuse_too_many, sound, units_of
from engine.questions.variables import PROBABILITY, Mask, Values, gap, outcomes_of, under
from engine.risk.estimation.exclusion import with_units
from engine.risk.estimation.influences import measures as names_of
from engine.risk.estimation.intervals import Estimate, Units
from engine.risk.estimation.measures import measure, probability
from engine.study.components import Change
from engine.study.extending import texts
from engine.study.loading import load_study, under as running
from engine.study.study import Study
from engine.study.tables.triggers import whole
from engine.study.values import Tables

AT_ONCE = 8
"""Settings that are in memory at a time."""
PARTS = ("estimate", "standard_error", "low", "high")
Setting = Tables
"""Values of levers, as in a policy's table, and of factors, each of which is a number."""
Settings = Setting | Sequence[Setting]


class Evaluator:
    """Evaluates a policy of a study with other values of its levers, on the same futures and without a run folder.

    The program is compiled once. Each evaluation equals a study that states these levers, bit for bit. A *setting* is a
    table of levers as in a policy of a study file; each value is a number, or a table by year or label. A setting may
    also set a factor to a number, on all paths. Levers that a setting does not name keep the policy's values. Several
    settings are a list of such tables, or one table in which lists or arrays of the same length have a value for each.

    Args:
      study: a resolved study, its file, or the name of one that ships.
      policy: the policy whose levers are set; the baseline if not given.
      outcomes: outcomes and events that are returned; the headline and all events if none are given.
      paths: from the first on; the study's, at most 131,072, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.

    Raises:
      UserError: the study is not sound; no such policy, outcome or event; `paths` is not a number of whole units.
    """

    def __init__(
        self, study: Study | str | Path, policy: str | None = None, outcomes: Sequence[str] | str = (), *,
        paths: int | None = None, device: str | None = None,
    ):  # fmt: skip
        study = study if isinstance(study, Study) else load_study(study)
        study.refuse_broken_model()
        names = (outcomes,) if isinstance(outcomes, str) else outcomes
        self.policy = study.baseline if policy is None else policy
        self.variables = tuple(names or (*study.headline, *study.events_by_name))
        problems = Problems()
        problems.knows("policy", "policy", self.policy, study.document["policies"])
        problems.knows_each("outcomes", "outcome or event", self.variables, study.variables)
        problems.refuse(study.source)
        # read with the policy running, so that the study has the factors that it draws levers from
        study = of_paths(running(study, [*dict.fromkeys((study.baseline, self.policy))]), paths, PATHS)
        self.futures = Futures(study, outcomes_of(study, self.variables), device).of_policy(self.policy)
        self.study = self.futures.study
        self.stated = whole(self.study.policies[self.study.row(self.policy)])

    def outcomes(self, settings: Settings) -> xr.Dataset:
        """The outcomes, and whether the events happen, on every path: variables [setting, path].

        Raises:
          UserError: no such lever or factor, or a value beyond its bounds; values that are not finite on more paths
            than the study allows.
        """
        return self._labelled(settings, self.values, "setting", "path")

    def measures(self, settings: Settings, measures: Sequence[str] = ("mean", "ES99")) -> xr.Dataset:
        """Measures of the outcomes, and probabilities of the events, with their 95 % intervals.

        Paths on which an outcome is not finite are left out, as in a run.

        Variables are [setting, measure, part], where part is one of "estimate", "standard_error", "low" and "high". The
        measure "probability" is of events and all others are of outcomes; NaN elsewhere.

        Args:
          measures: of outcomes: "mean", "median", "sd", or VaR and ES with a level, such as "ES99".

        Raises:
          UserError: as `outcomes`; or no such measure.
        """
        problems = Problems()
        problems.knows_each("measures", "measure", measures, names_of(self.study.levels))
        problems.refuse(self.study.source)
        names = (*measures, PROBABILITY)

        def row(variable: str, values: Values) -> list[tuple[float, ...]]:
            is_event = variable in self.study.events_by_name
            every = (
                self.estimate(values, variable, name) if is_event == (name == PROBABILITY) else Estimate(np.nan)
                for name in names
            )
            return [one.column for one in every]

        labelled = self._labelled(settings, row, "setting", "measure", "part")
        return labelled.assign_coords(measure=[*names], part=[*PARTS])

    def each(self, settings: Settings, futures: Futures | None = None, paths: int | None = None) -> Iterator[Values]:
        """The outcomes by name [policy, path] at each setting, of which few are in memory at a time.

        Args:
          futures: other futures of the same study, such as `self.futures.anew()`; its own if not given.
          paths: how many, from the first on; all if not given.
        """
        paths = paths or self.study.paths
        changes = [*map(self._change, several(settings))]
        for first in range(0, len(changes), AT_ONCE):
            for values in (futures or self.futures).changed(changes[first : first + AT_ONCE], paths):
                refuse_too_many(replace(self.study, paths=paths), sound((values,)))
                yield values

    def values(self, variable: str, values: Values) -> np.ndarray:
        """An outcome under the policy on every path, or whether an event happens there."""
        return under(self.study, variable, self.policy, values)

    def estimate(self, values: Values, variable: str, name: str) -> Estimate:
        """A measure of an outcome, or the probability of an event, on the paths that are kept."""
        kept, units = self.kept(sound([values]))
        return self.measured(self.values(variable, values)[kept], units, variable, name)

    def measured(self, own: np.ndarray, units: Units, variable: str, name: str) -> Estimate:
        """A measure of values of an outcome, or the probability of an event, on paths that are kept."""
        if name == PROBABILITY:
            return probability(own, units)
        return measure(own, units, self.study.is_loss(variable), name)

    def difference(self, one: Values, other: Values, variable: str, name: str) -> Estimate:
        """A measure at one setting less that at another, on the paths that are kept at both."""
        kept, units = self.kept(sound([one, other]))
        own, against = (self.values(variable, values)[kept] for values in (one, other))
        return gap(self.study, variable, name, own, against, units)

    def kept(self, good: Mask) -> tuple[Mask, Units]:
        """Mask of the paths on which all values are finite, in whole units; and these units."""
        kept = ~with_units(self.study, ~good)
        return kept, units_of(self.study, kept)

    def _change(self, setting: Setting) -> Change:
        study, problems = self.study, Problems()
        factors = {item.name for item in study.inputs}
        problems.knows_each("levers", "lever or factor", [*setting], [*study.model.levers, *factors])
        levers = {name: value for name, value in setting.items() if name not in factors}
        for name, value in levers.items():
            # what is drawn is compiled: a lever can stay drawn in some years or places, and no other can be drawn
            if new := texts({name: value}) - {*self.stated.drawn.get(name, ())}:
                problems.add(
                    name, f"expected numbers, got '{min(new)}'. A factor that sets a lever must be stated in the study."
                )
        problems.refuse(study.source)
        held = {name: (0.0, float(value)) for name, value in setting.items() if name in factors}
        return Change(held, {self.policy: levers} if levers else {})

    def _labelled(self, settings: Settings, of: Callable[[str, Values], Any], *dims: str) -> xr.Dataset:
        """What a function of a variable and of the outcomes gives for each variable [setting, ...]."""
        rows = [[of(name, one) for name in self.variables] for one in self.each(settings)]
        columns = zip(self.variables, zip(*rows, strict=True), strict=True)
        data = {name: (dims, np.stack(own), {"units": self.study.unit_of(name)}) for name, own in columns}
        return xr.Dataset(data, attrs={"study": self.study.name, "policy": self.policy, "seed": self.study.seed})


def several(settings: Settings) -> Sequence[Setting]:
    """A list of settings: that given, or one for each value where a table has lists or arrays.

    Raises:
      UserError: lists of different lengths.
    """
    plain = _plain(settings)
    if not isinstance(plain, Mapping):
        return plain
    sizes = {name: len(value) for name, value in plain.items() if isinstance(value, list)}
    if len({*sizes.values()}) > 1:
        got = ", ".join(f"{size} for '{name}'" for name, size in sizes.items())
        raise UserError("levers", [f"expected lists of the same length, got {got}."])
    count = max(sizes.values(), default=1)
    return [{name: value[k] if name in sizes else value for name, value in plain.items()} for k in range(count)]


def _plain(value: Any) -> Any:
    """A table as a study file gives it: its keys are texts, its numbers no arrays."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, str):
        return value
    return [*map(_plain, value)] if isinstance(value, list | tuple) else np.asarray(value).tolist()
