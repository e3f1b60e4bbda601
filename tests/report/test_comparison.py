"""The report of a run whose policies have been compared."""

import re

from engine.report.page import report
from engine.runs.run import run
from tests.analyses.assumed import BILL, bill


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
    assert answer.finding.startswith("Against as it was, reform would improve average cost by 0.5")
    page = report(done.folder, study, done.cube)
    text = words(page)
    assert "Of 3 outcomes it is clearly better on average in 1, clearly worse in 1." in text
    assert "Outcomes less as it was" in text and "At the study’s threshold, above 1.5 bn" in text
    assert "Least regretted on average, of " in text and "Stochastic dominance over as it was" in text
    assert b'"threshold-ruin"' in page and b'<h2 id="compare"' in page
    line = text.split("What turns it")[-1][:400]
    assert "Which policy, how surely Against as it was, reform would improve average cost by 0.5" in line
    assert (
        "rustbelt explain RUN --outcome" in text and "rustbelt attribute RUN --from old --to reform" in text
    )
