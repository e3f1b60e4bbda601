"""Importance measures from given data, draws and outcomes alone, by SALib: Borgonovo's delta and PAWN."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.analyses.futures import Futures, Numbers, Quantity, sound
from engine.analyses.variables import MEAN
from engine.errors import UserError, install
from engine.study.study import BLOCK

PATHS = 2048
RESAMPLES = 10
SEED = 1


@dataclass(frozen=True)
class GivenData:
    """Importance of each factor for one outcome under one policy; factors that are fixed are left out.

    Args:
      delta: Borgonovo's delta, 0 to 1: half the expected L1 distance between the outcome's density and its density
        given the factor.
      delta_error: half-width of its 95 % interval, by resampling.
      pawn: median, over slices of the factor, of the Kolmogorov-Smirnov distance between the outcome's distribution and
        that in the slice.
    """

    quantity: Quantity
    factors: tuple[str, ...]
    delta: tuple[float, ...]
    delta_error: tuple[float, ...]
    pawn: tuple[float, ...]


def given_data(futures: Futures, wanted: Sequence[Quantity]) -> list[GivenData]:
    """Importance of every factor for each outcome under each policy, from the first 2,048 paths.

    Other quantities than means under a single policy are skipped.

    Sources: Borgonovo (2007), Reliab. Eng. Syst. Saf. 92, 771-784, doi:10.1016/j.ress.2006.04.015; Pianosi and Wagener
    (2015), Environ. Model. Softw. 67, 1-11, doi:10.1016/j.envsoft.2015.01.004.

    Raises:
      UserError: SALib is not installed.
    """
    try:
        from SALib.analyze import delta, pawn
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("SALib"):
            raise
        raise UserError("--given-data", [f"needs SALib: {install('sensitivity')}"]) from error
    study = futures.study
    paths = min(study.paths, PATHS, BLOCK)
    (values,) = futures.mixed([{}], paths)
    good = sound((values,))
    drawn = futures.program.draws(type(study.block(0))(0, 0, paths))[:, good].astype(np.float64)
    moving = [k for k in range(len(drawn)) if np.ptp(drawn[k]) > 0]
    names = [study.inputs[k].name for k in moving]
    x = drawn[moving].T
    problem = {"num_vars": len(names), "names": names, "bounds": [[float(c.min()), float(c.max())] for c in x.T]}
    numbers = Numbers.of(study, wanted, {name: x[:, good] for name, x in values.items()})
    still = {name: np.broadcast_to(x[:, good].mean(axis=1, keepdims=True), x.shape) for name, x in values.items()}
    given = []
    for one in wanted:
        if one.measure != MEAN or one.against:
            continue
        y = values[one.variable][study.row(one.policy), good].astype(np.float64)
        if not numbers.differs(one, values, still, good):
            given.append(GivenData(one, tuple(names), *((0.0,) * len(names),) * 3))
            continue
        # SALib prints, lets NumPy warn, and sets warning filters of its own
        with warnings.catch_warnings(record=True), contextlib.redirect_stdout(io.StringIO()):
            by_density = delta.analyze(problem, x, y, num_resamples=RESAMPLES, seed=SEED)
            by_distance = pawn.analyze(problem, x, y, S=10, seed=SEED)
        name = "delta" if "delta" in by_density else "delta_raw"  # the latter since SALib 1.6
        rows = by_density[name], by_density[f"{name}_conf"], by_distance["median"]
        given.append(GivenData(one, tuple(names), *(tuple(map(float, row)) for row in rows)))
    return given
