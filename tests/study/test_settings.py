"""Values set from the command line: that value alone, on the same random words, and what is wrong with one at its
place.
"""

import numpy as np
import pytest

from engine.errors import UserError
from engine.program import devices
from engine.study.loading import load_study
from engine.study.settings import with_settings
from tests.helpers import assert_same


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


@pytest.mark.slow
def test_a_belief_is_changed_on_the_same_words():
    stated = load_study("rustbelt", paths=64)
    changed = load_study(
        "rustbelt", paths=64, settings=["factors.loss_given_default.p95=0.85", "policies.reform.resettlement_fund=50"]
    )
    assert changed.fingerprint != stated.fingerprint
    drawn = [devices.program(study).draws(study.block(0)) for study in (stated, changed)]
    at = [item.name for item in stated.inputs].index("loss_given_default")
    assert_same(np.delete(drawn[0], at, 0), np.delete(drawn[1], at, 0))
    assert np.array_equal(np.argsort(drawn[0][at]), np.argsort(drawn[1][at]))
    assert drawn[1][at].max() > drawn[0][at].max()
    (reform,) = (policy for policy in changed.policies if policy.name == "reform")
    assert np.all(reform.levers["resettlement_fund"] == 50)
