"""Pilots: the same paths in both precisions, from laws of the study, cut short where the horizon is long."""

import jax
import numpy as np

from engine.modelling.cell_axis import split_cells
from engine.modelling.records import Factor, Outcome, StaticModel
from engine.program.running import pilot as pilots
from engine.program.running.pilot import PATHS, pilot
from tests.helpers import assert_same
from tests.shock_study import walk
from tests.user_models import farms, static


def test_both_precisions_see_the_same_paths_and_the_same_study_gives_the_same():
    study = farms()
    both, again = pilot(study), pilot(study)
    shape = len(study.policies), len(study.model.outcomes), PATHS
    assert both.single.outcomes.shape == both.double.outcomes.shape == shape
    assert both.single.yearly.dtype == both.single.draws.dtype == np.float32
    assert both.double.yearly.dtype == both.double.outcomes.dtype == np.float64
    assert both.double.yearly.shape[1] == len(study.years)
    np.testing.assert_allclose(both.single.outcomes, both.double.outcomes, rtol=1e-4, atol=1e-4)
    assert_same(both.single.outcomes, again.single.outcomes)
    assert np.std(both.double.draws, axis=-1).min() > 0


def test_shocks_have_the_values_that_their_laws_can_have():
    study = walk()
    yearly = split_cells(study.model, pilot(study).double.yearly, axis=2)
    assert np.all((yearly["luck"] > 0) & (yearly["luck"] < 1))
    assert {*np.unique(yearly["state"])} == {0.0, 1.0, 2.0}
    assert yearly["jump"].min() == 0 and yearly["jump"].max() > 0


def test_a_long_horizon_is_cut_short(monkeypatch):
    study = farms()
    monkeypatch.setattr(pilots, "OPERATIONS", 1)
    assert pilot(study).double.yearly.shape[1] == 2


class Looping(StaticModel):
    """Halves a number again and again, in a loop."""

    factors = {"x": Factor("1")}
    outcomes = {"x": Outcome("1")}

    def evaluate(self, factors, levers):
        return {"x": jax.lax.fori_loop(0, 3, lambda _, x: 0.5 * x, factors.x)}


def test_a_model_with_loops_has_no_pilot():
    law = {"x": {"family": "normal", "mean": 0, "sd": 1}}
    assert pilot(static(Looping(), law, 16)) is None
