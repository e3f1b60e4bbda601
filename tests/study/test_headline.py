"""The outcomes that short tables show: those that a study names, else the first of its model."""

import pytest

from engine import Factor, Outcome, StaticModel
from engine.runs.headline import outcome
from engine.study.loading import load_study, resolved_text, study_of_text
from tests.refusals import refuses
from tests.small_files import write


class Many(StaticModel):
    """Seven outcomes."""

    factors = {"load": Factor("t")}
    outcomes = {f"y{k}": Outcome("t", loss=k > 2) for k in range(7)}

    def evaluate(self, factors, levers):
        """The load, seven times."""
        return {name: factors.load for name in self.outcomes}


MANY = 'name = "many"\nmodel = "Many"\n{}\n[factors.load]\nfamily = "normal"\nmean = 0\nsd = 1\n'


def of(tmp_path, line: str):
    """The study with that line at its top."""
    return load_study(write(tmp_path, MANY.format(line)), model=Many())


def test_it_is_the_first_five_outcomes_where_a_study_says_nothing(tmp_path):
    study = of(tmp_path, "")
    assert study.headline == ("y0", "y1", "y2", "y3", "y4") and "headline" not in study.document


def test_it_is_what_the_study_names_in_its_order(tmp_path):
    study = of(tmp_path, 'headline = ["y6", "y1"]')
    assert study.headline == ("y6", "y1")
    assert study_of_text(resolved_text(study), "again", Many()).headline == study.headline
    assert outcome(study) == "y6"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('headline = ["y7", "y1"]', ["outcome 'y7'", "Known: y0"]),
        ('headline = ["y1", "y1"]', ["'y1' twice"]),
        ("headline = []", ["expected"]),
        ('headline = "all"', ["expected"]),
    ],
)
def test_what_is_no_headline_is_refused(tmp_path, line, words):
    with refuses("headline", *words):
        of(tmp_path, line)
