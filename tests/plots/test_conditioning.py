"""What is known beside what was, and ranks of the truth, show what the answer holds: read from the axes."""

from dataclasses import replace

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex

from engine.answers.answer import Subject
from engine.plots import known, ranks
from engine.plots.conditioning import chances, learnt, ranks_of
from engine.plots.style import INK, PALE, PAPER
from tests.conditioned import BEFORE, COUNTS, ERROR, HIGH, LOW, MOVES, SD, SD_GIVEN, SHIFTS, calibrated, conditioned
from tests.drawn_cubes import CASES, drawn
from tests.helpers import assert_close

STUDY = drawn(CASES["plain"]).study
SUBJECT = Subject.of(STUDY)
FACTORS = tuple(item.name for item in STUDY.inputs)
EVENTS = ("loss", "growth")
ORDER = (1, 0, 2)
"""Factors, the largest shift first; the last one never varies."""


def texts_of(made):
    return " ".join(text.get_text().replace("\n", " ") for text in made.texts)


def bars_of(ax, colour):
    """Ends of the bars of a colour by row, the longest first."""
    bars = [bar for bar in ax.patches if to_hex(bar.get_facecolor()).upper() == colour.upper()]
    rows = sorted({round(bar.get_y() + bar.get_height() / 2) for bar in bars})
    own = ([bar for bar in bars if round(bar.get_y() + bar.get_height() / 2) == row] for row in rows)
    return [
        sorted(((bar.get_x(), bar.get_x() + bar.get_width()) for bar in row), key=lambda ends: ends[0] - ends[1])
        for row in own
    ]


def test_a_factor_has_its_prior_as_a_pale_bar_and_what_is_known_of_it_as_a_dark_one():
    made = known(STUDY, conditioned(SUBJECT, FACTORS, EVENTS))
    left, _ = made.axes
    names = [text.get_text().replace("\n", " ") for text in left.get_yticklabels()]
    assert names == [STUDY.title("factors", FACTORS[k]) for k in ORDER]
    assert_close(np.array(bars_of(left, PALE)), np.array([[(-2, 2), (-1, 1)]] * 3))
    sd = SD_GIVEN / SD
    expected = [[(SHIFTS[k] - reach * sd, SHIFTS[k] + reach * sd) for reach in (2, 1)] for k in ORDER]
    assert_close(np.array(bars_of(left, INK)), np.array(expected))
    means = [float(of.lines[0].get_xdata()[0]) for of in left.containers if hasattr(of, "has_xerr")]
    assert_close(np.array(means), np.array([SHIFTS[k] for k in ORDER]))
    told = [text.get_text().replace("\xa0", " ") for text in left.texts]
    assert told == ["5.00 → 1.00 % a year", "5.00 → 5.60 % a year", "5.00 → 5.00 % a year"]
    assert texts_of(made).startswith("Given 1 figure") and "ruin is rarer" in texts_of(made)


def test_only_so_many_factors_are_shown():
    made = known(STUDY, conditioned(SUBJECT, FACTORS, EVENTS), most=1)
    assert len(made.axes[0].get_yticklabels()) == 1


def test_chances_go_from_a_hollow_mark_before_to_a_filled_one_given_the_facts():
    made = known(STUDY, conditioned(SUBJECT, FACTORS, EVENTS))
    _, right = made.axes
    assert [text.get_text() for text in right.get_yticklabels()] == ["Growth", "Loss"]  # the larger move first
    before = [100 * (BEFORE + 0.1 * p) for p in range(2)]
    expected = [(x, x + 100 * move) for move in reversed(MOVES) for x in before]
    lines = [tuple(line.get_xdata()) for line in right.lines if len(line.get_xdata()) == 2]
    assert_close(np.array(sorted(lines)), np.array(sorted(expected)))
    points = [of for of in right.containers if of.has_xerr]
    assert_close(np.array(sorted(of.lines[0].get_xdata()[0] for of in points)), np.array(sorted(sum(expected, ()))))
    (segment,) = points[0].lines[2][0].get_segments()
    assert_close(np.diff(segment[:, 0]), np.array([100 * 5 * ERROR]))
    faces = [of.lines[0].get_markerfacecolor() != PAPER for of in points]
    assert faces == [False, True] * 4


def test_of_what_was_not_asked_for_it_says_what_to_ask():
    one, other = conditioned(SUBJECT, FACTORS, EVENTS), calibrated(SUBJECT)
    assert not learnt(other) and not chances(other, 9) and ranks_of(one) is None
    assert "rustbelt condition STUDY" in texts_of(known(STUDY, other))
    assert "--calibration 200" in texts_of(ranks(one))
    (table,) = other.tables
    old = replace(table, columns=[column for column in table.columns if column.name not in ("low", "high")])
    assert ranks_of(replace(other, tables=(old,))) is None


def test_a_panel_is_left_out_that_has_nothing_to_show():
    assert len(known(STUDY, conditioned(SUBJECT, FACTORS, ())).axes) == 1
    (ax,) = known(STUDY, conditioned(SUBJECT, FACTORS[-1:], EVENTS)).axes
    assert ax.get_xlabel() == "chance [%]"


def test_ranks_are_those_of_the_answer_with_their_band():
    made = ranks(calibrated(SUBJECT))
    (ax,) = made.axes
    (steps,) = [one for one in ax.collections if isinstance(one, LineCollection)]
    drawn_at = np.array(steps.get_segments())
    assert_close(drawn_at[:, :, 1], np.repeat(np.array(COUNTS, float)[:, None], 2, axis=1))
    assert_close(drawn_at[:, :, 0], np.stack([np.arange(10) / 10, np.arange(1, 11) / 10], axis=1))
    (band,) = [one for one in ax.collections if isinstance(one, PolyCollection)]
    ends = band.get_paths()[0].vertices[:, 1]
    assert (ends.min(), ends.max()) == (LOW, HIGH)
    (expected,) = [line for line in ax.lines if line.get_label() == "expected"]
    assert set(expected.get_ydata()) == {10.0}
    assert "100 ranks" in texts_of(made) and "inside the band in 10 of 10 bins" in texts_of(made)
    low, high = ax.get_ylim()
    assert low < LOW and high > HIGH


def test_ranks_that_leave_their_band_are_said_to():
    piled = calibrated(SUBJECT, (*COUNTS[:-1], 19))
    assert "inside the band in 9 of 10 bins" in texts_of(ranks(piled))
