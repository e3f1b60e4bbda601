"""Targets of precision: one grammar, every name looked up, and no part of what a path is."""

from dataclasses import replace

import pytest

from engine.study.loading import load_model_file, load_study, resolved_text, study_of_text
from engine.study.tables.stops import Target
from tests.refusals import refuses
from tests.small_files import MODELS, POND, write

DRY = Target("probability", "dry", "use", None, 0.01, False)


@pytest.fixture(scope="module")
def pond():
    return load_model_file(f"{MODELS}:Pond")


def load(folder, pond, *until, text=POND, **more):
    return load_study(write(folder, text), model=pond, until=until, **more)


def test_a_sentence_becomes_a_target_and_is_written_back(tmp_path, pond):
    said = [
        "ES99 of shortage under keep within 1 %",
        "mean of shortage under use minus keep within 0.5 hm3",
        "probability of dry under keep within 0.001",
    ]
    study = load(tmp_path, pond, *said)
    assert [*map(str, study.until)] == said
    assert study.until[0] == Target("ES99", "shortage", "keep", None, 0.01, True, "hm3")
    assert study.until[1].less == "keep" and not study.until[1].is_relative
    again = study_of_text(resolved_text(study), "study.toml", pond)
    assert again.until == study.until and again.fingerprint == study.fingerprint


SPELLINGS = {
    "P of dry under use within 5%": replace(DRY, width=0.05, is_relative=True),
    "  probability  of dry under use within 5.0 % ": replace(DRY, width=0.05, is_relative=True),
    "ES99.0 of shortage under keep within 1 %": Target("ES99", "shortage", "keep", None, 0.01, True, "hm3"),
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_other_spellings_are_the_same_target_and_one_sentence_is_one(tmp_path, pond, text):
    assert load_study(write(tmp_path, POND), model=pond, until=text).until == (SPELLINGS[text],)


def test_a_rule_changes_no_path_and_no_name_of_a_run(tmp_path, pond):
    plain, ruled = load(tmp_path, pond), load(tmp_path, pond, "mean of shortage under keep within 1 %")
    assert plain.fingerprint == ruled.fingerprint and plain.until == ()
    assert "until" not in resolved_text(plain)


def test_the_study_file_states_it_and_the_call_comes_first(tmp_path, pond):
    text = POND.replace("tile = 64", 'tile = 64, until = ["P of dry under use within 0.01"]')
    assert load_study(write(tmp_path, text), model=pond).until == (DRY,)
    assert load(tmp_path, pond, text=text).until == ()


def test_a_rule_of_policies_that_do_not_run(tmp_path, pond):
    text = POND.replace("tile = 64", 'tile = 64, until = ["P of dry under use within 0.01"]')
    study = load_study(write(tmp_path, text), model=pond, policies=["keep"])
    assert study.until == () and study.idle_targets == (DRY,)
    with refuses("run.until", "'use'", "not run"):
        load(tmp_path, pond, "P of dry under use within 0.01", policies=["keep"])
