"""Agreement in law with the NumPy reference of the model, policy by policy (data: tests/data/make_reference.py)."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from engine.program.devices import mesh
from engine.program.kernel import Program
from engine.study.loading import load_study
from tests.helpers import assert_plausible

DATA = Path(__file__).parents[1] / "data"
REFERENCE = json.loads((DATA / "reference_quantiles.json").read_text(encoding="utf-8"))
POLICIES = tuple(REFERENCE["policies"])
OUTCOMES = tuple(
    name for name in REFERENCE["policies"]["old"]["outcomes"] if name != "public_cost_without_fund"
)
SEES = 0.015
"""A probability that is off by this much must fail."""


class Sample(NamedTuple):
    """Outcomes by name, [policy, path]."""

    study: Any
    outcomes: dict[str, np.ndarray]


@pytest.fixture(scope="module")
def sample() -> Sample:
    study = load_study(DATA / "reference.toml", paths=131_072)
    program = Program(study, mesh("cpu"))
    block = study.blocks()[0]
    result = program.collect(block, program.submit(block))
    values = {name: result.outcomes[:, k].astype(float) for k, name in enumerate(study.model.outcomes)}
    return Sample(study, values)


def error(probability: float, study: Any) -> float:
    """Standard error of the difference of two estimates of a probability, from this run and the reference's."""
    return float(np.sqrt(probability * (1 - probability) * (1 / study.paths + 1 / REFERENCE["paths"])))


def of(sample: Sample, policy: str, outcome: str) -> np.ndarray:
    return sample.outcomes[outcome][sample.study.policy_names.index(policy)]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_as_many_paths_lie_below_the_quantiles_of_the_reference(sample, policy, outcome):
    values, known = of(sample, policy, outcome), REFERENCE["policies"][policy]["outcomes"][outcome]
    for share, quantile in ((0.05, known["p05"]), (0.5, known["p50"]), (0.95, known["p95"])):
        # where many paths share one value (no shortfall at all), the quantile stands for a range of shares
        below, up_to = np.mean(values < quantile), np.mean(values <= quantile)
        assert_plausible(np.clip(share, below, up_to), share, error(share, sample.study), SEES)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_means_agree_with_the_reference(sample, policy, outcome):
    values, known = of(sample, policy, outcome), REFERENCE["policies"][policy]["outcomes"][outcome]
    se = known["deviation"] * np.sqrt(1 / sample.study.paths + 1 / REFERENCE["paths"])
    assert_plausible(values.mean(), known["mean"], se, 0.02 * known["deviation"])


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "event", ["soe_insolvent", "banks_wrecked", "jobs_demolished", "region_devastated", "all_four"]
)
def test_events_are_as_likely_as_in_the_reference(sample, policy, event):
    happens = {}
    for known in sample.study.events:
        if known.all_of:
            happens[known.name] = np.logical_and.reduce([happens[name] for name in known.all_of])
        else:
            values = of(sample, policy, known.outcome)
            happens[known.name] = values > known.above if known.above is not None else values < known.below
    truth = REFERENCE["policies"][policy]["events"][event]
    # an event that the reference saw never or hardly ever is judged as if it had seen it ten times
    se = error(max(truth, 10 / REFERENCE["paths"]), sample.study)
    assert_plausible(happens[event].mean(), truth, se, SEES)
