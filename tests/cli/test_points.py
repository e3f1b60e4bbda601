"""A difference of probabilities is in percentage points wherever it is shown, never in percent."""

import pytest

import engine
from tests.report.wording import report
from tests.small_files import BRIDGE, MODELS, call, own, write

ASSUMED = '[assumptions.dear]\nabout = "prices"\noff = { price = "0.5x" }\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of a bridge that breaks more often under one of two policies."""
    place = tmp_path_factory.mktemp("points")
    ended = call("run", write(place, BRIDGE + ASSUMED), *own("Bridge"), "--out", place / "run", "--quiet")
    assert ended.exit_code == 0, ended.output
    return place / "run"


def words(*asked):
    ended = call(*asked)
    assert ended.exit_code == 0, ended.output
    return " ".join(ended.stdout.split())


@pytest.mark.parametrize("columns", ["120", "80", "44"])
def test_the_table_of_a_run_has_a_unit_above_its_differences(folder, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    text = words("risk", folder, *own("Bridge"))
    whole = words("risk", folder, *own("Bridge"), "--full")
    for shown in (text, whole):
        assert "Probability of events [%] weak strong" in shown and "strong - weak [points]" in shown
        assert shown.count("[points]") == 1


def test_so_have_conditions_two_runs_and_shares_of_levers(folder):
    given = words("risk", folder, *own("Bridge"), "--given", "margin >= 2")
    assert given.count("[%] given otherwise given - otherwise [points] collapse") == 2  # a table for each policy
    given = words("risk", folder, *own("Bridge"), "--given", "margin >= 2", "--full")
    assert given.count("[%] given otherwise given - otherwise [points] collapse") == given.count("[points]") == 2
    both = words("compare", folder, folder, *own("Bridge"), "--full")
    assert "first [%]" in both and "difference [points]" in both
    study = folder / "study.toml"
    parts = words("attribute", study, *own("Bridge"), "--from", "weak", "--to", "strong")
    assert "probability of collapse [points]" in parts and "collapse [%]" not in parts


def test_so_have_files_and_the_report(folder, tmp_path):
    run = engine.open_run(folder, model=engine.load_model_file(f"{MODELS}:Bridge"))
    text = run.save_tables(tmp_path / "table.md").read_text()
    parts = text.split("**")[1:]
    heads = {name: part.splitlines()[2] for name, part in zip(parts[::2], parts[1::2], strict=True)}
    assert [name for name, part in zip(parts[::2], parts[1::2], strict=True) if "collapse" in part] == [
        "risk_events", "comparison_events",
    ]  # fmt: skip
    assert heads["risk_events"].endswith(" [%] | weak | strong |")
    assert heads["comparison_events"].endswith(" [points] | strong |")
    page = " ".join(report(run.folder, run.study, run.cube).decode().split())
    assert "in percentage points" in page
