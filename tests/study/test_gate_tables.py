"""Gates of a study file: read, laid over others, refused with all that is wrong at once; no part of what a run is."""

from engine.study.loading import load_study
from tests.reservoirs import STUDY, Reservoir, read
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


def test_a_study_on_top_asks_anew_and_may_have_fewer_years(tmp_path):
    write(tmp_path, STUDY + GATE, "below.toml")
    on_top = (
        'name = "top"\nextends = "below.toml"\n[gates.stock]\nyears = [2020, 2022]\nacross = "sum"\nmedian_above = 3\n'
    )
    (gate,) = load_study(write(tmp_path, on_top, "top.toml"), model=Reservoir()).gates.values()
    assert (gate.all_years, gate.stated, gate.limits, gate.source) == ([2020, 2022], ["median_above"], [3.0], "gauge")
    later = STUDY.replace("first = 2020, last = 2023", "first = 2021, last = 2023") + GATE.replace("2021", "2020")
    assert read(later).gates["stock"].all_years == [2020]
