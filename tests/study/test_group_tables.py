"""Groups of a study: what a study file may say of dependence, what is refused, and that draws follow it."""

import tomllib

import numpy as np
import pytest
import tomli_w
from scipy import special

from engine.draws.copulas.elliptical import Equicorrelated
from engine.errors import UserError
from engine.modelling.records import Factor, Outcome, StaticModel
from engine.study.loading import load_study, read_study, resolved_text
from tests.draws.copulas.test_copulas import by_default, data
from tests.helpers import assert_plausible
from tests.user_models import program

FACTORS = {name: {"family": "normal", "mean": 0, "sd": 1} for name in ("a", "b", "c", "d")}
MATRIX = [[1, 0.5, -0.2], [0.5, 1, 0.3], [-0.2, 0.3, 1]]


class Four(StaticModel):
    factors = {name: Factor("1") for name in FACTORS}
    outcomes = {"sum": Outcome("1")}

    def evaluate(self, factors, levers):
        return {"sum": factors.a + factors.b + factors.c + factors.d}


def tables(group, members="abc", **more):
    """A study whose group g is that, and whose factors say that they are in it."""
    factors = {name: table | ({"group": "g"} if name in members else {}) for name, table in FACTORS.items()}
    return {"name": "four", "factors": factors, "groups": {"g": group}, "run": {"paths": 4096}} | more


def read(group, members="abc", **more):
    return read_study(tables(group, members, **more), "study.toml", model=Four())


def said(group, members="abc", **more):
    """What is wrong with a group."""
    with pytest.raises(UserError) as caught:
        read(group, members, **more)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("measure", ["pearson", "spearman", "kendall"])
@pytest.mark.parametrize("copula", [{}, {"copula": "t", "df": 2}])
def test_the_nearest_matrix_can_be_pasted(measure, copula):
    wrong = {"members": ["a", "b", "c"], measure: [[1, 0.8, -0.8], [0.8, 1, 0.8], [-0.8, 0.8, 1]]} | copula
    (message,) = said(wrong)
    pasted = tomllib.loads("x = " + message.split("The nearest is ")[1].split(", at most")[0])["x"]
    assert read(wrong | {measure: pasted}).groups["g"].copula.implied(("a", "b", "c"))


def test_a_group_says_its_members_or_they_say_their_group():
    one = read({"members": ["c", "a", "b"], "pearson": MATRIX}, "")
    other = read({"members": ["c", "a", "b"], "pearson": MATRIX}, "abc")
    assert one.groups["g"] == other.groups["g"]
    assert one.groups["g"].members == ("a", "b", "c")
    assert [item.group for item in one.inputs] == ["g", "g", "g", None]


GROUPS = {
    "gaussian": {"correlation": 0.5},
    "matrix": {"members": ["c", "a", "b"], "kendall": MATRIX},
    "t": {"copula": "t", "spearman": 0.4, "df": 4},
    "t matrix": {"copula": "t", "members": ["b", "a", "c"], "pearson": MATRIX, "df": 4},
    "empirical": {"copula": "empirical", "ranks": data(300)},
}


def drawn(study):
    """Draws of a study, [factor, path]."""
    assert [item.name for item in study.inputs] == [*FACTORS]
    return program(study).draws(study.block(0))


@pytest.mark.parametrize("name", by_default(GROUPS, {"t matrix", "empirical"}))
def test_draws_follow_the_copula_and_its_study_reads_again(name):
    study = read(GROUPS[name], run={"paths": 1 << 15, "sampler": "random"})
    text = resolved_text(study)
    again = read_study(tomllib.loads(text), "again", model=Four())
    assert again.fingerprint == study.fingerprint
    assert again.groups == study.groups
    found = drawn(study).astype(np.float64)
    group = study.groups["g"]
    tau = group.copula.implied(group.members).kendall
    n = found.shape[1]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        (x, xx), (y, yy) = found[i].reshape(2, -1), found[j].reshape(2, -1)
        assert_plausible(np.sign((x - xx) * (y - yy)).mean(), tau[i, j], np.sqrt(2 / n), 0.06)
    assert_plausible((found < 1).mean(axis=1), special.ndtr(1.0), 0.5 / np.sqrt(n), 0.02)


def test_members_against_the_others_are_members_of_a_group_with_one_number():
    study = read({"correlation": 0.3, "against": ["b"]}, "ab")
    assert study.groups["g"].copula == Equicorrelated(0.3, ("b",))
    again = read_study(tomllib.loads(resolved_text(study)), "again", model=Four())
    assert again.fingerprint == study.fingerprint != read({"correlation": 0.3}, "ab").fingerprint


def test_a_study_that_extends_another_replaces_how_a_group_is_stated(tmp_path):
    (tmp_path / "below.toml").write_text(tomli_w.dumps(tables(GROUPS["empirical"])), encoding="utf-8")
    copulas = []
    for below, above, group in (
        ("below", "over", {"copula": "t", "df": 3, "kendall": 0.2}),
        ("over", "more", {"copula": "t", "df": 5, "spearman": 0.2}),
    ):
        text = {"name": above, "extends": f"{below}.toml", "groups": {"g": group}}
        (tmp_path / f"{above}.toml").write_text(tomli_w.dumps(text), encoding="utf-8")
        copulas.append(load_study(tmp_path / f"{above}.toml", model=Four()).groups["g"].copula)
    assert (copulas[0].df, copulas[1].df) == (3, 5)
