"""Questions, extension and resumption of studies with triggers."""

import numpy as np

import engine
from tests.watched import watched

RUN = {"seed": 3, "sampler": "antithetic", "precision": "float32"}


def study(paths=4096):
    return watched(run={**RUN, "paths": paths})


def cube(folder):
    """Arrays of the cube by name."""
    tree = engine.open_cube(folder)
    return {f"{group}/{name}": of.values for group in tree.groups for name, of in tree[group].data_vars.items()}


def test_an_extended_run_has_the_cube_of_one_that_was_never_stopped(tmp_path):
    engine.run(study(2048), tmp_path / "extended")
    engine.run(study(), tmp_path / "extended")
    engine.run(study(), tmp_path / "whole")
    ours, whole = cube(tmp_path / "extended"), cube(tmp_path / "whole")
    assert ours.keys() == whole.keys() and len(whole) > 10
    for name, values in whole.items():
        np.testing.assert_array_equal(ours[name], values, err_msg=name)


def test_a_trigger_is_one_player_of_attribute(tmp_path):
    run = engine.run(study(), tmp_path / "run")
    answer = run.attribute("keep", "watch")
    assert answer.frame("groups")["group"].tolist() == ["low"]


def test_design_finds_a_threshold(tmp_path):
    run = engine.run(study(), tmp_path / "run")
    found = run.design("watch", "low.below", "mean of short <= 7")
    values = found.frame("values").reset_index()
    met = float(values.loc[values["meaning"] == "met", "value"].iloc[0])
    evaluator = engine.Evaluator(study(), "watch", ["short"])
    mean = evaluator.measures({"low.below": met}, ["mean"])["short"].sel(measure="mean").squeeze("setting")
    assert abs(float(mean.sel(part="estimate")) - 7) <= 0.1 * float(mean.sel(part="standard_error"))


def test_a_rule_is_compared_with_fixed_values_and_with_foresight(tmp_path):
    """On these futures the trigger is worse than the best fixed release, and foresight better than both."""
    answer = engine.run(study(), tmp_path / "run").design("watch", worth="mean of short")
    rule, plan, known = answer["worth"].rows()
    assert rule["worth"].low < rule["worth"].high < 0 < known["worth"].low
    assert abs(rule["worth"].estimate - (plan["judged"].estimate - rule["judged"].estimate)) < 1e-5
    assert answer.finding.startswith(
        f"The rule of the policy “watch” is worse than the best fixed plan, release = {plan['value']}"
    )
