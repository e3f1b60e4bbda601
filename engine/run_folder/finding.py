"""Finds the run or the study that a command is given by name, by one rule: `folder_named`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.errors import Problem, UserError, closest, did_you_mean, moved, unknown
from engine.formatting import command_line
from engine.modelling.records import Model
from engine.run_folder import cube, ledger, ownership, provenance
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import FORMAT, format_in
from engine.run_folder.moved_runs import placed
from engine.study.loading import (
    load_model_file,
    load_study,
    own_model,
    policies_of,
    shipped_studies,
    study_of_text,
    trust_model,
)
from engine.study.study import Study

OUTPUTS = "outputs"
PLACES = (
    f"a run folder, a study file, the name of a study that ships, or the beginning of the name of a run in {OUTPUTS}/"
)
"""What a command that looks at a study or a run may be given, in the order in which it is tried: `folder_named`."""


def run_folder(study: Study, out: str | Path | None = None) -> RunFolder:
    """The folder of a run: `out`, or `outputs/<name>-<fingerprint>` if it is not given."""
    until = f"-until-{study.facts.until}" if study.facts else ""
    folder = Path(OUTPUTS) / f"{study.name}{until}-{study.fingerprint}" if out is None else Path(out)
    return RunFolder(folder, placed(study, folder))


def known_runs() -> list[Path]:
    """The run folders in `outputs/`, sorted by name."""
    return sorted(path.parent for path in Path(OUTPUTS).glob("*/study.toml"))


def described(folder: Path) -> str:
    """A run folder in one line, without its model: date, paths, policies, question; what cannot be read is left out."""
    attributes = cube.attributes(folder)
    last = [(run["ended"] or run["started"])[:16].replace("T", " ") for run in provenance.runs(folder)[-1:]]
    paths = attributes.get("paths") if attributes.get("status") == "complete" else None
    state = f"{paths:,} paths" if isinstance(paths, int) else "not finished; run the same command again"
    policies = ", ".join(policies_of(ownership.said_of(folder).get("study", "")))
    return "; ".join(filter(None, [*last, state, policies, str(attributes.get("summary", ""))]))


def is_run(folder: Path) -> bool:
    """Whether a folder is a run folder; the run need not be finished."""
    of_copy = (folder / "study.toml").is_file() and (folder / cube.CUBE_FOLDER).is_dir()  # which may lack its ledger
    return of_copy or ownership.study_file(folder).is_file()


def stored_study(folder: Path, model: Model | None = None, **changes: Any) -> Study:
    """The study of a run folder: what its ledger holds, else its `study.toml`.

    Args:
      model: the user's own model that it was run with; if not given, the model that the folder names.
      changes: replace what the study states, as `load_study` takes them.

    Raises:
      UserError: neither can be read; the run has another format; or the model that it names is not what it was.
    """
    refuse_other_format(folder)
    if model is None:
        spec = ownership.remembered_model(folder)
        model = load_model_file(spec) if spec else None
    held = ownership.said_of(folder)
    if not held:
        try:
            return placed(load_study(folder / "study.toml", model=model, **changes), folder)
        except UserError as error:
            if not ownership.study_file(folder).exists():
                raise
            spec = " --model FILE:CLASS, if the model is your own" if model is None else ""
            message = f"ledger/study.json: is damaged (not as it was written). {ledger.remedy(folder)}{spec}."
            raise UserError(folder, [message]) from error
    return placed(study_of_text(held["study"], str(folder / "study.toml"), model, **changes), folder)


def refuse_other_format(folder: Path) -> None:
    """Raises a `UserError` where a run states another format than `FORMAT`, in `ledger/study.json` or its provenance.

    Raises:
      OSError: the folder cannot be read.
    """
    held = ownership.said_of(folder)
    stating = held or next(iter(provenance.runs(folder)), {"format": FORMAT})
    if (found := format_in(stating)) != FORMAT:
        anew = command_line("run", folder / "study.toml", "--out", "FOLDER", model=held.get("model", {}).get("spec"))
        text = f"its files have format {found}, expected {FORMAT}. Use the version that"
        raise UserError(folder, [f"{text} wrote them, or run the study into a new folder: {anew}"])


def folder_named(place: str | Path) -> Path | None:
    """The run folder that a place names; None where it names a study: a file, or one that ships.

    Every command and function that takes a study or a run uses this rule; the first that fits counts: a run folder, a
    study file, the name of a study that ships, the beginning of the name of one run in `outputs/` (with or without
    `outputs/` before it).

    Raises:
      UserError: it is none of these, or several runs begin with it.
    """
    given, text = Path(place), str(place)
    if is_run(given):
        return given
    if text in shipped_studies() or (given.exists() and not given.is_dir()):
        return None
    runs = {folder.name: folder for folder in known_runs()}
    begins = given.name if given.parent == Path(OUTPUTS) else text
    fitting = [name for name in runs if begins and name.startswith(begins)]
    if len(fitting) == 1:
        return runs[fitting[0]]
    if fitting:
        raise UserError(text, [f"several runs begin with it: {', '.join(fitting)}."])
    raise UserError(text, [_nothing_named(given, [*runs])])


def trust(place: str | Path) -> None:
    """Remembers that the user trusts the model file that a study or a run names.

    Raises:
      UserError: as `folder_named`; or the file is missing, or has changed since the run; or the run is damaged.
    """
    folder = folder_named(place)
    if folder is None:
        trust_model(place)
    elif ownership.remembered_model(folder, trusting=True) is None:
        stored_study(folder)  # refuses a damaged run of a model of one's own


def _nothing_named(given: Path, runs: list[str]) -> str:
    """The message that nothing has this name, with a similar name of a study or a run, or of one in the same folder."""
    if (given / "study.toml").is_file():
        return f"is a folder, but not a run folder. Did you mean '{given / 'study.toml'}'?"
    text, names = given.name.removesuffix(".toml"), [*shipped_studies(), *runs]
    meant = {name: name for name in names}
    with suppress(OSError):
        beside = [
            path for path in given.parent.iterdir() if (path.suffix == ".toml" and path.is_file()) or is_run(path)
        ]
        meant |= {path.name.removesuffix(".toml"): str(path) for path in beside}
    meant = {name[: len(text)]: what for name, what in meant.items()} | meant
    close = closest(text, meant)
    hint = f" Did you mean '{meant[close]}'?" if close else ""
    if given.suffix == ".toml":
        return f"no such file.{hint}"
    problem = "is a folder, but not a run folder." if given.is_dir() else f"expected {PLACES}."
    return problem + (hint or did_you_mean(text, names))


def find_run(place: str | Path, model: Model | None = None) -> RunFolder:
    """The run that a place names, directly or by the study that has been run there, with its study.

    Args:
      model: the user's own model that it was run with.

    Raises:
      UserError: as `folder_named`; or the study has not been run.
    """
    folder = folder_named(place)
    if folder is None:
        study = load_study(place, model=model)
        folder = run_folder(study).path
        if not is_run(folder):
            others = [path.name for path in known_runs() if path.name.startswith(f"{study.name}-")]
            there = f", and there is {', '.join(others)}" if others else ""
            remedy = f"Run it first: {command_line('run', Path(place), model=study.model_spec)}"
            raise UserError(place, [f"has not been run: expected {folder}{there}. {remedy}"])
    return RunFolder(folder, stored_study(folder, model))


def study_of(
    place: str | Path, model: Model | None = None, out: str | Path | None = None, **changes: Any
) -> tuple[Study, RunFolder]:
    """The study of a place that names a study or a run; and the folder of answers about it, which need not exist.

    Args:
      model: the user's own model.
      out: the folder, in place of the run's or of `outputs/<name>-<fingerprint>`.
      changes: replace what the study states, as `load_study` takes them. An answer on other policies, paths or targets
        of a run belongs to that run; with another seed, program or setting it belongs to another study.

    Raises:
      UserError: as `folder_named`; or the study is not sound.
    """
    named = folder_named(place)
    if named is None:
        folder = run_folder(load_study(place, model=model, **changes), out)
        return folder.study, folder
    own = stored_study(named, model)
    given = {name for name, value in changes.items() if value not in (None, ())}
    study = stored_study(named, own.model if own.model_spec else model, **changes) if given else own
    if given <= {"paths", "policies", "until"}:
        return study, RunFolder(Path(out or named), own)
    folder = run_folder(study, out)
    return folder.study, folder


def find_study(
    place: str | Path, model: Model | None, seed: int | None = None, policy: str | None = None
) -> tuple[Study, RunFolder | None]:
    """A run's study with its folder, as `find_run` gives it; or a study that has not been run, with None.

    Args:
      seed: in place of the seed of a study that has not been run; a run's own must be the same.
      policy: a policy that must be among those that ran; for a study that has not been run, any that it defines.

    Raises:
      UserError: nothing answers to the place, or the run has another seed or no such policy.
    """
    folder = folder_named(place)
    if folder is None:
        study = load_study(place, model=model, seed=seed)
        folder = run_folder(study).path
        if not cube.was_finished(folder):
            if policy is not None and policy not in study.policy_names:
                with moved("--policies", "policy"):
                    study = load_study(place, model=model or own_model(study), seed=seed, policies=(policy,))
            return study, None
    study = stored_study(folder, model)
    if seed not in (None, study.seed):
        raise UserError(place, [Problem("seed", f"the run's is {study.seed}, got {seed}.")])
    if policy is not None and policy not in study.policy_names:
        raise UserError(place, [Problem("policy", unknown("policy", policy, study.policy_names))])
    return study, RunFolder(folder, study)


def finishing_words(folder: RunFolder) -> tuple[object, ...]:
    """Words of the command that computes what a run lacks; with the most paths that a stopping rule may use, if any."""
    bound = ownership.said_of(folder.path).get(ownership.BOUND) if folder.study.until else None
    more = () if bound is None else ("--paths", bound)
    return "run", folder.path / "study.toml", "--out", folder.path, *more


def finishing_command(folder: RunFolder) -> str:
    """The command of `finishing_words`, quoted for a shell."""
    return command_line(*finishing_words(folder), model=folder.study.model_spec)


def kept_paths(folder: RunFolder) -> str:
    """How to finish a run with the paths that it holds; "" where it is finished, or these are not its first ones."""
    held = ledger.done_blocks(folder, short=True).values()
    paths = sum(record.count for record in held)
    is_first = paths == max((record.first + record.count for record in held), default=0)
    if not is_first or not 0 < paths < folder.study.paths or cube.is_complete(folder.path):
        return ""
    words = "run", folder.path / "study.toml", "--out", folder.path, "--paths", paths
    command = command_line(*words, model=folder.study.model_spec)
    return f"The first {paths:,} paths are kept. Finish the run with them alone: {command}"
