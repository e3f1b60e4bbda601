"""The figure of rare futures: what is extrapolated is dashed, apart from the futures, and axes are logarithmic where
they can be.
"""

import numpy as np
import pytest

from engine.answers.answer import Subject
from engine.plots import sheet
from engine.plots.figures.beyond import DASHED, beyond
from tests.helpers import assert_close
from tests.rare import BEYOND, PERIODS, level, rare

SUBJECT = Subject("sum", "", "0", 5000, 7, ("old", "aided"), "old")


@pytest.fixture(autouse=True)
def unseen():
    sheet.draw_unseen()


def test_the_futures_are_solid_and_what_is_extrapolated_is_dashed():
    figure = beyond(rare(SUBJECT, ["cost"]))
    (ax,) = figure.axes
    lines = [line for line in ax.lines if len(line.get_xdata()) > 1]
    assert [line.get_label() for line in lines] == ["futures", "extrapolated"] * 2
    for k, line in enumerate(lines):
        is_dashed = line.get_label() == "extrapolated"
        periods = [one for one in PERIODS if (one >= BEYOND) == is_dashed]
        assert_close(1 / np.asarray(line.get_ydata()), periods)
        assert_close(line.get_xdata(), [level(one, k // 2).estimate for one in periods])
        assert (line.get_linestyle() == "--") == is_dashed
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert DASHED[1] == (4, 2) and len(ax.collections) == 4
    assert "extrapolated" in [text.get_text() for text in figure.legends[0].texts]
    sheet.close(figure)


def test_bands_are_the_intervals_of_levels():
    figure = beyond(rare(SUBJECT, ["cost"]))
    band = figure.axes[0].collections[1].get_paths()[0].vertices
    ends = [end for one in PERIODS if one >= BEYOND for end in (level(one, 0).low, level(one, 0).high)]
    assert_close([band[:, 0].min(), band[:, 0].max()], [min(ends), max(ends)])
    sheet.close(figure)


def test_levels_below_zero_stand_on_a_linear_axis_and_low_is_worse_runs_the_other_way():
    figure = beyond(rare(SUBJECT, ["cost"], first=-100.0))
    assert figure.axes[0].get_xscale() == "linear" and not figure.axes[0].xaxis_inverted()
    sheet.close(figure)


def test_a_panel_a_number_and_none_says_so():
    figure = beyond(rare(SUBJECT, ["cost", "own", "gain"]))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["cost", "own", "gain"]
    sheet.close(figure)
    figure = beyond(rare(SUBJECT, ["cost"], each=False))
    assert "too few futures" in [text.get_text() for text in figure.axes[0].texts]
    sheet.close(figure)
