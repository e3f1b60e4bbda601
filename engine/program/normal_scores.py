"""Conversion between the random numbers of a path, some normal and some uniform, and independent normal scores."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr, ndtri

from engine.program import arguments
from engine.study.study import Study

Points = Float[np.ndarray, "stream future"]


def as_numbers(study: Study, points: Points) -> Points:
    """Random numbers of a program from independent normal scores z: uniform ones are Phi(z), inside (0, 1)."""
    numbers: np.ndarray = points.astype(study.dtype)
    uniform = _uniform(study)
    if uniform.any():
        most = np.nextafter(study.dtype(1), study.dtype(0))
        numbers[uniform] = np.clip(ndtr(points[uniform]).astype(study.dtype), 2.0**-33, most)
    return numbers


def as_normal(study: Study, numbers: Points) -> Points:
    """Independent normal scores, float64, of random numbers as a program takes them: the inverse of `as_numbers`."""
    points = numbers.astype(np.float64)
    uniform = _uniform(study)
    points[uniform] = ndtri(points[uniform])
    return points


def _uniform(study: Study) -> np.ndarray:
    return np.array([one.law == "uniform" for one in arguments.streams(study)], bool)
