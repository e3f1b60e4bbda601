"""Which paths are kept out, and that a tally holds what it would hold without them."""

from dataclasses import fields

import numpy as np
import pytest

from engine.risk.estimation.exclusion import excluded, most_excluded, without_excluded
from engine.risk.estimation.tallies import GROUP, Tally, folded, tally
from engine.study.components import Keep
from engine.study.study import BLOCK
from tests.helpers import assert_close, assert_same
from tests.small_study import make_study

RNG = np.random.default_rng(31)


def outcomes(paths):
    return RNG.standard_normal((2, 2, paths)).astype(np.float32)


@pytest.mark.parametrize(
    ("sampler", "bad", "out"),
    [("random", [4], [4]), ("antithetic", [4], [4, 5]), ("antithetic", [5, 10], [4, 5, 10]), ("sobol", [4], [4])],
)
def test_a_path_goes_under_every_policy_and_with_its_pair(sampler, bad, out):
    study, values = make_study(11, sampler=sampler), outcomes(11)
    for k, path in enumerate(bad):
        values[k % 2, (k + 1) % 2, path] = (np.nan, np.inf)[k % 2]
    assert np.flatnonzero(excluded(study, values)).tolist() == out
    kept = without_excluded(study, values)
    assert np.isnan(kept[..., out]).all()
    rest = np.delete(np.arange(11), out)
    assert_same(kept[..., rest], values[..., rest])
    assert not excluded(study, outcomes(11)).any()


@pytest.mark.parametrize(
    ("share", "paths", "most"),
    [(0.0, 10**6, 0), (1e-5, 10**6, 10), (1e-5, 99_999, 0), (0.01, 300, 3), (0.003, 1000, 3)],
)
def test_a_share_of_the_whole_run_may_go(share, paths, most):
    assert most_excluded(make_study(paths, nonfinite=share)) == most


@pytest.mark.parametrize("bad", [[3, 50, 9000], list(range(GROUP)), []])
def test_a_tally_holds_what_it_would_without_them(bad):
    """A group whose paths are all kept out is no group."""
    study = make_study(3 * GROUP, Keep((), 0, 0), sampler="random")
    values = outcomes(3 * GROUP)
    broken = values.copy()
    broken[..., bad] = np.nan
    of, rest = tally(study, broken), np.delete(values, bad, axis=-1)
    assert of.sizes.sum() == rest.shape[-1] and (of.sizes > 0).all()
    whole = folded([Tally.of_arrays(of.arrays())])
    clean = tally(study, rest)
    for k, name in enumerate(study.model.outcomes):
        loss = study.model.outcomes[name].loss
        best = rest[:, k].min(axis=0) if loss else rest[:, k].max(axis=0)
        for p in range(2):
            one, other = whole.histogram(k, p), clean.histogram(k, p)
            assert_same(one.pooled, other.pooled)
            assert_same(one.steps, other.steps)
            assert (one.least, one.most) == (other.least, other.most) == (rest[p, k].min(), rest[p, k].max())
            worse = rest[p, k] > rest[0, k] if loss else rest[p, k] < rest[0, k]
            assert whole.worse[k, p].sum() == worse.sum()
            assert_close(whole.regret[k, p].sum(), np.abs(rest[p, k] - best).sum(dtype=np.float64))
    assert_same(whole.events[0].sum(axis=-1), (rest[:, 0] > 1).sum(axis=-1))


def test_a_block_of_which_nothing_is_left_adds_nothing():
    study = make_study(BLOCK + 2, Keep((), 0, 0))
    values = outcomes(5000)
    empty = tally(study, np.full((2, 2, 2), np.nan, np.float32))
    one, both = (folded([tally(study, values), *more]) for more in ([], [Tally.of_arrays(empty.arrays())]))
    for field in fields(Tally):
        assert_same(getattr(both, field.name), getattr(one, field.name))
