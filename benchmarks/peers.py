"""Prints how fast the toy workload is in packages that a user could take instead.

python benchmarks/peers.py [--rounds N]

EMA workbench: a Model whose function runs one experiment, 12 uncertain parameters, policies as a full factorial of its
lever. The workbench samples what is drawn once and knows no yearly noise, so the function draws that itself, from a
generator whose seed is one more uncertain parameter: both policies then see the same years.

OpenTURNS: a vectorised Python function over a Sample. Here all that is random is one input, the 12 normals of a path
and the 12 of each year side by side, drawn by the sampler of OpenTURNS.

Both call the same plain NumPy, `transition`, the first on one future and the second on many. Needs
`pip install -e '.[benchmark]'`; takes about a minute.
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from engine.program.devices import use_every_core

use_every_core()

import openturns as ot  # noqa: E402
from timing import CORES, best, machine, table  # noqa: E402

import engine  # noqa: E402
from engine.program import devices  # noqa: E402
from engine.program.contract import Program  # noqa: E402
from engine.program.programs import program_on  # noqa: E402
from engine.study.loading import load_model_file  # noqa: E402
from engine.study.study import Study  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # it warns of optional parts that are not installed
    import ema_workbench as ema

HERE = Path(__file__).parent
YEARS, NORMALS = 15, 12
OUTCOMES = ("layoffs", "default_share", "bank_loss", "gdp")
POLICIES = (0.0, 1.0)
EMA_PATHS = 1 << 11
OPENTURNS_PATHS, OPENTURNS_CHUNK = 1 << 15, 1 << 10
KERNEL_BLOCKS = 2
ALLOWED = 5
"""Standard errors that two means may lie apart: one false alarm in 1.7 million."""


def transition(q: np.ndarray, noise: np.ndarray, reform: float) -> tuple[np.ndarray, ...]:
    """Layoffs, default share, bank loss and GDP under one policy, of one future or many.

    Args:
      q: what is drawn once [12, ...]; the axes after the first, none for one future, are those of the result.
      noise: what is drawn every year [15, 12, ...].
      reform: 0 or 1.
    """
    future = q.shape[1:]
    reversion, cut, intensity = expit(q[0]), 0.05 * np.exp(0.3 * q[1]), np.exp(0.2 * q[2])
    fund, leverage, exposure, lgd = np.abs(q[4]), np.exp(q[5]), np.exp(0.3 * q[6]), expit(q[7])
    price, unemployed, bank, gdp = np.zeros((3, *future)), np.zeros((3, *future)), 0.1, 1.0
    capacity, employed = np.ones((3, 3, *future)), np.ones((3, 3, *future))
    equity = 0.5
    layoffs = default_share = bank_loss = 0.0
    for z in noise:
        price = price - reversion * price + 0.15 * z[0:3]
        use = expit(1 + price + 0.2 * z[3:6, None])
        closed = capacity * cut * reform
        laid_off = employed * (closed / capacity) * intensity
        capacity, employed = capacity - closed, employed - laid_off
        hired = unemployed * expit(q[3] + 0.3 * z[6:9] + reform * fund)
        unemployed = unemployed + laid_off.sum(1) - hired
        profit = capacity * (use * np.exp(price) - 0.7)
        equity = equity + profit - 0.05 * (1 - reform) * leverage
        default = expit(-8 * equity)
        loss = (default * exposure * lgd).sum(1)
        bank = bank + 0.01 - loss
        growth = 0.05 + 0.02 * z[9:12] - 0.1 * np.maximum(0.05 - bank, 0) - 0.2 * unemployed
        gdp = gdp * (1 + growth + 0.1 * profit.sum(1))
        layoffs = layoffs + laid_off.sum((0, 1))
        default_share = np.maximum(default_share, default.mean((0, 1)))
        bank_loss = bank_loss + loss.sum(0)
    return layoffs, default_share, bank_loss, gdp.sum(0)


# ------------------------------------------------------------------ the EMA workbench


def experiment(seed: float, reform: float, **q: float) -> dict[str, float]:
    """Outcomes of one experiment by name: what the workbench calls, once for each future and policy."""
    noise = np.random.default_rng(int(seed)).standard_normal((YEARS, NORMALS))
    drawn = np.array([q[f"q{k}"] for k in range(NORMALS)])
    return dict(zip(OUTCOMES, transition(drawn, noise, reform), strict=True))


def workbench_model() -> ema.Model:
    """The toy as a model of the workbench."""
    model = ema.Model("toy", function=experiment)
    model.uncertainties = [
        *(ema.RealParameter.from_dist(f"q{k}", norm()) for k in range(NORMALS)),
        ema.IntegerParameter("seed", 0, 2**31 - 1),
    ]
    model.levers = [ema.RealParameter("reform", *POLICIES)]
    model.outcomes = [ema.ScalarOutcome(name) for name in OUTCOMES]
    return model


def _workbench(evaluator: ema.SequentialEvaluator) -> np.ndarray:
    """Outcomes [policy, outcome, path] of so many scenarios under each policy."""
    experiments, results = evaluator.perform_experiments(
        scenarios=EMA_PATHS,
        policies=len(POLICIES),
        uncertainty_sampling=ema.Samplers.MC,
        lever_sampling=ema.Samplers.FF,
        log_progress=True,  # to its log, which nobody reads, and not as a bar on the screen
    )
    under = [experiments["reform"].to_numpy(float) == reform for reform in POLICIES]
    return np.stack([np.stack([results[name][rows] for name in OUTCOMES]) for rows in under])


# ------------------------------------------------------------------ OpenTURNS


def futures() -> ot.RandomVector:
    """The outcomes under both policies as a random vector of OpenTURNS."""

    def evaluate(sample: ot.Sample) -> np.ndarray:
        z = np.ascontiguousarray(np.asarray(sample).T)
        q, noise = z[:NORMALS], z[NORMALS:].reshape(YEARS, NORMALS, -1)
        return np.concatenate([transition(q, noise, reform) for reform in POLICIES]).T

    n_inputs, n_outputs = NORMALS * (1 + YEARS), len(POLICIES) * len(OUTCOMES)
    function = ot.PythonFunction(n_inputs, n_outputs, func_sample=evaluate)
    return ot.CompositeRandomVector(function, ot.RandomVector(ot.Normal(n_inputs)))


def _openturns(vector: ot.RandomVector) -> np.ndarray:
    parts = [np.asarray(vector.getSample(OPENTURNS_CHUNK)) for _ in range(OPENTURNS_PATHS // OPENTURNS_CHUNK)]
    return np.concatenate(parts).T.reshape(len(POLICIES), len(OUTCOMES), -1)


# ------------------------------------------------------------------ the engine


def _kernel(program: Program) -> np.ndarray:
    blocks = program.study.blocks()[:KERNEL_BLOCKS]
    running = [program.submit(block) for block in blocks]
    return np.concatenate([part.of(block) for block, part in zip(blocks, running, strict=True)], axis=-1)


def _whole_run(study: Study) -> tuple[float, np.ndarray]:
    """Seconds of one whole run (compile, simulate, cube, tables), and its outcomes [policy, outcome, path]."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        engine.run(study, out=Path(folder) / "run")
        took = time.perf_counter() - start
        with engine.open_cube(Path(folder) / "run") as cube:
            return took, np.stack([cube["paths"][name].to_numpy() for name in OUTCOMES], axis=1)


# ------------------------------------------------------------------ the same work, and the table


def means(outcomes: np.ndarray) -> dict[str, tuple[float, float]]:
    """Means that tell whether the work is the same, by name, each with its standard error."""
    none, reform = outcomes.astype(np.float64)
    layoffs, default_share, bank_loss, gdp = reform
    values = {
        "layoffs": layoffs,
        "default share": default_share,
        "bank loss": bank_loss,
        "share of futures with GDP above 2.5": gdp > 2.5,  # the tails of GDP are too long for its mean
        "default share without reform": none[1],
        "bank loss without reform": none[2],
    }
    return {name: (value.mean(), value.std() / np.sqrt(value.size)) for name, value in values.items()}


def refuse_other_work(found: dict[str, dict[str, tuple[float, float]]], reference: str) -> None:
    """Stops where the means of a version are further from those of the reference than chance allows."""
    for who, values in found.items():
        for name, (mean, error) in values.items():
            known, known_error = found[reference][name]
            if not abs(mean - known) <= ALLOWED * np.hypot(error, known_error):
                raise SystemExit(f"{who}: {name} is {mean:.4f} ± {error:.4f}, expected {known:.4f}")


def main() -> None:
    """Machine, versions and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="calls of each, the best of which counts")
    rounds = parser.parse_args().rounds
    np.random.seed(1)  # noqa: NPY002 (what the workbench samples with)
    ot.RandomGenerator.SetSeed(1)
    ema_version, ot_version = version("ema_workbench"), version("openturns")
    print(f"{machine()}\nema_workbench {ema_version}, openturns {ot_version}\n", flush=True)

    model, vector = workbench_model(), futures()
    study = engine.load_study(HERE / "toy.toml", model=load_model_file(f"{HERE / 'toy_model.py'}:Toy"))
    run = f"engine, a whole run, {CORES} cores"
    kernel = f"engine, kernel, {CORES} cores"
    seen: dict[str, list[np.ndarray]] = {}

    def kept(who: str, call: Callable[[], np.ndarray]) -> Callable[[], None]:
        return lambda: seen.setdefault(who, []).append(call())

    # the pool is forked before JAX has threads
    with ema.MultiprocessingEvaluator(model, n_processes=CORES) as pool, ema.SequentialEvaluator(model) as one:
        program = program_on(study, devices.mesh("cpu"))
        calls = {
            kernel: lambda: _kernel(program),
            "OpenTURNS, vectorised function, 1 thread": lambda: _openturns(vector),
            "EMA workbench, sequential": lambda: _workbench(one),
            f"EMA workbench, {CORES} processes": lambda: _workbench(pool),
        }
        seconds = best({who: kept(who, call) for who, call in calls.items()}, rounds)
    paths = {who: outcomes[0].shape[-1] for who, outcomes in seen.items()}
    took, outcomes = _whole_run(study)
    seconds, paths, seen = {run: took} | seconds, {run: study.paths} | paths, {run: [outcomes]} | seen
    found = {who: means(np.concatenate(parts, axis=-1)) for who, parts in seen.items()}
    refuse_other_work(found, run)

    rate = {who: paths[who] / seconds[who] for who in seconds}
    rows = []
    for who, values in found.items():
        mean, error = values["default share"]
        slower = [f"{rate[ours] / rate[who]:,.1f}" for ours in (run, kernel)]
        rows.append((who, f"{paths[who]:,}", f"{rate[who]:,.0f}", *slower, f"{mean:.4f} ± {error:.4f}"))
    head = ("toy workload, both policies", "paths a call", "paths/s", "times slower than a run", "than the kernel")
    print(table((*head, "mean default share"), rows))


if __name__ == "__main__":
    main()
