"""Writes reference_quantiles.json: the law of every outcome under the NumPy reference of the rustbelt model.

    python tests/data/make_reference.py REFERENCE_SCRIPT tests/data/reference_quantiles.json

Two minutes on one core. Each policy is run on 40 x 5,000 paths, implementation 1. `reform` is run on 400 x 500 paths,
each 500 at one of the mid-quantiles of implementation (the reference takes one number a run). Public cost is without
the fund, as the reference counts it. The national growth path is rebuilt from the same draws.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

POLICIES = {
    "old": "old_policies",
    "reform_full": "reform",
    "gradual": "gradual",
    "shock_therapy": "shock_therapy",
    "reform_no_fund": "reform_no_fund",
    "delayed_reform": "delayed_reform",
    "actual_like": "actual_like",
}
NE = slice(0, 3)
PERCENTS = (5, 50, 95)


def load(path: str) -> Any:
    """The reference script as a module."""
    spec = importlib.util.spec_from_file_location("reference", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def national_path(priors: dict, seed: int, years: int) -> np.ndarray:
    """National GDP of the last year [2015 = 1], from the draws of a run with this seed."""
    rng = np.random.default_rng(seed)
    paths = len(priors["g_dec"])
    growth = np.zeros(paths)
    for t in range(years):
        e, u = rng.standard_normal((paths, 24)), rng.random((paths, 6))
        jump = np.where(u[:, 0] < priors["jump_rate"], -0.20 + 0.15 * e[:, 18], 0.0)
        growth += np.maximum(0.067 - priors["g_dec"] * t, 0.03) + 0.009 * e[:, 0] + 0.1 * np.minimum(jump, 0)
    return np.exp(growth)


def outcomes(ref: Any, run: dict, path_2030: np.ndarray) -> dict[str, np.ndarray]:
    """Outcomes by name, one value per path."""
    cum, weight = run["cum"], ref.Y0[NE] / ref.Y0[NE].sum()
    gdp0 = ref.Y0[NE].sum()
    pool = run["V"][:, :, NE].sum(2)
    index = (run["Y"][:, :, NE] * weight).sum(2)
    growth = np.diff(np.log(np.concatenate([np.ones((len(index), 1)), index], 1)), axis=1)
    entered = (cum["lay"] - cum["inttr"] - cum["ret"] + 0.6 * run["ind"].sum(1))[:, NE].sum(1)
    return {
        "layoffs": cum["lay"][:, NE].sum(1),
        "displaced_peak": pool.max(1),
        "displaced_person_years": pool.sum(1),
        "zombie_share_2030": run["z"][:, -1, NE].mean(1),
        "capital_shortfall_peak": 100 * run["short"][:, :, NE].sum(2).max(1) / gdp0,
        "lowest_true_capital_ratio": run["ctrue"][:, :, NE].min((1, 2)),
        "worst_two_year_growth": np.maximum(growth[:, 1:], growth[:, :-1]).min(1),
        "bank_loss": 100 * run["loss"][:, :, NE].sum((1, 2)) / gdp0,
        "gdp_index_2030": index[:, -1],
        "gdp_loss_2030": 1 - index[:, -1] / path_2030,
        "public_cost_without_fund": 100 * (cum["sub"] + cum["recap"])[:, NE].sum(1) / gdp0,
        "reemployed_share": cum["re"][:, NE].sum(1) / entered,
        "national_cut_layoffs": cum["cutlay"].sum(1),
    }


def simulated(ref: Any, policy: str, runs: int, paths: int, first_seed: int) -> dict[str, np.ndarray]:
    """Outcomes of a policy over several runs."""
    parts: list[dict[str, np.ndarray]] = []
    for k in range(runs):
        priors = ref.draw(paths, np.random.default_rng(first_seed + k))
        seed = first_seed + 500_000 + k
        if policy == "reform":
            share = implementation((k + 0.5) / runs)
            levers = {name: ref.BASE[name] + share * (ref.REF[name] - ref.BASE[name]) for name in ref.REF}
            levers["start"] = 0
            run = ref.simulate(priors, levers, seed)
        else:
            cuts = ref.ACT_CUT if policy == "actual_like" else None
            run = ref.simulate(priors, ref.POL[POLICIES[policy]], seed, cuts=cuts)
        parts.append(outcomes(ref, run, national_path(priors, seed, ref.T)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def implementation(u: float) -> float:
    """Quantile of the drawn implementation: logit-normal, median 0.62, 90 % within (0.30, 0.87) in width."""
    logit = lambda x: np.log(x / (1 - x))  # noqa: E731
    score = logit(0.62) + (logit(0.87) - logit(0.30)) / (2 * 1.6449) * NormalDist().inv_cdf(u)
    return float(1 / (1 + np.exp(-score)))


def summary(values: dict[str, np.ndarray]) -> dict[str, Any]:
    """Quantiles, mean and deviation of each outcome, and the probability of each event."""
    events = {
        "soe_insolvent": values["zombie_share_2030"] > 0.5,
        "banks_wrecked": values["lowest_true_capital_ratio"] < 0.06,
        "jobs_demolished": values["displaced_person_years"] > 1000,
        "region_devastated": values["worst_two_year_growth"] < 0,
    }
    events["all_four"] = np.logical_and.reduce(list(events.values()))
    return {
        "outcomes": {
            name: {
                **{f"p{p:02d}": float(f"{np.percentile(x, p):.8g}") for p in PERCENTS},
                "mean": float(f"{x.mean():.8g}"),
                "deviation": float(f"{x.std():.8g}"),
            }
            for name, x in values.items()
        },
        "events": {name: float(hit.mean()) for name, hit in events.items()},
    }


def main(script: str, target: str) -> None:
    """Runs everything and writes the file."""
    ref = load(script)
    policies = {}
    for place, policy in enumerate([*POLICIES, "reform"]):
        runs, paths = (400, 500) if policy == "reform" else (40, 5000)
        policies[policy] = summary(simulated(ref, policy, runs, paths, 10_000 * (place + 1)))
        print(policy, policies[policy]["events"], flush=True)
    document = {
        "command": "python tests/data/make_reference.py REFERENCE_SCRIPT tests/data/reference_quantiles.json",
        "paths": 200_000,
        "policies": policies,
    }
    Path(target).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
