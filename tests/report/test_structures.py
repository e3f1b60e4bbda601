"""The report of a run that has been held against its assumptions."""

import re

from engine.analyses.assumptions import assumptions
from engine.analyses.assumptions_answer import tables
from engine.report.page import report
from engine.runs.run import run
from tests.analyses.assumed import BILL, bill


def words(page: bytes) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode()))


def test_it_says_what_holds_and_what_flips_in_the_words_of_the_study(tmp_path):
    policies = {"old": {"label": "As it was"}, "reform": {"cut": 1.0}}
    study = bill(
        policies=policies,
        run=BILL["run"] | {"paths": 65_536},
        keep={"outcomes": "all", "draws": 0, "yearly": 0},
        assumptions=BILL["assumptions"] | {"exit": {**BILL["assumptions"]["exit"], "label": "Plant exit"}},
    )
    done = run(study, out=tmp_path / "run")
    assert b'<h2 id="assumptions"' not in report(done.folder, study, done.cube)
    done.assumptions()
    text = words(report(done.folder, study, done.cube))
    assert "with plant exit doubled" in text
    assert "exit rate 3x" in text
    row = text.partition("in other structures")[2][:300]
    assert re.search(r"Ruin flips .*plant exit doubled", row), row
    assert "same in all" in text


def test_what_is_stored_are_the_records():
    given = assumptions(bill())
    held = {table.name: table for table in tables(given)}
    for record in given.records:
        kind = "event" if record.bare_measure == "probability" else "outcome"
        where = {kind: record.variable, "structure": record.place["structure"], "policy": record.policy}
        if kind == "outcome":
            where["measure"] = record.bare_measure
        if "against" in record.place:
            (row,) = held[f"{kind}_differences"].where(**where, against=record.place["against"])
            one = row["difference"]
        else:
            (row,) = held[f"{kind}s"].where(**where)
            one = row["probability" if kind == "event" else "value"]
        assert (one.estimate, str(one.low), one.flags) == (record.estimate, str(record.low), record.flags)
