"""What carries a claim, against a sum whose parts have known variances."""

import numpy as np
import pytest

from engine.analyses.challenge.carriers import FEWEST, carriers
from engine.analyses.challenge.choices import SPECIFICATION, Choice
from engine.analyses.challenge.claims import ClaimEstimates, Verdict
from engine.analyses.challenge.ledgers import Ledger
from engine.analyses.challenge.profiles import Place, Profile
from engine.study.tables.challenge import Claim

SIZES = np.array([4.0, 2.0, -1.0, 0.0])
CLAIM = Claim("new", "old", "cost", "mean", worse=False)
CHOICES = [Choice(SPECIFICATION, f"d{k}", "off", f"d{k} off", f"d{k}") for k in range(len(SIZES))]


def profile(rows, noise=0.0, sizes=SIZES, rng=None):
    """Universes with choices made as rows say, each a sum of what they add, and noise."""
    gaps = rows @ sizes + noise * (rng.standard_normal(len(rows)) if noise else 0.0)
    places = tuple(
        place(tuple(one for one, made in zip(CHOICES, row, strict=True) if made), gap)
        for row, gap in zip(rows, gaps, strict=True)
    )
    return Profile(CLAIM, Ledger(SPECIFICATION, tuple(CHOICES)), place((), 0.0), places)


def place(universe, gap):
    """One universe."""
    return Place(universe, ClaimEstimates(float(gap), 0.0, float(gap), 0.1), Verdict.HOLDS)


def test_shares_are_those_of_the_variances_and_what_is_left_out_is_predicted():
    """All sets of four choices, eight times over: columns are uncorrelated but for the row as stated."""
    rows = np.array([[k >> j & 1 for j in range(4)] for k in range(16)] * 8)
    found = carriers(profile(rows, 0.1, rng=np.random.default_rng(1)))
    variances = SIZES**2 / (SIZES**2).sum()
    for k, share in enumerate(variances):
        assert found.shares[f"d{k}"] == pytest.approx(share, abs=0.02)
    assert [*found.shares][:3] == ["d0", "d1", "d2"]
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert 0.95 < found.fit <= 1.0


@pytest.mark.parametrize("seed", range(5))
def test_of_noise_nothing_is_predicted(seed):
    rng = np.random.default_rng(seed)
    found = carriers(profile(rng.integers(0, 2, (200, 4)), 1.0, np.zeros(4), rng))
    assert found is None or found.fit < 0.1


def test_few_universes_or_all_alike_carry_nothing():
    rows = np.array([[k >> j & 1 for j in range(4)] for k in range(16)] * 2)
    assert carriers(profile(rows[: FEWEST - 2])) is None
    assert carriers(profile(rows, sizes=np.zeros(4))) is None
    assert carriers(profile(rows[: FEWEST - 1])) is not None


def test_a_prior_enters_by_the_way_it_is_moved():
    """Up and down are one column: what is odd in them is fitted whole."""
    up, down = (
        Choice(SPECIFICATION, "p", side, "p", "p", move={0: sign}, sign=sign)
        for side, sign in (("up", 1.0), ("down", -1.0))
    )
    some = [place((one,), 3.0 * one.sign) for one in (up, down)] * 15
    found = carriers(Profile(CLAIM, Ledger(SPECIFICATION, (up, down)), place((), 0.0), tuple(some)))
    assert found.shares == {"p": pytest.approx(1.0)}
    assert found.fit > 0.95
