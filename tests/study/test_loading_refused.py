"""Study files: what is refused, and in which words."""

import re
import tomllib

import numpy as np
import pytest

from engine.draws.distributions.scipy_catalogue import continuous_names, discrete_names, parameter_names
from engine.errors import UserError, closest
from engine.modelling.records import Factor, Lever
from engine.study.loading import load_study, read_study
from engine.study.schema import FactorTable, LawTable, ShockTable
from tests.helpers import assert_same
from tests.refusals import at, refuses
from tests.reservoirs import STATIC, STUDY, Sum, read, said

NUMBERS = "expected a number, got "
HORIZON = "policies.late.start: expected a year of the horizon 2020-2023, or up to 2073"
BAD = [
    ('name = "reservoir"', "", "name: is missing."),
    (
        'name = "reservoir"',
        'name = "../x"',
        (
            "name: expected letters, digits, '_', '-', '.' and spaces (at most 64): the run's folder is"
            " named after it; got '../x'."
        ),
    ),
    ('name = "reservoir"', 'name = "r"\nfactor = 1', "factor: unknown key 'factor'. Did you mean 'factors'?"),
    ('"random"', '"soboll"', "run.sampler: unknown sampler 'soboll'. Did you mean 'sobol'?"),
    (
        '"random"',
        '"latin"',
        "run.sampler: sampler 'latin' was removed. Take 'sobol' (replicates of 4,096 points) or 'antithetic'.",
    ),
    (
        '"random"',
        '"sobol"',
        "run.paths: expected a multiple of 4096, whole replicates of sampler 'sobol', got 1000. Take 4096.",
    ),
    ("paths = 1000", "paths = 0", "run.paths: expected at least 1, got 0."),
    ("paths = 1000", "paths = 1e6", "run.paths: expected a whole number, got 1000000.0. Write 1000000."),
    ("paths = 1000", "paths = true", "run.paths: expected a whole number, got true."),
    (
        "paths = 1000",
        "paths = 10000000000000000000",
        "run.paths: expected at most 4611686018427387904, got 10000000000000000000.",
    ),
    ("paths = 1000", "tile = 100", "run.tile: expected a power of two from 16 to 131072, got 100."),
    ("seed = 7", "sead = 7", "run.sead: unknown key 'sead'. Did you mean 'seed'?"),
    (
        'baseline = "keep"',
        'baseline = "keep"\nrisk = { levels = [0.975] }',
        (
            "risk.levels: expected per cent between 50 and 100, of at most six digits, such as 97.5; got"
            " 0.975. Write 97.5."
        ),
    ),
    (
        'baseline = "keep"',
        'baseline = "keep"\nrisk = { levels = [50, 97.5] }',
        "risk.levels: expected per cent between 50 and 100, of at most six digits, such as 97.5; got 50.0.",
    ),
    (
        'baseline = "keep"',
        'baseline = "keep"\nrisk = { levels = [99.99999] }',
        "risk.levels: expected per cent between 50 and 100, of at most six digits, such as 97.5; got 99.99999.",
    ),
    ('baseline = "keep"', 'baseline = "keep"\nrisk = { levels = 97.5 }', "risk.levels: expected a list, got 97.5."),
    (
        'baseline = "keep"',
        f'baseline = "keep"\nrisk = {{ levels = {[97.5] * 21} }}',
        "risk.levels: expected at most 20 levels, got 21.",
    ),
    ("last = 2023", "last = 2019", "time.last: expected at least first = 2020, got 2019."),
    (
        "last = 2023",
        "last = 30000",
        (
            "time.last: expected at most 20,000 steps of a year, got 27,981. Take a longer step, and let"
            " the model make several of it."
        ),
    ),
    ("last = 2023", "last = 1200000", "time.last: expected at most 999999, got 1200000."),
    (
        "time = { first = 2020, last = 2023 }",
        "",
        "time: is missing. Give the years: time = { first = 2016, last = 2030 }.",
    ),
    (
        "correlation = -0.5",
        "correlation = -1.1",
        "groups.water.correlation: expected -1 to 1, what 2 factors can have, got -1.1.",
    ),
    (
        "correlation = -0.5",
        "correlation = 1.1",
        "groups.water.correlation: expected -1 to 1, what 2 factors can have, got 1.1.",
    ),
    ("correlation = -0.5", "correlation = nan", "groups.water.correlation: expected a finite number, got nan."),
    (
        "correlation = -0.5",
        'correlation = 0.5, copula = "t"',
        "groups.water.df: expected 1 to 1000 degrees of freedom, got none. The fewer, the heavier the joint tails;"
        " for more use 'gaussian'.",
    ),
    (
        "correlation = -0.5",
        'correlation = 0.5, copula = "gausian"',
        "groups.water.copula: unknown copula 'gausian'. Did you mean 'gaussian'?",
    ),
    (
        'group = "water"\nsource',
        'group = "watr"\nsource',
        "factors.inflow.group: unknown group 'watr'. Did you mean 'water'?",
    ),
    ("p95 = 4.0", "p95 = 0.5", "factors.inflow.p95: expected more than p05 = 1, got 0.5."),
    ("p95 = 4.0", "p95 = inf", "factors.inflow.p95: expected a finite number, got inf."),
    ("p95 = 4.0", 'p95 = "4"', "factors.inflow.p95: " + NUMBERS + "'4'."),
    ("p95 = 4.0", "p95 = true", "factors.inflow.p95: " + NUMBERS + "true."),
    ("p95 = 4.0", "p95 = 2020-01-01", "factors.inflow.p95: " + NUMBERS + "a date."),
    ("p95 = 4.0", "p95 = 1" + "0" * 400, "factors.inflow.p95: " + NUMBERS + "a number of more than 30 digits."),
    ("p95 = 4.0", "p95 = 4.0\nresampled = 1", "factors.inflow.resampled: expected true or false, got 1."),
    (
        "p95 = 4.0",
        'p95 = 4.0\nfile = "data.csv"',
        'factors.inflow.file: files of data were removed. Give the numbers: family = "empirical", values = [1, 2.5].',
    ),
    ("p95 = 4.0", "p55 = 4.0", "factors.inflow.p55: unknown key 'p55' for family 'lognormal'. Did you mean 'p95'?"),
    ('"lognormal"', '"log-normal"', "factors.inflow.family: unknown family 'log-normal'. Did you mean 'lognormal'?"),
    (
        'family = "lognormal"\n',
        "",
        "factors.inflow.family: is missing. Common: normal, lognormal, uniform, triangular, pert, metalog.",
    ),
    ('unit = "hm3"', 'unit = "m3"', "factors.capacity.unit: expected 'hm3', the model's unit, got 'm3'."),
    ("[factors.capacity]", "[factors.capacty]", "factors.capacty: unknown factor 'capacty'. Did you mean 'capacity'?"),
    (
        "[factors.capacity]",
        "[factors.capacty]",
        (
            "factors.capacity: has no prior. Add a table [factors.capacity] with family and p05, p50, p95"
            " or the family's parameters."
        ),
    ),
    ('baseline = "keep"', 'baseline = "kept"', "baseline: unknown policy 'kept'. Did you mean 'keep'?"),
    ('baseline = "keep"', 'compare = ["ful"]', "compare: unknown policy 'ful'. Did you mean 'full'?"),
    ('baseline = "keep"', 'compare = ["full", "full"]', "compare: names 'full' twice. Remove one."),
    ('baseline = "keep"', "compare = []", "compare: expected at least one name, got an empty list."),
    (
        'baseline = "keep"',
        'baseline = "save"',
        'policies.save.before: the baseline has nothing before it to phase in from. Name a policy: before = "...".',
    ),
    (
        "[policies.keep]",
        '[policies."a/b"]\n[policies.keep]',
        "policies.a/b: expected a name of letters, digits, '_' and '-' (at most 100), got 'a/b'.",
    ),
    (
        "[policies.keep]",
        '[policies.""]\n[policies.keep]',
        "policies: expected a name of letters, digits, '_' and '-' (at most 100), got ''.",
    ),
    (
        "[policies.save]",
        '[policies.save]\nlike = "late"',
        "policies.full.like: goes in a circle: save -> late -> full -> save.",
    ),
    (
        "[policies.keep]",
        '[policies.keep]\nbefore = "late"',
        "policies.late.before: goes in a circle: keep -> late -> keep.",
    ),
    (
        '"will"',
        '"wil"',
        (
            "policies.save.implementation: expected a number, or the name of a factor; unknown factor 'wil'."
            " Did you mean 'will'?"
        ),
    ),
    (
        '"will"',
        '"capacity"',
        (
            "policies.save.implementation: expected 0 to 1, got 'capacity', which is drawn from 10 to 20. These"
            " are its bounds. Cut the prior to them: truncate = { low = 0, high = 1 }."
        ),
    ),
    (
        "start = 2022",
        'start = 2022\nbefore = "save"',
        "policies.late.before: 'save' is drawn (implementation = \"will\"), so nothing can phase in from it.",
    ),
    (
        '"lowest_stock"',
        '"lowest_stok"',
        "events.dry.outcome: unknown outcome 'lowest_stok'. Did you mean 'lowest_stock'?",
    ),
    ("below = 2", "", "events.dry: expected a threshold, above or below, got none."),
    ("below = 2", "below = 2\nabove = 3", "events.dry: expected a threshold, above or below, got both."),
    ('outcome = "shortage"', "", 'events.short: has no outcome. Add outcome = "..." and above or below.'),
    ("[events.dry]", "[events.shortage]", "events.shortage: is the name of an outcome; take another."),
    ('["dry", "short"]', '["dri", "short"]', "events.ruin.all: unknown event 'dri'. Did you mean 'dry'?"),
    (
        '["dry", "short"]',
        '["ruin"]',
        "events.ruin.all: expected events with a threshold of their own; 'ruin' has none.",
    ),
    ('["dry", "short"]', "[]", "events.ruin.all: expected at least one event, got none."),
    (
        '["dry", "short"]',
        '["dry"]\nabove = 1',
        "events.ruin: expected either `all` or an outcome with a threshold, got both.",
    ),
    ('all = ["dry", "short"]', 'any = ["dri"]', "events.ruin.any: unknown event 'dri'. Did you mean 'dry'?"),
    (
        'all = ["dry", "short"]',
        'any = ["dry"]\nall = ["dry"]',
        "events.ruin: expected either `all` or `any`, got both.",
    ),
    (
        "[groups]",
        '[keep]\noutcomes = "most"\n[groups]',
        "keep.outcomes: expected 'all', 'none' or a list of outcomes, got 'most'. Known: all, headline, none.",
    ),
    (
        "[groups]",
        '[keep]\noutcomes = ["shortag"]\n[groups]',
        "keep.outcomes: unknown outcome 'shortag'. Did you mean 'shortage'?",
    ),
    ("[groups]", "[keep]\ndraws = -1\n[groups]", "keep.draws: expected at least 0, got -1."),
]
OF_KEEP = [
    ("releese = 1", "releese: unknown lever 'releese'. Did you mean 'release'?"),
    ("release = nan", "release: expected a finite number that single precision holds, got nan."),
    (
        'release = "much"',
        "release: expected a number, or the name of a factor; unknown factor 'much'. Known: inflow, capacity, will.",
    ),
    ("release = {}", "release: expected at least one entry, got an empty table."),
    ("release = { 2019 = 1 }", "release.2019: expected a year of the horizon 2020-2023, or up to 2073, got 2019."),
    ("release = { north = 1 }", "release.north: expected a year, got 'north'."),
    ("quota = { nort = 1 }", "quota.nort: unknown label of 'region' 'nort'. Did you mean 'north'?"),
    ("start = 2074", "start: expected a year of the horizon 2020-2023, or up to 2073, got 2074."),
    ('like = "saev"', "like: unknown policy 'saev'. Did you mean 'save'?"),
    ('before = "saev"', "before: unknown policy 'saev'. Did you mean 'save'?"),
    ("implementation = 1.5", "implementation: expected a share from 0 to 1 or the name of a factor, got 1.5."),
    ("implementation = []", "implementation: expected a share from 0 to 1 or the name of a factor, got a list."),
]
BAD += [("[policies.keep]", f"[policies.keep]\n{new}", f"policies.keep.{message}") for new, message in OF_KEEP]
REMEDIES = [
    ("seed = 7", "seed = 7.0", "run.seed: expected a whole number, got 7.0. Write 7."),
    ("seed = 7", "seed = 1e38", "run.seed: expected a whole number, got 1e+38."),
    ('"random"', '"magic"', "run.sampler: unknown sampler 'magic'. Known: random, antithetic, sobol."),
    ("start = 2022", f"start = {10**400}", f"{HORIZON}, got a number of more than 30 digits."),
    ("start = 2022", "start = 2019", f"{HORIZON}, got 2019."),
    ("2022 = 3", "2022 = 3, late = 2", "policies.full.quota.north.late: expected a year, got 'late'."),
    ('group = "water"', 'groop = "water"', "factors.inflow.groop: unknown key 'groop'. Did you mean 'group'?"),
    (
        "[factors.capacity]",
        '[factors.capacty]\nfamily = "fixed"\nvalue = 1\n[factors.capacity]',
        "factors.capacty: unknown factor 'capacty'. Did you mean 'capacity'?",
    ),
    (
        "[factors.inflow]",
        '[factors."inflow[north]"]\nfamily = "fixed"\nvalue = 1\n[factors.inflow]',
        "factors.inflow[north]: factors by label were removed. Declare one factor for each label in the model.",
    ),
    ("family =", "famly =", "factors.inflow.famly: unknown key 'famly'. Did you mean 'family'?"),
    (
        'family = "lognormal"\np05 = 1.0\np95 = 4.0',
        'family = "gamma"\na = 2020-01-01',
        "factors.inflow.a: expected a number, got a date.",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), REMEDIES)
def test_what_is_wrong_is_said_with_what_helps_and_nothing_else(old, new, message):
    assert said(STUDY.replace(old, new, 1)) == [message]


def test_no_parameter_of_a_law_is_taken_for_another_key():
    named = (*continuous_names(), *discrete_names())
    keys = {key for name in named for key in parameter_names(name)} | LawTable.model_fields.keys()
    beside = {"family", "source"} | (FactorTable.model_fields.keys() | ShockTable.model_fields.keys())
    beside -= LawTable.model_fields.keys() - {"family", "source"}
    assert not [key for key in keys - LawTable.model_fields.keys() if closest(key, beside)]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_what_is_wrong_is_said(old, new, message):
    assert old in STUDY
    with pytest.raises(UserError, match=r"^study\.toml: ") as refused:
        read(STUDY.replace(old, new, 1))
    assert message in map(str, refused.value.problems)


def test_years_that_cannot_be_are_said_alone_and_no_policy_is_blamed():
    assert said(STUDY.replace("last = 2023", "last = 2019")) == [at("time.last", "first = 2020", 2019)]
    both = said(STUDY.replace("last = 2023", "last = 40000").replace("below = 2", "belw = 2"))
    assert [text.partition(":")[0] for text in both] == ["events.dry.belw", "time.last"]


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ("last = 2023", "last = nan", "time.last"),
        ('name = "reservoir"', "name = 3", "name"),
        ('baseline = "keep"', "compare = nan", "compare"),
    ],
)
def test_a_key_of_another_type_hides_no_name_that_nothing_answers_to(old, new, at):
    both = said(STUDY.replace(old, new).replace("[factors.capacity]", "[factors.capacty]"))
    assert [text.partition(":")[0] for text in both] == [at, "factors.capacty", "factors.capacity"]


def test_all_problems_at_once():
    text = STUDY.replace('"random"', '"soboll"').replace("p95 = 4.0", "p95 = 0.5").replace("below = 2", "belw = 2")
    with pytest.raises(UserError) as caught:
        read(text)
    head, *lines = str(caught.value).splitlines()
    assert head == "study.toml: 3 problems" and all(line.startswith("  ") for line in lines)
    assert lines == [
        at("events.dry.belw", "key 'belw'", "'below'"),
        at("run.sampler", "sampler 'soboll'", "'sobol'"),
        at("factors.inflow.p95", "p05 = 1", 0.5),
    ]


def test_the_rest_of_a_table_with_a_misspelt_key_is_checked():
    event = 'outcome = "lowest_stock"\nbelow = 2'
    assert event in STUDY
    misspelt = at("events.dry.belw", "key 'belw'", "'below'")
    assert said(STUDY.replace(event, 'outcome = "lowest_stok"\nbelw = 2')) == [
        misspelt,
        at("events.dry.outcome", "outcome 'lowest_stok'", "'lowest_stock'"),
    ]
    assert said(STUDY.replace(event, 'outcome = "lowest_stock"\nbelw = "two"')) == [misspelt]
    assert said(STUDY.replace(event, 'outcome = "lowest_stok"\nbelow = 2\nbelw = 2')) == [misspelt]


@pytest.mark.parametrize(("n", "low"), [(1, -1.0), (2, -1.0), (3, -0.5)])
def test_the_range_of_a_correlation_depends_on_the_members(n, low):
    members = "\n".join(f'[factors.x{k}]\nfamily = "normal"\nmean = 0\nsd = 1\ngroup = "g"' for k in range(n))
    text = f'name = "s"\ngroups.g.correlation = -1.01\n{members}'

    class Many(Sum):
        factors = {f"x{k}": Factor("1") for k in range(n)}

    message = f"groups.g.correlation: expected {low:g} to 1, what {n} factors can have, got -1.01."
    assert said(text, Many) == [message]
    assert read(text.replace("-1.01", str(low)), Many).groups["g"].copula.correlation == low


def test_a_static_study_knows_no_years():
    assert said("time = { first = 1, last = 2 }\n" + STATIC, Sum) == [at("time", "'Sum'", "no years")]

    class WithLever(Sum):
        levers = {"shift": Lever("1")}

    assert said(STATIC, WithLever) == [at("policies", "at least one", "[policies.NAME]")]
    text = STATIC + "[policies.a]\nstart = 2020\nshift = { 2020 = 1 }\n"
    assert said(text, WithLever) == [
        at("policies.a.start", "static model"),
        at("policies.a.shift", "static model", "a number"),
    ]
    study = read(STATIC + "[policies.a]\n[policies.b]\nshift = 2\nimplementation = 0.5\n", WithLever)
    assert_same(study.policies[1].levers["shift"], np.array([2.0]))
    assert study.policies[1].before is study.policies[0] or study.policies[1].before.name == "a"


def test_one_year_is_a_horizon():
    text = re.sub(
        r"\[policies.full\].*?\[events", "[events", STUDY.replace("last = 2023", "last = 2020"), flags=re.DOTALL
    )
    assert read(text).years == (2020,)


def test_policies_asked_for():
    assert read(STUDY, policies=["full"]).policy_names == ("keep", "full")
    assert read(STUDY, policies=["full", "keep"]).policy_names == ("full", "keep")
    assert at("--policies", "policy 'fulll'", "'full'") in said(STUDY, policies=["fulll"])


def test_the_model_of_a_study():
    text = 'model = "rustbet"\n' + STUDY
    with refuses("model", "model 'rustbet'", "'rustbelt'", "--model FILE:CLASS"):
        read_study(tomllib.loads(text), "s")
    with refuses("model", "missing"):
        read_study(tomllib.loads(STUDY), "s")
    assert read(text).model_name == "Reservoir"


def test_tables_in_python_hold_plain_values():
    with refuses("compare", "expected a list", "dict_keys"):
        load_study({"extends": "rustbelt", "compare": {}.keys()})
