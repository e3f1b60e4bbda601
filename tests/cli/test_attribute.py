"""`rustbelt attribute`: a finding that claims no more than its intervals, tables, JSON, what is kept, and what is
refused.
"""

import json

import pytest

import engine
from engine.answers.answer import Answer
from engine.run_folder import answer_store
from engine.runs.run import open_run
from tests.report.wording import report
from tests.small_files import BRIDGE, MODELS, call, own, write

WIDER = BRIDGE + '[lever_groups]\nsteel = ["strength"]\n'


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write(tmp_path_factory.mktemp("attribute"), WIDER)


def test_it_prints_a_finding_and_a_table_for_each_outcome_and_event(study):
    result = call("attribute", study, *own("Bridge"), "--from", "weak", "--to", "strong", "--full")
    assert result.exit_code == 0, result.output
    plain = json.loads(call("attribute", study, *own("Bridge"), "--from", "weak", "--to", "strong", "--json").stdout)
    text = " ".join(result.stdout.split())
    assert text.startswith(plain["findings"][0]) and plain["basis"] in text
    (collapse,) = plain["tables"]["events"]["rows"]
    assert (collapse["group"], plain["study"]["paths"], plain["study"]["seed"]) == ("steel", 4000, 7)
    assert collapse["difference"]["high"] < 0 and collapse["share"] == collapse["difference"]
    for head in ("mean of damage [yuan]", "ES99 of margin [t]", "probability of collapse [points]"):
        assert head in result.stdout
    assert "share of a group is what it adds" in " ".join(result.stdout.split())


def test_policies_that_are_given_run_beside_those_that_it_names(tmp_path):
    study = write(tmp_path, WIDER + "[policies.middling]\nstrength = 12\n")
    words = ("attribute", study, *own("Bridge"), "--from", "weak", "--to", "strong", "--json", "--quiet", "--policies")
    beside, stated = (call(*words, names) for names in ("middling", "middling,strong"))
    assert json.loads(beside.stdout) == json.loads(stated.stdout)
    assert beside.stderr == "note: beyond --policies runs what the question names: strong.\n" and not stated.stderr


def test_json_holds_every_number_and_nothing_else_is_printed(study):
    words = ("attribute", study, *own("Bridge"), "--from", "weak", "--to", "strong", "--outcome", "margin", "--json")
    answer = json.loads(call(*words).stdout)
    rows = answer["tables"]["outcomes"]["rows"]
    assert [(row["variable"], row["measure"], row["group"]) for row in rows] == [
        ("margin", measure, "steel") for measure in ("mean", "ES99")
    ]
    whole, share = rows[0]["difference"]["estimate"], rows[0]["share"]["estimate"]
    assert whole == pytest.approx(share) == pytest.approx(4.0, rel=1e-5)
    assert {*rows[0]} >= {"alone", "taken_back", "unit"} and "events" not in answer["tables"]
    assert answer["asked"] == {"start": "weak", "end": "strong", "outcome": ["margin"]}


def test_a_run_is_asked_the_same_and_keeps_it(study, tmp_path):
    model = engine.load_model_file(f"{MODELS}:Bridge")
    run = engine.run(str(study), tmp_path / "run", model, device="cpu")
    shares = run.attribute("weak", "strong", ["damage"], device="cpu")
    alone = engine.attribute(run.study, "weak", "strong", ["damage"], device="cpu")
    assert shares.plain() == alone.plain()
    gap = run.compare(outcome="damage").frame("differences").query("measure == 'ES99'")["difference"].item()
    (tail,) = shares["outcomes"].where(measure="ES99")
    assert tail["difference"].estimate == pytest.approx(gap, rel=1e-5)
    asked = call("attribute", run.folder, *own("Bridge"), "--from", "weak", "--to", "strong", "--quiet")
    assert asked.exit_code == 0, asked.output
    kept = Answer.of_tree(answer_store.read(run.folder, "attribute"))
    assert kept["outcomes"]["variable"].count("damage") == 2 and kept.asked["start"] == "weak"
    page = report(run.folder, run.study, open_run(run.folder, model).cube).decode()
    assert '<h2 id="attribute"' in page and "mean of damage [yuan]" in page


def test_a_policy_that_does_not_run_can_be_asked_for(tmp_path):
    study = write(tmp_path, WIDER.replace('baseline = "weak"', 'baseline = "weak"\ncompare = ["weak"]'))
    given = call("attribute", study, *own("Bridge"), "--from", "weak", "--to", "strong", "--json", "--quiet")
    assert given.exit_code == 0, given.output
    assert json.loads(given.stdout)["study"]["policies"] == ["weak", "strong"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "weak", "--to", "stong"), ["'stong'", "'strong'"]),
        (("--from", "weak", "--to", "weak"), ["two policies", "got one: weak"]),
        (("--from", "weak", "--to", "strong", "--outcome", "damge"), ["'damge'", "'damage'"]),
        (("--from", "weak"), ["'--to'"]),
    ],
)
def test_what_is_wrong_is_said(study, words, told):
    result = call("attribute", study, *own("Bridge"), *words)
    assert result.exit_code == 2 and not result.stdout
    for text in told:
        assert text in result.output
