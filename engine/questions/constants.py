"""`constants`: the constants of a study's model, their sources, and which of them the study sets or draws."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from engine.answers.answer import Answer
from engine.answers.question import STUDY, Asked
from engine.answers.table import Row, table
from engine.errors import UserError
from engine.formatting import counted
from engine.study.tables.constants import stated, written

ORIGINS = {"drawn": "draws", "study": "sets", "model": ""}
"""Where the value of a constant comes from, in the order of the table, and what the study does with it."""
KNOWN = {"F": "read in the source", "M": "remembered", "D": "derived or judged"}
"""How the value of a constant is known, by its letter of confidence."""
READING = (
    "`--set constants.NAME=VALUE` sets another value; a prior in the study, [factors.NAME], draws the constant. The"
    " letter of confidence is F for a value read in its source, M for one remembered, D for one derived or judged."
)


@dataclass(frozen=True)
class Constants:
    """List the constants of STUDY's model with their values and sources.

    Constants that the study draws or sets come first.

    \b
    rustbelt constants rustbelt
    rustbelt constants rustbelt --full
    """

    needs = STUDY
    heading = "Constants"
    stored = False
    as_run = False

    def answer(self, of: Asked) -> Answer:
        """A row for each constant.

        Raises:
          UserError: the model states no constants.
        """
        study, model = of.study, of.study.model
        known, changed = written(model), stated(model)
        if not known:
            raise UserError(study.source, [f"its model, {study.model_name}, states no constants."])
        rows: list[Row] = [
            {
                "constant": name,
                "value": model.constants[name].value if name in model.constants else None,
                "stated": one.value,
                "whose": "drawn" if name not in model.constants else "study" if name in changed else "model",
                "unit": one.unit,
                "confidence": one.confidence,
                "about": one.about,
                "source": one.source,
            }
            for name, one in known.items()
        ]
        rows.sort(key=lambda row: [*ORIGINS].index(row["whose"]))
        confidence, origin = (Counter(row[name] for row in rows) for name in ("confidence", "whose"))
        how = ", ".join(f"{confidence[key]} {text} ({key})" for key, text in KNOWN.items() if confidence[key])
        findings = [f"The model has {counted(len(rows), 'constant')}: {how}."]
        changes = [f"{verb} {origin[key]}" for key, verb in ORIGINS.items() if verb and origin[key]]
        findings += [f"This study {' and '.join(changes)} of them."] if changes else []
        shown = ("value", "unit", "confidence", "about", *(["stated"] if changes else []))
        constants = table("constants", "Constants", rows, "constant", brief=shown)
        return Answer.about(study, findings, [constants], study.model_name, READING)
