"""The article's page: its studies are read, its commands run, and its numbers are those of a run under both views."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from engine import load_study
from engine.answers.wording import claimed
from engine.cli import main
from tests.pages import not_printed

SCRIPT = Path(__file__).parents[1] / "docs" / "article_numbers.py"
spec = importlib.util.spec_from_file_location("article_numbers", SCRIPT)
article = importlib.util.module_from_spec(spec)
spec.loader.exec_module(article)
PAGE = article.PAGE.read_text(encoding="utf-8")
ROWS = list(article.ROW.finditer(PAGE))


def record(measure: str, **labels) -> dict:
    return {"measure": measure, "estimate": 0.5, "standard_error": 0.01, "low": 0.48, "high": 0.52} | labels


def ranking(structure: str, worse: str | None) -> dict:
    return record("difference_probability", variable="ruin", structure=structure, worse=worse)


@pytest.mark.parametrize("view", article.VIEWS)
def test_studies_of_the_page_are_read(tmp_path, view):
    files = article.FILE.findall(PAGE)
    assert [name for name, _ in files] == ["article.toml", "helps.toml"]
    for name, text in files:
        study = tmp_path / name
        study.write_text(article.under(text, view), encoding="utf-8")
        first = "old" if name == "article.toml" else "reform_full"
        assert load_study(study).policy_names[0] == first


def test_commands_of_the_page_have_the_options_they_are_given():
    asked = article.commands(PAGE)
    assert {command.split()[1] for command in asked} == {"run", "challenge", "attribute", "risk", "plot", "gates"}
    for command in asked:
        program, name, *words = shlex.split(command)
        known = {option for param in main.get_command(None, name).params for option in param.opts}
        assert program == "rustbelt" and {word for word in words if word.startswith("--")} <= known


def test_each_row_names_its_number_and_has_it_under_both_views():
    assert len(ROWS) == PAGE.count("<!--") > 60
    for row in ROWS:
        assert re.search(r"\d|old worse|reform worse", row["now"]) and re.search(r"\d|worse", row["then"]), row[0]


def cell(words: str, view: str) -> str:
    """The number that the page shows under a view, in the row with these words."""
    (text,) = {row[view].strip() for row in ROWS if row["words"] == words}
    return text


@pytest.mark.parametrize("view", article.VIEWS)
@pytest.mark.parametrize("event", [row["words"].split()[1] for row in ROWS if row["words"].startswith("verdict")])
def test_a_verdict_is_what_the_chances_of_the_page_say(event, view):
    chances = [float(cell(f"probability {event} {name}", view).split(" %")[0]) for name in ("old", "reform")]
    verdict = cell(f"verdict {event} probability", view)
    worse = "old" if chances[0] > chances[1] else "reform"
    assert verdict.startswith((f"{worse} worse", "not clear"))


def test_a_number_is_the_record_with_its_words_and_the_fewest_others():
    records = [
        record("mean", variable="layoffs", policy="old", year=2020, estimate=3.0, low=2.9, high=3.1),
        record("mean", variable="layoffs", policy="old"),
        record("probability", variable="ruin", policy="old"),
    ]
    assert article.number("mean layoffs old", records) == "0.500 [0.480, 0.520]"
    assert article.number("mean layoffs old 2020", records) == "3.000 [2.900, 3.100]"
    assert article.number("ruin", records) == "50.0 % [48.0, 52.0]"
    with pytest.raises(KeyError, match="reform"):
        article.number("ruin reform", records)


def test_an_answer_has_a_record_for_each_estimate_with_the_texts_of_its_row():
    share = {"estimate": -0.1, "standard_error": 0.01, "low": -0.12, "high": -0.08, "flag": "", "flags": []}
    row = {
        "of": "probability of ruin",
        "variable": "ruin",
        "measure": "probability",
        "group": "banks",
        "share": share,
        "alone": {**share, "estimate": 0.3},
    }
    records = article._records(
        {"question": "attribute", "tables": {"events": {"rows": [row]}, "groups": {"rows": [{"group": "banks"}]}}}
    )
    assert len(records) == 2
    assert article.number("probability ruin share banks", records) == "−10.0 points [−12.0, −8.0]"


def test_risks_have_their_year_and_gates_are_rows():
    one = {"estimate": -0.1, "standard_error": 0.01, "low": -0.12, "high": -0.08, "flag": "", "flags": []}
    rows = [
        {
            "variable": "growth",
            "policy": "old",
            "measure": "mean",
            "year": year,
            "level": None,
            "unit": "1/yr",
            "estimate": one | {"estimate": year / 1e4},
        }
        for year in (2019, 2020)
    ]
    records = article._records({"question": "risk", "tables": {"risk_yearly": {"rows": rows}}})
    gates = [{"gate": "use", "held": "no", "p05": 0.7, "median": 0.8, "p95": 0.9}]
    records += article._records({"question": "gates", "tables": {"gates": {"rows": gates}}})
    assert article.number("mean growth old 2020", records).startswith("0.202 ")
    assert article.number("gate use", records) == "**not held**: 0.800 [0.700, 0.900]"


def test_a_difference_under_a_structure_is_a_record_with_its_assumption_and_who_is_worse():
    difference = {"estimate": 0.2, "standard_error": 0.01, "low": 0.18, "high": 0.22, "flag": "", "flags": []}
    row = {"variable": "ruin", "measure": "probability", "policy": "reform", "against": "old"}
    row |= {"difference": difference, "policy_value": difference, "against_value": difference}
    rows = [
        {**row, "structure": "as stated", "assumption": "", "kind": "", "worse": "reform"},
        {**row, "structure": "credit off", "assumption": "credit", "kind": "off", "worse": "undecided"},
    ]
    records = article._records({"question": "challenge", "tables": {"structures": {"rows": rows}}})
    gaps = [record for record in records if record["measure"] == "difference_probability"]
    assert [record["worse"] for record in gaps] == ["reform", None]
    assert [record["assumption"] for record in gaps] == [None, "credit"]
    assert [record["policy"] for record in records[:3]] == ["reform", "old", "reform"]
    assert {record["estimate"] for record in records} == {0.2}


def test_the_table_of_claims_has_each_claim_of_the_study_with_shares_and_what_turns_it():
    study = load_study("rustbelt")
    (table,) = article.CLAIMS.finditer(PAGE)
    rows = [line.strip("| ").split(" | ") for line in table[0].splitlines()[2:]]
    assert [row[0] for row in rows] == [claimed(study, one) for one in study.challenge.claims]
    for _, world, turned, definitions, by in rows:
        assert all(re.fullmatch(r"(\d+|-)( / (\d+|-)){2}", held) for held in (world, definitions))
        assert turned and by


def test_the_table_of_claims_is_filled_from_an_answer_and_filling_it_again_changes_nothing():
    own = {"claim": "a", "words": "ruin is rarer", "holds_1": 0.994, "holds_4": 0.9, "holds_16": None}
    answer = {"tables": {"claims": {"rows": [own | {"turned_by": by} for by in ("drag off", "none found")]}}}
    page = "| claim | a | b | c | d |\n|---|---|---|---|---|\n| old |\n\nMore.\n"
    once = article.with_claims(page, answer)
    row = "| ruin is rarer | 99 / 90 / - | drag off | 99 / 90 / - | none found |"
    assert once == page.replace("| old |", row) == article.with_claims(once, answer)


def test_a_number_without_an_interval_stands_alone():
    assert article.number("mean", [record("mean", low=None, high=None)]) == "0.500"


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"a off": "old"}, "old worse; in all 2 structures"),
        ({"a off": "reform", "b off": "old"}, "old worse; reversed with a off"),
        ({"a off": None, "b off": "reform"}, "old worse; reversed with b off; not clear with a off"),
    ],
)
def test_a_verdict_says_where_the_ranking_is_another(others, said):
    structures = {"as stated": "old"} | others
    records = [ranking(name, worse) for name, worse in structures.items()]
    assert article.number("verdict ruin probability", records) == said


def test_filling_the_page_again_changes_nothing():
    text = "| a <!--mean--> | x | y |"
    found = {view: [record("mean")] for view in article.VIEWS}
    once = article.filled(text, found)
    assert once == "| a <!--mean--> | 0.500 [0.480, 0.520] | 0.500 [0.480, 0.520] |" == article.filled(once, found)


@pytest.mark.slow
@pytest.mark.sweep
def test_every_command_of_the_page_runs_and_answers_every_row():
    """Runs them under the view of 2016; the next test runs them under the other one."""
    records = article.records(PAGE, "then", paths=1024)
    assert all(article.number(row["words"], records) for row in ROWS)


@pytest.mark.slow
def test_numbers_of_the_page_are_those_of_a_run():
    records = article.records(PAGE, "now", paths=131_072)
    shown = "\n".join(row["now"].strip() for row in ROWS)
    again = "\n".join(article.number(row["words"], records) for row in ROWS)
    assert not_printed(shown.replace("−", "-"), again.replace("−", "-")) is None
