"""A specification curve and a profile of claims show what the answer holds: read from the axes."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from engine.answers.answer import Subject
from engine.answers.table import estimates
from engine.errors import UserError
from engine.formatting import begun
from engine.plots import curve, profile
from engine.plots.universes import DESIGN, LEDGERS, MOST_INTERVALS, VERDICTS, called, universes
from engine.risk.estimation.intervals import Estimate
from tests.challenged import CLAIMS, DEPARTURES, HALF, SENTENCES, challenged
from tests.helpers import assert_close

SHOWN = tuple(begun(text) for text in SENTENCES)
SUBJECT = Subject("towns", "Old or reform?", "0" * 12, 4096, 1, ("old", "reform"), "old")


@pytest.fixture(scope="module")
def answer():
    return challenged(SUBJECT)


def ordered(answer, claim=CLAIMS[0], ledger=LEDGERS[0]):
    """Rows of a curve as they should stand from left to right."""
    return sorted(answer["curve"].where(claim=claim, ledger=ledger), key=lambda row: row["difference"].estimate)


def texts_of(made):
    return " ".join(text.get_text().replace("\n", " ") for text in made.texts)


def test_differences_are_sorted_and_each_verdict_has_a_marker_of_its_own(answer):
    made = curve(answer)
    rows, above = ordered(answer), made.axes[0]
    drawn = {line.get_label(): line for line in above.lines if line.get_label() in VERDICTS}
    points = sorted(
        (float(x), float(y), name)
        for name, line in drawn.items()
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    )
    assert points == [(k, row["difference"].estimate, row["verdict"]) for k, row in enumerate(rows, 1)]
    assert set(drawn) == set(VERDICTS)
    looks = [(line.get_marker(), line.get_color()) for line in drawn.values()]
    assert len({marker for marker, _ in looks}) == len({colour for _, colour in looks}) == len(VERDICTS)
    keys = {
        text.get_text(): key.get_marker()
        for text, key in zip(made.legends[0].get_texts(), made.legends[0].get_lines(), strict=True)
    }
    counted = {name: sum(row["verdict"] == name for row in rows) for name in VERDICTS}
    assert keys == {f"{called(name)}: {count}": VERDICTS[name].marker for name, count in counted.items()}
    assert above.get_ylabel() == "difference [1]"
    assert texts_of(made).startswith(SHOWN[0])
    (departing,) = {row["words"] for row in universes(answer).rows if row["choices"] == "drag: off"}
    assert departing == "drag of zombies off"


@pytest.mark.parametrize("each", [10, 200])
def test_intervals_are_thinned_where_universes_are_many(each):
    answer = challenged(SUBJECT, each=each)
    made = curve(answer)
    lines = [
        segment for one in made.axes[0].collections if isinstance(one, LineCollection) for segment in one.get_segments()
    ]
    n, at = len(DEPARTURES) * each + 1, {int(segment[0, 0]) - 1 for segment in lines}
    assert len(at) == len(lines) == n if each == 10 else n / 4 < len(lines) <= MOST_INTERVALS + 1
    assert universes(answer).stated in at
    assert_close(np.array([segment[1, 1] - segment[0, 1] for segment in lines]), np.full(len(lines), 2 * HALF))
    assert (f"of {len(lines)} of them" in texts_of(made)) == (each == 200)


def test_the_universe_as_stated_is_marked_by_a_line_and_in_words(answer):
    made = curve(answer)
    place = 1 + next(k for k, row in enumerate(ordered(answer)) if not row["choices"])
    for ax in made.axes:
        dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
        assert [set(line.get_xdata()) for line in dashed] == [{place}]
    (word,) = made.axes[0].texts
    assert (word.get_text(), word.get_position()[0]) == ("as stated", place)


def test_universes_without_a_difference_are_left_out_and_counted(answer):
    table = answer["curve"]
    first = [None if k < 3 else one for k, one in enumerate(table["difference"])]
    columns = [c if c.name != "difference" else estimates("difference", first, "", "kt") for c in table.columns]
    of = universes(replace(answer, tables=(replace(table, columns=columns),)))
    assert (len(of.rows), of.lost, of.stated, of.unit) == (298, 3, None, "kt")
    made = curve(replace(answer, tables=(replace(table, columns=columns),)))
    assert "difference: 3" in texts_of(made)
    assert made.axes[0].get_ylabel() == "difference [kt]" and not made.axes[0].texts


def test_differences_that_are_all_nothing_lie_on_the_line_of_zero(answer):
    table = answer["curve"]
    none = estimates("difference", [Estimate(0.0, 0.0, 0.0, 0.0)] * len(table), "")
    columns = [none if column.name == "difference" else column for column in table.columns]
    above = curve(replace(answer, tables=(replace(table, columns=columns),))).axes[0]
    low, high = above.get_ylim()
    assert low < 0 < high and {*np.concatenate([line.get_ydata() for line in above.lines[1:-1]])} == {0.0}


def test_bars_are_shares_with_markers_and_numbers_of_universes(answer):
    made = profile(answer)
    assert len(made.axes) == 4 and DESIGN in texts_of(made)
    for k, ax in enumerate(made.axes):
        rows = list(answer["profile"].where(claim=CLAIMS[k // 2], ledger=LEDGERS[k % 2]))[: len(DEPARTURES)]
        widths = np.array([bar.get_width() for bar in ax.patches]).reshape(len(rows), len(VERDICTS))
        assert_close(widths, 100 * np.array([[row[name] for name in VERDICTS] for row in rows]))
        assert_close(widths.sum(1), np.full(len(rows), 100.0))
        assert [text.get_text() for text in ax.texts] == [f"{row['universes']:,}" for row in rows]
        markers = {(line.get_ydata()[0], line.get_marker()) for line in ax.lines}
        assert {(y, "o") for y in range(len(rows))} <= markers and (1, "v") in markers
        above = ax.get_title(loc="left").replace("\n", " ").replace("\xa0", " ")
        assert above == (f"{SHOWN[k // 2]}: specification" if k % 2 == 0 else "policies")  # fmt: skip
    assert [text.get_text() for text in made.axes[0].get_yticklabels()] == [
        f"{n} choice{'s' * (n > 1)}" for n in DEPARTURES
    ]


def test_one_claim_is_drawn_alone_and_what_is_unknown_is_refused(answer):
    made = profile(answer, CLAIMS[1])
    assert len(made.axes) == 2 and texts_of(made).replace("\xa0", " ").startswith(SHOWN[1])
    for draw, wrong in ((profile, {"claim": "x"}), (curve, {"claim": "x"}), (curve, {"ledger": "x"})):
        with pytest.raises(UserError, match=next(iter(wrong))):
            draw(answer, **wrong)
