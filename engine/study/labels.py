"""Labels of a study's parts, and its author: no number depends on them, so that the fingerprint leaves them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.errors import Problems
from engine.formatting import titled
from engine.modelling.records import Model
from engine.study.tables.challenge import CHOICES
from engine.study.values import Tables, leaving_out

KINDS = (
    "policies", "events", "outcomes", "yearly", "levers", "factors", "groups", "shocks",
    "lever_groups", "assumptions", "challenge",
)  # fmt: skip
"""Tables of a study whose entries may have a label; of the last, `challenge`, the readings and horizons have labels."""
OF_LABELS = {"outcomes": "outcome", "yearly": "yearly variable", "levers": "lever"}
"""Tables that hold labels alone, of parts of the model: name of the table -> word for one such part."""
_WORDS = ("author", "lever_groups", "assumptions", "challenge", "observed", *OF_LABELS)
"""Keys of a resolved study that affect no number of a path."""
LABELLED = [kind for kind in KINDS if kind not in _WORDS]
"""Tables whose entries have a label beside what affects numbers."""

Labels = Mapping[str, Mapping[str, str]]
"""Kind -> name -> label, of the parts that have one."""


def read(text: Tables, model: Model, problems: Problems) -> Labels:
    """The labels of a study's tables; a problem is added where two parts of a kind are shown under the same words."""
    for kind, what in OF_LABELS.items():
        for name in text[kind]:
            problems.knows(f"{kind}.{name}", what, name, getattr(model, kind))
    for name, table in text["shocks"].items():
        if [*table] == ["label"]:
            problems.knows(f"shocks.{name}", "shock", name, model.shocks)
    of_model = {kind: getattr(model, kind) for kind in (*OF_LABELS, "shocks")}
    labels = {
        kind: _of_kind(kind, text[kind], (of_model if kind in of_model else text)[kind], problems)
        for kind in KINDS[:-1]
    }
    labels["challenge"] = {}
    for kind in CHOICES:
        tables = text["challenge"][kind]
        labels["challenge"] |= _of_kind(f"challenge.{kind}", tables, tables, problems)
    return labels


def _of_kind(kind: str, tables: Tables, parts: Iterable[str], problems: Problems) -> dict[str, str]:
    labels = {name: table["label"] for name, table in tables.items() if "label" in table}
    shown: dict[str, str] = {}
    # those without a label first: theirs cannot be changed
    for name in sorted(parts, key=lambda part: part in labels):
        label = labels.get(name, titled(name))
        if name in labels and label in shown:
            problems.add(f"{kind}.{name}.label", f"'{label}' is also the label of '{shown[label]}'. Choose another.")
        shown.setdefault(label, name)
    return labels


def numeric(document: Tables) -> Tables:
    """The tables of a resolved study that affect numbers of a path, without policies that no running one reaches."""
    plain = without(leaving_out(document, _WORDS))
    policies = plain.get("policies", {})
    reached = [*plain.get("compare", policies), plain.get("facts", {}).get("policy", "")]
    for name in reached:  # which grows by what each phases in from
        reached += {policies.get(name, {}).get("before", "")} - {*reached}
    plain = {**plain, "policies": {name: policies[name] for name in policies if name in reached}}
    return {key: table for key, table in plain.items() if key != "shocks" or table}


def wording(document: Tables) -> Tables:
    """What of a resolved study affects no number of a path: labels, its author, lever groups, assumptions, ..."""
    names = {key: document[key] for key in _WORDS if key in document}
    for kind in LABELLED:
        if labels := {name: table["label"] for name, table in document.get(kind, {}).items() if "label" in table}:
            names[kind] = labels
    return names


def without(text: Tables) -> Tables:
    """The tables of a study without labels, and without the tables of shocks that state a label and no law."""
    plain = {
        kind: {
            name: leaving_out(table, ("label",))
            for name, table in text[kind].items()
            if kind != "shocks" or [*table] != ["label"]
        }
        for kind in LABELLED
        if kind in text
    }
    return {**text, **plain}
