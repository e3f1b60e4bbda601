"""The article's page: its studies are read, its commands run, and its numbers are those of a run under both views."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from engine import load_study
from engine.answers.as_text import claimed
from engine.cli import main
from tests.pages import not_printed

SCRIPT = Path(__file__).parents[1] / "docs" / "article_numbers.py"
spec = importlib.util.spec_from_file_location("article_numbers", SCRIPT)
article = importlib.util.module_from_spec(spec)
spec.loader.exec_module(article)
PAGE = article.PAGE.read_text(encoding="utf-8")
ROWS = list(article.ROW.finditer(PAGE))


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


def cell(words: str, view: str) -> str:
    """The number that the page shows under a view, in the row with these words."""
    (text,) = {row[view].strip() for row in ROWS if row["words"] == words}
    return text


@pytest.mark.parametrize("view", article.VIEWS)
@pytest.mark.parametrize("event", [row["words"].split(":")[1] for row in ROWS if row["words"].startswith("verdict")])
def test_a_verdict_is_what_the_chances_of_the_page_say(event, view):
    chances = [float(cell(f"probability:{event}:{name}", view).split(" %")[0]) for name in ("old", "reform")]
    verdict = cell(f"verdict:{event}:probability", view)
    worse = "old" if chances[0] > chances[1] else "reform"
    assert verdict.startswith((f"{worse} worse", "not clear"))


def test_the_table_of_claims_has_each_claim_of_the_study_with_shares_and_what_turns_it():
    study = load_study("rustbelt")
    (table,) = article.CLAIMS.finditer(PAGE)
    rows = [line.strip("| ").split(" | ") for line in table[0].splitlines()[2:]]
    assert [row[0] for row in rows] == [claimed(study, one) for one in study.claims]
    for _, world, turned, definitions, by in rows:
        assert all(re.fullmatch(r"(\d+|-)( / (\d+|-)){2}", held) for held in (world, definitions))
        assert turned and by


@pytest.mark.slow
def test_numbers_of_the_page_are_those_of_a_run():
    records = article.records(PAGE, "now", paths=131_072)
    shown = "\n".join(row["now"].strip() for row in ROWS)
    again = "\n".join(article.number(row["words"], records) for row in ROWS)
    assert not_printed(shown.replace("−", "-"), again.replace("−", "-")) is None
