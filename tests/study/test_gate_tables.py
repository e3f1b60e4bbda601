"""Gates of a study file: read, laid over others, refused with all that is wrong at once; no part of what a run is."""

import pytest

from engine.study.loading import load_study, resolved_text
from tests.refusals import at
from tests.reservoirs import STUDY, Reservoir, read, said
from tests.small_files import write

GATE = """
[gates.stock]
about = "as read"
source = "gauge"
policy = "late"
variable = "stock"
at = { region = "north" }
year = 2021
inside_90 = 15
"""


def test_a_gate_is_read_and_names_what_it_asks():
    gate = read(STUDY + GATE).gates["stock"]
    assert (gate.about, gate.source) == ("as read", "gauge")
    assert (gate.policy, gate.variable, gate.at, gate.all_years) == ("late", "stock", {"region": ["north"]}, [2021])
    assert (gate.stated, gate.limits, gate.across) == (["inside_90"], [15.0], None)
    several = GATE.replace("year = 2021", 'years = [2020, 2021]\nacross = "mean"').replace(
        "inside_90 = 15", "median_within = [1, 2]"
    )
    (gate,) = read(STUDY + several).gates.values()
    assert (gate.all_years, gate.across, gate.stated, gate.limits) == (
        [2020, 2021],
        "mean",
        ["median_within"],
        [1.0, 2.0],
    )


def test_a_name_of_both_kinds_is_a_yearly_variable_with_a_year_and_an_outcome_without():
    class Both(Reservoir):
        yearly = {**Reservoir.yearly, "shortage": Reservoir.yearly["stock"]}

    text = STUDY + '[gates.a]\npolicy = "keep"\nvariable = "shortage"\nmedian_above = 1\n'
    assert read(text, Both).gates["a"].all_years == []
    assert read(text + 'year = 2021\nacross = "sum"\n', Both).gates["a"].all_years == [2021]


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ('policy = "late"', 'policy = "lat"', ".policy", ["policy 'lat'", "'late'"]),
        ('policy = "late"\n', "", ".policy", ["missing", "full, late."]),
        ('variable = "stock"', 'variable = "stok"', ".variable", ["variable 'stok'", "'stock'"]),
        ('variable = "stock"\n', "", ".variable", ["missing", "stock"]),
        ("year = 2021\n", "", ".variable", ["'stock'", "yearly variable", "year = 2020"]),
        ('variable = "stock"', 'variable = "lowest_stock"', ".variable", ["'lowest_stock'", "an outcome", "no year"]),
        ("year = 2021", 'years = [2021, 2022, 2021]\nacross = "sum"', ".years", ["a year twice"]),
        (
            'region = "north" }',
            'region = ["north", "south", "north"] }\nacross = "sum"',
            ".at.region",
            ["'north' twice"],
        ),
        ("year = 2021", "year = 2021\nyears = [2021]", ".year", ["with years"]),
        ('at = { region = "north" }\n', "", ".across", ["missing", "2 numbers", "region", "'sum' or 'mean'"]),
        ("year = 2021", 'years = [2020, 2021]\nacross = "peak"', ".across", ["'sum' or 'mean'", "'peak'"]),
        ('"north"', '["north", "nort"]', ".at.region", ["label 'nort'", "'north'"]),
        ("region", "regoin", ".at.regoin", ["'stock'", "dimension 'regoin'", "'region'"]),
        ("inside_90 = 15\n", "", "", ["one of", "inside_90", "got none"]),
        ("inside_90 = 15", "inside_90 = 15\nmedian_above = 3", "", ["one of", "median_above and inside_90"]),
        ("inside_90 = 15", "median_within = [2, 1]", ".median_within", ["two numbers", "[2.0, 1.0]"]),
        ("inside_90 = 15", "insid_90 = 15", ".insid_90", ["key 'insid_90'", "'inside_90'"]),
        ('at = { region = "north" }', "at = { region = 3 }", ".at.region", ["label", "got 3"]),
    ],
)
def test_what_is_wrong_is_said_with_its_place(old, new, place, words):
    assert old in GATE
    assert at(f"gates.stock{place}", *words) in said(STUDY + GATE.replace(old, new, 1))


def test_all_that_is_wrong_is_said_at_once():
    wrong = '[gates.a]\npolicy = "x"\nvariable = "y"\n[gates.b]\npolicy = "keep"\nvariable = "z"\nmedian_above = 1\n'
    found = said(STUDY + wrong)
    assert [line.partition(":")[0] for line in found] == [
        "gates.a.policy",
        "gates.a.variable",
        "gates.a",
        "gates.b.variable",
    ]


def test_no_run_hangs_on_a_gate():
    plain, gated = read(STUDY), read(STUDY + GATE)
    assert gated.fingerprint == plain.fingerprint
    assert resolved_text(gated) == resolved_text(plain)


def test_a_study_on_top_asks_anew_and_may_have_fewer_years(tmp_path):
    write(tmp_path, STUDY + GATE, "below.toml")
    on_top = (
        'name = "top"\nextends = "below.toml"\n[gates.stock]\nyears = [2020, 2022]\nacross = "sum"\nmedian_above = 3\n'
    )
    (gate,) = load_study(write(tmp_path, on_top, "top.toml"), model=Reservoir()).gates.values()
    assert (gate.all_years, gate.stated, gate.limits, gate.source) == ([2020, 2022], ["median_above"], [3.0], "gauge")
    later = STUDY.replace("first = 2020, last = 2023", "first = 2021, last = 2023") + GATE.replace("2021", "2020")
    assert read(later).gates["stock"].all_years == [2020]
