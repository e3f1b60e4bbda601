"""The main job: a study to its run folder, with the tail tables; and finding a run folder again."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from engine import checks, cube, devices, ledger, provenance
from engine.analyses.compare import Record, comparison_table, risk_table
from engine.analyses.summarise import summarise
from engine.config import load_study, resolved_text, shipped_studies
from engine.errors import Problem, UserError, unknown
from engine.kernel import Program
from engine.model import Model
from engine.reducers import cell_count
from engine.simulate import Observer, Stage, simulate
from engine.study import BLOCK, Study

OUTPUTS = "outputs"
PROCESS = 1 << 30
"""Bytes that Python, its libraries and the compiler take."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
      folder: its run folder.
      study: the resolved study.
      computed: numbers of the blocks that this call computed; empty where all was there already.
      risk: mean, VaR, ES and event probabilities by policy.
      comparison: paired differences from the baseline, probabilities of being worse, regret.
    """

    folder: Path
    study: Study
    computed: tuple[int, ...]
    risk: list[Record]
    comparison: list[Record]


def run(
    study: Study,
    out: str | Path | None = None,
    device: str | None = None,
    observe: Observer = lambda stage: None,
    command: Sequence[str] = (),
) -> Run:
    """Computes what the study's run folder lacks, and its tables.

    Args:
      out: the run folder itself; `outputs/<name>-<fingerprint>` if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the `Stage` that is reached.
      command: the words that started the run, for `provenance.json`.

    Raises:
      UserError: the disk or the memory is too small, the folder holds something else or cannot be written, the model
        does not keep its contract or gives values that are not finite.
    """
    folder = run_folder(study, out)
    cube.refuse_if_too_large(folder, study)
    _refuse_if_memory_too_small(study)
    checks.refuse_broken(study)
    mesh = devices.mesh(device)
    kind = mesh.devices.flat[0].platform
    started = datetime.now(UTC)
    with (
        _nothing_left_of_a_refused_run(folder, study),
        ledger.claim(folder, study, provenance.versions(kind)),
    ):
        finished = cube.is_finished(folder, study)
        if not finished:
            cube.create(folder, study)
            with ledger.writing(folder):
                ledger.write_atomically(folder / "study.toml", resolved_text(study).encode())
            left = simulate(study, folder, Program(study, mesh), observe)
        observe(Stage("estimating", study.paths, study.paths))
        outcomes, risk, comparison = tables(folder, study)
        if not finished:
            found = summarise(study, outcomes, risk, comparison, left.sums, left.yearly, left.nonfinite)
            cube.write_summaries(folder, study, found)
            entry = provenance.run_record(
                study, kind, command or sys.argv, started, datetime.now(UTC), left.computed
            )
            provenance.append(folder, study, entry)
    return Run(folder, study, () if finished else left.computed, risk, comparison)


def run_folder(study: Study, out: str | Path | None = None) -> Path:
    """The folder of a run: `out`, or `outputs/<name>-<fingerprint>` if it is not given."""
    return Path(out) if out is not None else Path(OUTPUTS) / f"{study.name}-{study.fingerprint}"


def memory_needed(study: Study) -> int:
    """Bytes of main memory that a run takes at its height, roughly: blocks in flight, the yearly sample, the tables."""
    outcomes = 4 * len(study.policies) * len(study.model.outcomes)
    kept = 4 * len(study.policies) * len(study.keep.outcomes)
    block = min(study.paths, BLOCK)
    yearly = (
        4
        * len(study.policies)
        * len(study.years)
        * cell_count(study.model)
        * min(study.keep.yearly, study.paths)
    )
    return PROCESS + 4 * outcomes * block + max(3 * yearly, (2 * kept + 100) * study.paths)


def memory_free() -> int | None:
    """Bytes of main memory that are free, or could be; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _refuse_if_memory_too_small(study: Study) -> None:
    needed, free = memory_needed(study), memory_free()
    if free is not None and needed > free:
        message = (
            f"{study.paths:,} paths take about {cube.size(needed)} of memory, and there are {cube.size(free)} free. "
            f"Ask for fewer paths, or keep fewer outcomes."
        )
        raise UserError(study.source, [message])


@contextmanager
def _nothing_left_of_a_refused_run(folder: Path, study: Study) -> Iterator[None]:
    """Takes away what a run that is refused began in a folder that was not there, or was empty, unless a block is done."""
    there = folder.exists()
    begun = not there or (folder.is_dir() and not any(folder.iterdir()))
    try:
        yield
    except UserError:
        if begun and folder.is_dir() and not ledger.done_blocks(folder, study):
            shutil.rmtree(folder, ignore_errors=True)
            if there:
                folder.mkdir(exist_ok=True)
        raise


def tables(folder: Path, study: Study) -> tuple[dict[str, np.ndarray], list[Record], list[Record]]:
    """Outcomes kept per path by name, [policy, path]; the records of risk, and of the comparison with the baseline."""
    values = outcome_array(folder, study)
    outcomes = {name: values[:, k] for k, name in enumerate(study.keep.outcomes)}
    return outcomes, risk_table(study, values), comparison_table(study, values)


def outcome_array(folder: Path, study: Study) -> np.ndarray:
    """Outcomes kept per path, float32 [policy, outcome, path], in the order of `study.keep.outcomes`."""
    names = study.keep.outcomes
    values = np.empty((len(study.policies), len(names), study.paths), np.float32)
    for k, name in enumerate(names):
        values[:, k] = cube.read_paths(folder, (name,), study.paths)[name]
    return values


def known_runs() -> list[Path]:
    """The run folders in `outputs/`, by name."""
    return sorted(path.parent for path in Path(OUTPUTS).glob("*/study.toml"))


def find_run(place: str | Path, model: Model | None = None) -> tuple[Path, Study]:
    """The run folder that a folder, a study file or a unique prefix of a folder in `outputs/` names, and its study.

    Args:
      model: the model of one's own that it was run with.

    Raises:
      UserError: nothing, or more than one run, answers to it.
    """
    given = Path(place)
    if (given / "study.toml").is_file():
        return given, load_study(given / "study.toml", model=model)
    if given.suffix == ".toml" and given.is_file():
        study = load_study(given, model=model)
        folder = run_folder(study)
        if (folder / "study.toml").is_file():
            return folder, load_study(folder / "study.toml", model=model)
        raise UserError(
            str(place), [f"has not been run: expected {folder}. Run it first: rustbelt run {place}"]
        )
    known = known_runs()
    fitting = [folder for folder in known if str(place) and folder.name.startswith(str(place))]
    if len(fitting) == 1:
        return fitting[0], load_study(fitting[0] / "study.toml", model=model)
    if fitting:
        raise UserError(
            str(place), [f"several runs begin with it: {', '.join(path.name for path in fitting)}."]
        )
    listed = f" Known runs: {', '.join(path.name for path in known[:6])}." if known else ""
    raise UserError(
        str(place), [f"expected a run folder, a study file, or the beginning of a run's name.{listed}"]
    )


def find_study(
    place: str | Path, model: Model | None = None, seed: int | None = None, policy: str | None = None
) -> tuple[Path | None, Study]:
    """A run as `find_run` gives it; or, with None for its folder, a study that has not been run.

    Args:
      seed: in place of the seed of a study that has not been run; a run's own must be the same.
      policy: must be among those that run; of a study that has not been run, any that it defines.

    Raises:
      UserError: nothing answers to the place, or the run has another seed or no such policy.
    """
    given = Path(place)
    if given.is_dir() or (given.suffix != ".toml" and str(place) not in shipped_studies()):
        folder, study = find_run(place, model)
    else:
        study = load_study(place, model=model, seed=seed)
        folder = run_folder(study)
        if cube.attributes(folder).get("status") == "complete":
            return folder, _with_policy(load_study(folder / "study.toml", model=model), policy, place)
        if policy is not None and policy not in study.policy_names:
            study = load_study(place, model=model, seed=seed, policies=(policy,))
        return None, study
    if seed not in (None, study.seed):
        raise UserError(str(place), [Problem("--seed", f"the run's is {study.seed}, got {seed}.")])
    return folder, _with_policy(study, policy, place)


def _with_policy(study: Study, policy: str | None, place: str | Path) -> Study:
    if policy is not None and policy not in study.policy_names:
        raise UserError(str(place), [Problem("--policy", unknown("policy", policy, study.policy_names))])
    return study
