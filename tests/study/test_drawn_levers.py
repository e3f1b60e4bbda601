"""Levers whose value is the name of a factor: read, written, refused; and a study on top that puts a number in its
place.
"""

import tomllib

import numpy as np
import pytest

from engine.cli.show.answers import print_answer
from engine.cli.show.screen import stdout
from engine.cli.show.study_digest import digest
from engine.study.loading import load_study, read_study, resolved_text, study_of_text
from engine.study.tables.levers import lever_text
from engine.study.tables.policies import on_path, phased
from tests.helpers import assert_close, assert_same
from tests.refusals import refuses
from tests.reservoirs import STUDY, Reservoir, read
from tests.small_files import write
from tests.study.test_lever_bounds import TOWNS, Towns

PACE = """
[factors.pace]
about = "let go"
family = "uniform"
low = 0.1
high = 0.3
[factors.need]
family = "triangular"
low = 1
mode = 2
high = 3
"""
DRAWN = STUDY.replace(
    "[policies.keep]",
    """
[policies.keep]
release = "pace"
quota = { north = { 2020 = "need", 2022 = 3 }, south = "inflow" }
""",
) + PACE  # fmt: skip


def drawn(old="", new="", **changes):
    assert old in DRAWN
    return read(DRAWN.replace(old, new, 1), **changes)


def test_a_name_is_a_weight_of_one_beside_no_number():
    keep = drawn().policies[0]
    assert_same(keep.levers["release"], np.zeros(4))
    assert_same(keep.drawn["release"]["pace"], np.ones(4))
    assert_same(keep.levers["quota"], np.array([[0.0, 0], [0, 0], [3, 0], [3, 0]]))
    assert_same(keep.drawn["quota"]["need"], np.array([[1.0, 0], [1, 0], [0, 0], [0, 0]]))
    assert_same(keep.drawn["quota"]["inflow"], np.array([[0.0, 1], [0, 1], [0, 1], [0, 1]]))
    assert set(keep.drawn) == {"release", "quota"}
    assert keep.factors == {"pace", "need", "inflow"}


def test_a_factor_has_the_unit_and_the_meaning_of_its_lever_unless_it_states_its_own():
    by_name = {item.name: item for item in drawn().inputs}
    assert [*by_name] == ["inflow", "capacity", "need", "pace", "will"]  # the model's, then those of policies
    assert (by_name["pace"].unit, by_name["pace"].about) == ("share", "let go")
    assert (by_name["need"].unit, by_name["inflow"].unit) == ("hm3", "hm3/yr")


def test_like_takes_names_over_and_a_number_takes_their_place():
    policies = "[policies.more]\nlike = 'keep'\nquota = 2\n[policies.keep]"
    more = drawn("[policies.keep]", policies).policies[0]
    assert set(more.drawn) == {"release"}
    assert_same(more.levers["quota"], np.full((4, 2), 2.0))


def test_a_policy_phases_in_from_one_that_is_drawn():
    study = drawn()
    late, draws = study.policies[3], {"pace": 0.25, "need": 1.5, "inflow": 3.0, "will": 0.5}
    assert late.before is not None
    assert_close(on_path(late, draws, study.years).levers["release"], np.array([0.25, 0.25, 0.15, 0.05]))
    expected = np.array([[1.5, 3.0], [1.5, 3.0], [3.0, 2.0], [3.0, 2.0]])
    assert_close(on_path(late, draws, study.years).levers["quota"], expected)
    # a policy half of the way from one that is drawn, and another one late from that: weights are blended like numbers
    half = phased(read(DRAWN.replace("implementation = 1\n", "implementation = 0.5\n")).policies[2], study.years)
    assert_same(half.drawn["release"]["pace"], np.full(4, 0.5))
    assert_close(half.levers["release"], 0.5 * np.array([0.2, 0.15, 0.15, 0.05]))
    save = on_path(study.policies[1], draws, study.years)  # as far as `will` is drawn
    assert_close(save.levers["release"], np.full(4, 0.25 + 0.5 * (0.1 - 0.25)))
    assert not save.drawn


def test_what_is_written_down_reads_as_the_same_study():
    study = drawn()
    again = study_of_text(resolved_text(study), "study.toml", model=Reservoir())
    assert again.fingerprint == study.fingerprint
    assert again.document == study.document
    assert study.document["policies"]["keep"]["release"] == "pace"
    assert study.document["policies"]["keep"]["quota"] == {"north": {"2020": "need", "2022": 3.0}, "south": "inflow"}
    assert drawn('release = "pace"', 'release = { 2020 = 0.1, 2021 = "pace" }').fingerprint != study.fingerprint


def test_the_document_holds_what_policies_before_those_that_run_are_drawn_from():
    study = drawn(policies=["late"])
    # the baseline always runs, so that another one is what the late one starts from
    other = drawn("start = 2022", "start = 2022\nbefore = 'base'\n[policies.base]\nquota = 'need'", policies=["late"])
    for one in (study, other):
        again = study_of_text(resolved_text(one), "study.toml", model=Reservoir())
        assert again.fingerprint == one.fingerprint
    assert "need" in {item.name for item in other.inputs}


def test_only_what_runs_is_drawn():
    lone = DRAWN.replace('baseline = "keep"', 'baseline = "other"') + "[policies.other]\n"
    assert {item.name for item in read(lone, policies=["other"]).inputs} == {"inflow", "capacity"}


def test_a_lever_reads_as_its_name_and_its_quantiles(capsys):
    study = drawn()
    keep = study.policies[0]
    assert lever_text(study, keep, "release") == "pace 0.2 (0.11 to 0.29)"
    text = lever_text(study, keep, "quota")
    assert text == "north: {2020: need 2 (1.32 to 2.68), 2022: 3}, south: inflow 2 (1 to 4)"
    print_answer(stdout(), digest(study, None), full=True)
    assert "pace 0.2 (0.11 to 0.29)" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "law",
    [
        'family = "normal"\nmean = 0.5\nsd = 0.1\ntruncate = { low = 0, high = 1 }',
        'family = "fixed"\nvalue = 1',
        'family = "logit-normal"\nmedian = 0.5\nsigma = 3',
    ],
)
def test_a_prior_keeps_to_the_bounds_of_the_lever(law):
    tables = tomllib.loads(TOWNS + f'share = "pace"\n[factors.pace]\n{law}\n')
    assert read_study(tables, "towns.toml", model=Towns()).policies[0].factors == {"pace"}


def test_a_study_on_top_may_put_a_number_in_place_of_a_name(tmp_path):
    write(tmp_path, DRAWN, "below.toml")
    on_top = 'name = "top"\nextends = "below.toml"\n[policies.keep]\nrelease = 0.25\nquota = 1\n'
    study = load_study(write(tmp_path, on_top, "top.toml"), model=Reservoir())
    assert {item.name for item in study.inputs} == {"inflow", "capacity", "will"}
    with refuses("factors.pac", "factor 'pac'"):
        load_study(
            write(tmp_path, on_top + "[factors.pac]\nfamily = 'fixed'\nvalue = 1\n", "top.toml"), model=Reservoir()
        )
    with refuses("factors.pace", "factor 'pace'"):
        read_study(
            study.document | {"factors": {**study.document["factors"], "pace": {"family": "fixed", "value": 0.2}}},
            "x",
            model=Reservoir(),
        )
