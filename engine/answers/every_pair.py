"""Every pair of policies: which is best, and the differences of all."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from itertools import product

import numpy as np

from engine.answers.rows import table
from engine.answers.table import Table
from engine.answers.wording import measured, some
from engine.risk.estimation.intervals import Estimate
from engine.risk.policies.ranks import Gaps
from engine.study.study import Study


def best(study: Study, name: str, measure: str, gaps: Gaps) -> Iterator[str]:
    """Which policy is best by a measure of an outcome or event, and which others cannot be distinguished from it."""
    called = [study.phrase("policies", policy) for policy in study.policy_names]
    estimate, low, _ = gaps.ranks
    first = int(np.argmin(estimate))
    side = "lowest" if study.is_loss(name) else "highest"
    what = measured(study, name, measure).removeprefix("the ")
    yield f"Of {len(called)} policies, the {side} {what} is that of {called[first]}."
    others = [called[k] for k in np.flatnonzero(low == 1) if k != first]
    yield f"The difference from {some(others)} is not clear." if others else "All other policies are clearly worse."


def pairs(study: Study, by_measure: Mapping[str, Mapping[str, Gaps]], shown: Collection[str] = ()) -> Table:
    """Table of the paired difference of every two policies, with 95 % intervals that hold for all pairs at once.

    Args:
      shown: outcomes whose means are in the brief form.
    """
    rows = (
        {"measure": measure, "variable": name, "policy": policy, "against": against,
         "gap": None if i == j else Estimate(gaps.gap[i, j], math.nan, gaps.low[i, j], gaps.high[i, j]),
         "brief": measure == "mean" and name in shown}
        for measure, by_name in by_measure.items()
        for name, gaps in by_name.items()
        for (i, policy), (j, against) in product(enumerate(study.policy_names), repeat=2)
    )  # fmt: skip
    dims = "measure", "variable", "policy", "against"
    return table("gaps", "All pairs of policies", rows, *dims, brief=("gap",) if shown else (), across="against")
