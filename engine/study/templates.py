"""New study files: on top of another study, with its tables or a template; or a template for a user's model."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import tomli_w

from engine.errors import UserError
from engine.modelling.records import Model, PathModel
from engine.study.loading import shipped_studies
from engine.study.study import Study
from engine.study.values import Tables

_ON_TOP = """\
# What stands here is laid over the study that it extends; all else stays. Remove the # of what you need.
# All keys: docs/study-file.md.
name = {name}
extends = {extends}
question = "What if?"
# run = { paths = 131_072 }    # fewer paths than there, to be quicker

# ---- Another prior: `rustbelt check STUDY --full` shows the factors and their laws.
# [factors.NAME]
# family = "lognormal"
# p05 = 0.5
# p95 = 2.0
# source = "my judgement"

# ---- Another policy: what it does not state is as in the policy that it is like.
# [policies.mine]
# like = "POLICY"
# LEVER = 0.5

# ---- Another event: a threshold on an outcome. Events change no path.
# [events.my_event]
# outcome = "OUTCOME"
# above = 1.0
"""
_WHOLE = """\
# `rustbelt check` with --model names the factors that have no prior yet. Remove the # of what you need.
# All keys: docs/study-file.md.
name = {name}
question = "What is it to answer?"
baseline = "now"
run = { paths = 16_384, seed = 2016, sampler = "antithetic" }
{time}
# ---- Factors: each is drawn once on a path. State what you know of each:
#        p05 = 1, p95 = 4 (or more quantiles); mean = 2, sd = 1; or the family's parameters.
#      Families: normal, lognormal, logit-normal (from 0 to 1), uniform, triangular, pert, metalog, ...
# [factors.NAME]
# family = "lognormal"
# p05 = 0.5
# p95 = 2.0
# source = "where it comes from"

# ---- Factors that move together:
# [groups]
# mine = { correlation = 0.3, members = ["NAME", "OTHER"] }
{shocks}
# ---- Policies: levers by their names. A lever that is not named has the model's default.
[policies.now]
about = "As it is"

# [policies.other]
# about = "What else could be done"
# like = "now"
# LEVER = 0.5

# ---- Events: thresholds on outcomes. They change no path, and can be moved without a new run.
# [events.my_event]
# outcome = "OUTCOME"
# above = 1.0
"""
_TIME = 'time = { first = 2020, last = 2030, unit = "year" }\n'
_SHOCKS = """
# ---- Shocks: each is drawn every year, by the model's own law unless a table says otherwise.
# [shocks.NAME]
# family = "t"
# df = 4
# persistence = 0.5
"""


def refuse_study_file(file: Path) -> None:
    """Raises a UserError where no new study can be written: the name does not end in .toml, or is taken."""
    if file.suffix != ".toml":
        raise UserError(
            str(file), [f"expected a file name that ends in .toml. Did you mean '{file.with_suffix('.toml')}'?"]
        )
    if os.path.lexists(file):
        raise UserError(file, ["exists already. Choose another name, or remove it."])


def study_name(stem: str) -> str:
    """The name of a study that is named after the stem of its file."""
    return re.sub(r"[^\w-]+", "-", stem)[:64].strip("-") or "study"


def skeleton(stem: str, base: str | Model) -> str:
    """A commented study file.

    Args:
      stem: of the name of its file, which the study is named after.
      base: the study that it extends, or the model that it is of.
    """
    if isinstance(base, str):
        text, parts = _ON_TOP, {"extends": json.dumps(base, ensure_ascii=False)}
    else:
        has_years = isinstance(base, PathModel)
        text, parts = _WHOLE, {"time": _TIME * has_years, "shocks": _SHOCKS * has_years}
    parts["name"] = json.dumps(study_name(stem), ensure_ascii=False)
    for key, part in parts.items():
        text = text.replace(f"{{{key}}}", part)
    return text


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
        raise UserError(file, [f"expected a study file to extend, got {got}. Write them into a study file."])
    return tomli_w.dumps({"name": study_name(file.stem), "extends": base_of(study.source, file), **tables})
