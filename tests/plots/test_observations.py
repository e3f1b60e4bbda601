"""What was observed among its futures, and the places of figures, show what the answer holds: read from the axes."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from engine.answers.answer import Subject
from engine.plots import hindcast, pit
from engine.plots.observations import places_of, series_of
from engine.plots.style import INK, MARKERS, PAPER
from tests.backtested import HALF, LEVELS, READINGS, SERIES, UNITS, YEARS, backtested, ecdf, figures, middle
from tests.helpers import assert_close

SUBJECT = Subject("towns", "Old or reform?", "0" * 12, 4096, 1, ("old",), "old")
BEFORE = 2013
"""Year of the first figure."""


@pytest.fixture(scope="module")
def answer():
    return backtested(SUBJECT)


def texts_of(made):
    return " ".join(text.get_text().replace("\n", " ") for text in made.texts)


def points_of(ax):
    """What was observed: year, value, whether filled, marker."""
    lines = [line for line in ax.lines if line.get_color() == INK and line.get_marker() in MARKERS]
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]), line.get_markerfacecolor() == INK, line.get_marker())
        for line in lines
    ]


def test_a_panel_a_series_has_its_words_its_unit_and_the_years_of_all(answer):
    made = hindcast(answer)
    assert [ax.get_title(loc="left").replace("\n", " ") for ax in made.axes] == [*SERIES]
    assert [ax.get_ylabel().replace("\n", " ") for ax in made.axes] == [f"[{unit}]" for unit in UNITS]
    assert len({ax.get_xlim() for ax in made.axes}) == 1
    low, high = made.axes[0].get_xlim()
    assert low < BEFORE and high > YEARS[-1]
    assert texts_of(made).startswith(answer.finding)
    for apart in ("2 known before", "1 seen by", "1 remembered"):
        assert apart in texts_of(made)


def test_figures_stand_where_they_were_observed_filled_only_where_they_are_scored(answer):
    rows, made = figures(), hindcast(answer)
    markers = dict(zip(("", *READINGS), MARKERS, strict=False))
    for k, ax in enumerate(made.axes):
        expected = [
            (row["time"], row["observed"], not row["apart"], markers[row["reading"]])
            for row in rows
            if row["series"] == k
        ]
        assert sorted(points_of(ax)) == sorted(expected)
        faces = {line.get_markerfacecolor() for line in ax.lines if line.get_marker() in MARKERS}
        assert faces <= {INK, PAPER}
    keys = {text.get_text() for text in made.legends[0].get_texts()}
    assert {f"read “{name}”" for name in READINGS} < keys


def test_standard_errors_are_bars_of_that_length(answer):
    ax = hindcast(answer).axes[0]
    (bar,) = [one for one in ax.containers if one.has_yerr]
    (segment,) = bar.lines[2][0].get_segments()
    assert_close(segment[:, 1], np.array([54.5, 55.5]))


@pytest.mark.parametrize("panel", [0, 2])
def test_fans_are_the_quantiles_of_the_answer(answer, panel):
    ax = hindcast(answer).axes[panel]
    (median,) = [line for line in ax.lines if line.get_label() == "futures"]
    assert_close(np.asarray(median.get_xydata()), np.array([[year, middle(year)] for year in YEARS]))
    bands = [one for one in ax.collections if isinstance(one, PolyCollection)]
    for band, low, high in zip(bands, ("p05", "p25"), ("p95", "p75"), strict=True):
        drawn = {tuple(point) for point in band.get_paths()[0].vertices.tolist()}
        assert {(year, middle(year) + LEVELS[end]) for year in YEARS for end in (low, high)} <= drawn


def test_a_figure_of_several_years_has_its_futures_as_bars(answer):
    ax = hindcast(answer).axes[1]
    assert not [one for one in ax.collections if isinstance(one, PolyCollection)]
    bars = [tuple(line.get_ydata()) for line in ax.lines if len(line.get_ydata()) == 2]
    expected = [
        (middle(2018) + LEVELS[low], middle(2018) + LEVELS[high]) for low, high in (("p05", "p95"), ("p25", "p75"))
    ]
    assert bars == expected


def test_places_are_an_ecdf_a_reading_with_its_band_and_the_diagonal(answer):
    made = pit(answer)
    (ax,) = made.axes
    at = np.linspace(0, 1, 21)
    lines = {line.get_label(): np.asarray(line.get_xydata()) for line in ax.lines}
    for reading in READINGS:
        assert_close(lines[reading][:, 0], at)
        assert_close(lines[reading][1:-1, 1], ecdf(figures(), reading, at[1:-1]))
        assert lines[reading][0, 1] == 0 and lines[reading][-1, 1] == 1
    assert any(np.array_equal(line, [[0, 0], [1, 1]]) for line in lines.values())
    bands = [one for one in ax.collections if isinstance(one, PolyCollection)]
    assert len(bands) == len(READINGS)
    drawn = {(round(x, 6), round(y, 6)) for x, y in bands[0].get_paths()[0].vertices.tolist()}
    assert {(round(x, 6), round(min(x + HALF, 1), 6)) for x in at[1:-1].tolist()} <= drawn
    looks = {(line.get_color(), str(line.get_linestyle())) for line in ax.lines if line.get_label() in READINGS}
    assert len({colour for colour, _ in looks}) == len({dash for _, dash in looks}) == len(READINGS)


def test_its_title_says_at_how_many_points_the_band_holds():
    inside = backtested(SUBJECT, readings=("",))
    (one,) = places_of(inside)
    assert (one.reading, one.count) == ("", 4)
    every = len(one.at)
    assert "4 figures" in texts_of(pit(inside)) and f"at {every} of {every} points" in texts_of(pit(inside))
    table = inside["pit"]
    columns = [replace(c, values=[0.0] * len(table)) if c.name == "share" else c for c in table.columns]
    tables = tuple(replace(t, columns=columns) if t.name == "pit" else t for t in inside.tables)
    left = replace(inside, tables=tables)
    assert f"of {every} points" in texts_of(pit(left)) and f"at {every} of" not in texts_of(pit(left))


def test_nothing_is_drawn_of_an_answer_without_figures():
    bare = backtested(SUBJECT, each=False)
    assert series_of(bare) == places_of(bare) == ()
    assert texts_of(hindcast(bare)).startswith("No figure")
    assert texts_of(pit(bare)).startswith("No figure")
