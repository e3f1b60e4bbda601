"""The report of a run that has been held against its assumptions."""

import re

from engine.runs.run import run
from tests.questions.assumed import BILL, bill
from tests.report.wording import report


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
    assert b'<h2 id="challenge"' not in report(done.folder, study, done.cube)
    done.challenge(only="assumptions")
    text = words(report(done.folder, study, done.cube))
    assert "with plant exit doubled" in text
    row = text.partition("in other structures")[2][:300]
    assert re.search(r"Ruin flips .*plant exit doubled", row), row
    assert "same in all" in text
