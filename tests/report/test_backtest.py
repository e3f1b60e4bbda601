"""The report of a run that was held against what happened: the first sentence first, charts that hold the answer's
numbers, and its scores.
"""

import re

import pytest

from engine.answers.answer import Subject
from engine.report.page import page
from engine.report.run_records import records_of
from engine.report.sections import any_answer, backtest_charts, certainty
from tests.backtested import LEVELS, READINGS, SERIES, YEARS, backtested, figures, middle
from tests.report.farms import Farms, Reader, data_of, make_study, make_tree, normal

HEADING = "Held against what happened"


def asked_of(**changes):
    """A run that was asked."""
    study = make_study(Farms(), 500, ("old", "reform"), "text")
    answer = backtested(Subject.of(study), **changes)
    return records_of(study, make_tree(study, normal(study)), {"backtest": answer.tree})


@pytest.fixture(scope="module")
def run():
    return asked_of()


def drawn(run):
    """The charts of its section by their address."""
    return {chart.anchor: chart for chart in backtest_charts.charts(run, any_answer.answer_of(run, "backtest"))}


def rows_of(chart):
    """The data of a chart as rows."""
    return [dict(zip(chart.columns, row, strict=True)) for row in zip(*chart.columns.values(), strict=True)]


def test_its_section_has_the_sentence_first_then_charts_and_scores(run):
    made = page(run).decode()
    read, answer = Reader(made), any_answer.answer_of(run, "backtest")
    assert [one["id"] for one in read.of("figure") if one["id"].startswith("backtest")] == [
        "backtest-series",
        "backtest-places",
    ]
    section = made.partition('id="backtest"')[2].partition("<section")[0]
    assert (
        section.find(HEADING)
        < section.find(answer.finding)
        < section.find("<figure")
        < section.find("Scores by series")
    )
    text = re.sub(r"\s+", " ", " ".join(read.words))
    assert "figures place error Steel output 2 0.55 0.5" in text
    for anchor, chart in drawn(run).items():  # a key of policies would say what these colours do not mean
        figure = made.partition(f'id="{anchor}"')[2].partition("</figure>")[0]
        assert 'class="legend"' not in figure
        assert chart.finding.partition(";")[0] in figure
    specs = {anchor: data_of(made)["charts"][anchor]["spec"] for anchor in drawn(run)}
    assert specs["backtest-places"]["width"] == "container" and "width" not in specs["backtest-series"]


def test_its_first_finding_stands_among_what_turns_the_answer(run):
    markup = str(certainty.turns(run).markup)
    (line,) = re.findall(rf'<a href="#backtest">{HEADING}</a></dt>\s*<dd>([^<]*)', markup)
    assert line.strip() == any_answer.answer_of(run, "backtest").finding


def test_a_panel_a_series_has_its_futures_and_its_figures(run):
    chart = drawn(run)["backtest-series"]
    points = rows_of(chart)
    assert [" ".join(panel.name) for panel in chart.options["panels"]] == [*SERIES]
    assert [panel.unit for panel in chart.options["panels"]] == ["Mt/yr", "k persons", ""]
    names = dict(zip(("q05", "q25", "y", "q75", "q95"), LEVELS.values(), strict=True))
    for number in (0, 2):
        fan = [point for point in points if point["s"] == number and point["o"] is None]
        assert [point["x"] for point in fan] == [*YEARS]
        assert all(point[key] == middle(point["x"]) + step for point in fan for key, step in names.items())
    (bar,) = [point for point in points if point["bar"]]
    assert (bar["s"], bar["x"], bar["q05"], bar["q95"]) == (1, 2018, middle(2018) - 2, middle(2018) + 2)
    held = [(point["s"], point["x"], point["o"], point["hollow"]) for point in points if point["o"] is not None]
    assert sorted(held) == sorted(
        (row["series"], row["time"], row["observed"], bool(row["apart"])) for row in figures()
    )
    (known,) = [point for point in points if point["low"] is not None]
    assert (known["low"], known["high"], known["observed"]) == (54.5, 55.5, "55.00 ± 0.5 Mt/yr")
    for number, panel in enumerate(chart.options["panels"]):  # all that is drawn is on the axis
        own = [
            point[key]
            for point in points
            if point["s"] == number
            for key in ("q05", "q95", "o", "low", "high")
            if point[key] is not None
        ]
        assert panel.span[0] < min(own) and max(own) < panel.span[1]
    assert chart.options["years"] == (2013, 2021)
    for counted in ("5 of 9 figures", "3 of these", "2 known before"):
        assert counted in chart.finding


def test_its_numbers_stand_in_a_table_with_why_a_figure_is_not_scored(run):
    rows = {row[0]: row for row in drawn(run)["backtest-series"].rows}
    assert len(rows) == len(figures())
    assert rows["Steel output 2017"][1:] == ("55.00", "0.5", "52.00", "54.00", "56.00", "0.8", "")
    *numbers, why = rows["Steel output 2013"][1:]
    assert numbers == ["47.00", *"–––––"] and "before" in why


def test_places_are_a_line_a_reading_with_its_band(run):
    chart = drawn(run)["backtest-places"]
    points = rows_of(chart)
    assert {point["reading"] for point in points} == {*READINGS} == {*chart.options["looks"]}
    for name in READINGS:
        own = [point for point in points if point["reading"] == name]
        shares = [point["y"] for point in own]
        assert [own[0]["x"], own[-1]["x"], shares[0], shares[-1]] == [0, 1, 0, 1] and shares == sorted(shares)
        assert all(point["low"] <= point["high"] for point in own)
    looks = [*chart.options["looks"].values()]
    assert len({ink for ink, _ in looks}) == len({str(dash) for _, dash in looks}) == len(READINGS)
    assert chart.finding.count("inside the band") == len(READINGS)
    alone = drawn(asked_of(readings=("",)))["backtest-places"]
    assert "4 figures" in alone.finding and "inside the band" in alone.finding
    assert "Reading" not in alone.head and "'orient': 'top'" not in str(alone.specification(("old", "reform")))


def test_readings_differ_in_their_shapes_and_have_a_key(run):
    text = str(drawn(run)["backtest-series"].specification(("old", "reform")))
    assert (
        "'domain': ['one reading', 'as reported', 'as revised'], 'range': ['circle', 'square', 'triangle-up']" in text
    )
    assert "'orient': 'top'" in text
    alone = drawn(asked_of(readings=("",)))["backtest-series"]
    assert "'orient': 'top'" not in str(alone.specification(("old", "reform")))


def test_nothing_is_drawn_of_an_answer_without_figures():
    assert drawn(asked_of(each=False)) == {}
