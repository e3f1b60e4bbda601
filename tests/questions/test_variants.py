"""One compiled program fed with other numbers: what a change gives is what the study gives that states it, and nothing
is compiled anew.
"""

import functools
from dataclasses import replace

import numpy as np
import pytest

from engine.program import devices
from engine.questions import variants
from engine.questions.futures import Futures
from engine.questions.independent_inputs import independent_inputs
from engine.study.components import Change
from engine.study.tables.changes import joined
from tests.helpers import assert_same
from tests.questions.assumed import LAKE, lake


@functools.cache
def as_stated():
    """The program of the lake, compiled once."""
    return devices.program(lake())


def outcomes(study, change=None, program=None):
    """All outcomes of a study, or of a program of it that is fed with a change."""
    program = program or devices.program(study)
    fed = program if change is None else variants.fed(program, change)
    ((_, outcomes),) = variants.results([("", fed)], study.blocks())
    return outcomes


ASSUMED = {
    "inflow": {"off": {"inflow": 1.5}, "doubled": {"inflow": "2x"}},
    "need": {"off": {"need": 0}, "doubled": {"need": "2x"}},
    "release": {"off": {"release": 0.05}},
    "late": {"off": {"policies": {"late": {"release": {"2021": 0.3}}}}},
    "keep": {"off": {"policies": {"keep": {"release": 0.4}}}},
    "wet": {"off": {"groups": {"wet": {"correlation": 0}}}, "doubled": {"groups": {"wet": {"spearman": -0.5}}}},
}  # fmt: skip
"""One of every kind; some contradict each other, so each is looked at alone."""


def change_of(name, kind):
    """What changes where an assumption of the lake is off or doubled."""
    return lake(assumptions={name: ASSUMED[name]}).assumptions[0].change(kind)


def fixed(name, value):
    """The factors of the lake, one of them a number."""
    group = {"group": "wet"} if "group" in LAKE["factors"][name] else {}
    return LAKE["factors"] | {name: {"family": "fixed", "value": value, **group}}


def changed_policies(**releases):
    """The policies of the lake, each with what is left of it as it is."""
    return {
        name: table | ({"release": releases[name]} if name in releases else {})
        for name, table in LAKE["policies"].items()
    }


STATED = {
    ("inflow", "off"): {"factors": fixed("inflow", 1.5)},
    ("need", "off"): {"factors": fixed("need", 0.0)},
    ("release", "off"): {"policies": changed_policies(keep=0.05, save=0.05, late=0.05)},
    ("late", "off"): {"policies": changed_policies(late={"2021": 0.3})},
    ("keep", "off"): {"policies": changed_policies(keep=0.4)},
    ("wet", "off"): {"groups": {"wet": {"correlation": 0}}},
    ("wet", "doubled"): {"groups": {"wet": {"spearman": -0.5}}},
}


@pytest.mark.parametrize(("name", "kind"), STATED, ids=lambda part: part)
def test_a_change_gives_what_the_study_gives_that_states_it(name, kind):
    assert_same(outcomes(lake(), change_of(name, kind), as_stated()), outcomes(lake(**STATED[name, kind])))


DRAWN = {
    "factors": LAKE["factors"] | {"pace": {"family": "uniform", "low": 0.1, "high": 0.3}},
    "policies": LAKE["policies"] | {"keep": {"release": "pace"}},
}


def test_a_lever_that_is_drawn_is_a_number_where_it_is_off():
    """Also in what phases in from it, and by the program that draws it."""
    study = lake(**DRAWN, assumptions={"it": {"off": {"release": 0.05}}})
    of_number = lake(policies=changed_policies(keep=0.05, save=0.05, late=0.05))
    assert_same(outcomes(study, study.assumptions[0].off), outcomes(of_number))


@pytest.mark.parametrize(
    "copula",
    [pytest.param({}, id="gaussian", marks=pytest.mark.slow), pytest.param({"copula": "t", "df": 5.0}, id="t")],
)
def test_members_that_are_against_the_others_are_put_on_one_side_by_the_program_that_turns_them(copula):
    signed = {"wet": {"correlation": 0.6, "against": ["loss"], **copula}}
    tables = {
        "signs": {"off": {"groups": {"wet": {"against": []}}}},
        "together": {"off": {"groups": {"wet": {"correlation": 0.1}}}},
    }
    study = lake(groups=signed, assumptions=tables)
    signs, together = (one.off for one in study.assumptions)
    every = joined([signs, together])
    for change, stated in (
        (signs, {"correlation": 0.6, **copula}),
        (together, signed["wet"] | {"correlation": 0.1}),
        (every, {"correlation": 0.1, **copula}),
        (joined([together, signs]), {"correlation": 0.1, **copula}),
    ):
        assert_same(outcomes(study, change), outcomes(lake(groups={"wet": stated})))


LEVERS = [
    Change(levers=levers)
    for levers in (
        {"late": {"release": 0.3}},
        {"save": {"release": 0.1}},
        {"keep": {"release": 0.4}},
        {"keep": {"release": 0.5}, "late": {"release": 0.0}},
    )
]
"""Changes of one policy, of none as that is what it has, and of one that others phase in from."""


@pytest.mark.parametrize("form", ["loop", "xla"])
def test_levers_changed_beside_each_other_give_what_each_gives_alone(form):
    study = replace(lake(), program=form)
    futures = Futures(study, ("sum", "last"))
    for by in (0, 1):
        of = futures.anew(by)
        alone = [next(of.changed([one], 512)) for one in LEVERS]
        for given, one, change in zip(of.changed(LEVERS, 512), alone, LEVERS, strict=True):
            fed = outcomes(replace(study, paths=512), change, of.program)
            for name, values in given.items():
                assert_same(values, one[name])
                assert_same(values, fed[:, study.places([name])[0]])


def test_streams_drawn_anew_change_the_paths_and_the_studys_own_give_them_back():
    study = lake()
    program, stated = devices.program(study), outcomes(study)
    streams = {name: 1 for one in independent_inputs(study) for name in one.streams}
    anew = [variants.redrawn(program, some) for some in ({}, streams, {})]
    same, other, again = (outcomes(study, program=one) for one in anew)
    assert_same(same, stated)
    assert_same(again, stated)
    assert not np.array_equal(other, stated)
    change = change_of("release", "off")
    assert_same(outcomes(study, change, anew[0]), outcomes(study, change, as_stated()))
