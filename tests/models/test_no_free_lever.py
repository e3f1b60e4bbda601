"""No lever is free: used as far as it goes, it makes the outcome that it names worse, and some other one better.

The contract is one for any model whose levers state a `Price`: with all else as in a policy, and on the same futures.
"""

import copy
import functools
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.modelling.records import Model, Price
from engine.study.loading import read_study
from tests.rustbelt_paths import MODEL, STUDY
from tests.user_models import outcomes

PATHS = 8192
SURE = 4.0
"""Standard errors of the mean of the paired difference beyond which a difference counts."""
WITHOUT_PRICE = {
    "follows_schedule": "a switch between two ways to state closures; what closes costs what closures cost"
}
BASES = dict.fromkeys(("capacity_cut", "closure_speed", "new_capacity", "resettlement_fund"), "reform_full")
"""Policies in which a lever is moved: under old ones the plan of closures, the ban on plants and the fund have no part.
"""
YEARS_OF_CUTS = {
    sector: {"2016": most, "2021": 0} for sector, most in {"steel": 40, "coal": 250, "cement": 100}.items()
}


def moved(
    document: Mapping[str, Any], model: Model, bases: Mapping[str, str], most: Mapping[str, Any]
) -> dict[str, dict[str, np.ndarray]]:
    """What each lever with a price moves: outcome -> difference of most use to its default [path], worse above zero.

    Args:
      bases: lever -> policy that everything else is as in.
      most: lever -> its largest use, in place of the price's.
    """
    tables, policies = copy.deepcopy(dict(document)), {}
    for name, base in bases.items():
        lever = model.levers[name]
        for end, value in (("least", lever.default), ("most", most.get(name, lever.price.most))):
            policies[f"{name}_{end}"] = {"like": base, name: value}
    tables["policies"] = {**tables["policies"], **policies}
    for part in ("headline", "compare", "lever_groups", "assumptions", "gates"):
        tables.pop(part, None)
    tables["run"] = {**tables.get("run", {}), "sampler": "random"}
    study = read_study(tables, "levers", model=model, run={"paths": PATHS}, policies=list(policies))
    at = {policy: k for k, policy in enumerate(study.policy_names)}
    found: dict[str, dict[str, np.ndarray]] = {name: {} for name in bases}
    for outcome, values in outcomes(study).items():
        values = values.astype(np.float64) * (1.0 if model.outcomes[outcome].loss else -1.0)
        for name in bases:
            found[name][outcome] = values[at[f"{name}_most"]] - values[at[f"{name}_least"]]
    return found


def sure(difference: np.ndarray) -> bool:
    """Whether the mean lies above zero beyond doubt."""
    return difference.mean() > SURE * difference.std(ddof=1) / math.sqrt(difference.size)


def faults(price: Price, differences: Mapping[str, np.ndarray]) -> list[str]:
    """In what a lever does not cost what its price says."""
    paid = differences[price.outcome]
    wrong = []
    if not (sure(paid) and paid.mean() >= price.by):
        wrong.append(f"{price.outcome} is worse by {paid.mean():.3g}, not by {price.by:g}")
    if not any(sure(-gained) for outcome, gained in differences.items() if outcome != price.outcome):
        wrong.append("nothing is better")
    return wrong


@functools.cache
def of_the_rustbelt() -> dict[str, dict[str, np.ndarray]]:
    bases = {name: BASES.get(name, "old") for name, lever in MODEL.levers.items() if lever.price}
    return moved(STUDY, MODEL, bases, {"scheduled_cut": YEARS_OF_CUTS})


def test_levers_without_a_price_are_few_and_have_a_reason():
    assert {name for name, lever in MODEL.levers.items() if lever.price is None} == set(WITHOUT_PRICE)
    assert len(WITHOUT_PRICE) <= 3 and all(WITHOUT_PRICE.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, lever in MODEL.levers.items() if lever.price])
def test_a_lever_costs_what_it_says_and_is_good_for_something(name):
    assert not faults(MODEL.levers[name].price, of_the_rustbelt()[name])


def test_what_costs_is_said_on_the_page():
    page = (Path(__file__).parents[2] / "docs" / "rustbelt-model.md").read_text(encoding="utf-8")
    for name, lever in MODEL.levers.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*\|$", page.partition("### Levers")[2], re.MULTILINE)
        if lever.price is None:
            assert "none: " in row
        else:
            assert (
                f"`{lever.price.outcome}`, at least {lever.price.by:g} " in row and f"at {lever.price.most:g} " in row
            )
            assert lever.price.payer in row
