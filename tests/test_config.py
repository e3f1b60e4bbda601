"""Study files: what is read, what is refused and in which words, and that a resolved study says the same again."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import assert_close, assert_same
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config import (
    FAMILIES_OF_TABLES,
    SECTIONS,
    StudyText,
    default_tile,
    load_study,
    read_study,
    resolved_text,
    shipped_studies,
)
from engine.errors import UserError
from engine.layers import NAMED_TABLES
from engine.model import Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly, lowest, total
from engine.models.rustbelt.model import Rustbelt
from engine.policies import phased

ROOT = Path(__file__).parents[1]


class Reservoir(PathModel):
    dims = {"region": ("north", "south"), "use": ("farm", "town")}
    factors = {"inflow": Factor("hm3/yr", "mean inflow"), "capacity": Factor("hm3")}
    shocks = {"drought": Shock()}
    levers = {
        "release": Lever("share", 0.2),
        "quota": Lever("hm3", 1.0, ("region",)),
        "price": Lever("1", 2.0, ("region", "use")),
    }
    yearly = {"stock": Yearly("hm3", ("region",))}
    outcomes = {
        "lowest_stock": Outcome("hm3", lowest("stock", {"region": ["north"]})),
        "shortage": Outcome("hm3", total("shortage"), loss=True),
    }

    def init(self, factors, levers):
        return factors.capacity

    def step(self, state, year, factors, shocks, levers):
        return state, {"stock": state, "shortage": factors.inflow}


class Sum(StaticModel):
    factors = {"x": Factor("1"), "y": Factor("1")}
    outcomes = {"sum": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        return {"sum": factors.x + factors.y}


STUDY = """
name = "reservoir"
baseline = "keep"
run = { paths = 1000, seed = 7, sampler = "random" }
time = { first = 2020, last = 2023 }

[groups]
water = { correlation = -0.5 }

[factors.inflow]
family = "lognormal"
p05 = 1.0
p95 = 4.0
group = "water"
source = "gauge"

[factors.capacity]
unit = "hm3"
family = "uniform"
low = 10
high = 20
group = "water"

[factors.will]
family = "triangular"
low = 0
mode = 0.5
high = 1

[policies.keep]
[policies.save]
about = "release less"
implementation = "will"
release = 0.1
[policies.full]
like = "save"
implementation = 1
release = { 2021 = 0.15, 2023 = 0.05 }
quota = { north = { 2022 = 3 }, south = 2 }
[policies.late]
like = "full"
start = 2022
price = { north = { farm = 4 } }

[events.dry]
outcome = "lowest_stock"
below = 2
[events.short]
outcome = "shortage"
above = 8
[events.ruin]
all = ["dry", "short"]
"""
STATIC = """
name = "sum"
[factors]
x = { family = "normal", mean = 0, sd = 1 }
y = { family = "fixed", value = 2 }
"""


def read(text, model=Reservoir, **changes):
    return read_study(tomllib.loads(text), "study.toml", model=model(), **changes)


def said(text, model=Reservoir, **changes):
    """Problems of a study, as lines."""
    with pytest.raises(UserError) as caught:
        read(text, model, **changes)
    assert caught.value.source == "study.toml"
    return [str(problem) for problem in caught.value.problems]


def test_a_study_is_resolved():
    study = read(STUDY)
    assert (study.name, study.seed, study.paths, study.sampler, study.unit) == (
        "reservoir",
        7,
        1000,
        "random",
        1,
    )
    assert study.years == (2020, 2021, 2022, 2023)
    assert [item.name for item in study.inputs] == ["inflow", "capacity", "will"]
    assert study.inputs[0].asked == {0.05: 1.0, 0.95: 4.0}
    assert_close(study.inputs[0].marginal.parameters[0], 2.0)
    assert study.groups["water"].members == ("inflow", "capacity")
    assert study.policy_names == ("keep", "save", "full", "late")
    assert study.events[2].all_of == ("dry", "short")
    assert study.keep.outcomes == ("lowest_stock", "shortage")
    assert (study.keep.draws, study.keep.yearly) == (131_072, 16_384)


def test_levers_hold_by_year_and_label():
    keep, save, full, late = read(STUDY).policies
    assert_same(keep.levers["release"], np.full(4, 0.2))
    assert_same(keep.levers["quota"], np.ones((4, 2)))
    assert_same(full.levers["release"], np.array([0.2, 0.15, 0.15, 0.05]))
    assert_same(full.levers["quota"], np.array([[1.0, 2.0], [1, 2], [3, 2], [3, 2]]))
    assert_same(late.levers["quota"], full.levers["quota"])
    assert_same(late.levers["price"][0], np.array([[4.0, 2.0], [2.0, 2.0]]))
    assert (save.implementation, save.before.name) == ("will", "keep")
    assert (full.implementation, full.before) == (1.0, None)
    assert (late.start, late.before.name) == (2022, "keep")


def test_a_policy_may_phase_in_from_one_that_phases_in_itself():
    study = read(
        STUDY + '[policies.later]\nlike = "full"\nbefore = "late"\nstart = 2023\n', policies=["later"]
    )
    assert study.policy_names == ("keep", "later")
    before = study.policies[1].before
    assert_same(before.levers["release"], np.array([0.2, 0.2, 0.15, 0.05]))
    assert list(study.document["policies"]) == ["keep", "later", "late"]
    half = replace(study.policies[1], implementation=0.5)
    assert_close(phased(half, study.years).levers["release"][-1], 0.05)


@pytest.mark.parametrize("policies", [None, ["late"], ["full", "keep"], ["save", "late"]])
def test_the_resolved_study_reads_as_itself(policies):
    study = read(STUDY, policies=policies)
    again = read(resolved_text(study))
    assert again.document == study.document
    assert again.fingerprint == study.fingerprint
    assert again.policy_names == study.policy_names
    for one, other in zip(study.policies, again.policies, strict=True):
        for lever in one.levers:
            assert_same(one.levers[lever], other.levers[lever])
    assert [item.marginal for item in again.inputs] == [item.marginal for item in study.inputs]


def test_the_resolved_static_study_reads_as_itself():
    study = read(STATIC, Sum)
    assert (study.years, study.policy_names, study.tile) == ((), ("default",), 4096)
    assert read(resolved_text(study), Sum).fingerprint == study.fingerprint


def test_the_fingerprint_sees_numbers_and_neither_order_nor_paths():
    study = read(STUDY)
    table = tomllib.loads(STUDY)
    turned = {key: table[key] for key in reversed(table)}
    turned["factors"] = dict(reversed(table["factors"].items()))
    assert read_study(turned, "s", model=Reservoir()).fingerprint == study.fingerprint
    assert read(STUDY.replace("0.15", "0.150"), run={"paths": 5}).fingerprint == study.fingerprint
    for old, new in [
        ("p05 = 1.0", "p05 = 1.1"),
        ("seed = 7", "seed = 8"),
        ("below = 2", "below = 3"),
        ("0.05 }", "0.06 }"),
    ]:
        assert read(STUDY.replace(old, new)).fingerprint != study.fingerprint, new
    assert replace(study, model_digest="other").fingerprint != study.fingerprint
    assert read(STUDY, run={"tile": 64}).fingerprint != study.fingerprint


def test_policies_that_do_not_run_leave_no_trace():
    text = re.sub(r"\[policies.late\].*?\[events", "[events", STUDY, flags=re.DOTALL)
    assert read(STUDY, policies=["full"]).fingerprint == read(text, policies=["full"]).fingerprint
    assert [item.name for item in read(STUDY, policies=["full"]).inputs] == ["inflow", "capacity"]


def test_policies_that_an_extending_study_adds_also_run(tmp_path):
    added = (
        'name = "mine"\nextends = "rustbelt"\n[policies.half_fund]\nlike = "reform"\nresettlement_fund = 50\n'
    )
    (tmp_path / "mine.toml").write_text(added)
    assert load_study(tmp_path / "mine.toml").policy_names == ("old", "reform", "half_fund")
    (tmp_path / "mine.toml").write_text('compare = ["old", "half_fund"]\n' + added)
    assert load_study(tmp_path / "mine.toml").policy_names == ("old", "half_fund")


def test_a_study_extends_another(tmp_path):
    (tmp_path / "base.toml").write_text(STUDY)
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'name = "mine"\nextends = "base.toml"\nkeep = { outcomes = ["shortage"], draws = 10 }\n'
        "[factors.inflow]\np05 = 3\np50 = 4\np95 = 9\n"
        '[events.dry]\nabove = 3\n[policies.half]\nlike = "save"\nrelease = 0.15\n[policies.full]\nrelease = 0.3\n'
    )
    study = load_study(mine, model=Reservoir(), paths=10, seed=3, tile=64)
    assert (study.name, study.paths, study.seed, study.tile, study.sampler) == ("mine", 10, 3, 64, "random")
    inflow = study.inputs[0]
    assert (inflow.marginal.family, inflow.group, inflow.source) == ("lognormal", "water", "")
    assert inflow.asked == {0.05: 3.0, 0.5: 4.0, 0.95: 9.0}
    assert study.keep.outcomes == ("shortage",)
    assert (study.events[0].outcome, study.events[0].above, study.events[0].below) == (
        "lowest_stock",
        3.0,
        None,
    )
    assert study.policy_names == ("keep", "save", "full", "late", "half")
    assert_same(study.policies[2].levers["release"], np.full(4, 0.3))
    assert study.policies[4].implementation == "will"


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            'extends = "b.toml"',
            'extends = "a.toml"',
            "extends: 'b.toml': extends: 'a.toml': goes in a circle.",
        ),
        ('extends = "a.toml"', "", "extends: 'a.toml': goes in a circle."),
        ('extends = "c.toml"', "", "extends: 'c.toml': no such file."),
        ('extends = "rustbel"', "", "extends: 'rustbel': unknown study 'rustbel'. Did you mean 'rustbelt'?"),
        ("extends = 3", "", "extends: expected a study's name or file, got 3."),
        ('extends = "b.toml"', "x = ", "extends: 'b.toml': at its end: not TOML: invalid value."),
    ],
)
def test_what_cannot_be_extended(tmp_path, first, second, message):
    (tmp_path / "a.toml").write_text(first)
    (tmp_path / "b.toml").write_text(second)
    with pytest.raises(UserError) as caught:
        load_study(tmp_path / "a.toml")
    assert [str(problem) for problem in caught.value.problems] == [message]


NUMBERS = "expected a number, got "
BAD = [
    ('name = "reservoir"', "", "name: is missing."),
    ('name = "reservoir"', 'name = "../x"', "name: expected letters, digits, '_', '-', '.' and spaces (at most 64): the run's folder is named after it; got '../x'."),
    ('name = "reservoir"', 'name = "r"\nfactor = 1', "factor: unknown key 'factor'. Did you mean 'factors'?"),
    ('"random"', '"soboll"', "run.sampler: unknown sampler 'soboll'. Did you mean 'sobol'?"),
    ('"random"', '"sobol"', "run.sampler: 'sobol' is not available yet. Use 'random' or 'antithetic'."),
    ("paths = 1000", "paths = 0", "run.paths: expected at least 1, got 0."),
    ("paths = 1000", "paths = -1", "run.paths: expected at least 1, got -1."),
    ("paths = 1000", "paths = 1e6", "run.paths: expected a whole number, got 1000000.0. Write 1000000."),
    ("paths = 1000", "paths = true", "run.paths: expected a whole number, got true."),
    ("paths = 1000", "paths = 10000000000000000000", "run.paths: expected at most 4611686018427387904, got 10000000000000000000."),
    ("paths = 1000", "tile = 100", "run.tile: expected a power of two from 16 to 131072, got 100."),
    ("seed = 7", "sead = 7", "run.sead: unknown key 'sead'. Did you mean 'seed'?"),
    ("last = 2023", "last = 2019", "time.last: expected at least first = 2020, got 2019."),
    ("last = 2023", "last = 9999", "time.last: expected a horizon of at most 1000 years, got 7980."),
    ("time = { first = 2020, last = 2023 }", "", "time: is missing. Give the years: time = { first = 2016, last = 2030 }."),
    ("correlation = -0.5", "correlation = -1.1", "groups.water.correlation: expected -1 to 1, what 2 factors can have, got -1.1."),
    ("correlation = -0.5", "correlation = 1.1", "groups.water.correlation: expected -1 to 1, what 2 factors can have, got 1.1."),
    ('mode = 0.5', 'mode = 0.5\ngroup = "water"', None),
    ("correlation = -0.5", "correlation = nan", "groups.water.correlation: expected a finite number, got nan."),
    ("correlation = -0.5", "correlation = 0.5, copula = \"t\"", "groups.water.copula: unknown copula 't'. Known: gaussian."),
    ('group = "water"\nsource', 'group = "watr"\nsource', "factors.inflow.group: unknown group 'watr'. Did you mean 'water'?"),
    ("p95 = 4.0", "p95 = 0.5", "factors.inflow.p95: expected more than p05 = 1, got 0.5."),
    ("p95 = 4.0", "p95 = inf", "factors.inflow.p95: expected a finite number, got inf."),
    ("p95 = 4.0", 'p95 = "4"', "factors.inflow.p95: " + NUMBERS + "'4'."),
    ("p95 = 4.0", "p95 = true", "factors.inflow.p95: " + NUMBERS + "true."),
    ("p95 = 4.0", "p95 = 2020-01-01", "factors.inflow.p95: " + NUMBERS + "a date."),
    ("p95 = 4.0", "p95 = 1" + "0" * 400, None),
    ("p95 = 4.0", "p55 = 4.0", "factors.inflow.p55: unknown key 'p55'. Did you mean 'p95'?"),
    ('"lognormal"', '"log-normal"', "factors.inflow.family: unknown family 'log-normal'. Did you mean 'lognormal'?"),
    ('family = "lognormal"\n', "", "factors.inflow.family: is missing. Known: fixed, uniform, normal, lognormal, logit-normal, triangular."),
    ('unit = "hm3"', 'unit = "m3"', "factors.capacity.unit: expected 'hm3', the model's unit, got 'm3'."),
    ("[factors.capacity]", "[factors.capacty]", "factors.capacty: unknown factor 'capacty'. Did you mean 'capacity'?"),
    ("[factors.capacity]", "[factors.capacty]", "factors.capacity: has no prior. Add a table [factors.capacity] with family and p05, p50, p95 or the family's parameters."),
    ('baseline = "keep"', 'baseline = "kept"', "baseline: unknown policy 'kept'. Did you mean 'keep'?"),
    ('baseline = "keep"', 'compare = ["ful"]', "compare: unknown policy 'ful'. Did you mean 'full'?"),
    ('baseline = "keep"', 'compare = ["full", "full"]', "compare: names 'full' twice."),
    ('baseline = "keep"', "compare = []", "compare: expected at least one name, got an empty list."),
    ('baseline = "keep"', 'baseline = "save"', "policies.save.before: the baseline has nothing before it to phase in from. Name a policy: before = \"...\"."),
    ("[policies.keep]", '[policies."a/b"]\n[policies.keep]', "policies.a/b: expected a name of letters, digits, '_' and '-' (at most 100), got 'a/b'."),
    ("[policies.keep]", '[policies.""]\n[policies.keep]', "policies: expected a name of letters, digits, '_' and '-' (at most 100), got ''."),
    ("[policies.keep]", "[policies.keep]\nreleese = 1", "policies.keep.releese: unknown lever 'releese'. Did you mean 'release'?"),
    ("[policies.keep]", "[policies.keep]\nrelease = nan", "policies.keep.release: expected a finite number that single precision holds, got nan."),
    ("[policies.keep]", '[policies.keep]\nrelease = "much"', "policies.keep.release: expected a number, got 'much'."),
    ("[policies.keep]", "[policies.keep]\nrelease = {}", "policies.keep.release: expected at least one entry, got an empty table."),
    ("[policies.keep]", "[policies.keep]\nrelease = { 2019 = 1 }", "policies.keep.release.2019: expected a year of the horizon 2020-2023, got 2019."),
    ("[policies.keep]", "[policies.keep]\nrelease = { north = 1 }", "policies.keep.release.north: expected a year, got 'north'."),
    ("[policies.keep]", "[policies.keep]\nquota = { nort = 1 }", "policies.keep.quota.nort: unknown label of 'region' 'nort'. Did you mean 'north'?"),
    ("[policies.keep]", "[policies.keep]\nstart = 2030", "policies.keep.start: expected a year of the horizon 2020-2023, got 2030."),
    ("[policies.save]", '[policies.save]\nlike = "late"', "policies.full.like: goes in a circle: save -> late -> full -> save."),
    ("[policies.keep]", '[policies.keep]\nbefore = "late"', "policies.late.before: goes in a circle: keep -> late -> keep."),
    ("[policies.keep]", '[policies.keep]\nlike = "saev"', "policies.keep.like: unknown policy 'saev'. Did you mean 'save'?"),
    ("[policies.keep]", '[policies.keep]\nbefore = "saev"', "policies.keep.before: unknown policy 'saev'. Did you mean 'save'?"),
    ("[policies.keep]", "[policies.keep]\nimplementation = 1.5", "policies.keep.implementation: expected a share from 0 to 1 or the name of a factor, got 1.5."),
    ("[policies.keep]", "[policies.keep]\nimplementation = []", "policies.keep.implementation: expected a share from 0 to 1 or the name of a factor, got a list."),
    ('"will"', '"wil"', "policies.save.implementation: unknown factor 'wil'. Did you mean 'will'?"),
    ('"will"', '"capacity"', "policies.save.implementation: expected a factor drawn from 0 to 1; 'capacity' reaches 10 to 20. Use 'logit-normal', or 'uniform' or 'triangular' inside these bounds."),
    ("start = 2022", 'start = 2022\nbefore = "save"', "policies.late.before: 'save' is drawn (implementation = \"will\"), so nothing can phase in from it."),
    ('"lowest_stock"', '"lowest_stok"', "events.dry.outcome: unknown outcome 'lowest_stok'. Did you mean 'lowest_stock'?"),
    ("below = 2", "", "events.dry: expected a threshold, above or below, got none."),
    ("below = 2", "below = 2\nabove = 3", "events.dry: expected a threshold, above or below, got both."),
    ('outcome = "shortage"', "", "events.short: has no outcome. Add outcome = \"...\" and above or below."),
    ("[events.dry]", "[events.shortage]", "events.shortage: is the name of an outcome; take another."),
    ('["dry", "short"]', '["dri", "short"]', "events.ruin.all: unknown event 'dri'. Did you mean 'dry'?"),
    ('["dry", "short"]', '["ruin"]', "events.ruin.all: expected events with a threshold of their own; 'ruin' has none."),
    ('["dry", "short"]', "[]", "events.ruin.all: expected at least one event, got none."),
    ('["dry", "short"]', '["dry"]\nabove = 1', "events.ruin: expected either `all` or an outcome with a threshold, got both."),
    ("[groups]", '[keep]\noutcomes = "most"\n[groups]', "keep.outcomes: expected 'all', 'none' or a list of outcomes, got 'most'. Known: all, headline, none."),
    ("[groups]", '[keep]\noutcomes = ["shortag"]\n[groups]', "keep.outcomes: unknown outcome 'shortag'. Did you mean 'shortage'?"),
    ("[groups]", "[keep]\ndraws = -1\n[groups]", "keep.draws: expected at least 0, got -1."),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), [case for case in BAD if case[2]])
def test_what_is_wrong_is_said(old, new, message):
    assert old in STUDY
    assert message in said(STUDY.replace(old, new, 1))


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_what_is_wrong_is_never_a_crash(old, new, message):
    try:
        read(STUDY.replace(old, new, 1))
    except UserError as error:
        assert str(error).startswith("study.toml: ")


def test_all_problems_at_once():
    text = (
        STUDY.replace('"random"', '"soboll"')
        .replace("p95 = 4.0", "p95 = 0.5")
        .replace("below = 2", "belw = 2")
    )
    with pytest.raises(UserError) as caught:
        read(text)
    assert str(caught.value).splitlines() == [
        "study.toml: 3 problems",
        "  events.dry.belw: unknown key 'belw'. Did you mean 'below'?",
        "  run.sampler: unknown sampler 'soboll'. Did you mean 'sobol'?",
        "  factors.inflow.p95: expected more than p05 = 1, got 0.5.",
    ]


@pytest.mark.parametrize(("n", "low"), [(1, -1.0), (2, -1.0), (3, -0.5)])
def test_the_range_of_a_correlation_depends_on_the_members(n, low):
    members = "\n".join(f'[factors.x{k}]\nfamily = "normal"\nmean = 0\nsd = 1\ngroup = "g"' for k in range(n))
    text = f'name = "s"\ngroups.g.correlation = -1.01\n{members}'

    class Many(Sum):
        factors = {f"x{k}": Factor("1") for k in range(n)}

    message = f"groups.g.correlation: expected {low:g} to 1, what {n} factors can have, got -1.01."
    assert said(text, Many) == [message]
    assert read(text.replace("-1.01", str(low)), Many).groups["g"].correlation == low


def test_a_static_study_knows_no_years():
    assert said("time = { first = 1, last = 2 }\n" + STATIC, Sum) == [
        "time: model 'Sum' has no years. Remove the table."
    ]

    class WithLever(Sum):
        levers = {"shift": Lever("1")}

    assert said(STATIC, WithLever) == [
        "policies: expected at least one policy, got none. Add [policies.NAME] with the model's levers."
    ]
    text = STATIC + "[policies.a]\nstart = 2020\nshift = { 2020 = 1 }\n"
    assert said(text, WithLever) == [
        "policies.a.start: a static model has no years. Remove it.",
        "policies.a.shift: a static model has no years. Give a number.",
    ]
    study = read(STATIC + "[policies.a]\n[policies.b]\nshift = 2\nimplementation = 0.5\n", WithLever)
    assert_same(study.policies[1].levers["shift"], np.array([2.0]))
    assert study.policies[1].before is study.policies[0] or study.policies[1].before.name == "a"


def test_one_year_is_a_horizon():
    text = re.sub(
        r"\[policies.full\].*?\[events",
        "[events",
        STUDY.replace("last = 2023", "last = 2020"),
        flags=re.DOTALL,
    )
    assert read(text).years == (2020,)


def test_policies_asked_for():
    assert read(STUDY, policies=["full"]).policy_names == ("keep", "full")
    assert read(STUDY, policies=["full", "keep"]).policy_names == ("full", "keep")
    assert "compare: unknown policy 'fulll'. Did you mean 'full'?" in said(STUDY, policies=["fulll"])


def test_the_model_of_a_study():
    text = 'model = "rustbet"\n' + STUDY
    with pytest.raises(
        UserError,
        match=r"unknown model 'rustbet'. Did you mean 'rustbelt'\? A model of your own .* --model FILE:CLASS",
    ):
        read_study(tomllib.loads(text), "s")
    with pytest.raises(UserError, match="model: is missing"):
        read_study(tomllib.loads(STUDY), "s")
    assert read(text).model_name == "Reservoir"


@pytest.mark.parametrize(("n", "tile"), [(1, 1024), (2, 1024), (3, 512), (8, 256), (100, 64)])
def test_tile(n, tile):
    assert default_tile(Reservoir(), n) == tile
    assert default_tile(Sum(), n) == 4096


@pytest.mark.parametrize(("n", "tile"), [(1, 1024), (2, 512), (3, 256), (8, 128), (100, 64)])
def test_tile_of_a_model_that_carries_much(n, tile):
    assert default_tile(Rustbelt(), n) == tile


FILES = [
    (b"x = \ny = 1", "line 1, column 5: not TOML: invalid value."),
    (b"x = 1\nx = 2\n", "line 2, column 6: not TOML: cannot overwrite a value."),
    (b"[a", "at its end: not TOML: expected ']' at the end of a table declaration."),
    (b'name = "\xff"', "expected UTF-8 text, got byte 0xff at 8."),
    (b"x = " + b"[" * 5000, "its values are nested too deeply."),
    (b"#" * (1 << 20) + b"#", "expected a study file of at most 1048576 bytes, got 1048577."),
]


@pytest.mark.parametrize(("content", "message"), FILES)
def test_files_that_cannot_be_read(tmp_path, content, message):
    path = tmp_path / "s.toml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_study(path)
    assert caught.value.source == str(path)
    assert [str(problem) for problem in caught.value.problems] == [message]


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="1 problem\n  no such file"):
        load_study(tmp_path / "absent.toml")
    with pytest.raises(UserError, match=r"no such file\. Studies that ship: rustbelt"):
        load_study("absent")
    with pytest.raises(UserError, match=r"is a folder; expected a study file \(.toml\)\.$"):
        load_study(tmp_path)
    (tmp_path / "study.toml").write_text(STUDY)
    with pytest.raises(UserError, match=r"Did you mean '.*study.toml'\?"):
        load_study(tmp_path)
    with pytest.raises(UserError):
        load_study("a\0b.toml")


def test_the_byte_order_mark_of_an_editor_is_no_error(tmp_path):
    path = tmp_path / "s.toml"
    path.write_bytes(b"\xef\xbb\xbf" + STATIC.encode())
    assert load_study(path, model=Sum()).name == "sum"


# ---- any table at all

WORDS = st.sampled_from(
    [
        "name",
        "model",
        "baseline",
        "compare",
        "run",
        "time",
        "groups",
        "factors",
        "policies",
        "events",
        "keep",
        "paths",
        "seed",
        "sampler",
        "tile",
        "first",
        "last",
        "inflow",
        "capacity",
        "will",
        "water",
        "family",
        "p05",
        "p95",
        "low",
        "group",
        "correlation",
        "release",
        "quota",
        "price",
        "north",
        "farm",
        "2021",
        "like",
        "before",
        "start",
        "above",
        "implementation",
        "outcome",
        "all",
        "below",
        "dry",
        "shortage",
        "save",
        "outcomes",
        "draws",
        "a/b",
        "extends",
        "",
    ]
)  # the last is the empty name
VALUES = st.recursive(
    st.one_of(WORDS, st.integers(), st.floats(), st.booleans(), st.dates(), st.sampled_from([0, 1, 2021, 10**400, -(10**400)])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)  # fmt: skip
PLACES = st.lists(st.tuples(st.lists(WORDS, min_size=1, max_size=4), VALUES), min_size=1, max_size=4)


def placed(table, keys, value):
    for key in keys[:-1]:
        if not isinstance(table.get(key), dict):
            table[key] = {}
        table = table[key]
    table[keys[-1]] = value


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(PLACES, st.sampled_from([STUDY, STATIC, ""]), st.sampled_from([Reservoir, Sum, None]))
def test_no_table_crashes_the_reader(changes, text, model):
    tables = tomllib.loads(text)
    for keys, value in changes:
        placed(tables, keys, value)
    try:
        study = read_study(tables, "study.toml", model=model and model())
    except UserError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)
    else:
        assert (
            read_study(tomllib.loads(resolved_text(study)), "again", model=study.model).fingerprint
            == study.fingerprint
        )


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=80), st.integers(0, len(STUDY)))
def test_no_file_crashes_the_reader(tmp_path, noise, position):
    path = tmp_path / "s.toml"
    path.write_bytes(STUDY[:position].encode() + noise + STUDY[position:].encode())
    try:
        load_study(path, model=Reservoir())
    except UserError as error:
        assert error.problems


# ---- what ships, and the documentation


@pytest.mark.parametrize("name", list(shipped_studies()))
def test_studies_that_ship_are_read(name):
    study = load_study(name)
    assert study.is_path_model and study.paths >= 1
    everything = load_study(
        name, policies=list(tomllib.loads(shipped_studies()[name].read_text())["policies"])
    )
    again = read_study(tomllib.loads(resolved_text(everything)), "again")
    assert again.fingerprint == everything.fingerprint != study.fingerprint


def test_five_lines_on_top_of_what_ships(tmp_path):
    mine = tmp_path / "half.toml"
    mine.write_text(
        'name = "half-fund"\nextends = "rustbelt"\n[factors.steel_recovery_years]\np05 = 3.0\np95 = 9.0\n'
        'source = "our desk, March"\n[policies.half_fund]\nlike = "reform"\nresettlement_fund = 50\n'
    )
    study = load_study(mine, policies=["half_fund"])
    assert study.policy_names == ("old", "half_fund")
    assert_same(study.policies[1].levers["resettlement_fund"], np.full(15, 50.0))
    assert study.inputs[0].source == "our desk, March"


def test_the_documentation_names_every_key():
    text = (ROOT / "docs" / "study-file.md").read_text()
    named = set(re.findall(r"`([\w.]+)`", text))
    keys = [*StudyText.model_fields, "extends"]
    for table, schema in (SECTIONS | FAMILIES_OF_TABLES).items():
        keys += [
            f"{table}.{key}" if table in SECTIONS else f"{table}.NAME.{key}" for key in schema.model_fields
        ]
    assert [key for key in keys if key not in named] == []
    assert set(NAMED_TABLES) == set(FAMILIES_OF_TABLES)


def test_the_example_of_the_documentation_is_read():
    text = (ROOT / "docs" / "study-file.md").read_text()
    whole, *_ = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    study = read(whole)
    for key in StudyText.model_fields:
        assert re.search(rf"^\[?{key}\b", whole, flags=re.MULTILINE), key
    assert study.policy_names == ("keep", "save", "late")
