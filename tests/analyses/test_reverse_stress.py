"""The likeliest future in which it happens lies on the event's edge, and nothing that was tried lies nearer."""

import numpy as np
import pytest

from engine.analyses.explanation import explain
from engine.analyses.failure_edge import Edge, norms
from engine.analyses.reverse_stress import in_other_years, margin_of, reverse_stress, starts_of
from engine.analyses.tail_futures import tail_futures, tail_subject
from engine.program import arguments, devices
from engine.program.arguments import as_numbers
from engine.study.loading import load_study
from engine.study.study import Block
from tests.analyses.explained import total_cost
from tests.helpers import assert_same

NEARER = 0.005
"""Share of the distance by which another search may come nearer."""


def searched(study, variable, policy):
    program, what = devices.program(study, "cpu"), tail_subject(study, variable, policy, None)
    futures = tail_futures(program, what, {})
    return margin_of(program, futures), starts_of(study, futures), reverse_stress(program, futures)


def assert_nothing_is_nearer(study, variable, policy, count):
    margin, starts, found = searched(study, variable, policy)
    point = found.point[:, None]
    assert margin(point)[0] > 0 >= margin(point * (1 - 1e-4))[0]
    assert starts.shape[1] == found.starts >= 500
    edge, rng = Edge(margin, np.random.default_rng(3)), np.random.default_rng(4)
    points, _ = edge.reached(starts[:, rng.choice(starts.shape[1], count, replace=False)], 1.0)
    assert norms(edge.slid(points, 40)).min() >= (1 - NEARER) * found.distance


def test_of_a_small_model():
    assert_nothing_is_nearer(total_cost(), "cost", "old", 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "policy", "paths", "count"),
    [
        ("displaced_person_years", "reform", 1 << 16, 15),
        *(
            pytest.param(*one, 1 << 17, 50, marks=pytest.mark.sweep)
            for one in (
                ("displaced_person_years", "reform"),
                ("worst_two_year_growth", "reform"),
                ("public_cost", "old"),
                ("all_four", "old"),
            )
        ),
    ],
)
def test_of_the_rustbelt(variable, policy, paths, count):
    assert_nothing_is_nearer(load_study("rustbelt", paths=paths), variable, policy, count)


def test_scores_are_the_programs_own_numbers():
    study = total_cost(64)
    program = devices.program(study, "cpu")
    numbers = program.scores(Block(0, 0, 64))
    futures = tail_futures(program, tail_subject(study, "cost", "old", 0.6), {})
    starts = starts_of(study, futures)
    order = np.argsort(np.linalg.norm(starts, axis=0))
    assert list(order) == list(range(starts.shape[1]))
    back = as_numbers(study, starts)
    for column in back.T:
        assert any(np.allclose(column, own, rtol=1e-6, atol=1e-6) for own in numbers.T)
    assert back.dtype == np.float32 and 0 < as_numbers(study, np.full_like(starts, -6.3)).max() < 1
    middle = as_numbers(study, np.zeros((len(starts), 1)))
    assert_same(middle[[one.law == "normal" for one in arguments.streams(study)]].ravel(), np.zeros(9, np.float32))


def test_a_future_some_years_later_has_its_shocks_there():
    study = total_cost(64)
    streams = arguments.streams(study)
    point = np.arange(1.0, len(streams) + 1)[:, None]
    earlier, later = in_other_years(study, point).T
    for row, stream in enumerate(streams):
        if stream.year is None:
            assert earlier[row] == later[row] == point[row, 0]
        elif stream.year == 0:
            twin = next(k for k, one in enumerate(streams) if one.name == stream.name and one.year == 1)
            assert (earlier[row], later[row]) == (point[twin, 0], 0.0)


@pytest.mark.slow
def test_the_other_form_of_the_program_finds_the_same():
    study = total_cost(1 << 14)
    loop = explain(study, "cost")
    other = explain(total_cost(1 << 14, program="xla"), "cost")
    assert other.likeliest.distance == pytest.approx(loop.likeliest.distance, rel=1e-3)
    for one, two in zip(loop.drivers, other.drivers, strict=True):
        assert two.shift.estimate == pytest.approx(one.shift.estimate, abs=1e-3)
