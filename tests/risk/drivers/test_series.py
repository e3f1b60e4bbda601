"""Outcomes counted up to each year: in the last year they are the outcomes themselves."""

import numpy as np
import pytest

from engine.program import devices
from engine.risk.drivers import series
from engine.study.loading import load_study
from tests.helpers import assert_close


@pytest.mark.slow
def test_the_last_year_is_the_outcome_and_places_are_its_parts():
    study = load_study("rustbelt", paths=512)
    trace = devices.program(study).trace(0)
    names = list(study.model.outcomes)
    counted = {name: one for name in names if (one := series.of_outcome(study, name))}
    assert {"total_bill", "capital_shortfall_peak", "displaced_person_years", "lowest_true_capital_ratio"} <= set(
        counted
    )
    assert "layoffs_three_years" not in counted  # a run of years is known when it is over
    for name, one in counted.items():
        values = one.values(trace.yearly)
        assert values.shape == (2, len(study.years), trace.outcomes.shape[-1])
        assert_close(values[:, -1], trace.outcomes[:, names.index(name)], np.float32)
    parts = series.by_place(study, "displaced_person_years")
    assert [one.place for one in parts] == [{"region": r} for r in ("Liaoning", "Jilin", "Heilongjiang")]
    whole = counted["displaced_person_years"].values(trace.yearly)
    assert_close(sum(one.values(trace.yearly) for one in parts), whole, np.float32)


def test_a_yearly_variable_in_its_places():
    study = load_study("rustbelt", paths=512)
    assert len(series.of_yearly(study, "zombie_share", {})) == 12
    (one,) = series.of_yearly(study, "zombie_share", {"region": "Jilin", "sector": "coal"})
    assert one.place == {"region": "Jilin", "sector": "coal"} and one.loss
    assert [one.place for one in series.of_yearly(study, "northeast_gdp_index", {"region": "Jilin"})] == []
