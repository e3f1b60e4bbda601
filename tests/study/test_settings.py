"""Values set from the command line: that value alone, on the same random words, and what is wrong with one at its
place.
"""

import pytest

from engine.errors import UserError
from engine.study.loading import load_study
from engine.study.settings import with_settings


def test_a_value_replaces_what_stands_there_and_nothing_else():
    tables = {"factors": {"a": {"p05": 1, "p95": 2}, "need[south]": {"p05": 0}}, "run": {"paths": 10}}
    given = with_settings(
        tables, ["factors.a.p95=0.5", "factors.need[south].p05=1", 'policies.reform.start="x"', "run.sampler=sobol"]
    )
    assert given["factors"] == {"a": {"p05": 1, "p95": 0.5}, "need[south]": {"p05": 1}}
    assert given["policies"] == {"reform": {"start": "x"}} and given["run"] == {"paths": 10, "sampler": "sobol"}
    assert tables["factors"]["a"]["p95"] == 2
    assert with_settings({}, ["policies.p.lever={ 2020 = 1 }"]) == {"policies": {"p": {"lever": {"2020": 1}}}}


def test_what_is_no_setting_is_refused_all_at_once():
    with pytest.raises(UserError) as caught:
        with_settings({}, ["factors", "a=1", "factors..p=1", "factors.a.p95=1"])
    assert len(caught.value.problems) == 3
    with pytest.raises(UserError, match="unknown factor 'loss_given_defalt'"):
        load_study("rustbelt", settings=["factors.loss_given_defalt.p95=0.9"])
