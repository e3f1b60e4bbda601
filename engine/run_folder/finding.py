"""Finding a run again: by its folder, its study file, the beginning of its name, or a study that has not been run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Problem, UserError, unknown
from engine.formatting import command_line
from engine.modelling.records import Model
from engine.run_folder import cube, ledger, ownership, provenance
from engine.run_folder.folder import RunFolder
from engine.storage.files import unsealed
from engine.study.loading import load_model_file, load_study, policies_of, shipped_studies, study_of_text
from engine.study.study import Study

OUTPUTS = "outputs"


def run_folder(study: Study, out: str | Path | None = None) -> RunFolder:
    """The folder of a run: `out`, or `outputs/<name>-<fingerprint>` if it is not given."""
    named = f"{study.name}-{study.fingerprint}"
    return RunFolder(Path(OUTPUTS) / named if out is None else Path(out), study)


def known_runs() -> list[Path]:
    """The run folders in `outputs/`, by name."""
    return sorted(path.parent for path in Path(OUTPUTS).glob("*/study.toml"))


@dataclass(frozen=True)
class Entry:
    """A run in `outputs/` as a list shows it, without its model.

    Args:
      name: of its folder.
      date: when it was last worked on, with its zone; "" where nobody has written that down.
      paths: that are there in tables: of a run that has not come to its end, none.
      policies: that ran.
      question: of its study.
    """

    name: str
    date: str
    paths: int
    policies: tuple[str, ...]
    question: str


def entry_of(folder: Path) -> Entry:
    """What a run folder says of itself; what cannot be read of it is left empty."""
    attributes = cube.attributes(folder)
    text = (unsealed(ownership.study_file(folder)) or {}).get("study", "")
    last = next((run["ended"] or run["started"] for run in reversed(provenance.runs(folder))), "")
    is_whole = attributes.get("status") == "complete"
    paths = attributes.get("paths", 0) if is_whole else 0
    return Entry(folder.name, last, paths, policies_of(text), str(attributes.get("summary", "")))


def stored_study(folder: Path, model: Model | None = None) -> Study:
    """The study of a run folder: what its ledger holds, else its `study.toml`.

    Args:
      model: the model of one's own that it was run with; the one that the folder names if not given.

    Raises:
      UserError: neither can be read; the cube or the ledger is a link; or the model that it names is not what it was.
    """
    ownership.refuse_links(folder)
    if model is None:
        spec = ownership.remembered_model(folder)
        model = load_model_file(spec) if spec else None
    held = unsealed(ownership.study_file(folder))
    if held is None:
        try:
            return load_study(folder / "study.toml", model=model)
        except UserError as error:
            if not ownership.study_file(folder).exists():
                raise
            spec = " --model FILE:CLASS, if the model is your own" if model is None else ""
            message = f"is damaged (not as it was written). {ledger.remedy(folder)}{spec}."
            raise UserError(str(folder), [Problem("ledger/study.json", message)]) from error
    return study_of_text(held["study"], str(folder / "study.toml"), model)


def _is_run(folder: Path) -> bool:
    return (folder / "study.toml").is_file() or ownership.study_file(folder).is_file()


def find_run(place: str | Path, model: Model | None = None) -> RunFolder:
    """The run that a folder, a study file or a unique prefix of a folder in `outputs/` names.

    Args:
      model: the model of one's own that it was run with.

    Raises:
      UserError: nothing, or more than one run, answers to it.
    """
    given = Path(place)
    if _is_run(given):
        return RunFolder(given, stored_study(given, model))
    if given.suffix == ".toml" and given.is_file():
        study = _study_of_file(given, model)
        folder = run_folder(study).path
        if _is_run(folder):
            return RunFolder(folder, stored_study(folder, model))
        remedy = f"Run it first: {command_line('run', given, model=study.model_spec)}"
        raise UserError(str(place), [f"has not been run: expected {folder}. {remedy}"])
    known = known_runs()
    fitting = [folder for folder in known if str(place) and folder.name.startswith(str(place))]
    if len(fitting) == 1:
        return RunFolder(fitting[0], stored_study(fitting[0], model))
    if fitting:
        raise UserError(
            str(place), [f"several runs begin with it: {', '.join(path.name for path in fitting)}."]
        )
    listed = f" Known runs: {', '.join(path.name for path in known[:6])}." if known else ""
    raise UserError(
        str(place), [f"expected a run folder, a study file, or the beginning of a run's name.{listed}"]
    )


def _study_of_file(place: str | Path, model: Model | None, seed: int | None = None) -> Study:
    """The study of a file; where that names no model that there is, with the one that its run in `outputs/` was made with."""
    try:
        return load_study(place, model=model, seed=seed)
    except UserError as error:
        if model is not None or not Path(place).is_file():
            raise
        specs: list[str] = []
        for folder in known_runs():
            with suppress(UserError):
                specs.append(ownership.remembered_model(folder) or "")
        for spec in filter(None, dict.fromkeys(specs)):
            with suppress(UserError):
                study = load_study(place, model=load_model_file(spec), seed=seed)
                if _is_run(run_folder(study).path):
                    return study
        raise error


def find_study(
    place: str | Path, model: Model | None = None, seed: int | None = None, policy: str | None = None
) -> tuple[Study, RunFolder | None]:
    """A run's study with its folder, as `find_run` gives it; or a study that has not been run, with None.

    Args:
      seed: in place of the seed of a study that has not been run; a run's own must be the same.
      policy: must be among those that run; of a study that has not been run, any that it defines.

    Raises:
      UserError: nothing answers to the place, or the run has another seed or no such policy.
    """
    given = Path(place)
    if given.is_dir() or (given.suffix != ".toml" and str(place) not in shipped_studies()):
        run = find_run(place, model)
        if seed not in (None, run.study.seed):
            raise UserError(str(place), [Problem("seed", f"the run's is {run.study.seed}, got {seed}.")])
    else:
        study = _study_of_file(place, model, seed)
        run = run_folder(study)
        is_there = cube.attributes(run.path).get("status") == "complete" or provenance.was_finished(run.path)
        if not is_there:
            if policy is not None and policy not in study.policy_names:
                own = model or (study.model if study.model_spec else None)
                study = load_study(place, model=own, seed=seed, policies=(policy,))
            return study, None
        run = RunFolder(run.path, stored_study(run.path, model))
    if policy is not None and policy not in run.study.policy_names:
        raise UserError(str(place), [Problem("policy", unknown("policy", policy, run.study.policy_names))])
    return run.study, run
