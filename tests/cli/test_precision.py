"""`--until` and `precision`: what ends a run, what a precision takes, and clear words for what is neither."""

import json

import pytest

from tests.small_files import BRIDGE, POND, call, own, ran, write

MEAN = "mean of damage under weak within 5 %"


@pytest.fixture
def bridge(tmp_path):
    return [write(tmp_path, BRIDGE), *own("Bridge")]


def test_a_run_ends_by_its_rule_and_says_so(tmp_path, bridge):
    ended = ran("run", *bridge, "--out", tmp_path / "run", "--paths", "1e5", "--until", MEAN)
    assert "as it met its targets" in ended.stdout and f"{MEAN.partition(' within')[0]}: ±" in ended.stdout
    again = call("run", tmp_path / "run", *own("Bridge"), "--paths", "1e5")
    assert "as it met its targets" in again.stdout, again.output


def test_a_bound_that_is_reached_is_no_failure_and_says_how_many_would_do(tmp_path, bridge):
    words = ("--paths", "3000", "--until", "mean of damage under weak within 0.1 %")
    ended = ran("run", *bridge, "--out", tmp_path / "run", *words)
    assert "at 3,000 futures" in ended.stdout and ": --paths" in ended.stdout


def test_each_sampler_has_its_own_pilot_which_has_to_fit_into_memory(bridge):
    told = json.loads(call("precision", bridge[0], MEAN, *bridge[1:], "--json").stdout)
    pilots = {row["sampler"]: row["pilot"] for row in told["tables"]["forecast"]["rows"]}
    assert pilots["random"] == 2500 and pilots["sobol"] > 9728
    assert "one pilot for each sampler" in told["basis"]
    ended = call("precision", bridge[0], MEAN, *bridge[1:], "--memory", "1MB")
    assert ended.exit_code == 2 and "2,500 paths take about 1.1 GB of memory" in ended.stderr


def test_a_target_of_a_policy_that_does_not_run_is_told_and_none_at_all_refused(tmp_path):
    two = '"P of dry under use within 0.1", "P of dry under keep within 0.1"'
    for stated, code in ((two, 0), (two.partition(", ")[0], 2)):
        study = write(tmp_path, POND.replace("tile = 64", f"tile = 64, until = [{stated}]"))
        ended = call("run", study, *own("Pond"), "--out", tmp_path / "run", "--policies", "keep")
        assert ended.exit_code == code, ended.output
        assert "policy 'use'" in " ".join(ended.stderr.split())
        assert ("note: target" if code == 0 else "no target left") in ended.stderr
