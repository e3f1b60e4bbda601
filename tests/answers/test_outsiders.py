"""A question of another package, registered by an entry point, has all that ours have."""

import json
import re
import shutil
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import openpyxl
import pytest

from engine.answers import registry
from engine.answers.answer import Answer
from engine.answers.question import Option
from engine.run_folder import answer_store
from engine.runs.run import open_run
from engine.study.loading import load_model_file
from tests.answers.asked import Ruin
from tests.report.wording import report
from tests.small_files import MODELS, call, own, ran

MODULE = "tests.answers.asked:Ruin"


@pytest.fixture(autouse=True)
def register(monkeypatch):
    """A function that makes questions known as installed packages bring them, at first `ruin`."""

    def known(**modules):
        entries = [EntryPoint(name, module, registry.GROUP) for name, module in modules.items()]
        monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == registry.GROUP else [])
        registry.outsiders.cache_clear()

    known(ruin=MODULE)
    yield known
    registry.outsiders.cache_clear()


@pytest.fixture
def folder(finished, tmp_path):
    """The run folder of a pond."""
    return shutil.copytree(finished / "pond", tmp_path / "run")


def test_it_has_a_command_with_help_and_json(folder):
    helped = call("ruin", "--help")
    assert Ruin.__doc__.splitlines()[0] in helped.output and "--level" in helped.output
    assert "ruin" in call("--help").output
    ended = ran("ruin", folder, *own("Pond"), "--outcome", "lowest_stock", "--level", "2")
    assert "lowest_stock above 2" in ended.stdout.splitlines()[0]
    wrong = call("ruin", folder, *own("Pond"), "--outcome", "lowest_stok")
    assert wrong.exit_code == 2 and "mean 'lowest_stock'" in wrong.stderr


def test_it_has_a_method_a_stored_answer_a_workbook_and_a_section(folder, tmp_path):
    opened = open_run(folder, load_model_file(f"{MODELS}:Pond"))
    answer = opened._ask("ruin", outcome="lowest_stock", level=2.0)
    assert Answer.of_tree(answer_store.read(folder, "ruin")).plain() == answer.plain()
    assert opened.verify() == []
    book = openpyxl.load_workbook(answer.save(tmp_path / "ruin.xlsx"))
    assert book.sheetnames == ["shares"]
    page = report(folder, opened.study, opened.cube).decode()
    assert '<h2 id="ruin"' in page and "lowest stock above 2" in page


@pytest.mark.parametrize("name", ["study", "cube", "../up", "flip", "Ruin"])
def test_a_name_that_would_take_the_place_of_something_is_left_out(name, register):
    """A question called `cube` would be kept where the cube of the run is."""
    register(**{name: MODULE})
    with pytest.warns(UserWarning, match="named otherwise"):
        assert not registry.outsiders()


def test_a_package_that_is_broken_or_takes_a_commands_name_spoils_no_other_command(register, tmp_path):
    register(ruin="tests.answers.nowhere:Ruin", run=MODULE)
    helped = call("--help")
    assert helped.exit_code == 0 and "tests.answers.nowhere:Ruin" in helped.stderr
    assert "--level" not in call("run", "--help").output
    assert call("ruin", tmp_path).exit_code == 2


def test_the_example_of_the_documentation_is_a_command_and_a_method(folder, register, monkeypatch, tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "questions-of-your-own.md").read_text(encoding="utf-8")
    (tmp_path / "acceptability.py").write_text(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1])
    monkeypatch.syspath_prepend(tmp_path)
    register(acceptability="acceptability:Acceptability")
    opened = open_run(folder, load_model_file(f"{MODELS}:Pond"))
    assert "acceptability" in dir(opened) and "cost-effective" in opened.acceptability.__doc__
    answer = opened.acceptability(cost="shortage", harm="lowest_stock", prices=[0.0, -2.0])
    cost, harm = (opened.cube["paths"][name].values.astype(float) for name in ("shortage", "lowest_stock"))
    for row in answer["curve"].rows():
        best = (cost + float(row["price"]) * harm).argmin(axis=0)
        at = opened.study.policy_names.index(row["policy"])
        assert row["probability"].estimate == pytest.approx(np.mean(best == at))
    words = ("--cost", "shortage", "--harm", "lowest_stock", "--prices", "0,-2")
    ended = ran("acceptability", folder, *own("Pond"), *words, "--json")
    assert json.loads(ended.stdout) == json.loads(json.dumps(answer.plain()))


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True)
class Typed(Ruin):
    """Take options of many types."""

    outcome: Annotated[str, Option("The outcome.", "V", "outcome")] = "lowest_stock"
    shares: Annotated[tuple[Fraction, ...], Option("Shares.", "P/Q,...")] = (Fraction(1, 2),)
    day: Annotated[date | None, Option("A day.", "DAY")] = None
    size: Annotated[Size, Option("A size.", "SIZE")] = Size.SMALL
    side: Annotated[Literal["low", "high"], Option("A side.", "SIDE")] = "low"
    place: Annotated[Path | None, Option("A file.", "FILE")] = None


def test_options_have_the_types_of_their_fields(folder, register):
    register(typed=f"{__name__}:Typed")
    words = ("--shares", "1/3,2", "--day", "2016-05-04", "--size", "large", "--side", "high", "--place", "x.csv")
    for given, expected in (
        ((), {"shares": ["1/2"], "day": None, "size": "Size.SMALL", "side": "low", "place": None}),
        (words, {"shares": ["1/3", "2"], "day": "2016-05-04", "size": "Size.LARGE", "side": "high", "place": "x.csv"}),
    ):
        ended = ran("typed", folder, *own("Pond"), *given, "--json")
        assert json.loads(ended.stdout)["asked"].items() >= expected.items()
    for flag, value in (("--side", "up"), ("--shares", "1/x"), ("--day", "May")):
        assert call("typed", folder, *own("Pond"), flag, value).exit_code == 2
