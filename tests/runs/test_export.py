"""Tables as files: every format reads back as the records are, with units and intervals, and nothing in them is a formula."""

import dataclasses
import importlib.util
import re

import pandas as pd
import pytest

import engine
from engine.answers import files
from engine.answers.answer import Answer, Subject
from engine.answers.record_tables import tables, unit_of
from engine.errors import UserError
from engine.modelling.records import Factor, Outcome, StaticModel
from engine.risk.intervals import Estimate
from engine.risk.summaries import STATS
from engine.risk.tables import record
from tests.small_files import BRIDGE, MODELS, POND, write

RISK = "risk", "risk_events", "comparison", "comparison_events", "worse", "regret"
BY_YEAR = "risk_yearly", "comparison_yearly"
HOSTILE = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1",
    "\x1b[2J\x07",
    "<script>alert(1)</script>",
    "a|b\\|c",
    "[x](http://e.org)",
    "[a] & 5 %\nb",
)
"""Labels that a model may give, each of which means something to a program that reads tables."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("export")
    model = engine.load_model_file(f"{MODELS}:Bridge")
    return engine.run(str(write(place, BRIDGE)), place / "run", model, device="cpu")


def records_of(run):
    return [*run.answers.all_tables.risk, *run.answers.all_tables.comparison]


def saved(place, study, records):
    """Records of a study as one file."""
    return Answer(Subject.of(study), ("It is so.",), tables(study, records)).save(place)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_of_rows_holds_every_estimate_with_its_unit(run, tmp_path, ending):
    place = run.save_tables(tmp_path / f"table.{ending}")
    rows = pd.read_csv(place) if ending == "csv" else pd.read_parquet(place)
    names = "measure", "policy", "variable", "unit", *STATS, "flag"
    held = sorted(map(tuple, rows[[*names]].astype(object).fillna("").astype(str).values))
    records = [(vars(r) | {"unit": unit_of(run.study, r), "flag": r.flag}) for r in records_of(run)]
    expected = pd.DataFrame(records)[[*names]].astype(object).fillna("").astype(str)
    assert held == sorted(map(tuple, expected.values))
    assert {*rows["table"]} == {*RISK}
    assert not rows[["low", "high"]].isna().all(axis=None)


def test_a_workbook_has_a_sheet_a_table_and_one_of_what_it_is(run, tmp_path):
    sheets = pd.read_excel(run.save_tables(tmp_path / "table.xlsx"), sheet_name=None)
    assert list(sheets) == ["about", *RISK]
    held = [r.estimate for r in run.answers.all_tables.risk if r.variable in run.study.model.outcomes]
    assert list(sheets["risk"]["estimate"]) == pytest.approx(held, rel=1e-14)  # decimal text in between
    about = dict(zip(sheets["about"]["what"], sheets["about"]["is"], strict=True))
    assert about["fingerprint"] == run.study.fingerprint and about["paths"] == run.study.paths


def test_nothing_in_a_workbook_is_a_formula(run, tmp_path):
    import openpyxl

    study = dataclasses.replace(run.study, question='=HYPERLINK("http://example.org")')
    name = next(iter(study.model.outcomes))
    one = record("mean", "=1+1", name, Estimate(1.0, 0.1, 0.8, 1.2))
    saved(tmp_path / "table.xlsx", study, [one])
    book = openpyxl.load_workbook(tmp_path / "table.xlsx")
    kinds = {cell.data_type for sheet in book for row in sheet.rows for cell in row}
    assert "f" not in kinds


class Marked(StaticModel):
    dims = {"place": HOSTILE}
    factors = {"load": Factor("t")}
    yearly = {}
    outcomes = {"damage": Outcome("=cmd|' /C calc'!A0", loss=True)}

    def evaluate(self, factors, levers):
        return {"damage": factors.load}


@pytest.fixture
def marked(run):
    """A study whose every text means something to some program, and records of it; their numbers lie below zero."""
    study = dataclasses.replace(run.study, model=Marked(), question="=1+1 \x1b[2J\x00")
    records = [
        record("mean", "-weak", "damage", Estimate(-1.5, 0.1, -1.7, -1.3), {"place": label})
        for label in HOSTILE
    ]
    return study, records


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_no_text_is_a_formula_in_a_spreadsheet_and_numbers_stay_numbers(marked, tmp_path, ending):
    import openpyxl

    study, records = marked
    place = tmp_path / f"table.{ending}"
    saved(place, study, records)
    if ending == "csv":
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", place.read_text().replace("\t", "", 1))
        rows = pd.read_csv(place)
        texts = [text for name in rows for text in (name, *rows[name]) if isinstance(text, str)]
        assert not [text for text in texts if text[0] in "=+-@\t\r＝＋－＠"]
    else:
        rows = pd.read_excel(place, sheet_name="risk")
        cells = [cell for sheet in openpyxl.load_workbook(place) for row in sheet.rows for cell in row]
        assert not [cell.value for cell in cells if cell.value is not None and cell.data_type not in "sn"]
        odd = [cell for cell in cells if isinstance(cell.value, str) and cell.value[0] in "=+-@\t"]
        assert len(odd) > len(HOSTILE) and all(cell.quotePrefix for cell in odd)
    assert (rows["estimate"] == -1.5).all() and (rows["low"] == -1.7).all() and len(rows) == len(HOSTILE)
    assert [str(text).lstrip("'") for text in rows["place"]][:4] == list(HOSTILE[:4])


def test_markdown_and_latex_take_no_text_for_their_own(marked, tmp_path):
    study, records = marked
    for ending in ("md", "tex"):
        saved(tmp_path / f"table.{ending}", study, records)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert len([line for line in lines if line.startswith("|")]) == len(HOSTILE) + 2
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 4 for line in lines if line.startswith("|"))
    text = "\n".join(lines)
    assert "&lt;script>" in text and not re.search(r"<|\]\(|[\x00-\x09\x0b-\x1f]", text)
    assert "-1.50 [-1.70, -1.30]" in text
    rows = (tmp_path / "table.tex").read_text().splitlines()
    assert len([row for row in rows if row.endswith(r"\\")]) == len(HOSTILE) + 1
    assert all(len(re.findall(r"(?<!\\)&", row)) == 2 for row in rows if row.endswith(r"\\"))
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", "\n".join(rows))


def test_markdown_and_latex_have_a_column_a_policy_and_the_numbers_of_the_printed_tables(run, tmp_path):
    lines = run.save_tables(tmp_path / "table.md").read_text().splitlines()
    assert lines[2].split(" | ")[1:] == [
        "level",
        *run.study.policy_names[:-1],
        f"{run.study.policy_names[-1]} |",
    ]
    lines = run.save_tables(tmp_path / "table.tex").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("%"))
    assert text.count(r"\begin{tabular}") == len(RISK) and "_" not in text.replace(r"\_", "")
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == len(RISK)


def test_a_bar_in_a_name_breaks_no_table(run, tmp_path):
    name = next(iter(run.study.model.outcomes))
    one = record("mean", "a|b & 5 %", name, Estimate(1.0, 0.1, 0.8, 1.2))
    for ending, expected in (("md", r"a\|b & 5 %"), ("tex", r"a|b \& 5 \%")):
        saved(tmp_path / f"table.{ending}", run.study, [one])
        assert expected in (tmp_path / f"table.{ending}").read_text()


def test_a_condition_and_a_level_choose_what_is_saved(run, tmp_path):
    name = next(iter(run.study.model.outcomes))
    rows = pd.read_csv(run.save_tables(tmp_path / "a.csv", name, 99))
    assert {*rows["variable"]} == {name} and {*rows["level"]} == {0.99}
    rows = pd.read_csv(run.save_tables(tmp_path / "b.csv", given=f"{name} >= 0"))
    assert {*rows["table"]} == {
        "share", "given", "otherwise", "contrast", "given_events", "otherwise_events", "contrast_events",
    }  # fmt: skip


def test_what_cannot_be_written_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"\.csv, \.xlsx, \.parquet, \.md or \.tex"):
        files.refuse_file(tmp_path / "table.doc")
    with pytest.raises(UserError, match="a folder that is there"):
        files.refuse_file(tmp_path / "none" / "table.csv")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'rustbelt\[excel\]'"):
        files.refuse_file(tmp_path / "table.xlsx")


def test_a_full_workbook_has_all_risk_tables_with_units_those_by_year_too(tmp_path):
    model = engine.load_model_file(f"{MODELS}:Pond")
    pond = engine.run(str(write(tmp_path, POND)), tmp_path / "run", model, device="cpu")
    sheets = pd.read_excel(pond.save_tables(tmp_path / "all.xlsx", full=True), sheet_name=None)
    assert list(sheets) == ["about", *RISK, *BY_YEAR]
    by_year = sheets["risk_yearly"]
    assert {*by_year["variable"]} == {*model.yearly} and {*by_year["year"]} == {*pond.study.years}
    assert {*by_year["unit"]} == {entry.unit for entry in model.yearly.values()}
    one = pd.read_csv(pond.save_tables(tmp_path / "one.csv", level=99, full=True))
    assert {*one["table"]} == {"risk", "comparison", "risk_yearly"} and {*one["level"]} == {0.99}
    assert {*pd.read_csv(pond.save_tables(tmp_path / "two.csv"))["table"]} == {*RISK}
