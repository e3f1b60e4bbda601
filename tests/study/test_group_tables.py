"""Groups of a study: what a study file may say of dependence, what is refused, and that draws follow it."""

import tomllib

import numpy as np
import pytest
from scipy import special

from engine.errors import UserError
from engine.modelling.records import Factor, Outcome, StaticModel
from engine.study.loading import read_study, resolved_text
from tests.draws.copulas.test_copulas import by_default, data, vine_text
from tests.helpers import assert_plausible, assert_same
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


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({}, "groups.g.correlation: is missing. Copula 'gaussian' is given by correlation or spearman or kendall."),
        (
            {"copula": "clayton"},
            "groups.g.theta: is missing. Copula 'clayton' is given by theta or kendall or spearman.",
        ),
        (
            {"copula": "guassian", "correlation": 0},
            "groups.g.copula: unknown copula 'guassian'. Did you mean 'gaussian'?",
        ),
        (
            {"correlation": 0.5, "kendall": 0.3},
            "groups.g.kendall: expected one of correlation and kendall, got both. Remove one.",
        ),
        (
            {"correlation": -0.6},
            (
                "groups.g.correlation: expected -0.5 to 1, what 3 factors can have, got -0.6. Give a"
                " matrix, in which some pairs are less negative."
            ),
        ),
        (
            {"spearman": -0.6},
            (
                "groups.g.spearman: expected -0.482584 to 1, what 3 factors can have, got -0.6. Give a"
                " matrix, in which some pairs are less negative."
            ),
        ),
        ({"kendall": 1.5}, "groups.g.kendall: expected -0.333333 to 1, what 3 factors can have, got 1.5."),
        (
            {"kendall": float("nan")},
            "groups.g.kendall: expected a finite number, or rows of them as [[1, 0.3], [0.3, 1]], got nan.",
        ),
        (
            {"kendall": "high"},
            "groups.g.kendall: expected a finite number, or rows of them as [[1, 0.3], [0.3, 1]], got 'high'.",
        ),
        (
            {"correlation": 0.1, "df": 3},
            "groups.g.df: is no key of copula 'gaussian', which is given by correlation or spearman or kendall.",
        ),
        (
            {"copula": "t", "correlation": 0.1},
            "groups.g.df: is missing. Give the degrees of freedom, 1 to 1000: the fewer, the heavier the joint tails.",
        ),
        (
            {"copula": "t", "correlation": 0.1, "df": 0.5},
            "groups.g.df: expected 1 to 1000 degrees of freedom, got 0.5.",
        ),
        (
            {"copula": "t", "correlation": 0.1, "df": 5000},
            "groups.g.df: expected 1 to 1000 degrees of freedom, got 5000. Use 'gaussian'.",
        ),
        (
            {"copula": "clayton", "kendall": -0.2},
            (
                "groups.g.kendall: expected 0.0004998 to 0.9524, what 3 factors of a 'clayton' copula can"
                " have, got -0.2. For negative dependence use 'gaussian' or 't'."
            ),
        ),
        (
            {"copula": "clayton", "kendall": 0},
            (
                "groups.g.kendall: expected 0.0004998 to 0.9524, what 3 factors of a 'clayton' copula can"
                " have, got 0. For independence leave the factors out of the group."
            ),
        ),
        (
            {"copula": "gumbel", "theta": 0.5},
            (
                "groups.g.theta: expected 1 to 20, what 3 factors of a 'gumbel' copula can have, got 0.5."
                " For independence leave the factors out of the group."
            ),
        ),
        (
            {"copula": "joe", "spearman": 0.9999},
            (
                "groups.g.spearman: expected 0 to 0.9935, what 3 factors of a 'joe' copula can have, got"
                " 0.9999. For nearly full dependence use 'gaussian'."
            ),
        ),
        (
            {"copula": "frank", "theta": -2},
            (
                "groups.g.theta: expected 0.001 to 50, what 3 factors of a 'frank' copula can have, got -2."
                " For negative dependence use 'gaussian' or 't'."
            ),
        ),
        (
            {"copula": "gumbel", "correlation": 0.5},
            "groups.g.correlation: is no key of copula 'gumbel', which is given by theta or kendall or spearman.",
        ),
        (
            {"copula": "gumbel", "kendall": MATRIX},
            (
                "groups.g.kendall: expected one number, as a 'gumbel' copula is the same for any two, got a"
                " matrix. Use 'gaussian' or 't'."
            ),
        ),
        (
            {"pearson": MATRIX},
            'groups.g.pearson: has a matrix but no names. Add members = ["...", "..."], in the order of its rows.',
        ),
        ({"pearson": MATRIX, "members": ["a", "b"]}, "groups.g.members: leaves out 'c', whose table says group = 'g'."),
        (
            {"pearson": MATRIX, "members": ["a", "b", "c", "d"]},
            "groups.g.pearson: expected 4 rows of 4 numbers, one for each of `members`, got 3 rows of 3.",
        ),
        ({"pearson": MATRIX, "members": ["a", "b", "cc"]}, "groups.g.members: unknown factor 'cc'. Did you mean 'c'?"),
        ({"pearson": MATRIX, "members": ["a", "b", "c", "a"]}, "groups.g.members: names 'a' twice."),
        (
            {"pearson": [[1, 2], [2, 1]], "members": ["a", "b"]},
            "groups.g.pearson: expected -1 to 1 for 'a' and 'b', got 2.",
        ),
        (
            {"pearson": [[1, 0.2], [0.1, 1]], "members": ["a", "b"]},
            "groups.g.pearson: expected the same number for 'a' and 'b' both ways, got 0.2 and 0.1.",
        ),
        (
            {"pearson": [[0.9, 0.2], [0.2, 1]], "members": ["a", "b"]},
            "groups.g.pearson: expected 1 for 'a' with itself, got 0.9.",
        ),
        ({"copula": "empirical"}, "groups.g.file: is missing. Copula 'empirical' is given by file or ranks."),
        (
            {"copula": "empirical", "file": "x.csv"},
            "groups.g.file: is read beside a study file only. Give what is in it.",
        ),
        (
            {"copula": "empirical", "ranks": {"a": [0, 1], "b": [1, 0, 2], "c": [0, 1]}},
            "groups.g.ranks: expected as many ranks for each member, got 2 and 3.",
        ),
        (
            {"copula": "empirical", "ranks": {"a": [0, 1], "b": [1, 1], "c": [0, 1]}},
            "groups.g.ranks: expected each of 0 to 1 once for 'b', got others. Give a file of data in their place.",
        ),
        (
            {"copula": "empirical", "ranks": {"a": [0], "b": [0], "c": [0]}},
            "groups.g.ranks: expected 2 to 8192 rows of 3 members, got 1. Leave out rows evenly.",
        ),
        (
            {"copula": "vine", "vine": "{}"},
            "groups.g.members: is missing. Give the names of the factors, in the order of the vine's variables.",
        ),
    ],
)
def test_what_is_infeasible_is_refused(group, message):
    assert message in said(group)


def test_a_negative_frank_is_for_two():
    assert read({"copula": "frank", "kendall": -0.3}, "ab").groups["g"].copula.theta < 0
    message = (
        "groups.g.kendall: expected -0.9226 to 0.9226, and at least 0.0001 in size, what 2 factors of a 'frank' copula"
        " can have, got 0. For independence leave the factors out of the group."
    )
    assert said({"copula": "frank", "kendall": 0}, "ab") == [message]
    assert "or 'frank' for two factors" in said({"copula": "joe", "kendall": -0.3}, "ab")[0]


def test_a_matrix_that_is_none_is_refused_with_the_nearest():
    (message,) = said({"members": ["a", "b", "c"], "pearson": [[1, 0.9, -0.5], [0.9, 1, 0.9], [-0.5, 0.9, 1]]})
    assert (
        message
        == "groups.g.pearson: expected a correlation matrix (no negative eigenvalue), got one with -0.547: 'a', 'b' and"
        " 'c' contradict each other (a-b 0.9, a-c -0.5, b-c 0.9). The nearest is [[1, 0.6082, -0.2601], [0.6082, 1,"
        " 0.6082], [-0.2601, 0.6082, 1]], at most 0.292 away in an entry and 0.675 in all (Frobenius). Use it, or"
        " mend these 3."
    )


@pytest.mark.parametrize("measure", ["pearson", "spearman", "kendall"])
@pytest.mark.parametrize("copula", [{}, {"copula": "t", "df": 2}])
def test_the_nearest_matrix_can_be_pasted(measure, copula):
    wrong = {"members": ["a", "b", "c"], measure: [[1, 0.8, -0.8], [0.8, 1, 0.8], [-0.8, 0.8, 1]]} | copula
    (message,) = said(wrong)
    pasted = tomllib.loads("x = " + message.split("The nearest is ")[1].split(", at most")[0])["x"]
    assert read(wrong | {measure: pasted}).groups["g"].copula.implied(("a", "b", "c"))


def test_all_problems_are_told_at_once():
    groups = {"g": {"copula": "clayton", "kendall": -1}, "h": {"correlation": 2}, "k": {"df": 3, "copula": "gumbel"}}
    found = said({}, "", groups=groups, run={"paths": 4096, "sampler": "soboll"})
    assert [message.split(":")[0] for message in found] == [
        "run.sampler", "groups.g.kendall", "groups.h.correlation", "groups.k.df",
    ]  # fmt: skip


def test_a_group_says_its_members_or_they_say_their_group():
    one = read({"members": ["c", "a", "b"], "pearson": MATRIX}, "")
    other = read({"members": ["c", "a", "b"], "pearson": MATRIX}, "abc")
    assert one.groups["g"] == other.groups["g"]
    assert one.groups["g"].members == ("a", "b", "c")
    assert [item.group for item in one.inputs] == ["g", "g", "g", None]
    factors = FACTORS | {"a": FACTORS["a"] | {"group": "other"}}
    found = said(
        {}, "", factors=factors, groups={"g": {"correlation": 0, "members": ["a"]}, "other": {"correlation": 0}}
    )
    assert found == ["groups.g.members: 'a' is in group 'other'. A factor is in one."]


GROUPS = {
    "gaussian": {"correlation": 0.5},
    "matrix": {"members": ["c", "a", "b"], "kendall": MATRIX},
    "t": {"copula": "t", "spearman": 0.4, "df": 4},
    "t matrix": {"copula": "t", "members": ["b", "a", "c"], "pearson": MATRIX, "df": 4},
    "clayton": {"copula": "clayton", "theta": 2},
    "gumbel": {"copula": "gumbel", "kendall": 0.4},
    "frank": {"copula": "frank", "kendall": 0.4},
    "joe": {"copula": "joe", "kendall": 0.4},
    "empirical": {"copula": "empirical", "ranks": data(300)},
    "vine": {"copula": "vine", "members": ["b", "a", "c"]},
}


def group_of(name):
    return GROUPS[name] | ({"vine": vine_text()} if name == "vine" else {})


def drawn(study):
    """Draws of a study, [factor, path]."""
    assert [item.name for item in study.inputs] == [*FACTORS]
    return program(study).draws(study.block(0))


@pytest.mark.parametrize("name", by_default(GROUPS, {"t matrix", "frank", "empirical", "vine"}))
def test_draws_follow_the_copula_and_its_study_reads_again(name):
    study = read(group_of(name), run={"paths": 1 << 15, "sampler": "random"})
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


@pytest.mark.parametrize("name", ["t", pytest.param("gumbel", marks=pytest.mark.slow)])
def test_a_member_removed_changes_no_other_draw(name):
    one, other = (drawn(read(GROUPS[name], members)) for members in ("abc", "ac"))
    for k in (0, 2, 3):
        assert_same(other[k], one[k])
    assert not np.array_equal(other[1], one[1])


@pytest.mark.slow
def test_another_group_changes_no_draw():
    one = drawn(read({"copula": "joe", "theta": 2}, "ab"))
    groups = {"f": {"copula": "gumbel", "theta": 2, "members": ["c", "d"]}, "g": {"copula": "joe", "theta": 2}}
    other = drawn(read({}, "ab", groups=groups))
    for k in (0, 1):
        assert_same(other[k], one[k])
