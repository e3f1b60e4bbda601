"""The direction in which a group's prior is moved is the gradient, in the metric of its own copula."""

import numpy as np
import pytest

from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.program import arguments
from engine.questions.challenge.choices import of_priors
from engine.study.loading import read_study
from tests.questions.challenge.models import normal
from tests.user_models import outcomes, program

WEIGHTS = {"x": 2.0, "y": -1.0, "z": 0.5}
PATHS = 1 << 16
SHARP = 0.999
"""Cosine with the closed form; 65,536 paths leave an error of one in four thousand."""


class Sum(StaticModel):
    """A weighted sum under the new policy, nothing under the old."""

    factors = {name: Factor("1") for name in (*WEIGHTS, "idle")}
    levers = {"new": Lever("1")}
    outcomes = {"cost": Outcome("1", loss=True), "square": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        """The sum, and the square of one that hangs on no direction."""
        total = sum(weight * getattr(factors, name) for name, weight in WEIGHTS.items())
        return {"cost": levers.new * total, "square": levers.new * factors.idle * factors.idle}


def summed(group):
    """The study of the sum with its three factors in a group."""
    stated = {
        "name": "sum", "baseline": "old", "run": {"paths": PATHS, "seed": 4, "sampler": "random"},
        "factors": {**{name: normal(0.0, 1.0, group="g") for name in WEIGHTS}, "idle": normal(0.0, 1.0)},
        "groups": {"g": group},
        "policies": {"old": {}, "new": {"new": 1.0}},
    }  # fmt: skip
    return read_study(stated, "sum.toml", model=Sum())


def matrix(study):
    """Correlations of the members' normal scores."""
    copula = study.groups["g"].copula
    return np.array(getattr(copula, "normal", copula).matrix(tuple(WEIGHTS)))


def found(study, *names):
    """The choices of priors that outcomes move."""
    made = outcomes(study)
    gaps = [made[name][1].astype(float) - made[name][0] for name in names]
    return list(of_priors(study, program(study).scores(study.block(0)), gaps))


GROUPS = {
    "alike": {"correlation": 0.5},
    "by a matrix": {"members": ["x", "y", "z"], "pearson": [[1, 0.6, -0.7], [0.6, 1, -0.2], [-0.7, -0.2, 1]]},
    "t against one another": {"copula": "t", "correlation": -0.4, "df": 4},
}


@pytest.mark.parametrize("name", GROUPS)
def test_the_direction_is_the_gradient_and_of_length_one(name):
    """Members' scores go by R w / sqrt(w' R w), of length one in the metric of R, whichever numbers the copula makes
    them of.
    """
    study = summed(GROUPS[name])
    up, down = (one for one in found(study, "cost") if one.dimension == "g priors")
    assert sum(size**2 for size in up.move.values()) == pytest.approx(1.0)
    assert down.move == {row: -size for row, size in up.move.items()}
    gone, w, r = moved(study, up), np.array([*WEIGHTS.values()]), matrix(study)
    best = r @ w / np.sqrt(w @ r @ w)
    inner = np.linalg.inv(r)
    assert abs(gone @ inner @ best) > SHARP
    assert SHARP < gone @ inner @ gone < 1 + 1e-3


def moved(study, choice):
    """How far a choice moves the normal scores of the members: by the copula's own arithmetic, which is linear in
    them."""
    names = [one.name for one in arguments.streams(study)]
    copula = study.groups["g"].copula
    linear = getattr(copula, "normal", copula)
    sizes = {names[row]: size for row, size in choice.move.items()}
    own = {name: np.float32(sizes.get(f"factor:{name}", 0.0)) for name in WEIGHTS}
    shared = [np.float32(sizes.get(stream, 0.0)) for stream in study.groups["g"].streams[: len(linear.latents)]]
    gone = linear.scores(own, shared, linear.parameters(np.float32))
    return np.array([float(gone[name]) for name in WEIGHTS])


def test_a_member_against_the_others_is_said_to_go_the_way_it_goes():
    """y is what is made of its own number turned round: it goes down where that goes up."""
    study = summed({"correlation": 0.2, "against": ["y"]})
    scores = program(study).scores(study.block(0))
    own = scores[[one.name for one in arguments.streams(study)].index("factor:y")]
    assert [one.name for one in of_priors(study, scores, [own]) if one.dimension == "g priors"] == ["y down", "y up"]


def test_directions_that_are_led_alike_are_told_apart_by_the_next_member():
    study = summed({"correlation": 0.0})
    scores = program(study).scores(study.block(0))
    gaps = [scores[0] + 0.8 * scores[1], scores[0] - 0.8 * scores[1]]
    names = [one.name for one in of_priors(study, scores, gaps) if one.dimension == "g priors"]
    assert names == ["x up", "x down", "x up, y down", "x down, y up"]


def test_a_group_that_moves_no_claim_has_no_direction_and_a_factor_by_itself_goes_up_and_down():
    chosen = found(summed(GROUPS["alike"]), "square")
    assert [str(one) for one in chosen] == ["idle prior: up", "idle prior: down"]
    assert [[*one.move.values()] for one in chosen] == [[1.0], [-1.0]]
