"""The outcomes that short tables show: those that a study names, else the first of its model."""

from engine import Factor, Outcome, StaticModel
from engine.runs.headline import outcome
from engine.study.loading import load_study
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


def test_it_is_what_the_study_names_in_its_order_or_the_first_five_outcomes(tmp_path):
    plain, study = of(tmp_path, ""), of(tmp_path, 'headline = ["y6", "y1"]')
    assert plain.headline == ("y0", "y1", "y2", "y3", "y4") and "headline" not in plain.document
    assert study.headline == ("y6", "y1") and outcome(study) == "y6"
