"""A run of futures that facts moved: the cube has the posterior that is known by hand, and is resumed, extended,
replayed and mended like any other.
"""

import numpy as np
import pytest

from engine import UserError, load_study
from engine.answers.question import Asked
from engine.execution.job import RunOptions, compute
from engine.program.posterior import tempering
from engine.run_folder.finding import run_folder
from engine.runs.asking import ask
from engine.runs.run import open_run, run_of
from engine.study.actual_policy import knowing
from engine.study.loading import again, resolved_text, study_of_text
from engine.study.tables.facts import FUTURES
from tests.questions.conditioning.models import drift_known, walked
from tests.refusals import at

RUNS = 16


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The answer to `condition` on the walk, and the run that it left."""
    place = tmp_path_factory.mktemp("outputs")
    study = walked(3.0)
    of = Asked(study, run_folder(study, place / "walk"), paths=RUNS * FUTURES)
    answer, kept = ask("condition", {"until": 2025}, of)
    assert kept is not None
    return answer, open_run(kept.parent, model=study.model)


def small(tmp_path, runs=2, **changes):
    """The walk with what was seen until its fifth year, so many runs of moved futures."""
    study = knowing(walked(2.0, **changes), 2025, None, runs * FUTURES)
    return study, RunOptions(tmp_path / "run")


def scores_of(folder):
    """The files of its moved futures by name."""
    return {path.name: path.read_bytes() for path in sorted((folder / "moved").glob("*"))}


def test_the_cube_has_the_normal_posterior(asked):
    _, given = asked
    assert given.study.paths == RUNS * FUTURES and given.study.unit == FUTURES
    drift = given.cube["draws"]["drift"].values
    mean, sd, *_ = drift_known(3.0)
    units = drift.reshape(RUNS, FUTURES).mean(axis=1)
    assert abs(drift.mean() - mean) < 5 * units.std(ddof=1) / np.sqrt(RUNS)
    assert drift.std() == pytest.approx(sd, rel=0.03)


def test_the_answer_and_the_run_say_the_same(asked):
    answer, given = asked
    risk = given._ask("risk").frame("risk")
    own = answer.frame("risk")
    for measure in ("mean", "ES99"):
        one = own[(own.variable == "sum") & (own.measure == measure) & (own.policy == "old")]
        other = risk[(risk.variable == "sum") & (risk.measure == measure) & (risk.policy == "old")]
        assert one["given"].item() == pytest.approx(other["estimate"].item(), rel=1e-6)


def test_a_path_is_replayed_to_the_bit(asked):
    _, given = asked
    number = 3 * FUTURES + 17
    outcomes = given.cube["paths"]["sum"].values[:, number]
    np.testing.assert_array_equal(given.replay(number)["outcomes"]["sum"].values, outcomes)


def test_what_is_drawn_anew_answers_for_the_study_before_its_facts(asked):
    _, given = asked
    basis = given._ask("sensitivity", paths=4096).basis
    assert "before conditioning" in basis
    assert "given figures to 2025" in given._ask("compare").basis


def test_a_study_with_facts_reads_as_itself(tmp_path):
    study, _ = small(tmp_path)
    other = study_of_text(resolved_text(study), "walk.toml", study.model)
    assert other.fingerprint == study.fingerprint and other.facts == study.facts
    plain = again(study, facts=None)
    assert plain.fingerprint == walked(2.0).fingerprint and plain.facts is None
    assert knowing(walked(2.1), 2025, None, 2048).fingerprint != study.fingerprint
    assert knowing(plain, 2029, None, 2048).fingerprint != study.fingerprint


def test_more_paths_are_more_runs_and_what_was_stopped_goes_on(tmp_path, monkeypatch):
    study, options = small(tmp_path)
    compute(study, options)
    first, held = scores_of(options.out), run_of(compute(study, options)).cube["paths"]["sum"].values
    larger, other = knowing(walked(2.0), 2025, None, 4 * FUTURES), tmp_path / "other"
    own, calls = tempering.moved, []

    def stopped(sight, number):
        calls.append(number)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return own(sight, number)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tempering, "moved", stopped)
        compute(larger, RunOptions(other))
    assert scores_of(other) == {"00000000.npz": first["00000000.npz"]}
    whole = run_of(compute(larger, RunOptions(other)))
    assert {name: scores_of(other)[name] for name in first} == first
    np.testing.assert_array_equal(whole.cube["paths"]["sum"].values[:, : held.shape[1]], held)
    extended = run_of(compute(larger, options))
    assert scores_of(options.out) == scores_of(other)
    np.testing.assert_array_equal(extended.cube["paths"]["sum"].values, whole.cube["paths"]["sum"].values)


@pytest.mark.slow
def test_a_question_goes_on_in_the_folder_that_it_began_in(tmp_path, monkeypatch):
    study, place = walked(2.0), tmp_path / "given"
    own, moving = tempering.moved, []

    def stopped(sight, number):
        moving.append(number)
        if moving == [0, 1]:
            raise KeyboardInterrupt
        return own(sight, number)

    def asked_of(runs):
        return ask("condition", {"until": 2025}, Asked(study, run_folder(study, place), paths=runs * FUTURES))

    monkeypatch.setattr(tempering, "moved", stopped)
    with pytest.raises(KeyboardInterrupt):
        asked_of(2)
    for runs in (2, 3):
        _, kept = asked_of(runs)
        assert kept == place / "condition.zarr" and open_run(place, model=study.model).study.paths == runs * FUTURES
    assert moving == [0, 1, 1, 2] and [*tmp_path.iterdir()] == [place]


def test_damaged_futures_are_found_and_mended(tmp_path):
    study, options = small(tmp_path)
    given = run_of(compute(study, options))
    before = scores_of(given.folder)
    place = given.folder / "moved" / "00000001.npz"
    place.write_bytes(place.read_bytes()[:-100])
    assert [damage.file for damage in given.verify()] == ["moved/00000001.npz"]
    given.repair()
    assert scores_of(given.folder) == before and not open_run(given.folder, model=study.model).verify(full=True)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"program": "xla", "tile": 64}, {"sampler": "random"}])
def test_every_form_takes_them(tmp_path, changes):
    study = knowing(walked(2.0, run={"paths": 1024, "seed": 3, **changes}), 2025, None, FUTURES)
    given = run_of(compute(study, RunOptions(tmp_path / "run")))
    outcomes = given.cube["paths"]["sum"].values
    assert outcomes.shape == (2, FUTURES) and np.isfinite(given.cube["risk/yearly"]["height"]).any()
    np.testing.assert_array_equal(given.replay(77)["outcomes"]["sum"].values, outcomes[:, 77])


@pytest.mark.slow
def test_workers_give_the_same_bytes(tmp_path):
    study = load_study("warming", settings=["facts.until=2000"], paths=2 * FUTURES)
    one, other = (
        run_of(compute(study, RunOptions(tmp_path / name, workers=workers)))
        for name, workers in (("one", None), ("other", 2))
    )
    assert scores_of(one.folder) == scores_of(other.folder)
    for name, values in one.cube["paths"].data_vars.items():
        np.testing.assert_array_equal(values, other.cube["paths"][name])


def test_what_cannot_be_known_is_refused_in_words(tmp_path):
    def said(**facts):
        with pytest.raises(UserError) as caught:
            walked(1.0, facts=facts)
        return [str(one) for one in caught.value.problems]

    assert said(until=2025, policy="odl") == [at("facts.policy", "policy 'odl'", "'old'")]
    assert said(until=2020) == [at("facts.until", "until 2020")]
    assert said() == [at("facts.until", "is missing")]
    with pytest.raises(UserError, match=r"of 1024, .*got 1000. Take 1024"):
        knowing(walked(1.0), 2025, None, 1000)
    study = knowing(walked(1.0), 2025, None, FUTURES)
    with pytest.raises(UserError, match="nobody has moved"):
        ask(
            "attribute",
            {"start": "old", "end": "new"},
            Asked(study, run_folder(study, tmp_path / "none").__class__(tmp_path / "none", study)),
        )


def test_a_name_of_a_study_takes_facts_as_settings(tmp_path):
    study = load_study("rustbelt_2016", settings=["facts.until=2018"], paths=2048)
    assert study.facts.until == 2018 and study.facts.policy == "actual_like"
    assert "actual_like" in study.document["policies"] and "actual_like" not in study.policy_names
    assert run_folder(study).path.name.startswith("rustbelt_2016-until-2018-")
