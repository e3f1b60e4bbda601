"""Observations: how a file and rows of a study are read, what is refused, all at once, and what they leave as it is."""

import pytest

from engine import UserError
from engine.study.loading import load_study, read_study
from tests.questions.backtest.models import Walk, row, walk
from tests.refusals import at, refuses

HEAD = "series,time,variable,at,value,unit,source,confidence\n"
STUDY = """name = "s"
time = { first = 2021, last = 2030 }
factors.drift = { family = "normal", mean = 0, sd = 1 }
policies.old = {}
observed.file = "seen.csv"
"""


def of_file(folder, text, name="seen.csv"):
    (folder / "s.toml").write_text(STUDY)
    if text is not None:
        (folder / name).write_text(text)
    return load_study(folder / "s.toml", model=Walk())


def test_rows_of_a_file_are_those_of_a_study(tmp_path):
    (one,) = of_file(tmp_path, HEAD + '"Height, north",2023,height,place=north,1500,t,gauge,read\n').observed.rows
    (other,) = walk(row(2023, 1.5, series="Height, north")).observed.rows
    assert one == other
    assert (one.value, one.unit, one.at, one.name) == (1.5, "kt", {"place": "north"}, "Height, north 2023")


REFUSED = {
    "heigth,,2023,,,1,kt,read": (".variable", "'heigth'", "mean 'height'"),
    "height,place=north,2023.5,,,1,kt,read": (".time", "a whole year", "got 2023.5"),
    "height,place=north,2023,,,much,kt,read": (".value", "a finite number", "got 'much'"),
    "height,place=north,2023,,,1_0.5,kt,read": (".value", "a finite number", "got '1_0.5'"),
    "height,place=north,2023,,,1,yuan,read": (".unit", "what converts to", "got 'yuan'"),
    "height,place=nroth,2023,,,1,kt,read": (".at", "'nroth'", "mean 'north'"),
    "height,town=north,2023,,,1,kt,read": (".at", "'height'", "'town'", "Known: place"),
    "height,north,2023,,,1,kt,read": (".at", "DIMENSION=LABEL", "got 'north'"),
    "height,,2023,,,1,kt,read": (".across", "is missing", "2 numbers"),
    "height,place=north,2023,2025,mean,1,kt,read": (".from", "up to 2023", "got 2025"),
    "height,place=north,2023,2021,,1,kt,read": (".fold", "'from'", "'fold'", "several years"),
    "height,place=north,2023,2021,median,1,kt,read": (".fold", "'total', 'mean'", "got 'median'"),
    "height,place=north,2023,,,1,kt,sure": (".confidence", "'read', 'remembered'", "got 'sure'"),
    "height,place=north,2023,,,,kt,read": (".value", "is missing"),
    "height,place=north,2023,,,1,kt": ("", "9 cells", "expected 10"),
}


def test_what_is_wrong_with_rows_is_said_of_all_of_them(tmp_path):
    head = "variable,at,time,from,fold,value,unit,confidence,series,source\n"
    with pytest.raises(UserError) as caught:
        of_file(tmp_path, head + "".join(f"{cells},S{k},gauge\n" for k, cells in enumerate(REFUSED)))
    wanted = [at(f"observed.file.line {k}{key}", *words) for k, (key, *words) in enumerate(REFUSED.values(), 2)]
    assert [*caught.value.problems] == wanted


def test_all_that_is_wrong_with_a_row_is_said():
    with pytest.raises(UserError) as caught:
        walk(row(2023, 1.0, standard_error=-1.0, **{"from": 2021}, at="a=b"))
    assert [one.place for one in caught.value.problems] == [
        f"observed.rows.0.{key}" for key in ("standard_error", "fold", "at")
    ]


def test_a_number_may_be_a_text():
    (one,) = walk(row("2023", "0.4", standard_error="1e-1")).observed.rows
    assert (one.time, one.value, one.standard_error) == (2023, 0.4, 0.1)


def test_rows_that_contradict_are_refused():
    with pytest.raises(UserError) as caught:
        walk(
            row(2023, 1.0),
            row(2023, 2.0),
            row(2024, 1.0),
            row(2024, 1.0),
            row(2025, 1.0, at="place=south", series="height place=north"),
        )
    said = [one.message for one in caught.value.problems]
    assert said[:2] == [
        at("'height place=north 2023'", "rows.0", "1 kt", "'reading'"),
        at("'height place=north 2024'", "rows.2", "the same", "'reading'"),
    ]
    assert said[2] == at("", "'height place=north'", "'height'", "in rows.0,")
    assert len(walk(row(2023, 1.0, reading="a"), row(2023, 2.0, reading="b")).observed.rows) == 2


def test_a_figure_that_is_repeated_ten_thousand_times_is_told_ten_times(tmp_path):
    rows = "".join(f"S{k % 2},2023,height,place=north,{k % 2},kt,gauge,read\n" for k in range(10_000))
    with pytest.raises(UserError) as caught:
        of_file(tmp_path, HEAD + rows)
    assert len(str(caught.value)) < 10_000
    assert sum(1 + one.more for one in caught.value.problems) == 9_999


FILES = {
    None: ["no such file"],
    "": ["is empty"],
    "series,time,value\nS,2023,1\n": ["seen.csv", "column 'variable'"],
    HEAD.replace("unit", "units") + "S,2023,height,place=north,1,kt,g,read\n": ["seen.csv", "column 'units'", "'unit'"],
    HEAD.replace("at", "time") + "S,2023,height,2023,1,kt,g,read\n": ["seen.csv", "'time' twice"],
    HEAD + ("S,2023,height,place=north,1,kt,a, b,read\n"): ["9 cells", "expected 8", "in quotes"],
}


@pytest.mark.parametrize("text", FILES, ids=lambda text: repr(text)[:20])
def test_a_file_that_is_none_is_refused(tmp_path, text):
    with pytest.raises(UserError) as caught:
        of_file(tmp_path, text)
    assert any(one.message == at("", *FILES[text]) for one in caught.value.problems)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_cells_are_parted_as_in_any_file_of_data(tmp_path, delimiter):
    text = HEAD + '"S, the first",2023,height,place=north,1,kt,g,read\n\n'
    plain = of_file(tmp_path, text).observed.rows
    other = text.replace('"S, the first"', "S; the first").replace(",", delimiter).replace("S; the", '"S, the')
    other = other.replace('"S, the first', '"S, the first"')
    assert of_file(tmp_path, other).observed.rows == plain and plain[0].series == "S, the first"


def test_what_a_study_says_of_observations_is_checked():
    with pytest.raises(UserError) as caught:
        walk(row(2023, 1.0), observed={"policy": "odl", "seen": ["prior"]})
    assert [str(one) for one in caught.value.problems] == [
        at("observed.seen.0", "expected 'priors'", "got 'prior'"),
        at("observed.policy", "policy 'odl'", "'old'"),
    ]


def test_a_study_on_top_has_its_own_file_or_rows(tmp_path):
    of_file(tmp_path, HEAD + "S,2023,height,place=north,1,kt,g,read\n")
    above = 'extends = "s.toml"\nname = "t"\n[observed]\nseen = []\n'
    (tmp_path / "t.toml").write_text(above)
    found = load_study(tmp_path / "t.toml", model=Walk()).observed
    assert found.seen == [] and len(found.rows) == 1
    (tmp_path / "t.toml").write_text(above + "rows = []\n")
    assert load_study(tmp_path / "t.toml", model=Walk()).observed.rows == []


def test_the_shipped_studies_have_figures_that_nothing_in_them_has_seen():
    for name, seen in (("rustbelt", {"priors", "equations"}), ("rustbelt_2016", {"equations"})):
        observed = load_study(name).observed
        assert {*observed.seen} == seen and observed.policy == "actual_like" and len(observed.rows) > 50
        assert sum(one.confidence == "read" and one.seen not in seen and one.time > 2015 for one in observed.rows) > 10


def test_a_model_lets_only_what_it_has_be_imposed():
    class Wrong(Walk):
        imposable = ("hight",)

    with refuses("model.imposable", "variable 'hight'", "'height'"):
        read_study({"name": "w", "time": {"first": 2021, "last": 2022}}, "w.toml", model=Wrong())
