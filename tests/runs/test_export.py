"""Tables as files: every format reads back as the records are, with units and intervals, and nothing in them is a
formula.
"""

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
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.summaries import STATS
from engine.risk.estimation.tables import record

RISK = "risk", "risk_events", "comparison", "comparison_events", "worse", "regret"
BY_YEAR = "risk_yearly", "comparison_yearly"
HOSTILE = (
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "\x1b[2J\x07", "<script>alert(1)</script>", "a|b\\|c",
    "[x](http://e.org)", "[a] & 5 %\nb",
)  # fmt: skip
"""Labels that a model may give, each of which means something to a program that reads tables."""


@pytest.fixture(scope="module")
def run(runs):
    return engine.open_run(runs / "bridge")


def records_of(run):
    return [*run.answers.all_tables.risk, *run.answers.all_tables.comparison]


def saved(place, study, records):
    """Records of a study as one file."""
    return Answer(Subject.of(study), ("It is so.",), tables(study, records)).save(place)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_of_rows_holds_every_estimate_with_its_unit(run, tmp_path, ending):
    place = run.risk().save(tmp_path / f"table.{ending}")
    rows = pd.read_csv(place) if ending == "csv" else pd.read_parquet(place)
    names = "measure", "policy", "variable", "unit", *STATS, "flag"
    held = sorted(map(tuple, rows[[*names]].astype(object).fillna("").astype(str).values))
    records = [(vars(r) | {"unit": unit_of(run.study, r), "flag": r.flag}) for r in records_of(run)]
    expected = pd.DataFrame(records)[[*names]].astype(object).fillna("").astype(str)
    assert held == sorted(map(tuple, expected.values))
    assert {*rows["table"]} == {*RISK}
    assert not rows[["low", "high"]].isna().all(axis=None)


def test_a_workbook_has_a_sheet_for_each_table(run, tmp_path):
    sheets = pd.read_excel(run.risk().save(tmp_path / "table.xlsx"), sheet_name=None)
    assert list(sheets) == [*RISK]
    held = [r.estimate for r in run.answers.all_tables.risk if r.variable in run.study.model.outcomes]
    assert list(sheets["risk"]["estimate"]) == pytest.approx(held, rel=1e-14)  # decimal text in between


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
        record("mean", "-weak", "damage", Estimate(-1.5, 0.1, -1.7, -1.3), {"place": label}) for label in HOSTILE
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
    assert ending == "xlsx" or "'-1.5" not in place.read_text()


def test_markdown_takes_no_text_for_its_own(marked, tmp_path):
    study, records = marked
    saved(tmp_path / "table.md", study, records)
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert len([line for line in lines if line.startswith("|")]) == len(HOSTILE) + 2
    # a label and a policy, and no column of levels, which a mean does not have
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3 for line in lines if line.startswith("|"))
    text = "\n".join(lines)
    assert "&lt;script>" in text and not re.search(r"<|\]\(|[\x00-\x09\x0b-\x1f]", text)
    assert "-1.50 [-1.70, -1.30]" in text


def test_a_condition_and_a_level_choose_what_is_saved(run, tmp_path):
    name = next(iter(run.study.model.outcomes))
    rows = pd.read_csv(run.risk(name, 99).save(tmp_path / "a.csv"))
    assert {*rows["variable"]} == {name} and {*rows["level"]} == {0.99}
    rows = pd.read_csv(run.risk(given=f"{name} >= 0").save(tmp_path / "b.csv"))
    assert {*rows["table"]} == {
        "share", "given", "otherwise", "contrast", "given_events", "otherwise_events", "contrast_events",
    }  # fmt: skip


def test_what_cannot_be_written_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"\.parquet or \.md"):
        files.refuse_file(tmp_path / "table.doc")
    with pytest.raises(UserError, match="an existing folder"):
        files.refuse_file(tmp_path / "none" / "table.csv")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'openpyxl>="):
        files.refuse_file(tmp_path / "table.xlsx")


def test_the_tables_of_a_yearly_variable_are_saved_with_their_units(runs, tmp_path):
    pond = engine.open_run(runs / "pond")
    for name, entry in pond.study.model.yearly.items():
        sheets = pd.read_excel(pond.risk(name).save(tmp_path / "all.xlsx"), sheet_name=None)
        by_year = sheets["risk_yearly"]
        assert {*BY_YEAR} <= {*sheets} and {*by_year["variable"]} == {name}
        assert {*by_year["year"]} == {*pond.study.years} and {*by_year["unit"]} == {entry.unit}
    one = pd.read_csv(pond.risk(level=99).save(tmp_path / "one.csv"))
    assert {*one["table"]} == {"risk", "comparison"} and {*one["level"]} == {0.99}
    assert {*pd.read_csv(pond.risk().save(tmp_path / "two.csv"))["table"]} == {*RISK}
