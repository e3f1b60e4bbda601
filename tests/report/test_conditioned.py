"""The report of a run that was conditioned, or calibrated: charts that hold the answer's numbers, and the same as a
table.
"""

import numpy as np
import pytest

from engine.answers.answer import Subject
from engine.report.page import page
from engine.report.run_records import records_of
from engine.report.sections import any_answer, known_charts
from tests.conditioned import COUNTS, HIGH, LOW, SD, SD_GIVEN, SHIFTS, both, calibrated, conditioned
from tests.helpers import assert_close
from tests.report.farms import Farms, Reader, data_of, make_study, make_tree, normal

STUDY = make_study(Farms(), 500, ("old", "reform"), "text")
FACTORS = ("rain", "sun", "wind", "fixed")
"""Of which the last one never varies."""


def asked_of(answer):
    """A run with that answer."""
    return records_of(STUDY, make_tree(STUDY, normal(STUDY)), {"condition": answer.tree})


def drawn(run):
    """The charts of its section by their address."""
    return {chart.anchor: chart for chart in known_charts.charts(run, any_answer.answer_of(run, "condition"))}


@pytest.fixture(scope="module")
def run():
    return asked_of(both(Subject.of(STUDY), FACTORS, ("ruin",), 0.01))


def test_its_section_has_both_charts_behind_its_sentence_and_no_key_of_policies(run):
    made = page(run).decode()
    read, answer = Reader(made), any_answer.answer_of(run, "condition")
    assert [one["id"] for one in read.of("figure") if one["id"].startswith("known")] == ["known-factors", "known-ranks"]
    section = made.partition('id="condition"')[2].partition("<section")[0]
    assert 0 < section.find(answer.finding) < section.find("<figure")
    for anchor, chart in drawn(run).items():
        figure = made.partition(f'id="{anchor}"')[2].partition("</figure>")[0]
        assert 'class="legend"' not in figure and 'role="img"' in figure and "<table" in figure
        assert data_of(made)["charts"][anchor]["spec"]["width"] == "container"
        assert chart.height >= 40


def test_factors_have_their_bars_in_standard_deviations_of_the_prior(run):
    chart = drawn(run)["known-factors"]
    order = sorted(range(len(FACTORS) - 1), key=lambda k: -abs(SHIFTS[k % len(SHIFTS)]))
    shifts = np.array([SHIFTS[k % len(SHIFTS)] for k in order])
    assert_close(np.array(chart.columns["mean"]), shifts)
    sd = SD_GIVEN / SD
    for reach in (1, 2):
        assert_close(np.array(chart.columns[f"low{reach}"]), shifts - reach * sd)
        assert_close(np.array(chart.columns[f"high{reach}"]), shifts + reach * sd)
        assert chart.columns[f"prior_low{reach}"] == [-reach] * len(order)
    low, high = chart.options["span"]
    assert low < min(-2, *chart.columns["low2"]) and high > max(2, *chart.columns["high2"])
    assert chart.columns["factor"] == [STUDY.title("factors", FACTORS[k]) for k in order]
    assert [row[0] for row in chart.rows] == chart.columns["factor"]
    assert chart.columns["y"] == sorted(chart.columns["y"]) and chart.columns["y"][-1] < chart.options["height"]
    assert "moves farthest" in chart.finding


def test_ranks_are_those_of_the_answer_with_their_band(run):
    chart = drawn(run)["known-ranks"]
    assert tuple(chart.columns["y"]) == COUNTS
    assert set(chart.columns["low"]) == {LOW} and set(chart.columns["high"]) == {HIGH}
    assert_close(np.array([*chart.columns["x"], chart.columns["x2"][-1]]), np.arange(11) / 10)
    assert chart.rows[0] == ("0.0 to 0.1", "12", "5 to 15")
    assert "100 ranks" in chart.finding and "inside the band" in chart.finding
    low, high = chart.options["span"]
    assert low < LOW and high > HIGH and chart.options["expected"] == 10


def test_each_answer_has_its_own_chart_alone():
    subject = Subject.of(STUDY)
    assert [*drawn(asked_of(conditioned(subject, FACTORS, ())))] == ["known-factors"]
    assert [*drawn(asked_of(calibrated(subject)))] == ["known-ranks"]
