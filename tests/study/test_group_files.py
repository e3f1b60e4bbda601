"""Groups whose dependence stands in a file of data beside the study."""

import tomllib

import numpy as np
import pytest
from click.testing import CliRunner

from engine.cli import main
from engine.draws.copulas.elliptical import Equicorrelated
from engine.errors import UserError
from engine.study.loading import load_study, read_study, resolved_text
from tests.refusals import at
from tests.study.test_group_tables import Four

STUDY = """
name = "four"
run = { paths = 4096 }
[factors]
a = { family = "normal", mean = 0, sd = 1, group = "g" }
b = { family = "normal", mean = 0, sd = 1, group = "g" }
c = { family = "normal", mean = 0, sd = 1 }
d = { family = "normal", mean = 0, sd = 1 }
[groups]
"""


def load(folder, group, **files):
    """The study of a file in a folder, with other files beside it."""
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY + group, encoding="utf-8")
    return load_study(folder / "study.toml", model=Four())


def told(folder, group, **files):
    with pytest.raises(UserError) as caught:
        load(folder, group, **files)
    return [str(problem) for problem in caught.value.problems]


def test_data_beside_a_study_become_ranks(tmp_path):
    rows = np.random.default_rng(1).standard_normal((50, 2))
    text = "b,other,a\n" + "\n".join(f"{b},x,{a}" for a, b in rows)
    study = load(tmp_path, 'g = { copula = "empirical", file = "data.csv" }', data_csv=text)
    copula = study.groups["g"].copula
    assert copula.members == ("a", "b")
    ranks = {tuple(pair) for pair in np.array(copula.ranks).T}
    assert ranks == {tuple(pair) for pair in rows.argsort(axis=0).argsort(axis=0)}
    again = read_study(tomllib.loads(resolved_text(study)), "again", model=Four())
    assert again.fingerprint == study.fingerprint
    assert "file" not in resolved_text(study)


def test_members_against_the_others_are_members_of_a_group_with_one_number(tmp_path):
    study = load(tmp_path, 'g = { correlation = 0.3, against = ["b"] }')
    assert study.groups["g"].copula == Equicorrelated(0.3, ("b",))
    again = read_study(tomllib.loads(resolved_text(study)), "again", model=Four())
    assert again.fingerprint == study.fingerprint
    assert load(tmp_path, "g = { correlation = 0.3 }").fingerprint != study.fingerprint
    (stranger,) = told(tmp_path, 'g = { correlation = 0.3, against = ["c"] }')
    assert stranger.startswith("groups.g.against: unknown member 'c'")
    matrix = "pearson = [[1, 0.5], [0.5, 1]], members = ['a', 'b']"
    (both,) = told(tmp_path, f"g = {{ {matrix}, against = ['b'] }}")
    assert both == at("groups.g.against", "one number", "a matrix")
    (empirical,) = told(tmp_path, 'g = { copula = "empirical", ranks = { a = [0, 1], b = [1, 0] }, against = ["b"] }')
    assert empirical == at("groups.g.against", "no key", "'empirical'")


def test_a_study_that_extends_another_finds_the_files_of_both(tmp_path):
    (tmp_path / "below").mkdir()
    text = "a,b\n" + "\n".join(f"{k},{(k * 7) % 20}" for k in range(20))
    load(tmp_path / "below", 'g = { copula = "empirical", file = "data.csv" }', data_csv=text)
    (tmp_path / "over.toml").write_text('name = "over"\nextends = "below/study.toml"', encoding="utf-8")
    assert len(load_study(tmp_path / "over.toml", model=Four()).groups["g"].copula.ranks[0]) == 20
    (tmp_path / "over.toml").write_text(
        'name = "over"\nextends = "below/study.toml"\ngroups.g = { copula = "t", df = 3, kendall = 0.2 }',
        encoding="utf-8",
    )
    (tmp_path / "more.toml").write_text(
        'name = "more"\nextends = "over.toml"\ngroups.g = { copula = "gaussian", correlation = 0.5 }', encoding="utf-8"
    )
    assert load_study(tmp_path / "over.toml", model=Four()).groups["g"].copula.df == 3
    assert load_study(tmp_path / "more.toml", model=Four()).groups["g"].copula == Equicorrelated(0.5)


def test_files_that_cannot_be_read_are_told_with_all_the_rest(tmp_path):
    group = 'g = { copula = "empirical", file = "data.csv" }\n[policies]\nx = 3'
    file = f"'{tmp_path / 'data.csv'}'"
    found = told(tmp_path, group)
    assert found == [at("policies.x", "a table", 3), at("groups.g.file", file, "no such")]
    group = 'g = { copula = "empirical", file = "data.csv" }'
    assert told(tmp_path, group, data_csv="a,c\n1,2\n") == [at("groups.g.file", file, "column 'b'", "a, c.")]
    assert told(tmp_path, group, data_csv="a,b\n1,2\n1,\n") == [at("groups.g.file", file, "column 'b'", "1 empty")]
    many = "a,b\n" + "1,2\n" * 9000
    assert told(tmp_path, group, data_csv=many) == [at("groups.g.file", file, "9,000 rows", "8,192")]
    (tmp_path / "data.csv").unlink()
    (tmp_path / "data.csv").mkdir()
    assert "is no file" in told(tmp_path, group)[0]


# ---- what check prints


def test_check_prints_the_dependence_of_groups(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "study.toml").write_text(
        STUDY + 'g = { correlation = 0.5 }\n'
        'h = { copula = "t", df = 4, members = ["c", "d"], correlation = 0.5 }', encoding="utf-8"
    )  # fmt: skip
    module = tmp_path / "four.py"
    module.write_text(
        "from engine.modelling.records import Factor, Outcome, StaticModel\n\nclass Four(StaticModel):\n"
        '    factors = {name: Factor("1") for name in "abcd"}\n    outcomes = {"sum": Outcome("1")}\n\n'
        '    def evaluate(self, factors, levers):\n        return {"sum": factors.a + factors.b}\n', encoding="utf-8"
    )  # fmt: skip
    ran = CliRunner().invoke(main, ["check", str(tmp_path / "study.toml"), "--model", f"{module}:Four", "--full"])
    assert ran.exit_code == 0, ran.output
    lines = [" ".join(line.split()) for line in ran.output.splitlines()]
    assert "g gaussian correlation 0.5 0.333 0.483 0 0 a, b" in lines
    assert "h t correlation 0.5, df 4 0.333 0.469 0.253 0.253 c, d" in lines
