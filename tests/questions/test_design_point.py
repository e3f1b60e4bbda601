"""The design point: closed forms, problems of the literature, and nothing that lies nearer."""

import numpy as np
import pytest
from scipy.stats import norm

from engine.questions.design_point import Edge, design_point


def started(margin, dims, seed=1, count=1000, scale=1.0):
    """Points at which it happens, from a great many."""
    rng = np.random.default_rng(seed)
    points = scale * rng.standard_normal((dims, 400_000 // dims))
    margins = margin(points)
    return points[:, np.argsort(-margins)[:count]]


def on_the_edge(margin, dims):
    """The nearest point, which is on the edge and no farther than the edge on the ray to any start."""
    starts = started(margin, dims)
    point = design_point(margin, starts)
    assert margin(point[:, None])[0] > 0 >= margin(point[:, None] * (1 - 1e-6))[0]
    _, sizes = Edge(margin).on_rays(starts)
    assert np.all(sizes >= np.linalg.norm(point) - 1e-9)
    return point


@pytest.mark.parametrize("dims", [2, 40, 400])
def test_of_a_plane_it_is_the_foot_of_the_perpendicular(dims):
    """Distance Phi^-1(1 - p) of the plane with probability p beyond it, along its normal."""
    normal = np.random.default_rng(7).standard_normal(dims)
    normal /= np.linalg.norm(normal)

    def margin(points):
        return normal @ points - norm.ppf(0.99)

    point = on_the_edge(margin, dims)
    assert np.linalg.norm(point) == pytest.approx(norm.ppf(0.99), rel=1e-4)
    np.testing.assert_allclose(point, normal * norm.ppf(0.99), atol=0.02)


PROBLEMS = {
    # four branches, of which the two nearest lie on the diagonal at 3 (Waarts 2000; RP22 and its kin of the reliability
    # benchmark)
    "four branches": (
        2,
        lambda u: (
            -np.min(
                [
                    3 + 0.1 * (u[0] - u[1]) ** 2 - (u[0] + u[1]) / 2**0.5,
                    3 + 0.1 * (u[0] - u[1]) ** 2 + (u[0] + u[1]) / 2**0.5,
                    (u[0] - u[1]) + 7 / 2**0.5,
                    (u[1] - u[0]) + 7 / 2**0.5,
                ],
                axis=0,
            )
        ),
        3.0,
    ),
    # a parabola that bends towards the middle: 2.5 - (u1 + u2) / sqrt 2 + 0.1 (u1 - u2)^2
    "convex": (2, lambda u: (u[0] + u[1]) / 2**0.5 - 2.5 - 0.1 * (u[0] - u[1]) ** 2, 2.5),
    # away from the middle: the foot is a saddle, two points beside it are nearer
    "concave": (2, lambda u: u[0] - 4 + 0.5 * u[1] ** 2, 7**0.5),
    "both sides": (3, lambda u: np.abs(u[0]) - 2.5, 2.5),
    "two sides": (2, lambda u: np.maximum(u[0], u[1] - 0.4) - 2.5, 2.5),
    # the same in any of six years
    "any year": (12, lambda u: u[:6].max(axis=0) - 3.0, 3.0),
    # no point of a ring is nearer than those beside it
    "ring": (2, lambda u: np.linalg.norm(u, axis=0) - 3.0, 3.0),
    # a jump that must come, and a slope
    "jump": (3, lambda u: 2.0 * (u[0] > 1.25) + u[1] - 3.0, (1.25**2 + 1) ** 0.5),
}


@pytest.mark.parametrize("name", [*PROBLEMS])
def test_problems_of_few_scores(name):
    dims, margin, distance = PROBLEMS[name]
    assert np.linalg.norm(on_the_edge(margin, dims)) == pytest.approx(distance, rel=2e-3)


def test_where_it_happens_in_the_middle_the_point_is_the_middle():
    assert not design_point(lambda u: u[0] + 1, np.ones((2, 3))).any()


@pytest.mark.parametrize("dims", [0, 2])
def test_where_it_is_seen_nowhere_or_nothing_is_drawn_there_is_none(dims):
    assert design_point(lambda u: np.full(u.shape[1], np.nan), np.ones((dims, 3))) is None
