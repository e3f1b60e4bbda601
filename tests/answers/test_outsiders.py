"""A question of another package, registered by an entry point, has all that ours have."""

from importlib.metadata import EntryPoint

import openpyxl
import pytest

from engine.answers import registry
from engine.answers.answer import Answer
from engine.execution.run import run
from engine.report.page import report
from engine.run_folder import answer_store
from tests.answers.asked import summed
from tests.small_files import MODELS, POND, call, own, write

MODULE = "tests.answers.asked:Ruin"


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """The question `ruin`, as an installed package brings it."""
    entry = EntryPoint("ruin", MODULE, registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry] if group == registry.GROUP else [])
    registry.outsiders.cache_clear()
    yield
    registry.outsiders.cache_clear()


@pytest.fixture
def folder(tmp_path):
    """The run folder of a pond."""
    study = write(tmp_path, POND)
    assert call("run", study, *own("Pond"), "--out", tmp_path / "run", "--quiet").exit_code == 0
    return tmp_path / "run"


def test_it_has_a_command_with_help_and_json(folder):
    helped = call("ruin", "--help")
    assert "Say how likely an outcome is to pass a level." in helped.output and "--level" in helped.output
    assert "ruin" in call("--help").output
    ended = call("ruin", folder, *own("Pond"), "--outcome", "lowest_stock", "--level", "2")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.startswith("The lowest estimate of lowest_stock above 2")
    wrong = call("ruin", folder, *own("Pond"), "--outcome", "lowest_stok")
    assert wrong.exit_code == 2 and "Did you mean 'lowest_stock'?" in wrong.stderr


def test_it_has_a_method_a_stored_answer_a_workbook_and_a_section(folder, tmp_path):
    from engine.execution.run import open_run
    from engine.study.loading import load_model_file

    opened = open_run(folder, load_model_file(f"{MODELS}:Pond"))
    answer = opened.ask("ruin", outcome="lowest_stock", level=2.0)
    assert Answer.of_tree(answer_store.read(folder, "ruin")).plain() == answer.plain()
    assert opened.verify() == []
    book = openpyxl.load_workbook(answer.save(tmp_path / "ruin.xlsx"))
    assert book.sheetnames == ["about", "shares"]
    whole = openpyxl.load_workbook(opened.save_tables(tmp_path / "run.xlsx", full=True))
    assert "ruin shares" in whole.sheetnames
    page = report(folder, opened.study, opened.cube).decode()
    assert "How often it passes" in page and "lowest stock above 2 is that of Use." in page


def test_a_study_of_its_own_needs_no_file(tmp_path):
    done = run(summed(), out=tmp_path / "run")
    assert done.ask("ruin", outcome="own").asked == {"outcome": "own", "level": 40.0}
