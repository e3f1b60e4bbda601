"""The report of a run whose worst futures were explained."""

import re

from engine.formatting import rounded
from engine.runs.run import run
from engine.study.loading import read_study
from tests.questions.explained import SUM, Sum
from tests.report.test_structures import words
from tests.report.wording import report


def study_of(paths):
    more = {
        "policies": {"old": {"label": "As it was"}, "aided": {"aid": 2.0}},
        "keep": {"outcomes": ["cost"]},
        "factors": {**SUM["factors"], "a": {**SUM["factors"]["a"], "label": "Price of a"}},
        "groups": {"pair": {**SUM["groups"]["pair"], "label": "Twins"}},
        "shocks": {"noise": {"label": "Weather"}},
    }
    return read_study({**SUM, **more, "run": {**SUM["run"], "paths": paths}}, "sum.toml", model=Sum())


def test_it_says_what_the_worst_have_in_common_in_the_words_of_the_study(tmp_path):
    study = study_of(1 << 16)
    done = run(study, out=tmp_path / "run")
    assert b'<h2 id="explain"' not in report(done.folder, study, done.cube)
    given = done.explain("cost")
    text = words(report(done.folder, study, done.cube))
    assert "high price of a" in text
    (distance,), worst = given["point"]["distance"], given["worst"]["path"][0]
    assert f"passes VaR99 {rounded(distance, None)} " in text
    assert "share [%] Twins 7" in text
    assert "score draw Price of a [M]" in text
    assert "weather[north] in 2021" in text and "noise[" not in text
    assert "run --path PATH --model" in text
    assert re.search(rf"\b{worst}\b", text)
    done.explain("both", "aided")
    text = words(report(done.folder, study, done.cube))
    assert "both under aided" in text


def test_why_nothing_has_an_interval_is_what_the_explanation_says(tmp_path):
    study = study_of(2000)
    done = run(study, out=tmp_path / "run")
    done.explain("cost")
    text = words(report(done.folder, study, done.cube))
    assert "too few" in text
    assert "0 exceedances, 0 needed" not in text


def test_of_few_paths_it_claims_nothing(tmp_path):
    study = study_of(64)
    done = run(study, out=tmp_path / "run")
    done.explain("own")
    text = words(report(done.folder, study, done.cube))
    assert "nothing can be" in text or "exceedances, 100 needed" in text
