"""Outcomes counted up to each year: in the last year they are the outcomes themselves."""

import numpy as np
import pytest

from engine.program import devices
from engine.risk.drivers import series
from engine.study.loading import load_study
from tests.helpers import assert_close


@pytest.mark.slow
def test_places_add_up_to_the_outcome_in_the_last_year():
    study = load_study("rustbelt", paths=512)
    trace = devices.program(study).trace(0)
    parts = series.by_place(study, "displaced_person_years")
    assert [one.place for one in parts] == [{"region": r} for r in ("Liaoning", "Jilin", "Heilongjiang")]
    assert not series.by_place(study, "layoffs_three_years")  # a run of years is known when it is over
    outcome = trace.outcomes[:, list(study.model.outcomes).index("displaced_person_years")]
    assert_close(sum(one.values(trace.yearly) for one in parts)[:, -1], outcome, np.float32)


def test_a_yearly_variable_in_its_places():
    study = load_study("rustbelt", paths=512)
    assert len(series.of_yearly(study, "zombie_share", {})) == 12
    (one,) = series.of_yearly(study, "zombie_share", {"region": "Jilin", "sector": "coal"})
    assert one.place == {"region": "Jilin", "sector": "coal"} and one.loss
    assert [one.place for one in series.of_yearly(study, "northeast_gdp_index", {"region": "Jilin"})] == []
