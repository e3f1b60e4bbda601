"""Study files from a fixed seed: right ones are read, and their documents too; each fault of broken ones is named."""

import tomllib
from functools import cache

import pytest

from engine.errors import UserError
from engine.study.loading import read_study, resolved_text
from tests.malformed import Valley
from tests.study.generated import FAULTS, QUESTIONS, broken, right

PARTS = ("labels", "author", "headline", "levels", "lever_groups", "assumptions", "challenge", "observed", "until")
MANY = [range(20), pytest.param(range(20, 1000), marks=pytest.mark.slow)]


@cache
def first():
    """A study of the model, by which the others need not trace it again."""
    return read_study(right(0), "study", model=Valley())


@pytest.mark.parametrize("seeds", MANY, ids=["few", "many"])
def test_a_right_study_is_read_and_its_document_is_the_same_study(seeds):
    for seed in seeds:
        study = read_study(right(seed), "study", model=first().model, before=first())
        if seed % 5 == 0:
            text = tomllib.loads(resolved_text(study))
            again = read_study(text, "study", model=first().model, before=first())
            assert (again.document, again.fingerprint) == (study.document, study.fingerprint), seed
            assert all(getattr(again, part) == getattr(study, part) for part in PARTS), seed


def test_what_questions_are_asked_about_is_no_part_of_the_fingerprint():
    plain = {key: table for key, table in right(0).items() if key not in QUESTIONS}
    for key in QUESTIONS:
        study = read_study({**plain, key: right(0, without=())[key]}, "study", model=first().model, before=first())
        assert study.fingerprint == read_study(plain, "study", model=first().model, before=first()).fingerprint, key


@pytest.mark.parametrize("seeds", MANY, ids=["few", "many"])
def test_each_fault_of_a_broken_study_is_named_with_its_place(seeds):
    for seed in seeds:
        tables, places = broken(seed)
        with pytest.raises(UserError) as refused:
            read_study(tables, "study", model=first().model, before=first())
        named = [problem.place for problem in refused.value.problems]
        assert all(any(one.startswith(place) or place.startswith(f"{one}.") for one in named) for place in places), (
            seed, places, named,
        )  # fmt: skip


def test_every_fault_is_among_those_that_are_tried():
    assert set().union(*(broken(seed)[1] for seed in range(100))) == {*FAULTS}
