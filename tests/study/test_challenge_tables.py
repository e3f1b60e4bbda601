"""The section `challenge` of a study: how claims and choices are read, what is refused, what it leaves as it is."""

import pytest

from engine.study.loading import load_study, read_study, resolved_text, study_of_text
from engine.study.tables.challenge import Challenge, Claim, Reading, claim_of
from tests.questions.assumed import BILL, Bill, bill
from tests.refusals import problems_of, refuses

NAMES = (["old", "reform"], ["ruin", "dry"], ["cost", "jobs"])

CLAIMS = {
    "reform better than old in ruin": Claim("reform", "old", "ruin", "probability", worse=False),
    "reform worse than old in ruin": Claim("reform", "old", "ruin", "probability", worse=True),
    "old better than reform in mean of cost": Claim("old", "reform", "cost", "mean", worse=False),
    "reform worse than old in ES99.9 of cost": Claim("reform", "old", "cost", "ES99.9", worse=True),
    "reform better than old in VaR95 of jobs": Claim("reform", "old", "jobs", "VaR95", worse=False),
}


@pytest.mark.parametrize("text", CLAIMS)
def test_a_claim_reads_as_it_is_written(text):
    assert claim_of(text, *NAMES) == CLAIMS[text]
    assert str(CLAIMS[text]) == text


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("reform likelier than old in ruin", "reform worse than old in ruin"),
        ("reform rarer than old in probability of ruin", "reform better than old in ruin"),
        ("reform better than old in cost", "reform better than old in mean of cost"),
        ("  reform better\n than old in ES95  of cost ", "reform better than old in ES95 of cost"),
    ],
)
def test_what_may_be_written_otherwise_is_the_same_claim(text, same):
    assert str(claim_of(text, *NAMES)) == same


def test_levels_that_a_study_adds_are_measures_too():
    text = "reform better than old in ES97.5 of cost"
    assert claim_of(text, *NAMES, levels=(0.95, 0.975)).measure == "ES97.5"
    with refuses("", "level 97.5", "95, 99, 99.9", "Add it: risk"):
        claim_of(text, *NAMES)


EVENTS = {
    "ruin": {"outcome": "cost", "above": 1.5},
    "woe": {"outcome": "jobs", "below": 0},
    "both": {"all": ["ruin", "woe"]},
}
SECTION = {
    "claims": ["reform rarer than old in ruin", "reform worse than old in ES99 of cost"],
    "readings": {"work": {"label": "Want of work", "about": "jobs count", "instead": {"ruin": "woe"}}},
    "horizons": {"all_time": {"instead": {"woe": "both", "ruin": "both"}}},
    "thresholds": {"ruin": [1, "0.5x"], "woe": [-1]},
}
READ = Challenge(
    claims=["reform better than old in ruin", "reform worse than old in ES99 of cost"],
    matters=0.1,
    readings={"work": Reading(label="Want of work", about="jobs count", instead={"ruin": "woe"})},
    horizons={"all_time": Reading(instead={"woe": "both", "ruin": "both"})},
    thresholds={"ruin": [1.0, "0.5x"], "woe": [-1.0]},
)


def challenged(section=SECTION, **changes):
    """The study of the bill with three events and a challenge."""
    return bill(events=EVENTS, challenge=section, **changes)


def test_claims_and_choices_are_read_in_their_order():
    assert challenged().challenge == READ
    assert challenged(SECTION | {"matters": 0}).challenge.matters == 0
    assert bill().challenge == Challenge() and "challenge" not in bill().document


def test_tail_levels_are_those_that_the_study_measures():
    assert challenged(SECTION | {"tails": [90, 95]}, risk={"levels": [90]}).challenge.tails == [90, 95]
    with refuses("challenge.tails", "(95, 99, 99.9), got 90, 200", "Add levels to risk.levels."):
        challenged(SECTION | {"tails": [90, 95, 200]})


def test_claims_of_a_policy_that_does_not_run_are_left_out():
    more = {"policies": {**BILL["policies"], "none": {}}, "compare": ["old", "reform"]}
    section = SECTION | {"claims": [*SECTION["claims"], "none better than old in ruin"]}
    study = challenged(section, **more)
    assert study.challenge == READ
    assert study_of_text(resolved_text(study), "again", study.model).challenge == READ


BELOW = """
name = "below"
[factors]
exit_rate = { family = "uniform", low = 0.02, high = 0.08 }
noise = { family = "normal", mean = 0, sd = 1 }
[policies]
old = {}
reform = { cut = 0.5 }
[events]
ruin = { outcome = "cost", above = 1.5 }
woe = { outcome = "jobs", below = 0 }
[assumptions.noise]
off = { noise = 0 }
[challenge]
claims = ["reform better than old in ruin", "reform worse than old in jobs"]
matters = 0.2
readings.work = { about = "jobs count", instead = { ruin = "woe" } }
readings.rest = { about = "the rest", instead = { woe = "ruin" } }
thresholds = { ruin = [1.0, "2x"], woe = [-1] }
"""


def on_top(tmp_path, text):
    """The study of a file on top of one that only names the study below."""
    (tmp_path / "below.toml").write_text(BELOW)
    (tmp_path / "between.toml").write_text('name = "between"\nextends = "below.toml"\n')
    (tmp_path / "top.toml").write_text(f'name = "top"\nextends = "between.toml"\n{text}')
    return load_study(tmp_path / "top.toml", model=Bill())


def test_a_study_on_top_adds_to_a_challenge_and_replaces_its_claims(tmp_path):
    text = """
        [challenge]
        claims = ["reform worse than old in cost"]
        readings.work = { instead = { woe = "ruin" } }
        readings.more = { instead = { ruin = "woe" } }
        thresholds = { ruin = [3], woe = [] }
    """
    assert on_top(tmp_path, text).challenge == Challenge(
        claims=["reform worse than old in mean of cost"],
        matters=0.2,
        readings={
            "work": Reading(about="jobs count", instead={"woe": "ruin"}),
            "rest": Reading(about="the rest", instead={"woe": "ruin"}),
            "more": Reading(instead={"ruin": "woe"}),
        },
        thresholds={"ruin": [3.0]},
    )


def test_what_a_study_takes_over_is_left_out_where_it_does_not_fit(tmp_path):
    challenge = on_top(tmp_path, '[events]\nruin = { above = 1.0 }\nwoe = { all = ["ruin"] }\n').challenge
    assert challenge.thresholds == {"ruin": ["2.0x"]}
    assert len(challenge.claims) == 2 and len(challenge.readings) == 2


def test_what_a_study_states_again_has_to_fit_whatever_lies_between(tmp_path):
    text = """
        [assumptions.noise]
        off = { noises = 0 }
        [challenge]
        claims = ["reform better than old in jobs", "reform better than old in ruins"]
        readings.work = { instead = { ruin = "jobs" } }
        thresholds = { ruin = [1.5] }
    """
    assert [problem.place for problem in problems_of(on_top, tmp_path, text)] == [
        "challenge.claims",
        "challenge.readings.work.instead",
        "challenge.thresholds.ruin",
        "assumptions.noise.off.noises",
    ]


def test_what_another_study_stated_is_left_out_where_there_is_nothing_of_it():
    tables = BILL | {"challenge": SECTION, "events": {}}
    places = {"challenge.claims", "challenge.readings.work", "challenge.horizons.all_time"}
    spare = places | {"challenge.thresholds.ruin", "challenge.thresholds.woe"}
    study = read_study(tables, "bill.toml", model=Bill(), spare=spare)
    assert study.challenge == Challenge(claims=READ.claims[1:])
