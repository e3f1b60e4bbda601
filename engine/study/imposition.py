"""A study with observed values imposed on yearly variables, so that the rest of the model is scored given these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.errors import Problems, unknown
from engine.modelling.identity import altered
from engine.modelling.imposing import PREFIX
from engine.modelling.records import Lever
from engine.study.components import Policy
from engine.study.study import Study
from engine.study.tables.observed import Observation


def check(study: Study, names: Sequence[str], until: int | None, problems: Problems) -> None:
    """Adds a problem for each variable that cannot be imposed: unknown, not allowed by the model, or never observed.

    Args:
      until: last year whose observations count; all if None.
    """
    allowed = study.model.imposable
    for name in names:
        if name not in study.model.yearly:
            problems.add("--impose", unknown("yearly variable", name, allowed or study.model.yearly))
        elif name not in allowed:
            may = f"It allows: {', '.join(allowed)}." if allowed else "It allows none."
            problems.add("--impose", f"the model does not let '{name}' be imposed. {may}")
        elif not any(_imposes(study, row, name) for row in study.observed.rows if until is None or row.time <= until):
            text = f"nothing was observed of '{name}' in these years."
            problems.add("--impose", f"{text} Add it: a row a year and place, without 'across' and 'fold'.")


def under(study: Study, names: Sequence[str], rows: Sequence[Observation]) -> Study:
    """The study with observed values of some yearly variables, by year and cell, and the model's own elsewhere."""
    if not names:
        return study
    given, levers = {}, dict(study.model.levers)
    for name in names:
        one, labels = study.model.yearly[name], study.model.dims
        # by year and place, no number where nothing is imposed
        values = np.full((len(study.years), *(len(labels[dim]) for dim in one.dims)), np.nan)
        for row in rows:
            if _imposes(study, row, name):
                at = (labels[dim].index(row.at[dim]) for dim in one.dims)
                values[study.years.index(row.time), *at] = row.value
        given[PREFIX + name], levers[PREFIX + name] = values, Lever(one.unit, math.nan, one.dims)

    def imposed(policy: Policy) -> Policy:
        before = policy.before and imposed(policy.before)
        return replace(policy, levers={**policy.levers, **given}, before=before)

    model = altered(study.model, levers=levers)
    return replace(study, model=model, policies=tuple(map(imposed, study.policies)))


def _imposes(study: Study, row: Observation, name: str) -> bool:
    return row.variable == name and not row.across and not row.fold and row.time in study.years
