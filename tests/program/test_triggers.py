"""Policies that act once a recorded variable passes a threshold, against a loop in NumPy."""

import numpy as np
import pytest

import engine
from engine.program import devices
from tests.watched import YEARS, acting, by_hand, tables, watched

PATHS, SETTINGS = 300, 50


def traced(study):
    """Yearly values by name [policy, year, *lake, path], shocks and draws of the first paths."""
    program = devices.program(study, "cpu")
    trace = program.trace(0)
    cells = trace.yearly
    names = {"stock": cells[:, :, :2], "height": cells[:, :, 2:4], "gauge": cells[:, :, 4], "released": cells[:, :, 5]}
    return names, trace


@pytest.mark.parametrize(("years", "delay"), [(1, 0), (2, 0), (1, 2), (2, 1)])
def test_a_trigger_is_the_loop_by_hand(years, delay):
    low = {"reads": "gauge", "below": 8.0, "until_above": 10.0, "for": float(years), "delay": float(delay)}
    study = watched(low)
    values, trace = traced(study)
    drought, reading = trace.shocks[:, :2], trace.shocks[:, 2]
    changed = 0
    for path in range(PATHS):
        gauge, release, _, short = by_hand(
            trace.draws[0, path], drought[..., path], reading[:, path], 0.2, 0.05,
            acts=lambda gauges, _: acting(gauges, 8.0, 10.0, years, delay),
        )  # fmt: skip
        np.testing.assert_allclose(values["released"][1, :, path], release, rtol=1e-12)
        np.testing.assert_allclose(values["gauge"][1, :, path], gauge, rtol=1e-12)
        np.testing.assert_allclose(trace.outcomes[1, 1, path], short, rtol=1e-12)
        changed += 0 < (release < 0.1).sum() < len(release)
    assert changed > PATHS / 10
    assert (values["released"][0] == 0.2).all()


def test_a_trigger_that_reads_by_place_acts_on_the_lever_of_that_place():
    low = {"reads": "height", "below": {"north": 3.0, "south": 4.0}, "until_above": 5.0}
    study = watched(low, {"keep": {}, "watch": {"when": {"low": {"quota": {"north": 0.1, "south": 0.2}}}}})
    values, trace = traced(study)
    apart = 0
    for path in range(PATHS):

        def acts(gauges, heights, own=((3.0, 0.1), (4.0, 0.2))):
            return [
                quota if acting([row[k] for row in heights], below, 5.0) else 0.3
                for k, (below, quota) in enumerate(own)
            ]

        gauge, _, heights, short = by_hand(
            trace.draws[0, path], trace.shocks[:, :2, path], trace.shocks[:, 2, path], 0.2, 0.2, quotas=acts
        )
        np.testing.assert_allclose(values["height"][1, :, :, path], heights, rtol=1e-12)
        np.testing.assert_allclose(trace.outcomes[1, 1, path], short, rtol=1e-12)
        apart += not np.allclose(gauge, values["gauge"][0, :, path])
    assert apart > PATHS / 10


def test_above_mirrors_below():
    above = {"reads": "gauge", "above": 9.0, "until_below": 7.5, "for": 2.0}
    study = watched(above, {"keep": {}, "watch": {"when": {"low": {"release": 0.4}}}})
    values, _ = traced(study)
    for path in range(PATHS):
        gauge, released = (values[name][1, :, path] for name in ("gauge", "released"))
        acts = [acting(-gauge[:year], -9.0, -7.5, 2) for year in range(len(gauge))]
        np.testing.assert_allclose(released, np.where(acts, 0.4, 0.2), rtol=1e-12)


def test_a_half_implemented_policy_blends_what_the_trigger_does_and_not_its_threshold():
    half = {"like": "watch", "implementation": 0.5, "low": {"below": 9.0}}
    watch = {"when": {"low": {"release": 0.05}}, "release": 0.3, "start": 2022}
    values, _ = traced(watched(None, {"keep": {}, "watch": watch, "half": half}))
    gauge, released = (values[name][2] for name in ("gauge", "released"))
    for path in range(PATHS):
        acts = [acting(gauge[:year, path], 9.0, 10.0) for year in range(len(gauge))]
        expected = np.where(acts, 0.5 * (0.2 + 0.05), 0.5 * (0.2 + 0.3))
        np.testing.assert_allclose(released[:, path], [0.2, 0.2, *expected[2:]], rtol=1e-12)


def test_a_policy_without_a_trigger_keeps_its_bits_and_its_state():
    plain = watched({"reads": "gauge", "below": 1.0}, {"keep": {}, "watch": {"release": 0.1}}, triggers={})
    beside = watched(None, {"keep": {}, "watch": {"release": 0.1, "when": {"low": {"release": 0.05}}}})
    ours, theirs = (traced(one)[1] for one in (plain, beside))
    assert ours.outcomes[0].tobytes() == theirs.outcomes[0].tobytes()
    assert ours.draws.tobytes() == theirs.draws.tobytes()
    assert ours.shocks.tobytes() == theirs.shocks.tobytes()
    assert not plain.triggers and {*plain.model.levers} == {"release", "quota"}


def random_setting(random):
    """Three or more of the levers of the trigger and the lever that it sets; thresholds and values also by year."""

    def by_year(low, high):
        years = sorted(random.choice(YEARS, random.integers(2, 4), replace=False).tolist())
        own = {str(year): float(random.uniform(low, high)) for year in years}
        return [float(random.uniform(low, high)), own][random.integers(2)]

    values = {
        "low.below": by_year(5, 9), "low.until_above": by_year(9, 12), "low.for": float(random.integers(1, 4)),
        "low.delay": float(random.integers(0, 4)), "when.low.release": by_year(0, 0.3), "release": by_year(0, 0.4),
    }  # fmt: skip
    return {name: values[name] for name in random.choice([*values], random.integers(3, 7), replace=False).tolist()}


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_thresholds_are_levers_and_evaluations_equal_the_study_that_states_them(precision, monkeypatch):
    run = {"paths": 512, "seed": 3, "sampler": "antithetic", "precision": precision}
    evaluator = engine.Evaluator(watched(run=run), "watch", ["short", "dry"])
    evaluator.outcomes({})
    compiled, random = [], np.random.default_rng(4)
    monkeypatch.setattr(devices, "program", lambda *args: compiled.append(args))
    settings = [random_setting(random) for _ in range(SETTINGS)]
    found = evaluator.outcomes(settings)["short"].values
    assert not compiled
    monkeypatch.undo()
    assert {name for one in settings for name in one} == {*evaluator.study.model.levers} - {"quota"}
    assert len({row.tobytes() for row in found}) == SETTINGS
    policies = {f"set_{k}": {"when": {"low": {"release": 0.05}}, **one} for k, one in enumerate(settings)}
    stated = watched(None, {"keep": {}, **policies}, run=run)
    own = devices.program(stated, "cpu").submit(stated.block(0)).of(stated.block(0))
    for name, setting, row in zip(policies, settings, found, strict=True):
        assert own[stated.row(name), 1].tobytes() == row.tobytes(), setting


def test_the_resolved_study_reads_as_itself():
    policies = {"keep": {}, "watch": {"when": {"low": {"release": "thrift", "quota": {"south": {"2025": 0.1}}}}}}
    study = watched({"reads": "gauge", "above": 8.0}, policies)
    again = engine.load_study(study.document, model=study.model)
    assert again.document == study.document and again.fingerprint == study.fingerprint
    ours, theirs = (traced(one)[1].outcomes.tobytes() for one in (study, again))
    assert ours == theirs
    assert study.document["policies"]["watch"]["when.low.quota"] == {"south": {"2025": 0.1}}
    assert "when.low.release" not in study.document["policies"]["keep"]


def test_both_forms_of_the_program_agree():
    loop, xla = (devices.program(watched(run={**tables()["run"], "program": form}), "cpu") for form in ("loop", "xla"))
    assert (loop.form.name, xla.form.name) == ("loop", "XLA")
    np.testing.assert_allclose(loop.trace(0).outcomes[..., :64], xla.trace(0).outcomes[..., :64], rtol=1e-12)
