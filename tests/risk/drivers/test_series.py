"""Yearly variables in single places."""

from engine.risk.drivers import series
from engine.study.loading import load_study


def test_a_yearly_variable_in_its_places():
    study = load_study("rustbelt", paths=512)
    assert len(series.of_yearly(study, "zombie_share", {})) == 12
    (one,) = series.of_yearly(study, "zombie_share", {"region": "Jilin", "sector": "coal"})
    assert one.place == {"region": "Jilin", "sector": "coal"} and one.loss
    assert [one.place for one in series.of_yearly(study, "northeast_gdp_index", {"region": "Jilin"})] == []
