"""`rustbelt attribute`: a finding that claims no more than its intervals, tables, records, and what is refused."""

import json
from dataclasses import replace

import pytest

import engine
from engine.analyses.attribution import Attribution, Part
from engine.analyses.coalitions import Player
from engine.cli.show.attribution_table import finding
from engine.risk.intervals import Estimate
from engine.study.loading import load_study
from tests.small_files import BRIDGE, MODELS, call, own, write

WIDER = BRIDGE + '[lever_groups]\nsteel = ["strength"]\n'


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write(tmp_path_factory.mktemp("attribute"), WIDER)


def test_it_prints_a_finding_and_a_table_for_each_outcome_and_event(study):
    result = call("attribute", study, *own("Bridge"), "--from", "weak", "--to", "strong")
    assert result.exit_code == 0, result.output
    finding, _, facts = result.stdout.partition("4,000 paths")
    assert finding.startswith("strong less weak, probability of collapse: -")
    assert "steel carries most of it" in " ".join(finding.split())
    assert facts.startswith(", seed 7, 2 coalitions of 1 group\n")
    for head in ("mean of damage [yuan]", "ES99 of margin [t]", "probability of collapse [points]"):
        assert head in result.stdout
    assert "share: what a group adds" in " ".join(result.stdout.split())


def test_records_hold_every_number_and_nothing_else_is_printed(study):
    words = (
        "attribute",
        study,
        *own("Bridge"),
        "--from",
        "weak",
        "--to",
        "strong",
        "--outcome",
        "margin",
        "--json",
    )
    records = json.loads(call(*words).stdout)
    assert len(records) == 2 * (1 + 3)
    whole, share, *_ = records
    assert (whole["effect"], whole["group"], share["effect"], share["group"]) == (
        "difference",
        None,
        "share",
        "steel",
    )
    assert whole["estimate"] == pytest.approx(share["estimate"]) == pytest.approx(4.0, rel=1e-5)
    assert {(r["from"], r["to"], r["variable"]) for r in records} == {("weak", "strong", "margin")}


def test_a_run_is_asked_the_same(study, tmp_path):
    model = engine.load_model_file(f"{MODELS}:Bridge")
    run = engine.run(str(study), tmp_path / "run", model, device="cpu")
    shares = run.attribute("weak", "strong", ["damage"], device="cpu")
    own = engine.attribute(run.study, "weak", "strong", ["damage"], device="cpu")
    assert shares.identical(own)
    numbers = ["damage", "damage_difference"]  # and the flags of those that have any
    assert list(shares) == [*numbers, *(f"{name}_reasons" for name in numbers)]
    gap = run.compare("damage").frame("differences").query("measure == 'ES99'")["difference"].item()
    whole = shares["damage_difference"].sel(measure="ES99", stat="estimate").item()
    assert whole == pytest.approx(gap, rel=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "weak", "--to", "stong"), "unknown policy 'stong'. Did you mean 'strong'?"),
        (("--from", "weak", "--to", "weak"), "set all levers alike"),
        (
            ("--from", "weak", "--to", "strong", "--outcome", "damge"),
            "unknown outcome or event 'damge'. Did you mean",
        ),
        (("--from", "weak"), "Missing option '--to'"),
    ],
)
def test_what_is_wrong_is_said(study, words, message):
    result = call("attribute", study, *own("Bridge"), *words)
    assert result.exit_code == 2 and message in result.output and not result.stdout


# ---------------------------------------------------------------------------------------------- the finding


def told(*shares, whole=(10.0, 9.5, 10.5), leaders=("a",)):
    """The finding of shares given by their estimates and ends, of groups a, b, c."""
    of = [Estimate(x, (high - low) / 4, low, high) for x, low, high in (whole, *shares)]
    players = tuple(Player(name, ()) for name in "abc"[: len(shares)])
    part = Part("cost", "mean", of[0], tuple(of[1:]), (), (), leaders)
    study = load_study("rustbelt", paths=100)
    outcomes = {"cost": replace(study.model.outcomes["public_cost"], unit="EUR")}
    study = replace(study, model=type("Costs", (), {"outcomes": outcomes})())
    return finding(Attribution(study, "old", "new", players, (part,), 0), part)


def test_most_is_said_of_more_than_half_alone():
    sure, unsure = told((8.0, 7.5, 8.5), (2.0, 1.5, 2.5)), told((5.2, 4.5, 5.9), (4.8, 4.1, 5.0))
    assert (
        sure
        == "new less old, mean of cost: 10.0 [9.5, 10.5] EUR; a carries most of it, 8.0 [7.5, 8.5] (80 %)."
    )
    assert "a carries the largest part of it, 5.2" in unsure


def test_groups_that_are_not_told_apart_are_not_ranked():
    text = told((5.2, 4.5, 5.9), (4.8, 4.1, 5.0), leaders=("a", "b"))
    assert text.endswith(
        "a and b carry the largest parts of it, and which of these carries most is not told."
    )


def test_what_works_against_it_and_what_is_not_told_from_zero_are_named():
    text = told((12.0, 11.0, 13.0), (-2.0, -2.5, -1.5), (0.1, -0.1, 0.3))
    assert text.endswith("; b (-2.0 [-2.5, -1.5]) works against it; c is not told from zero.")


def test_a_difference_that_is_not_told_from_zero_has_no_leader():
    text = told((3.0, 2.5, 3.5), (-3.0, -3.5, -2.5), (0.0, -1.0, 1.0), whole=(0.1, -0.5, 0.7))
    assert text.startswith("new is not told from old in mean of cost (0.1 [-0.5, 0.7] EUR), though")
    assert "a 3.0 [2.5, 3.5], b -3.0" in text and "c" not in text.partition("though")[2].replace("cost", "")
