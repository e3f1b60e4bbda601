"""The constants of a study's model as a table: values, sources, and which of them the study sets or draws."""

from __future__ import annotations

import math
from collections import Counter

from engine.answers.answer import Answer, Subject
from engine.answers.table import Table, numbers, texts
from engine.errors import UserError
from engine.study.study import Study
from engine.study.tables.constants import stated, written

WHOSE = {"drawn": "a factor of this study", "study": "this study's number", "model": "the model's number"}
"""Where the value of a constant comes from, in the order of the table: what the study changes comes first."""

KNOWN = {"F": "read in the source", "M": "remembered", "D": "derived or judged"}
"""How the value of a constant is known, by its letter of confidence."""


def answer(study: Study) -> Answer:
    """How many constants there are and how they are known.

    The table has a row for each: those the study draws, those it sets, all others.

    Raises:
      UserError: the model states no constants.
    """
    known, own = written(study.model), stated(study.model)
    if not known:
        raise UserError(study.source, [f"its model, {study.model_name}, states no constants."])
    whose = {name: "study" if name in own else "model" if name in study.model.constants else "drawn" for name in known}
    names = sorted(known, key=lambda name: [*WHOSE].index(whose[name]))
    rows = [known[name] for name in names]
    words: dict[str, tuple[str, list[str]]] = {
        "constant": ("its name", names),
        "whose": ("; ".join(f"{key}: {text}" for key, text in WHOSE.items()), [whose[name] for name in names]),
        "unit": ("of the number", [one.unit for one in rows]),
        "about": ("what it means", [one.about for one in rows]),
        "source": ("where it is from", [one.source for one in rows]),
        "confidence": ("; ".join(f"{key}: {text}" for key, text in KNOWN.items()), [one.confidence for one in rows]),
    }  # fmt: skip
    inside = {name: one.value for name, one in study.model.constants.items()}
    columns = [texts(name, said, about) for name, (about, said) in words.items()]
    columns += [
        numbers("value", [inside.get(name, math.nan) for name in names], "its number; none where it is drawn"),
        numbers("stated", [one.value for one in rows], "the model's own number"),
    ]
    count, by_whose = Counter[str](one.confidence for one in rows), Counter(whose.values())
    how = ", ".join(f"{count[key]} {text} ({key})" for key, text in KNOWN.items() if count[key])
    findings = [f"{len(rows)} constant{'s' * (len(rows) > 1)}: {how}."]
    does = [f"{verb} {by_whose[key]}" for verb, key in (("draws", "drawn"), ("sets", "study")) if by_whose[key]]
    findings += [f"This study {' and '.join(does)} of them."] if does else []
    table = Table("constants", "Constants", columns, ("constant",))
    return Answer(Subject.of(study), tuple(findings), (table,), question="constants", heading="Constants")
