"""The report of a run whose policies have been compared."""

import re

from engine.report.page import report
from engine.runs.run import run
from tests.questions.assumed import BILL, bill

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
    assert "less as it was" in text and "above 1.5 bn" in text
    assert "Stochastic dominance over as it was" in text
    assert b'"threshold-ruin"' in page and b'<h2 id="compare"' in page
    line = text.split("What turns it")[-1][:400]
    assert f"how surely {answer.finding[:40]}" in line
    assert "rustbelt explain RUN --outcome" in text and "rustbelt attribute RUN --from old --to reform" in text


def test_of_three_policies_or_more_every_one_is_held_against_every_other(tmp_path):
    """Asked or not; and the answer ends with the one that is ahead most often, where that is none of the first two."""
    keep = {"outcomes": "all", "draws": 0, "yearly": 0}
    study = bill(policies=MANY, headline=["cost", "even"], run=BILL["run"] | {"paths": 65_536}, keep=keep)
    done = run(study, out=tmp_path / "run")
    page = report(done.folder, study, done.cube)
    answer, appendix = words(page.split(b'<h2 id="numbers"')[0]), words(page.split(b'<h2 id="every-pair"')[1])
    said = done.compare(against="every").findings
    standing = next(text for text in said if text.startswith("Clear advantages"))
    assert "more of it" in standing.split(", in ")[0] and standing in answer
    for text in said:
        assert text in appendix, text
    assert "1 As it was" in appendix or "1 as it was" in appendix
    asked = report(done.folder, study, done.cube)
    assert b'<h2 id="every-pair"' not in asked and standing in words(asked.split(b'<h2 id="compare"')[1])
    two = bill(policies={name: MANY[name] for name in ("old", "reform")}, run=BILL["run"] | {"paths": 4096}, keep=keep)
    other = run(two, out=tmp_path / "two")
    assert b'<h2 id="every-pair"' not in report(other.folder, two, other.cube)
