"""Labels: what people call the parts of a study, checked against the model, and no part of the fingerprint."""

import tomllib

import pytest

from engine.formatting import begun_small
from engine.study.labels import numeric
from engine.study.loading import load_study, read_study, resolved_text, shipped_studies, study_of_text
from tests.refusals import refuses
from tests.reservoirs import STUDY, Reservoir, Sum

LAW = {"family": "normal", "mean": 0.0, "sd": 1.0}


def text(**more):
    plain = {
        "name": "sum",
        "run": {"paths": 64, "seed": 1},
        "factors": {"x": dict(LAW), "y": dict(LAW)},
        "policies": {"old": {}, "new_way": {}},
        "events": {"high": {"outcome": "sum", "above": 1.0}},
    }
    return plain | more


def study_of(**more):
    return read_study(text(**more), "sum.toml", model=Sum())


LABELLED = {
    "policies": {"keep": {"label": "As it is"}},
    "events": {"dry": {"label": "SOEs insolvent"}},
    "outcomes": {"shortage": {"label": "总和"}},
    "factors": {"capacity": {"label": "First"}},
    "groups": {
        "water": {"label": "Size of the river"},
        "sky": {"copula": "t", "df": 4, "kendall": 0.3, "label": "Sky"},
    },
    "shocks": {"drought": {"label": "Dry year", "group": "sky", **LAW}},
    "lever_groups": {"hands": {"label": "Water let go", "levers": ["release"]}},
    "assumptions": {"rain": {"label": "Rain", "about": "it rains", "off": {"inflow": 0}}},
}
"""Labels of parts of all kinds, of a study whose river has a group and whose shock has another."""
CALLED = {
    ("policies", "keep"): "As it is",
    ("events", "dry"): "SOEs insolvent",
    ("outcomes", "shortage"): "总和",
    ("factors", "capacity"): "First",
    ("groups", "water"): "Size of the river",
    ("groups", "sky"): "Sky",
    ("shocks", "drought"): "Dry year",
    ("lever_groups", "hands"): "Water let go",
    ("assumptions", "rain"): "Rain",
}


def river(labelled=True):
    """The study of a reservoir with everything of `LABELLED`, with its labels or without them."""
    tables = tomllib.loads(STUDY)
    for kind, named in LABELLED.items():
        for name, table in named.items():
            kept = {key: value for key, value in table.items() if labelled or key != "label"}
            own = tables.setdefault(kind, {})
            own[name] = {**own.get(name, {}), **kept}
    return read_study(tables, "river.toml", model=Reservoir())


def test_a_label_is_what_a_part_is_called_and_changes_no_fingerprint_and_no_number():
    plain, labelled = river(labelled=False), river()
    assert labelled.fingerprint == plain.fingerprint
    assert (labelled.groups, labelled.shocks) == (plain.groups, plain.shocks)
    assert {part: labelled.title(*part) for part in CALLED} == CALLED
    assert {part: labelled.phrase(*part) for part in CALLED} == {
        part: begun_small(label) for part, label in CALLED.items()
    }
    assert labelled.title("shocks", "drought[north]") == "Dry year[north]"
    assert plain.title("outcomes", "shortage") == "Shortage" and plain.phrase("policies", "keep") == "keep"
    again = study_of_text(resolved_text(labelled), "study.toml", Reservoir())
    assert again.labels == labelled.labels and resolved_text(again) == resolved_text(labelled)
    assert numeric(again.document) == numeric(plain.document)


def test_a_shock_with_a_label_alone_is_drawn_as_the_model_draws_it():
    tables = tomllib.loads(STUDY)
    plain = read_study(tables, "river.toml", model=Reservoir())
    labelled = read_study({**tables, "shocks": {"drought": {"label": "Dry year"}}}, "river.toml", model=Reservoir())
    assert labelled.fingerprint == plain.fingerprint and labelled.shocks == plain.shocks
    assert not labelled.shocks.moving and labelled.title("shocks", "drought") == "Dry year"
    again = study_of_text(resolved_text(labelled), "study.toml", Reservoir())
    assert (again.labels, again.shocks) == (labelled.labels, labelled.shocks)
    assert numeric(again.document) == plain.document


@pytest.mark.parametrize("kind", [*LABELLED])
def test_a_label_is_refused_with_its_place(kind):
    name, table = next(iter(LABELLED[kind].items()))
    tables = tomllib.loads(STUDY)
    own = tables.setdefault(kind, {})
    own[name] = {**own.get(name, {}), **table, "label": "a\nb"}
    with refuses(f"{kind}.{name}.label", "one line"):
        read_study(tables, "river.toml", model=Reservoir())


def test_everything_of_the_shipped_studies_has_a_label_and_a_sentence():
    for name in shipped_studies():
        study = load_study(name)
        model, groups = study.model, {**study.groups, **study.shocks.groups}
        for kind, parts in (
            ("policies", study.policies), ("events", study.events), ("factors", study.inputs),
            ("assumptions", study.assumptions), ("outcomes", model.outcomes.items()), ("levers", model.levers.items()),
            ("shocks", model.shocks.items()), ("yearly", model.yearly.items()),
            ("challenge", study.challenge.choices.items()),
        ):  # fmt: skip
            for part in parts:
                part_name, table = part if isinstance(part, tuple) else (part.name, part)
                assert part_name in study.labels[kind] and table.about, (name, kind, part_name)
        for kind, names in (("groups", groups), ("lever_groups", study.lever_groups)):
            assert {*names} <= {*study.labels[kind]}, (name, kind)
