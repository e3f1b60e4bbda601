"""Finding a run again: by its folder, its study file, the beginning of its name, or a study that has not been run."""

from __future__ import annotations

from pathlib import Path

from engine.errors import Problem, UserError, unknown
from engine.modelling.records import Model
from engine.run_folder import cube, ownership
from engine.storage.files import unsealed
from engine.study.loading import load_study, shipped_studies, study_of_text
from engine.study.study import Study

OUTPUTS = "outputs"


def run_folder(study: Study, out: str | Path | None = None) -> Path:
    """The folder of a run: `out`, or `outputs/<name>-<fingerprint>` if it is not given."""
    return Path(out) if out is not None else Path(OUTPUTS) / f"{study.name}-{study.fingerprint}"


def known_runs() -> list[Path]:
    """The run folders in `outputs/`, by name."""
    return sorted(path.parent for path in Path(OUTPUTS).glob("*/study.toml"))


def stored_study(folder: Path, model: Model | None = None) -> Study:
    """The study of a run folder: what its ledger holds, else its `study.toml`.

    Raises:
      UserError: neither can be read.
    """
    held = unsealed(ownership.study_file(folder))
    if held is None:
        return load_study(folder / "study.toml", model=model)
    return study_of_text(held["study"], str(folder / "study.toml"), model)


def _is_run(folder: Path) -> bool:
    return (folder / "study.toml").is_file() or ownership.study_file(folder).is_file()


def find_run(place: str | Path, model: Model | None = None) -> tuple[Path, Study]:
    """The run folder that a folder, a study file or a unique prefix of a folder in `outputs/` names, and its study.

    Args:
      model: the model of one's own that it was run with.

    Raises:
      UserError: nothing, or more than one run, answers to it.
    """
    given = Path(place)
    if _is_run(given):
        return given, stored_study(given, model)
    if given.suffix == ".toml" and given.is_file():
        study = load_study(given, model=model)
        folder = run_folder(study)
        if _is_run(folder):
            return folder, stored_study(folder, model)
        raise UserError(
            str(place), [f"has not been run: expected {folder}. Run it first: rustbelt run {place}"]
        )
    known = known_runs()
    fitting = [folder for folder in known if str(place) and folder.name.startswith(str(place))]
    if len(fitting) == 1:
        return fitting[0], stored_study(fitting[0], model)
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
            return folder, _with_policy(stored_study(folder, model), policy, place)
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
