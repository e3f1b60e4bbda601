"""What a study states as an answer: every row is what the study has there."""

import numpy as np
import pytest

from engine.answers.layout import stacks
from engine.answers.wording import claimed
from engine.cli.show.study_digest import curve, differing, digest, targets_text
from engine.risk.estimation.bounds import MANY, TOLD, by_year, standings
from engine.study.loading import load_model_file, load_study
from engine.study.tables.assumptions import in_words
from engine.study.tables.shocks import stationary
from tests.questions.test_gates import MODELS as CLIPPED, TIDE
from tests.shock_study import walk
from tests.small_files import write
from tests.user_models import program


@pytest.fixture(scope="module")
def shipped():
    return load_study("rustbelt")


def test_shocks_have_their_law_their_group_and_their_regime():
    study = walk()
    answer = digest(study, None)
    rows = {row["shock"]: row for row in answer["shocks"].rows()}
    assert rows.keys() == study.shocks.moving.keys() and study.shocks.groups and study.shocks.regimes
    for name, shock in study.shocks.moving.items():
        of = [group for group, one in study.shocks.groups.items() if shock.streams[0] in one.members]
        assert (rows[name]["law"], rows[name]["given_by"]) == tuple(shock.about)
        assert (rows[name]["group"], rows[name]["regime"]) == ("".join(of), shock.regime or "")
    for name, regime in study.shocks.regimes.items():
        shares = stationary(np.array(regime.transition))
        for state, start, share in zip(regime.states, regime.start, shares, strict=True):
            (row,) = answer["regimes"].where(regime=f"{name}: {state}")
            assert (row["at_the_start"], row["in_the_long_run"]) == (start, share)


def test_priors_groups_assumptions_claims_and_choices_are_those_of_the_study(shipped):
    answer = digest(shipped, None)
    for item, row in zip(shipped.gathered_inputs, answer["priors"].rows(), strict=True):
        law = item.marginal
        assert (row["factor"], row["family"], row["density"]) == (item.name, item.family, curve(law))
        assert row["stated"] == (targets_text(item) or item.parameters)
        assert (row["p05"], row["p95"], row["mean"]) == (*map(float, law.quantile(np.array([0.05, 0.95]))), law.mean())
    assert answer["groups"]["group"] == (*shipped.groups, *shipped.shocks.groups)
    for one, row in zip(shipped.assumptions, answer["assumptions"].rows(), strict=True):
        assert (row["assumption"], row["off"]) == (one.name, in_words(one.table["off"]))
    claims = [(str(claim), claimed(shipped, claim)) for claim in shipped.challenge.claims]
    assert [(row["claim"], row["in_words"]) for row in answer["claims"].rows()] == claims
    choices = {row["choice"]: row["instead"] for row in answer["choices"].rows()}
    for reading in shipped.challenge.readings:
        assert choices[reading.name] == ", ".join(f"{old} -> {new}" for old, new in reading.instead.items())


def test_pairs_of_a_group_are_listed_where_they_differ(shipped):
    pairs = [*digest(shipped, None)["pairs"].rows()]
    for name, group in {**shipped.groups, **shipped.shocks.groups}.items():
        implied = group.copula.implied(group.members)
        own = [row for row in pairs if row["pair"].startswith(f"{name}: ")]
        above = np.triu_indices(len(group.members), 1)
        assert not own or [row["kendall"] for row in own] == [*implied.kendall[above]]
        assert bool(own) or np.ptp(implied.kendall[above]) <= 5e-4


def test_sentences_count_what_a_study_has(shipped):
    counts, policies, priors = digest(shipped, None).findings
    sizes = {"factors": len(shipped.gathered_inputs), "groups": len(shipped.groups), "gates": len(shipped.gates)}
    assert all(f"{count} {what}" in counts for what, count in sizes.items())
    levers = [name for name in differing(shipped) if name in shipped.model.levers]
    assert policies == f"It compares 2 policies, which differ in {len(levers)} of {len(shipped.model.levers)} levers."
    assert priors.startswith(f"{sum(bool(item.targets) for item in shipped.gathered_inputs)} priors ")


def test_levers_that_differ_are_those_whose_values_do(shipped):
    apart = differing(shipped)
    assert apart and all(len({*values}) > 1 and len(values) == 2 for values in apart.values())
    assert apart["before"] == ["-", "old"]
    rows = {(row["lever"], row["policy"]): row["value"] for row in digest(shipped, None)["levers"].rows()}
    assert rows == {(name, shipped.policy_names[k]): own[k] for name, own in apart.items() for k in range(2)}


def test_bounds_are_those_on_which_more_than_a_few_values_lie(tmp_path):
    path = write(tmp_path, TIDE, "tide.toml")
    study = load_study(path, model=load_model_file(f"{CLIPPED}:Tide"), policies=["calm", "dammed"])
    yearly = program(study).first_years(512)
    every = standings(study, by_year(study.model, yearly))
    often = [one for one in every if one.share > TOLD]
    told = {(one.variable, one.side) for one in often}
    answer = digest(study, yearly)
    rows = [*answer["bounds"].rows()]
    key = lambda row: (row["bound"], row["policy"])  # noqa: E731
    assert {key(row): (row["limit"], row["share"], row["unit"]) for row in rows} == {
        (f"{one.variable}, {one.side}", one.policy): (one.limit, one.share, "m")
        for one in every
        if (one.variable, one.side) in told
    }
    assert all((row["policy"] in row["too_often"].split(", ")) == (row["share"] > MANY) for row in rows)
    assert any(row["too_often"] for row in rows)
    _, columns = stacks(answer["bounds"])
    assert [one.head for one in columns if one.of.name in ("limit", "too_often")] == ["limit", "too often"]
    assert answer.findings[-1] == f"On the first 512 paths, {often[0].in_words(study)}."
    assert "bounds" not in digest(study, None)
