"""Universes are counted once and judged together; what is seen of them hangs on nothing else, and is noted."""

import numpy as np
import pytest
from scipy.special import ndtri

from engine.lanes import compilation_cache
from engine.questions.challenge.challenge import challenge
from engine.questions.challenge.universes import DEPARTURES, Verdict
from engine.questions.challenge.worlds import Worlds
from tests.questions.assumed import bill
from tests.questions.challenge.models import CASES, CLAIM, balance

RUIN = {"ruin": {"outcome": "cost", "above": 2.5}, "late_ruin": {"outcome": "late", "above": 1.25}}


def few(**changes):
    """A study of few paths and choices."""
    assumptions = {name: {"off": {name: 0}} for name in ("a", "b")}
    return balance(**{"run": {"paths": 512}, "assumptions": assumptions} | changes)


def seen_by_universe(held):
    """Every universe of every claim with what is seen there."""
    return {
        (str(one.case.claim), one.case.ledger, tuple(map(str, world.universe))): world.estimates
        for one in held
        for world in (one.case.stated, *one.case.worlds)
    }


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    """The notes that this test has kept; programs are found where they are."""
    notes, held, keep = {}, compilation_cache.held, compilation_cache.keep

    def held_here(kind, key):
        return notes.get(key) if kind == "notes" else held(kind, key)

    def keep_here(kind, key, content):
        if kind == "notes":
            notes[key] = content
        else:
            keep(kind, key, content)

    monkeypatch.setattr(compilation_cache, "held", held_here)
    monkeypatch.setattr(compilation_cache, "keep", keep_here)
    return notes


@pytest.fixture
def runs(monkeypatch):
    """The universes whose futures are run, one by one."""
    asked, values = [], Worlds.values

    def counted(self, universe, fraction=1.0, replicate=0):
        asked.append((tuple(map(str, universe)), fraction, replicate))
        return values(self, universe, fraction, replicate)

    monkeypatch.setattr(Worlds, "values", counted)
    return asked


def test_universes_are_the_same_on_every_call_and_on_any_number_of_threads(monkeypatch, kept):
    answers = []
    for threads in (1, 2, 2):
        kept.clear()
        for module in "universes", "challenge":
            monkeypatch.setattr(f"engine.questions.challenge.{module}.THREADS", threads)
        _, held = challenge(few())
        answers.append((seen_by_universe(held), [one.reversals for one in held]))
    first, *others = answers
    assert len(first[0]) > 50
    assert all(repr(one) == repr(first) for one in others)


def test_futures_of_single_choices_are_simulated_once_however_they_are_measured(runs):
    thresholds = {"ruin": [2.0, 3.0], "late_ruin": [1.0]}
    claims = ["new better than old in ruin", "new better than old in late_ruin"]
    _, held = challenge(few(events=RUIN, challenge={"claims": claims, "thresholds": thresholds}))
    assert any(one.is_measured for result in held for one in result.case.choices)
    single = [universe for universe, fraction, replicate in runs if (len(universe), fraction, replicate) == (1, 1.0, 0)]
    assert single and len(set(single)) == len(single)


def test_a_universe_that_a_claim_cannot_tell_from_another_is_counted_once():
    """Half of the cost is above half of the threshold wherever the cost is above it."""
    swapped = {"instead": {"ruin": "late_ruin"}}
    study = few(events=RUIN, challenge={"readings": {"half": swapped}})
    held = challenge(study, ["new better than old in ruin"])[1][0].case
    assert any(str(one) == "half: instead" for one in held.choices)
    found = [tuple(map(str, one.universe)) for one in held.worlds]
    assert ("half: instead",) not in found
    for departures in (1, 2, 4):
        seen = [one.estimates for one in held.worlds if one.departures == departures]
        assert len(seen) == len(set(seen))
        assert held.stated.estimates not in seen


def test_an_event_that_happens_under_neither_policy_is_nothing_and_turns_nothing():
    """Ruin is rarer under reform; without its exits it is likelier, and beyond 9 it happens under neither."""
    events = {"ruin": {"outcome": "cost", "above": 1.5}}
    study = bill(run={"paths": 4096, "seed": 5}, events=events, challenge={"thresholds": {"ruin": [9.0]}})
    _, (held, *_) = challenge(study, ["reform better than old in ruin"])
    gone = [one for one in held.case.worlds if any(choice.threshold for choice in one.universe)]
    assert gone
    assert {one.verdict for one in gone if max(one.estimates[:2]) < 1e-3} == {Verdict.NOTHING}
    assert any(one.verdict is Verdict.REVERSED for one in held.case.worlds)
    assert held.reversals[0.0]
    assert not any(choice.threshold for one in held.reversals[0.0] for choice in one.universe)


def test_verdicts_are_simultaneous_over_the_universes_of_a_row():
    """What is beyond doubt by itself, at 2.5 % to each side, is undecided where it is not so among all that are
    counted.
    """
    study = balance(own=3.0, run={"paths": 512}, events=RUIN)
    _, (held, *_) = challenge(study, ["new better than old in ruin"])
    between = 0
    for departures in DEPARTURES:
        row = [one for one in held.case.worlds if one.departures == departures]
        for one in row:
            sure = abs(one.estimates.difference) / one.estimates.error > float(ndtri(1 - 0.025 / len(row)))
            assert (one.verdict in (Verdict.HOLDS, Verdict.REVERSED)) is sure
            between += not sure and abs(one.estimates.difference) > 1.96 * one.estimates.error
    assert between


def test_a_question_that_was_stopped_goes_on_from_its_notes(runs, kept):
    def stop(stage, done, of):
        if done > of / 2:
            raise KeyboardInterrupt

    def made():
        found = [one for one in runs if one[0]]
        runs.clear()
        return found

    whole, of_whole = seen_by_universe(challenge(few())[1]), made()
    kept.clear()
    with pytest.raises(KeyboardInterrupt):
        challenge(few(), observe=stop)
    first = made()
    again, second = seen_by_universe(challenge(few())[1]), made()
    assert repr(again) == repr(whole)
    assert 0 < len(second) < 0.7 * len(of_whole)
    assert not set(first[: len(first) // 2]) & set(second)
    assert repr(seen_by_universe(challenge(few())[1])) == repr(whole)
    assert not made()


OTHERS = {
    "assumptions": {"assumptions": {"a": {"off": {"a": 0.01}}, "b": {"off": {"b": 0}}}},
    "challenge": {"challenge": {"claims": [CLAIM], "matters": 0.2}},
    "paths": {"run": {"paths": 1024}},
    "seed": {"seed": 2},
    "factors": {"own": 0.3},
}


def test_notes_are_not_found_by_another_study(runs):
    challenge(few())
    for name, changes in OTHERS.items():
        runs.clear()
        challenge(few(**changes))
        assert len([one for one in runs if one[0]]) > 20, name


def test_other_futures_judge_what_own_ones_find(runs):
    """A reversal that is reported is one on futures that it was not looked for on."""
    _, (held, *_) = challenge(balance(**CASES["assumption"].study | {"run": {"paths": 512}}))
    own = {one.universe: one.estimates for one in held.case.worlds}
    first = held.reversals[0.0][0]
    assert first.estimates.policy != own[first.universe].policy
    assert (tuple(map(str, first.universe)), 1.0, 1) in runs
    assert np.isfinite(first.fraction.standard_error)
