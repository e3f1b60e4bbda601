"""The shipped model, run by the kernel, has the quantiles and event probabilities of the NumPy reference of the model.

Beside `test_rustbelt_law.py` (as many paths below each quantile, means): here the quantiles themselves, on twice the
paths, and the law of the public cost without the fund, from its yearly parts on single paths. Data:
`data/make_reference.py`.
"""

import functools
import json
from pathlib import Path

import numpy as np
import pytest

from engine.modelling.cell_axis import split_cells
from engine.program.kernel import Program
from engine.risk.events import event_indicators
from engine.study.loading import load_study
from engine.study.study import BLOCK
from tests.helpers import assert_close, assert_plausible
from tests.user_models import program

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data"
REFERENCE = json.loads((DATA / "reference_quantiles.json").read_text(encoding="utf-8"))
OUTCOMES = [name for name in REFERENCE["policies"]["old"]["outcomes"] if name != "public_cost_without_fund"]
EVENTS = list(REFERENCE["policies"]["old"]["events"])
SHARES = {"p05": 0.05, "p50": 0.5, "p95": 0.95}
SAMPLE = 1 << 16
GDP = 2021.0 + 1001.8 + 1169.0
"""GDP of the three provinces in 2015 [bn yuan]."""


@functools.cache
def made() -> Program:
    return program(load_study(DATA / "reference.toml", paths=2 * BLOCK, seed=20_160_101))


@functools.cache
def values() -> dict[str, np.ndarray]:
    """Outcomes by name, [policy, path]."""
    parts = [made().collect(block, made().submit(block)) for block in made().study.blocks()]
    found = np.concatenate([part.outcomes for part in parts], axis=-1)
    return {name: found[:, k] for k, name in enumerate(made().study.model.outcomes)}


@functools.cache
def public_cost() -> np.ndarray:
    """Subsidies and recapitalisation in the northeast over all years [% of 2015 GDP], [policy, path]."""
    step = made().study.tile * made().mesh.devices.size
    parts = []
    for first in range(0, SAMPLE, step):
        cells = split_cells(made().study.model, made().trace(first).yearly, axis=2)
        yearly = cells["subsidies"].astype(np.float64) + cells["recapitalisation_cost"]
        parts.append(100 * yearly[:, :, :3].sum(axis=(1, 2)) / GDP)
    return np.concatenate(parts, axis=-1)


def assert_same_quantiles(found: np.ndarray, known: dict) -> None:
    """Asserts that a sample has the reference's quantiles, errors of both samples from the sample's order statistics."""
    ascending, n = np.sort(found.astype(np.float64)), len(found)
    for name, share in SHARES.items():
        spread = np.sqrt(n * share * (1 - share))
        # two standard deviations of the rank to both sides, as a line between the order statistics there
        low, high = (ascending[int(np.clip(n * share + k * spread, 0, n - 1))] for k in (-2, 2))
        se = (high - low) / 4 * np.sqrt(1 + n / REFERENCE["paths"])
        assert_plausible(ascending[int(n * share)], known[name], se, 0.1 * known["deviation"])


@pytest.mark.parametrize("policy", REFERENCE["policies"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_quantiles_agree(policy, outcome):
    at = made().study.policy_names.index(policy)
    assert_same_quantiles(values()[outcome][at], REFERENCE["policies"][policy]["outcomes"][outcome])


@pytest.mark.parametrize("policy", REFERENCE["policies"])
def test_the_public_cost_without_the_fund_agrees(policy):
    at = made().study.policy_names.index(policy)
    assert_same_quantiles(
        public_cost()[at], REFERENCE["policies"][policy]["outcomes"]["public_cost_without_fund"]
    )


@pytest.mark.parametrize("policy", REFERENCE["policies"])
def test_events_are_as_likely(policy):
    at = made().study.policy_names.index(policy)
    found = event_indicators(made().study, {name: part[at] for name, part in values().items()})
    for event in EVENTS:
        truth = REFERENCE["policies"][policy]["events"][event]
        # one that the reference hardly ever saw is judged as if it had seen it ten times
        p = max(truth, 10 / REFERENCE["paths"])
        se = np.sqrt(p * (1 - p) * (1 / made().study.paths + 1 / REFERENCE["paths"]))
        assert_plausible(found[event].mean(), truth, se, 0.01)


def test_the_fund_is_what_the_public_cost_has_beside():
    cells = split_cells(made().study.model, made().trace(0).yearly, axis=2)
    whole = cells["public_cost"].astype(np.float64)[:, :, :3].sum(axis=(1, 2)) * 100 / GDP
    fund = cells["fund_spending"].astype(np.float64)[:, :, :3].sum(axis=(1, 2)) * 100 / GDP
    assert_close(whole, fund + public_cost()[:, : whole.shape[-1]], np.float32)
