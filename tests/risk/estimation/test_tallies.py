"""What blocks leave of outcomes that are not kept whole: files, folding in any order, groups, counts that are exact."""

import itertools

import numpy as np
import pytest

from engine.risk.estimation.events import event_indicators
from engine.risk.estimation.tallies import FINE, GROUP, GROUPS, Tally, folded, group_size, tally, unkept, unkept_events
from engine.storage import npz
from engine.study.components import Event, Keep
from engine.study.study import BLOCK, Study
from tests.helpers import assert_close, assert_same
from tests.small_study import block_values, make_study

PATHS = 2 * BLOCK + 10_000
EVENTS = (
    Event(name="banks_wrecked", outcome="capital_shortfall_peak", above=1.0),
    Event(name="shrinking", outcome="worst_two_year_growth", below=-0.5),
    Event(name="both", all=["banks_wrecked", "shrinking"]),
)


def study_of(paths: int, kept: tuple[str, ...] = ()) -> Study:
    return make_study(paths, Keep(kept, 0, 0), events=EVENTS)


def parts(study: Study) -> list:
    return [tally(study, block_values(study, block)[0], group_size(block.index)) for block in study.blocks()]


@pytest.fixture(scope="module")
def run() -> tuple[Study, list, np.ndarray]:
    """A study that keeps nothing, the tallies of its blocks, and its outcomes [policy, outcome, path]."""
    study = study_of(PATHS)
    values = np.concatenate([block_values(study, block)[0] for block in study.blocks()], axis=-1)
    return study, parts(study), values


def test_a_file_gives_its_tally_back_and_the_same_tally_the_same_bytes(run):
    _, found, _ = run
    content = npz.packed(found[0].arrays())
    again = Tally.of_arrays(npz.unpacked(content))
    for name, array in vars(found[0]).items():
        assert_same(getattr(again, name), array)
    assert npz.packed(again.arrays()) == content


def test_groups_are_whole_units_and_as_equal_as_can_be(run):
    _, found, _ = run
    sizes = [part.sizes for part in found]
    assert_same(sizes[0], np.full(BLOCK // GROUP, GROUP))
    assert_same(sizes[2], np.array([5000, 5000]))
    odd = parts(study_of(GROUP + 3))[0].sizes
    assert odd.sum() == GROUP + 3 and len(odd) == 2 and odd[0] % 2 == 0
    assert_same(parts(study_of(GROUP))[0].sizes, np.array([GROUP]))


def test_blocks_fold_in_any_order_to_the_same_whole_numbers_over_all_groups(run):
    _, found, _ = run
    first = folded(found)
    for order in itertools.permutations(found):
        other = folded(order)
        for name in ("bins", "steps", "least", "most"):
            assert_same(getattr(other, name), getattr(first, name))
        assert_same(other.counts.sum(axis=0), first.counts.sum(axis=0))
        for name in ("sizes", "worse", "events"):
            assert_same(getattr(other, name).sum(axis=-1), getattr(first, name).sum(axis=-1))
        assert_close(other.totals.sum(axis=-1), first.totals.sum(axis=-1))
        assert_close(other.regret.sum(axis=-1), first.regret.sum(axis=-1))


def test_one_fold_counts_what_all_paths_count(run):
    study, found, values = run
    total = folded(found)
    assert total.sizes.sum() == PATHS
    for k, p in itertools.product(range(2), range(2)):
        row = values[p, k].astype(np.float64)
        histogram = total.histogram(k, p)
        assert histogram.count == PATHS
        assert_close(histogram.totals.sum(), row.sum())
        assert (histogram.least, histogram.most) == (row.min(), row.max())
    of = {name: values[:, k] for k, name in enumerate(study.model.outcomes)}
    assert_same(total.events.sum(axis=-1), np.array([h.sum(-1) for h in event_indicators(study, of).values()]))
    shortfall, growth = values[:, 0], values[:, 1]
    assert_same(total.worse[0].sum(axis=-1), np.sum(shortfall > shortfall[0], axis=-1))
    assert_same(total.worse[1].sum(axis=-1), np.sum(growth < growth[0], axis=-1))
    assert_close(total.regret[0].sum(axis=-1), np.sum(shortfall - shortfall.min(axis=0), axis=-1, dtype=float))
    assert_close(total.regret[1].sum(axis=-1), np.sum(growth.max(axis=0) - growth, axis=-1, dtype=float))


def test_later_blocks_are_groups_by_themselves_that_keep_all_groups_about_as_large(run):
    study, found, values = run
    assert [group_size(index) for index in (0, FINE - 1, FINE)] == [GROUP, GROUP, BLOCK]
    block = values[..., :BLOCK]
    late = tally(study, block, group_size(FINE))
    early = found[0]
    assert_same(late.sizes, np.array([BLOCK]))
    for name in ("bins", "steps", "least", "most"):
        assert_same(getattr(late, name), getattr(early, name))
    for name in ("counts", "worse", "events"):
        axis = 0 if name == "counts" else -1
        assert_same(getattr(late, name).take(0, axis), getattr(early, name).sum(axis))
    assert_close(late.totals[..., 0], early.totals.sum(axis=-1))
    for more in (1, 3 * GROUPS + 7):
        total = folded([early] * FINE + [late] * more)
        assert len(total.sizes) == GROUPS and total.sizes.sum() == (FINE + more) * BLOCK
        assert total.sizes.max() <= 1.5 * total.sizes.min()


def test_counts_beyond_16_bits_come_back_from_their_file():
    study = study_of(BLOCK)
    one = tally(study, np.full((2, 2, BLOCK), 0.1, np.float32), BLOCK)
    assert one.counts.max() == BLOCK
    assert_same(Tally.of_arrays(npz.unpacked(npz.packed(one.arrays()))).counts, one.counts)


def test_only_what_is_not_kept_is_tallied():
    study = study_of(1000, ("worst_two_year_growth",))
    assert unkept(study) == ("capital_shortfall_peak",)
    assert [event.name for event in unkept_events(study)] == ["banks_wrecked", "both"]
    found = tally(study, block_values(study, study.blocks()[0])[0])
    assert found.worse.shape == (1, 2, 1) and found.events.shape == (2, 2, 1)
    assert unkept(study_of(10, tuple(study.model.outcomes))) == ()
