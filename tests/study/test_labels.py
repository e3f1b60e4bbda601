"""Labels: what people call the parts of a study, checked against the model, and no part of the fingerprint."""

import pytest

from engine.errors import UserError
from engine.study.labels import split, wordless
from engine.study.loading import load_study, read_study, resolved_text, study_of_text
from tests.reservoirs import Sum

LAW = {"family": "normal", "mean": 0.0, "sd": 1.0}


def text(**more):
    plain = {"name": "sum", "run": {"paths": 64, "seed": 1}, "factors": {"x": dict(LAW), "y": dict(LAW)}, "policies": {"old": {}, "new_way": {}}, "events": {"high": {"outcome": "sum", "above": 1.0}}}  # fmt: skip
    return plain | more


def study_of(**more):
    return read_study(text(**more), "sum.toml", model=Sum())


LABELLED = {
    "author": "A. Nother",
    "policies": {"old": {"label": "As it is"}, "new_way": {}},
    "events": {"high": {"label": "SOEs insolvent", "outcome": "sum", "above": 1.0}},
    "outcomes": {"sum": {"label": "总和"}},
    "factors": {"x": {"label": "First", **LAW}, "y": dict(LAW)},
}


def test_a_label_is_what_a_part_is_called_and_changes_no_fingerprint():
    plain, labelled = study_of(), study_of(**LABELLED)
    assert labelled.fingerprint == plain.fingerprint
    assert labelled.author == "A. Nother"
    called = {("policies", "old"): "As it is", ("policies", "new_way"): "New way", ("events", "high"): "SOEs insolvent", ("outcomes", "sum"): "总和", ("factors", "x"): "First", ("factors", "y"): "Y"}  # fmt: skip
    assert {part: labelled.title(*part) for part in called} == called
    assert plain.title("outcomes", "sum") == "Sum"


def test_a_label_begins_small_within_a_sentence_unless_it_begins_with_an_acronym():
    study = study_of(**LABELLED)
    said = {("policies", "old"): "as it is", ("policies", "new_way"): "new way", ("events", "high"): "SOEs insolvent", ("outcomes", "sum"): "总和"}  # fmt: skip
    assert {part: study.phrase(*part) for part in said} == said


def test_parts_without_label_or_sentence_are_named():
    lacking = {"policies": ["old", "new_way"], "events": ["high"], "outcomes": ["sum"], "factors": ["x", "y"]}
    assert {kind: names for kind, names in wordless(study_of()).items() if kind != "levers"} == lacking
    told = {**LAW, "about": "a number", "label": "First"}
    study = study_of(**{**LABELLED, "factors": {"x": told, "y": dict(LAW)}})
    assert wordless(study)["factors"] == ["y"]


def test_everything_of_the_shipped_studies_has_a_label_and_a_sentence():
    for name in ("rustbelt", "rustbelt_2016"):
        study = load_study(name)
        assert wordless(study) == {}
        assert {*study.labels["yearly"]} == {*study.model.yearly}


def test_a_resolved_study_keeps_its_labels():
    labelled = study_of(**LABELLED)
    again = study_of_text(resolved_text(labelled), "study.toml", Sum())
    assert (again.labels, again.author) == (labelled.labels, labelled.author)
    assert resolved_text(again) == resolved_text(labelled)
    assert split(again.document)[0] == split(study_of().document)[0] == study_of().document


@pytest.mark.parametrize(
    ("more", "place", "words"),
    [
        ({"outcomes": {"summ": {"label": "Sum"}}}, "outcomes.summ", "Did you mean 'sum'?"),
        ({"yearly": {"stock": {"label": "Stock"}}}, "yearly.stock", "unknown yearly variable 'stock'"),
        ({"levers": {"quotta": {"label": "Quota"}}}, "levers.quotta", "unknown lever 'quotta'"),
        ({"policies": {"old": {"label": " "}, "new": {}}}, "policies.old.label", "a few words, got nothing"),
        ({"policies": {"old": {"label": "a\nb"}}}, "policies.old.label", "one line of text"),
        ({"policies": {"old": {"label": "New"}, "new": {}}}, "policies.old.label", "'New' is what 'new' is called"),
        ({"author": "\x1b[2J"}, "author", "one line of text"),
        ({"outcomes": {"sum": {"label": "x" * 81}}}, "outcomes.sum.label", "at most 80 characters, got 81"),
        ({"outcomes": {"sum": {"labell": "x"}}}, "outcomes.sum.labell", "Did you mean 'label'?"),
    ],
)  # fmt: skip
def test_a_label_that_cannot_be_is_refused_with_its_place(more, place, words):
    with pytest.raises(UserError) as refused:
        study_of(**more)
    assert [p.place for p in refused.value.problems] == [place]
    assert words in str(refused.value)


def test_names_without_a_label_are_words_with_the_acronyms_of_the_texts():
    study = study_of(question="What of GDP?")
    assert study.title("yearly", "gdp_loss") == "GDP loss"
    assert study.words("gdp_loss") == "GDP loss"
