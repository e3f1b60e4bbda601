"""The main job: a study to its run folder, with the tail tables; and finding a run folder again."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from engine import checks, cube, devices, ledger, provenance
from engine.analyses.compare import THREADS, Record, Tables, tables_of_paths
from engine.analyses.summarise import summarise
from engine.analyses.tallied import tables_of_tally
from engine.config import load_study, resolved_text, shipped_studies
from engine.errors import Problem, UserError, unknown
from engine.events import event_outcomes, known_events
from engine.kernel import Program
from engine.model import Model
from engine.reducers import cell_count
from engine.simulate import Observer, Stage, simulate
from engine.study import BLOCK, Study
from engine.tallies import GROUPS, Tally, folded, unkept, untold

OUTPUTS = "outputs"
PROCESS = 1 << 30
"""Bytes that Python, its libraries and the compiler take."""
WORK = 56
"""Bytes a path that the measures of an outcome take beside its values."""
HISTOGRAM = 28
"""Bytes a path and policy that the display histogram of an outcome takes, its values among them."""
BINS_HELD = 4096
"""Bins of a histogram that are expected to hold a value, at most."""


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
    memory: int | str | None = None,
    observe: Observer = lambda stage: None,
    command: Sequence[str] = (),
) -> Run:
    """Computes what the study's run folder lacks, and its tables. Compiled programs are kept: `devices.use_compilation_cache`.

    Args:
      out: the run folder itself; `outputs/<name>-<fingerprint>` if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      memory: main memory that the run may take, in bytes or as "4GiB"; what is free if not given.
      observe: called with the `Stage` that is reached.
      command: the words that started the run, for `provenance.json`.

    Raises:
      UserError: the disk or the memory is too small, the folder holds something else or cannot be written, the model
        does not keep its contract or gives values that are not finite.
    """
    folder = run_folder(study, out)
    cube.refuse_if_too_large(folder, study)
    _refuse_if_memory_too_small(study, memory)
    checks.refuse_broken(study)
    devices.use_compilation_cache()
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
            left = simulate(study, folder, Program(study, mesh, devices.lanes_for(study, mesh)), observe)
        observe(Stage("estimating", study.paths, study.paths))
        paths, tally = cube.Paths(folder, study), tally_of_run(folder, study)
        found = _tables(study, paths, tally)
        if not finished:
            summaries = summarise(study, found, paths, tally, left.yearly, left.nonfinite)
            cube.write_summaries(folder, study, summaries)
            entry = provenance.run_record(
                study, kind, command or sys.argv, started, datetime.now(UTC), left.computed
            )
            provenance.append(folder, study, entry)
    return Run(folder, study, () if finished else left.computed, found.risk, found.comparison)


def run_folder(study: Study, out: str | Path | None = None) -> Path:
    """The folder of a run: `out`, or `outputs/<name>-<fingerprint>` if it is not given."""
    return Path(out) if out is not None else Path(OUTPUTS) / f"{study.name}-{study.fingerprint}"


def memory_needed(study: Study) -> int:
    """Bytes of main memory that a run takes at its height, roughly: blocks in flight, the yearly sample, the tables.

    Where no outcome is kept path by path nothing of it grows with the paths.
    """
    policies = len(study.policies)
    block = 4 * policies * len(study.model.outcomes) * min(study.paths, BLOCK)
    sample = min(study.keep.yearly, study.paths) if study.has_yearly else 0
    yearly = 4 * policies * len(study.years) * cell_count(study.model) * sample
    named = [len(event_outcomes(study, event)) for event in known_events(study, study.keep.outcomes)]
    outcome = 4 * policies * max(named, default=1) + WORK
    paths = study.paths * max(THREADS * outcome, HISTOGRAM * policies) if study.keep.outcomes else 0
    paths += min(4 * policies * len(study.keep.outcomes) * study.paths, cube.HELD)
    tallies = 3 * 8 * GROUPS * BINS_HELD * policies * len(unkept(study))
    return PROCESS + 4 * block + max(3 * yearly, yearly + paths, yearly + tallies)


def memory_free() -> int | None:
    """Bytes of main memory that are free, or could be; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _refuse_if_memory_too_small(study: Study, memory: int | str | None) -> None:
    needed, remedy = memory_needed(study), "Ask for fewer paths, or keep less"
    if memory is None:
        free = memory_free()
        if free is not None and needed > free:
            told = f"{study.paths:,} paths take about {cube.size(needed)} of memory, and there are {cube.size(free)} free"
            raise UserError(study.source, [f"{told}. {remedy}."])
        return
    try:
        allowed = devices.bytes_of(memory)
    except ValueError as wrong:
        raise UserError("--memory", [str(wrong)]) from wrong
    if needed > allowed:
        told = f"expected at least {cube.size(needed)}, which {study.paths:,} paths of {study.source} take, got {cube.size(allowed)}"
        raise UserError("--memory", [f"{told}. {remedy}, or allow more."])


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


def tables(folder: Path, study: Study, variable: str | None = None) -> Tables:
    """Risk and comparison of a finished run.

    Args:
      variable: one outcome or event; all of them if not given.
    """
    tallied = {*unkept(study), *(event.name for event in untold(study))}
    tally = tally_of_run(folder, study) if variable is None or variable in tallied else None
    return _tables(study, cube.Paths(folder, study), tally, None if variable is None else {variable})


def _tables(
    study: Study, paths: cube.Paths, tally: Tally | None, variables: Container[str] | None = None
) -> Tables:
    """Records in the order of the model's outcomes, then the study's events, from whichever tells of them."""
    parts = [tables_of_paths(study, paths, variables)]
    if tally is not None:
        parts.append(tables_of_tally(study, tally, variables))
    names = [*study.model.outcomes, *(event.name for event in study.events)]
    found = Tables.joined(parts)
    for records in (found.risk, found.comparison):
        records.sort(key=lambda r: names.index(r.variable))
    return found


def tally_of_run(folder: Path, study: Study) -> Tally | None:
    """What the blocks of a run left of the outcomes that are not kept whole, one block after the other; None if all are."""
    if not unkept(study):
        return None
    records = ledger.done_blocks(folder, study)
    blocks = study.blocks()
    return folded(
        (block, Tally.of_content(ledger.read_tally(folder, records[block.index]))) for block in blocks
    )


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
