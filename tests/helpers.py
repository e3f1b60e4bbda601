"""The three assertions of the tests, and no others: same bits, close for the type, plausible for the standard error."""

from __future__ import annotations

from typing import Any

import numpy as np

SIGMAS = 5
"""A right estimate fails one assertion in 1.7 million."""


def assert_same(a: Any, b: Any) -> None:
    """Bit for bit: type, shape and every value; NaN is the same as NaN, and -0 is not the same as 0."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype, f"dtype {a.dtype} against {b.dtype}"
    assert a.shape == b.shape, f"shape {a.shape} against {b.shape}"
    np.testing.assert_array_equal(a, b)
    if a.dtype.kind == "f":
        number = ~np.isnan(a)
        np.testing.assert_array_equal(np.signbit(a[number]), np.signbit(b[number]), "a zero changed its sign")


def assert_close(a: Any, b: Any, dtype: Any = None) -> None:
    """Within the type's tolerance: eps ** 0.75 (6e-6 for float32, 2e-12 for float64), relative or of the largest value.

    Args:
      dtype: the type that the computation ran in; the coarser of the two floating types if not given.
    """
    a, b = np.asarray(a), np.asarray(b)
    kinds = [np.asarray(part).dtype for part in (a, b) if part.dtype.kind in "fc"]
    coarsest = (
        np.dtype(dtype) if dtype is not None else min(kinds, key=lambda kind: kind.itemsize, default=np.dtype(float))
    )
    tolerance = float(np.finfo(coarsest).eps) ** 0.75
    finite = np.abs(b[np.isfinite(b)]) if b.dtype.kind in "fc" else np.abs(b)
    scale = float(finite.max()) if finite.size else 0.0
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def assert_plausible(estimate: Any, truth: Any, se: Any, resolves: Any) -> None:
    """Within 5 standard errors of the truth, and 5 standard errors smaller than the smallest bug the test should see.

    Args:
      se: standard error of the estimate.
      resolves: the smallest bug that must not pass, in the estimate's unit.
    """
    estimate, truth, se, resolves = (np.asarray(part, np.float64) for part in (estimate, truth, se, resolves))
    assert np.all(np.isfinite(se)), f"standard error {se} is not finite"
    blind = SIGMAS * se >= resolves
    assert not np.any(blind), f"blind: {SIGMAS} standard errors of {se} do not resolve {resolves}"
    error = np.abs(estimate - truth)
    assert np.all(error <= SIGMAS * se), (
        f"{estimate} is {error / np.where(se > 0, se, np.nan)} standard errors from {truth}"
    )
