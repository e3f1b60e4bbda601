"""What figures draw is the numbers that they are drawn from: bars, points and cells against the cube or the answer."""

import numpy as np
import pytest

from engine.formatting import words
from engine.plots import labels
from engine.plots.figures.boxes import boxes
from engine.plots.figures.convergence import HEADLINE, convergence, lengths
from engine.plots.figures.correlation import correlation
from engine.plots.figures.drivers import drivers
from engine.plots.figures.sensitivities import inputs
from engine.plots.figures.tornado import tornado
from engine.plots.figures.turns import turns
from engine.plots.rank_correlation import rank_correlation
from engine.risk.estimation.measures import summary
from tests.drawn_cubes import CASES, drawn
from tests.helpers import assert_close, assert_same


@pytest.fixture(scope="module")
def plain():
    return drawn(CASES["plain"])


def points(ax) -> list[tuple[np.ndarray, np.ndarray]]:
    """The points of every line, x and y."""
    return [tuple(np.asarray(values, float) for values in line.get_data()) for line in ax.lines]


def marks(ax) -> dict[float, float]:
    """The place on the axis of the mark of each row."""
    return {float(y): float(x) for line in ax.lines if line.get_marker() == "o" for x, y in line.get_xydata()}


def rows(ax) -> list[str]:
    return [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]


def test_convergence_is_each_measure_of_the_first_paths(plain):
    made = convergence(plain.cube, "loss")
    values, unit = plain.cube["paths"]["loss"], plain.study.unit
    counts = lengths(values.sizes["path"], unit)
    for ax, measure in zip(made.axes, HEADLINE, strict=True):
        curves = [y for _, y in points(ax) if len(y) == len(counts)]
        for policy in values["policy"].values:
            own = values.sel(policy=policy).values
            expected = [summary(own[:count], unit, True)[measure].estimate for count in counts]
            assert any(np.array_equal(y, expected) for y in curves), (measure, policy)


def test_a_map_of_correlations_has_that_of_every_two_factors_of_a_group(plain):
    (ax, _) = correlation(plain.cube, plain.study).axes
    ((members),) = [group.members for group in plain.study.groups.values()]
    drawn_values = [plain.cube["draws"][name].values.astype(float) for name in members]
    shown = np.ma.filled(ax.images[0].get_array(), np.nan)
    assert shown.shape == (len(members),) * 2 and np.isnan(np.diag(shown)).all()
    rho = rank_correlation(*drawn_values, plain.cube["draws"].sizes["path"] // plain.study.unit).estimate
    assert_close(shown[0, 1], rho)
    assert_close(shown[1, 0], rho)
    assert [text.get_text() for text in ax.texts] == [f"{rho:.2f}".replace("0.", ".")] * 2
    outline = [x for x, _ in points(ax)]
    assert [(x.min(), x.max()) for x in outline] == [(-0.5, len(members) - 0.5)]


def test_bars_of_a_tornado_go_from_the_whole_to_the_tenths_of_a_factor(plain):
    made = tornado(plain.cube, "loss")
    values, draws = plain.cube["paths"]["loss"], plain.cube["draws"]
    for ax, policy in zip(made.axes, values["policy"].values, strict=True):
        own = values.sel(policy=policy).values.astype(float)
        whole = [x for x, y in points(ax) if len(x) == 2 and x[0] == x[1]]
        assert_close(whole[-1][0], own.mean())
        ends = {}
        for bar in ax.patches:
            ends.setdefault(round(bar.get_y() + bar.get_height() / 2), []).append(bar.get_x() + bar.get_width())
        for row, name in enumerate(label.rstrip("†") for label in rows(ax)):
            (factor,) = [
                draws[key].values.astype(float)
                for key in draws
                if name in (labels.name(draws[key]), labels.called(draws[key]))
            ]
            low, high = np.quantile(factor, (0.1, 0.9))
            expected = [own[factor <= low].mean(), own[factor >= high].mean()]
            assert_close(sorted(ends[row]), np.sort(expected))


def test_the_shifts_and_densities_of_drivers_are_those_of_the_answer(plain):
    shifts, densities = drivers(plain.explain).axes
    table, tenths = plain.explain["inputs"], plain.explain["densities"]
    shown = min(len(table), 12)
    assert rows(shifts) == [words(str(name)) for name in table["input"][:shown]]
    assert [marks(shifts)[row] for row in range(shown)] == [one.estimate for one in table["shift"][:shown]]
    heights = np.array([-bar.get_height() for bar in densities.patches]).reshape(shown, 10)
    expected = np.array([one.estimate for one in tenths["density"]]).reshape(-1, 10)[:shown]
    assert_close(heights / heights.max(), np.maximum(expected, 0) / expected.max())


def test_shares_of_inputs_are_those_of_the_answer_the_largest_first(plain):
    made = inputs(plain.sensitivity)
    table = [*plain.sensitivity["shares"].rows()]
    sides = list(dict.fromkeys(row["side"] for row in table))
    assert len(made.axes) == len(sides)
    largest = {
        row["input"]: max(one["share"].estimate for one in table if one["input"] == row["input"]) for row in table
    }
    order = sorted(largest, key=lambda name: -largest[name])
    for ax, side in zip(made.axes, sides, strict=True):
        assert rows(ax) == [words(name) for name in order]
        own = {row["input"]: row for row in table if row["side"] == side}
        spans = {float(y[0]): x.tolist() for x, y in points(ax) if len(x) == 2 and y[0] == y[1]}
        for row, name in enumerate(order):
            assert marks(ax)[row] == 100 * own[name]["share"].estimate
            assert spans[row] == [100 * own[name][end].estimate for end in ("alone", "total")]


def test_bars_of_boxes_are_the_part_of_a_prior_that_is_within(plain):
    made = boxes(plain.discover)
    own = [row["box"] for row in plain.discover["boxes"].rows() if row["number"]]
    assert len(made.axes) == len(own) == 2
    for ax, name in zip(made.axes, own, strict=True):
        limits = [*plain.discover["limits"].where(box=name)]
        inside = [bar for bar in ax.patches if bar.get_width() < 1]
        expected = [(row["below"], 1 - row["below"] - row["above"]) for row in limits]
        assert_same([(bar.get_x(), bar.get_width()) for bar in inside], expected)
        assert rows(ax) == [words(row["limit"].rpartition(", ")[0]) for row in limits]


def test_moves_that_turn_a_ranking_are_those_of_the_answer(plain):
    alone, together = turns(plain.flip).axes
    table = [*plain.flip["priors"].where(turns=True)]
    assert rows(alone) == [words(row["factor"]) for row in table]
    assert [marks(alone)[k] for k in range(len(table))] == [row["move"].estimate for row in table]
    joint = [*plain.flip["joint"].rows()]
    assert [marks(together)[k] for k in range(len(joint))] == [row["move"] for row in joint]
