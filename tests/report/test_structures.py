"""The report of a run that has been held against its assumptions."""

import re

from engine.analyses.assumptions import assumptions
from engine.execution.run import run
from engine.report.page import report
from engine.run_folder import assumption_store
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
    )
    done = run(study, out=tmp_path / "run")
    before = words(report(done.folder, study, done.cube))
    assert "What it rests on" not in before
    done.assumptions()
    text = words(report(done.folder, study, done.cube))
    assert "ruin (likelier under As it was as stated, under Reform with exit doubled)" in text
    assert "exit capacity leaves exit_rate 0 exit_rate 3x" in text
    row = text.partition("Ruin [points]")[2][:120]
    assert re.search(r"likelier under As it was .*under Reform with exit doubled", row)
    assert "the same in all" in text


def test_what_is_stored_are_the_records():
    answer = assumptions(bill())
    back = assumption_store.records(answer.tree)
    keys = {(r.measure, r.policy, r.variable, tuple(r.place.items())): r for r in answer.records}
    assert len(back) == len(keys)
    for record in back:
        other = keys[record.measure, record.policy, record.variable, tuple(record.place.items())]
        assert (record.estimate, str(record.low)) == (other.estimate, str(other.low))
