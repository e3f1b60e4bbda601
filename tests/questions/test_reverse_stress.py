"""The likeliest future in which it happens lies on the event's edge, and nothing that was tried lies nearer."""

import numpy as np
import pytest

from engine.questions.design_point import REACHES, ROUNDS, Edge
from engine.questions.reverse_stress import likeliest_future, margin_of, starts_of
from engine.questions.tail_futures import tail_futures
from engine.study.loading import load_study
from tests.questions.explained import run_of, total_cost

NEARER = 0.005
"""Share of the distance by which another search may come nearer."""


def assert_nothing_is_nearer(study, variable, policy, count):
    tail = tail_futures(run_of(study), variable, policy)
    margin, starts, found = margin_of(tail), starts_of(tail), likeliest_future(tail)
    point = found.point[:, None]
    assert margin(point)[0] > 0 >= margin(point * (1 - 1e-4))[0]
    assert starts.shape[1] >= 500
    edge, rng = Edge(margin), np.random.default_rng(4)
    points, _ = edge.on_rays(starts[:, rng.choice(starts.shape[1], count, replace=False)])
    points = edge.slid(points, REACHES, ROUNDS)
    assert np.linalg.norm(points, axis=0).min() >= (1 - NEARER) * found.distance


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
