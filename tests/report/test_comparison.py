"""The report of a run whose policies have been compared."""

import re

from engine.runs.run import run
from tests.questions.assumed import BILL, bill
from tests.report.wording import report

MANY = {
    "old": {"label": "As it was"},
    "half": {"cut": 0.1},
    "reform": {"cut": 0.3},
    "more": {"cut": 1.0, "label": "More of it"},
}


def words(page: bytes) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode()))


def test_it_says_which_policy_is_better_and_how_surely_in_the_words_of_the_study(tmp_path):
    policies = {"old": {"label": "As it was"}, "reform": {"cut": 1.0}}
    keep = {"outcomes": "all", "draws": 0, "yearly": 0}
    study = bill(policies=policies, run=BILL["run"] | {"paths": 65_536}, keep=keep)
    done = run(study, out=tmp_path / "run")
    assert b'<h2 id="compare"' not in report(done.folder, study, done.cube)
    answer = done.compare()
    assert re.search(r"Under reform, the mean of cost is better by 0\.5.* than under as it was", answer.finding)
    page = report(done.folder, study, done.cube)
    text = words(page)
    assert "clearly better in 1 and clearly worse in 1 of 3 outcomes." in text
    assert "less as it was" in text and "Stochastic dominance over as it was" in text
    assert b'<h2 id="compare"' in page and b'<figure id="thresholds' in page
    line = text.split("Findings")[-1][:400]
    assert f"how surely {answer.finding[:40]}" in line
    assert "Not asked: how bad it gets, and how rarely; what drives the worst" in text


def test_of_three_policies_or_more_every_one_is_held_against_every_other(tmp_path):
    keep = {"outcomes": "all", "draws": 0, "yearly": 0}
    study = bill(policies=MANY, headline=["cost", "even"], run=BILL["run"] | {"paths": 65_536}, keep=keep)
    done = run(study, out=tmp_path / "run")
    said = done.compare().findings
    appendix = words(report(done.folder, study, done.cube).split(b'<h2 id="compare"')[1])
    for text in said:
        assert text in appendix, text
