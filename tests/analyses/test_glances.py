"""Looks that a few futures spare: what they say is what all of them would, and where they do not say it all are looked
at.
"""

import math

import numpy as np
import pytest

from engine.analyses import flip as question
from engine.analyses.beliefs import Line
from engine.analyses.flip import flip_on
from engine.analyses.futures import Futures
from engine.analyses.glances import Glance
from engine.risk.estimation.intervals import Estimate, as_units
from tests.analyses.test_flip import shapes, wager

FEW, REACH = 1 << 10, 1.96
LOOKS = (1.5, 2.0, 3.0)
RANDOM = np.random.default_rng(5)
OWN = 1.0 + RANDOM.standard_normal(FEW)


def looked(slope, noise=0.0, weighted=None):
    """What a glance says of a line of so steep a difference, and the looks that were taken at all futures."""
    taken = []

    def at(x):
        taken.append(x)
        return Estimate(weighted[x] if weighted and x in weighted else 1.0 + slope * x, 0.01)

    def glance(x):
        if weighted and x in weighted:
            return None
        return OWN + slope * x * (1 + 0.1 * OWN) + noise * RANDOM.standard_normal(FEW)

    sides = (*LOOKS[::-1], *(weighted or ())), tuple(-x for x in LOOKS)
    line = Line("prior", "x", "1", 0.0, 0.0, sides, at, at, glance=glance)
    glance_of = Glance(1.0, OWN, as_units(FEW, 1), 1.0, REACH)
    return glance_of.least(line), [x for x in taken if not (weighted and x in weighted)]


def test_what_is_beyond_doubt_is_computed_no_more():
    assert looked(0.1) == (-3.0, [])
    assert looked(-0.1) == (3.0, [])
    assert looked(-0.1, weighted={0.5: 0.2}) == (0.5, [])


def test_a_look_that_may_show_the_other_sign_is_no_plain_one():
    assert looked(-0.4)[0] is None
    assert looked(-0.34)[0] is None
    assert looked(-0.1, weighted={0.5: -0.2})[0] is None


def test_looks_of_which_each_may_be_the_least_are_taken_at_all_futures():
    least, taken = looked(-0.001, noise=0.5)
    assert least == 3.0 and set(taken) == {*LOOKS, *(-x for x in LOOKS)}
    least, taken = looked(0.0)
    assert least is None  # nothing is seen to move: nothing is known


def test_two_futures_that_moved_decide_nothing():
    moved = np.zeros(FEW)
    moved[:2] = 40.0
    line = Line(
        "prior", "x", "1", 0.0, 0.0, ((2.0,),), lambda x: Estimate(1.0), lambda x: Estimate(1.0),
        glance=lambda x: OWN + moved,
    )  # fmt: skip
    assert Glance(1.0, OWN, as_units(FEW, 1), 1.0, REACH).least(line) is None


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_futures_that_are_not_finite_decide_nothing(broken):
    few = OWN.copy()
    few[7] = broken
    line = Line(
        "prior", "x", "1", 0.0, 0.0, ((2.0,),), lambda x: Estimate(1.0), lambda x: Estimate(1.0),
        glance=lambda x: few + 0.1 * OWN,
    )  # fmt: skip
    assert Glance(1.0, OWN, as_units(FEW, 1), 1.0, REACH).least(line) is None


@pytest.mark.parametrize(
    "study",
    [wager(1 << 14), wager(1 << 14, run={"paths": 1 << 14, "seed": 2, "sampler": "sobol"})]
    + [shapes(lever, 1 << 14, 3) for lever in ("flat", "cliff", "hill", "wave", "both", "far")],
    ids=["wager", "sobol", "flat", "cliff", "hill", "wave", "both", "far"],
)
def test_the_answer_is_the_one_that_all_futures_give(study, monkeypatch):
    def answer():
        return flip_on(Futures(study, ("cost",)), "cost", "mean", "risky", "sure")

    glanced = answer()
    monkeypatch.setattr(question, "_glance", lambda *_: None)
    whole = answer()
    assert glanced.beliefs == whole.beliefs or str(glanced.beliefs) == str(whole.beliefs)
    assert glanced.joint == whole.joint
