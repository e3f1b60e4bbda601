"""Study files: TOML to tables, merged with those of the studies they extend, to a `Study`; and back to TOML."""

from __future__ import annotations

import os
import tomllib
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from engine.errors import Problem, Problems, UserError, unknown
from engine.formatting import command_line, shown
from engine.modelling import catalogue
from engine.modelling.declaration import check_tables
from engine.modelling.identity import as_written
from engine.modelling.loading import file_of, is_model, load_model
from engine.modelling.records import Model as Model
from engine.modelling.trust import is_trusted, trust
from engine.study import labels
from engine.study.extending import factors_named, laid_over, places
from engine.study.resolve import KnownModel, resolve
from engine.study.settings import with_settings
from engine.study.study import Study
from engine.study.validation import checked
from engine.study.values import Tables, table_in

LARGEST_FILE = 1 << 22
MOST_LAYERS = 32
"""Most studies that may extend one another, one on top of the other."""
Run = Mapping[str, int | str | list[str] | None]
"""Values that replace those of the study's table `run`, by key; None keeps the study's own."""
DEEPEST = 32
"""Most tables and lists within one another."""
TOO_DEEP = "its values are nested too deeply."
_HOME = Path(__file__).parents[1]


def load_study(
    study: str | Path | Tables,
    *,
    model: Model | None = None,
    paths: int | None = None,
    seed: int | None = None,
    policies: Sequence[str] | None = None,
    tile: int | None = None,
    program: str | None = None,
    until: Sequence[str] | str | None = None,
    settings: Sequence[str] = (),
    trust: bool = False,
) -> Study:
    """Reads and checks a study, and returns it as a resolved `Study`.

    Args:
      study: a file; the name of a study that ships; or a dictionary of the tables that a file would have. The file of
        observed figures, and what the study extends, are found relative to the working directory.
      model: the user's own model, in place of the one that the study names.
      paths: in place of the study's.
      seed: in place of the study's.
      tile: in place of the study's.
      program: form of the compiled program, in place of the study's: "loop" or "xla".
      until: targets of precision at which a run ends, in place of the study's: "ES99 of cost under old within 1 %".
      settings: single values of the study in place of what it states, such as "factors.loss_given_default.p95=0.9".
      policies: names of the policies that run, in place of the study's `compare`; the baseline always runs.
      trust: as `trust_model`, so that the model file that the study names is executed.

    Raises:
      UserError: with all problems.
    """
    if trust:
        trust_model(study)
    wanted = [until] if isinstance(until, str) else None if until is None else [*until]
    run = {"paths": paths, "seed": seed, "tile": tile, "program": program, "until": wanted}
    return _loaded(study, model, run, policies, settings)


def _loaded(
    given: str | Path | Tables,
    model: Model | None,
    run: Run,
    policies: Sequence[str] | None,
    settings: Sequence[str],
    before: Study | None = None,
    **tables: Tables,
) -> Study:
    """As `load_study`, with some tables in place of those that it states."""
    spare = set[str]()
    source, in_python, whole = _merged(given, spare)
    if model is None and (files := _model_files(source, in_python, whole)) and is_trusted(*files):
        model = load_model_file(whole["model"])
    stated = with_settings(whole, settings) | tables
    spare |= factors_named(whole)  # a setting may give a number to a lever that is drawn
    study = read_study(stated, source, model=model, run=run, policies=policies, spare=spare, before=before)
    return replace(study, settings=tuple(settings), in_python=in_python)


def _merged(given: str | Path | Tables, spare: set[str]) -> tuple[str, Tables, Tables]:
    """What messages call a study, its tables as stated in Python, and the tables merged with those they extend."""
    if isinstance(given, Mapping):
        source = str(given.get("name") or "study")
        in_python = _plain_tables(given, source)
        return source, in_python, _layered({**in_python}, Path(source), source, (), spare)
    return str(given), {}, _extended(_study_path(str(given)), str(given), (), spare)


def trust_model(study: str | Path | Tables) -> None:
    """Remembers that the user trusts the model file that a study names, until one of them changes or moves.

    Raises:
      UserError: the study cannot be read, or there is no such file.
    """
    if files := _model_files(*_merged(study, set())):
        trust(*files)


def _names_file(model: object) -> bool:
    """Whether what a study states as its model is FILE:CLASS, and no name of an installed model."""
    return isinstance(model, str) and ":" in model


def _model_files(source: str, in_python: Tables, tables: Tables) -> list[Path]:
    """The model file that a study names, and the study's own, which have to be trusted; none where it names no file."""
    if not _names_file(tables.get("model")):
        return []
    of_study = [] if in_python else [_study_path(source)]
    return [file_of(tables["model"]), *of_study]


def under(study: Study, policies: Sequence[str]) -> Study:
    """The study with other policies running, from its document, or read from its file again where it lacks one.

    Random numbers and facts stay the same, so that the futures do too.
    """
    if {*policies} <= {*study.document["policies"]}:
        return replace(again(study, policies), facts=study.facts)
    read = read_again(study, policies, dimensions={**study.stated_dimensions, **study.dimensions})
    return replace(read, facts=study.facts)


def read_again(
    study: Study, policies: Sequence[str] | None = None, settings: Sequence[str] = (), **tables: Tables
) -> Study:
    """The study of the same file or tables, with as many paths.

    Args:
      policies: names of the policies that run, in place of the study's.
      settings: single values in place of what the file states, beside those that the study has.
      tables: in place of those that the file states.
    """
    run: Run = {"paths": study.paths, "seed": study.seed, "program": study.program}
    wanted, stated = policies or study.policy_names, (*study.settings, *settings)
    return _loaded(study.in_python or study.source, own_model(study), run, wanted, stated, study, **tables)


def again(study: Study, policies: Sequence[str] | None = None, **tables: Any) -> Study:
    """A resolved study read again with some of its tables replaced, or, where a table is None, left out.

    Args:
      policies: names of the policies that run, in place of the study's.
    """
    document = {key: value for key, value in {**study.document, **tables}.items() if value is not None}
    read = read_study(document, study.source, model=own_model(study), policies=policies, before=study)
    return replace(read, settings=study.settings, gates=study.gates, in_python=study.in_python)


def read_study(
    document: Tables,
    source: str,
    *,
    model: Model | None = None,
    run: Run | None = None,
    policies: Sequence[str] | None = None,
    spare: Collection[str] = (),
    before: Study | None = None,
) -> Study:
    """The study of tables that are read already, `extends` followed; messages call them by `source`.

    Args:
      spare: factors that may remain unused, as policies of a study below read them; and places, such as
        "assumptions.NAME", of entries that are left out where they are invalid, as a study below states them.
      before: a study of the same model that was read before; the model is not traced again.

    Raises:
      UserError: with all problems at once.
    """
    tables = _plain_tables(document, source)
    given = {key: value for key, value in (run or {}).items() if value is not None}
    if given and isinstance(tables.setdefault("run", {}), dict):
        tables["run"] |= given
    if policies is not None:
        tables["compare"] = list(policies)
        spare = spare if "until" in given else {*spare, "run.until"}
    problems = Problems()
    try:
        text = checked(tables, problems)
        if text is None:
            raise UserError(source, problems)
        if policies is not None and text["policies"]:
            problems.knows_each("--policies", "policy", policies, text["policies"])
            problems.close("compare")
        return resolve(text, _model(text, model, before, source, problems), source, problems, spare)
    except RecursionError as error:
        raise UserError(source, ["its tables refer to each other too deeply."]) from error


def study_of_text(
    text: str,
    source: str,
    model: Model | None,
    policies: Sequence[str] | None = None,
    settings: Sequence[str] = (),
    **run: int | str | list[str] | None,
) -> Study:
    """The study in a text that `resolved_text` gave; messages call it by `source`, all else is as in `load_study`."""
    return read_study(with_settings(tomllib.loads(text), settings), source, model=model, run=run, policies=policies)


def policies_of(text: str) -> tuple[str, ...]:
    """Names of the policies that ran, from a text that `resolved_text` gave."""
    tables = tomllib.loads(text)
    return tuple(tables.get("compare") or tables.get("policies", ()))


def resolved_text(study: Study) -> str:
    """The resolved study as TOML; reading it again gives the same study."""
    return tomli_w.dumps(study.document)


def names_in(text: str) -> Tables:
    """Labels and author in the text of a resolved study."""
    return labels.wording(tomllib.loads(text))


def own_model(study: Study) -> Model | None:
    """The user's own model of a study; None where the study names one itself."""
    return None if study.model_spec is None and study.model_name in catalogue.known() else study.model


def load_model_file(spec: str) -> Model:
    """Imports the class that `FILE:CLASS` names and returns a model of it, after a check of its declared tables.

    Raises:
      UserError: the file or the class cannot be loaded, or is no sound model.
    """
    model = load_model(spec)
    check_tables(model)
    return model


def shipped_studies() -> dict[str, Path]:
    """Files of the studies that ship, by name: from package data, or from the source checkout around the package."""
    folder = _HOME / "configs"
    if not folder.is_dir() and (_HOME.parent / "pyproject.toml").is_file():
        folder = _HOME.parent / "configs"
    files = sorted(path for path in folder.glob("*.toml") if path.is_file() and path.name[0] != ".")
    return {path.stem: path for path in files}


def known_models() -> dict[str, str]:
    """Models that ship or that installed packages bring along, by name, with the first line of each one's docstring.

    One that cannot be loaded is left out, with a warning.
    """
    known = {}
    for name in catalogue.known():
        try:
            known[name] = (type(catalogue.named(name)).__doc__ or "").partition("\n")[0]
        except UserError as error:
            warnings.warn(f"{error.source} {error.problems[0].message} It is left out.", stacklevel=2)
    return known


def _model(text: Tables, own: Model | None, before: Study | None, source: str, problems: Problems) -> KnownModel | None:
    """The user's own model if given, else the one that the study names; adds a problem and gives None if unknown."""
    if own is not None:
        if not is_model(type(own)):
            raise UserError("model", [f"expected a model, such as MyModel() or load_model_file(...), got {own!r}."])
        return KnownModel(as_written(own), type(own).__name__, True, before)
    name = text.get("model", "")
    if not name:
        known = ", ".join(catalogue.known())
        problems.add("model", f"is missing. Known: {known}; your own: --model FILE:CLASS.")
        return None
    if _names_file(name):
        remedy = "load the study with trust=True."
        if os.path.isfile(source):  # rather than tables stated in Python
            remedy = f"type once (in Python: trust=True): {command_line('check', Path(source), '--trust')}"
        problems.add(name, f"is not trusted, so its code does not run. If you trust that file, {remedy}")
        return None
    try:
        return KnownModel(catalogue.named(name), name, False)
    except UserError as error:
        remedy = " Name a model of your own with --model FILE:CLASS."
        for problem in error.problems:
            problems.add("model", problem.message + remedy)
        return None


def _study_path(path_or_name: str, folder: Path | None = None) -> Path:
    """The file that a name or path means; a bare name is a study that ships."""
    shipped = shipped_studies()
    if path_or_name in shipped:
        return shipped[path_or_name]
    path = (folder or Path()) / path_or_name
    if folder is None or path.suffix == ".toml" or os.path.exists(path):  # which raises nothing, unlike `Path.exists`
        return path
    raise UserError(path_or_name, [unknown("study", path_or_name, shipped)])


def _read_toml(path: Path, source: str) -> dict[str, Any]:
    try:
        text = _why_none(path)
        if not text:
            return _plain_tables(tomllib.loads(path.read_bytes().decode("utf-8-sig")), source)
    except OSError as error:
        text = f"cannot be read: {error.strerror or error}."
    except UnicodeDecodeError as error:
        text = f"expected UTF-8 text, got byte {error.object[error.start]:#04x} at {error.start}."
    except RecursionError:
        text = TOO_DEEP
    except ValueError as error:  # TOMLDecodeError, a path with a NUL, an integer of thousands of digits
        text = f"is not TOML: {error}."
    raise UserError(source, [text])


def _plain_tables(given: Tables, source: str) -> dict[str, Any]:
    """Tables as a study file would give them: keys and paths are texts, arrays and tuples are lists."""

    def plain(value: Any, levels: int = DEEPEST) -> Any:
        if not levels and isinstance(value, Mapping | list | tuple):
            raise UserError(source, [TOO_DEEP])
        if isinstance(value, Mapping):
            return {str(key): plain(inner, levels - 1) for key, inner in value.items()}
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, list | tuple):
            return [plain(inner, levels - 1) for inner in value]
        return str(value) if isinstance(value, Path) else value

    return dict(plain(given))


def _why_none(path: Path) -> str:
    """Why a path is no study file; "" where it may be one."""
    if path.is_dir():
        inner = path / "study.toml"
        remedy = f" Did you mean '{inner}'?" if inner.is_file() else ""
        return f"is a folder; expected a study file (.toml).{remedy}"
    if not path.exists():
        bare = "" if path.suffix else f" Studies that ship: {', '.join(shipped_studies())}."
        return f"no such file.{bare}"
    if not path.is_file():
        return "expected a regular file."
    size = path.stat().st_size
    return f"expected a study file of at most {LARGEST_FILE} bytes, got {size}." * (size > LARGEST_FILE)


def _extended(path: Path, source: str, through: tuple[Path, ...], spare: set[str]) -> Tables:
    """Tables of a file merged over those of the study it extends, as `_layered` gives them.

    Args:
      through: files of the studies that extend it, by which a circle is found.
    """
    tables, itself = _read_toml(path, source), path.resolve()
    if itself in through:
        raise UserError(source, ["forms a circle."])
    if len(through) > MOST_LAYERS:
        raise UserError(source, [f"expected at most {MOST_LAYERS} studies that extend each other."])
    return _layered(tables, path, source, (*through, itself), spare)


def _layered(tables: dict[str, Any], path: Path, source: str, through: tuple[Path, ...], spare: set[str]) -> Tables:
    """Tables merged over those of the study that they extend; what may be invalid in these is added to `spare`.

    Args:
      path: their file; the files of observed figures and of a model and the study that they name are relative to its
        folder.
    """
    observed = table_in(tables, "observed")
    if isinstance(file := observed.get("file"), str):
        tables["observed"] = {**observed, "file": str(path.parent / file)}
    if _names_file(tables.get("model")):
        tables["model"] = str(path.parent / tables["model"])
    if "extends" not in tables:
        return tables
    parent = tables.pop("extends")
    if not isinstance(parent, str) or not parent:
        raise UserError(source, [Problem("extends", f"expected a study's name or file, got {shown(parent)}.")])
    try:
        below = _extended(_study_path(parent, path.parent), parent, through, spare)
    except UserError as error:
        raise UserError(source, [Problem("extends", f"'{error.source}': {p}") for p in error.problems]) from error
    spare |= factors_named(below) | places(below)
    spare -= places(tables)
    return laid_over(below, tables)
