"""New study files on top of that of another study."""

from __future__ import annotations

import os
from pathlib import Path

import tomli_w

from engine.errors import UserError
from engine.study.loading import shipped_studies
from engine.study.study import Study
from engine.study.templates import refuse_study_file, study_name
from engine.study.values import Tables


def base_of(study: str, file: Path) -> str:
    """How a file states that it extends a study: a name that ships, or a file relative to its own folder."""
    return study if study in shipped_studies() else os.path.relpath(study, file.parent)


def text_on_top(study: Study, file: Path, **tables: Tables) -> str:
    """The text of a new study file, whose tables are on top of those of the file of another study.

    Raises:
      UserError: the file is there already or does not end in .toml; the study is in no file, or has values that its
        file does not state.
    """
    refuse_study_file(file)
    if study.in_python or study.settings:
        got = "values that --set gives" if study.settings else "tables stated in Python"
        raise UserError(str(file), [f"expected a study file to extend, got {got}. Write them into a study file."])
    return tomli_w.dumps({"name": study_name(file.stem), "extends": base_of(study.source, file), **tables})
