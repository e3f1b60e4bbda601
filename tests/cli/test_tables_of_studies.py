"""What a study states as an answer: every row is what the study has there."""

import numpy as np
import pytest

from engine.answers.as_text import claimed
from engine.cli.show.study_digest import digest, targets_text
from engine.study.loading import load_study
from tests.shock_study import walk


@pytest.fixture(scope="module")
def shipped():
    return load_study("rustbelt")


def test_shocks_have_their_law_and_their_group():
    study = walk()
    answer = digest(study, None)
    rows = {row["shock"]: row for row in answer["shocks"].rows()}
    assert rows.keys() == study.shocks.moving.keys() and study.shocks.groups
    for name, shock in study.shocks.moving.items():
        of = [group for group, one in study.shocks.groups.items() if shock.streams[0] in one.members]
        assert (rows[name]["law"], rows[name]["given_by"]) == tuple(shock.about)
        assert rows[name]["group"] == "".join(of)


def test_priors_groups_and_claims_are_those_of_the_study(shipped):
    answer = digest(shipped, None)
    for item, row in zip(shipped.inputs, answer["priors"].rows(), strict=True):
        law = item.marginal
        assert (row["factor"], row["family"], row["unit"]) == (item.name, item.family, item.unit)
        assert row["stated"] == (targets_text(item) or item.parameters)
        assert (row["p05"], row["p95"], row["mean"]) == (*map(float, law.quantile(np.array([0.05, 0.95]))), law.mean())
    assert answer["groups"]["group"] == (*shipped.groups, *shipped.shocks.groups)
    claims = [(str(claim), claimed(shipped, claim)) for claim in shipped.claims]
    assert [(row["claim"], row["in_words"]) for row in answer["claims"].rows()] == claims


def test_the_dependence_of_a_group_is_that_of_all_its_pairs(shipped):
    rows = {row["group"]: row for row in digest(shipped, None)["groups"].rows()}
    for name, group in {**shipped.groups, **shipped.shocks.groups}.items():
        implied, above = group.copula.implied(group.members), np.triu_indices(len(group.members), 1)
        for measure in ("kendall", "spearman", "lower", "upper"):
            pairs = getattr(implied, measure)[above]
            ends = [float(text) for text in rows[name][measure].split(" to ")]
            assert np.allclose(ends, [pairs.min(), pairs.max()][-len(ends) :], atol=6e-3)
            assert len(ends) == 2 or np.ptp(pairs) <= 5e-4
