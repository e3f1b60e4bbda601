"""Latin hypercubes: strata exact in every replicate and stream, the same bits however cut, and what replicates do to
errors.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri, stdtrit

import engine
from engine.draws import random_words
from engine.draws.sampling import SAMPLERS, path_order
from engine.modelling.cell_axis import split_cells
from engine.risk.estimation.evidence import MEASURES
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import FEW_UNITS, Units, as_units, moments, moments_of_some
from engine.risk.estimation.measures import difference, finite_units, probability, regret, summary
from engine.risk.estimation.shares import effective_count
from engine.risk.estimation.tails import quantiles, share
from engine.runs.replay import replay
from engine.study.study import BLOCK, Block
from tests.helpers import assert_close, assert_plausible, assert_same
from tests.risk.cells import summary_cells
from tests.small_files import POND, call, own, records, write
from tests.user_models import computed, echo, farms, program

LATIN, SIZE = SAMPLERS["latin"], SAMPLERS["latin"].unit
LAST = (1 << 62) - (1 << 12)
"""Path numbers end at 2^62."""
KEYS = jnp.asarray(np.array([random_words.stream_key(7, f"factor:{name}") for name in "abcd"]))
TILE = 1 << 16
REPLICATES = 1 << 13


def counter(first_path):
    """Counter of the group that begins with this path, (low, high) words."""
    number = first_path // LATIN.group
    return jnp.uint32(number & 0xFFFFFFFF), jnp.uint32(number >> 32)


drawn = jax.jit(lambda first, tile: LATIN.words(KEYS, first, tile), static_argnums=1)


def words(first_path, paths):
    """Words of consecutive paths, uint32 [stream, path]."""
    return np.asarray(drawn(counter(first_path), paths))[:, np.argsort(path_order(LATIN, paths))]


@functools.cache
def many():
    """Words of many replicates, uint32 [stream, replicate, point]."""
    parts = [words(first, TILE) for first in range(0, REPLICATES * SIZE, TILE)]
    return np.concatenate(parts, axis=1).reshape(len(KEYS), REPLICATES, SIZE)


def strata():
    """The stratum of each point, int64 [stream, replicate, point]."""
    return (many() >> 24).astype(np.int64)


@functools.cache
def scores():
    """Normal scores, float64 [stream, replicate, point]."""
    return ndtri((many() + 0.5) / 2.0**32)


# ------------------------------------------------------------------------------- where paths fall


@pytest.mark.parametrize("first", [0, 1 << 20, (1 << 32) - (1 << 12), 1 << 33, LAST])
def test_every_stratum_holds_one_path_of_each_replicate(first):
    found = words(first, 1 << 12).reshape(len(KEYS), -1, SIZE) >> 24
    assert_same(np.sort(found, axis=-1), np.broadcast_to(np.arange(SIZE, dtype=np.uint32), found.shape))


def test_all_streams_of_a_run_are_stratified():
    made = program(echo({"old": {}}, sampler="latin", paths=4 * SIZE, tile=SIZE))
    found = split_cells(made.study.model, made.trace(0).yearly, axis=2)
    scores = {name: found[name].astype(np.float64) for name in ("noise", "single", "luck")}
    ranks = [ndtr(scores["noise"]), ndtr(scores["single"]), scores["luck"], made.draws(Block(0, 0, SIZE))]
    for u in ranks:
        u = u.reshape(-1, SIZE)
        # scores are float32: one at the edge of its stratum may seem to lie beyond it
        assert np.abs(np.sort(u, axis=-1) * SIZE - np.arange(SIZE) - 0.5).max() < 0.5 + 1e-2


def test_below_the_stratum_are_the_highest_bits_of_the_random_word():
    lanes = np.asarray(SAMPLERS["random"].words(KEYS, counter(0), 1024))
    plain = lanes[:, np.argsort(path_order(SAMPLERS["random"], 1024))]
    assert_same(words(0, 1024) & 0xFFFFFF, plain >> 8)


@pytest.mark.parametrize("tile", [16, 64, SIZE, 4096])
@pytest.mark.parametrize("first", [0, 3 << 34])
def test_the_tile_changes_no_word(tile, first):
    parts = [words(first + k * tile, tile) for k in range(2048 // tile or 1)]
    joined = np.concatenate(parts, axis=1)
    assert_same(joined, words(first, TILE)[:, : joined.shape[1]])


def test_no_replicate_repeats_another():
    first = strata()[0]
    assert len(np.unique(first[:, :16], axis=0)) == REPLICATES
    far = words(1 << 33, TILE).reshape(len(KEYS), -1, SIZE) >> 24
    assert not np.any(np.all(far == strata()[:, : far.shape[1]], axis=-1))


def even(cells):
    """P-value of a sum of permutation matrices, each equally likely: [row, column] counts."""
    n, expected = len(cells), cells.sum() / cells.size
    statistic = ((cells - expected) ** 2).sum() / expected * (n - 1) / n
    return 2 * min(law(statistic, (n - 1) ** 2) for law in (stats.chi2.cdf, stats.chi2.sf))


def paired(one, other):
    """How often two strata come together, [stratum, stratum]."""
    return np.bincount((one * SIZE + other).ravel(), minlength=SIZE**2).reshape(SIZE, SIZE)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 2), (0, 3)])
def test_strata_of_two_streams_meet_equally_often(one, other):
    found = strata()
    assert even(paired(found[one], found[other])) > 1e-6
    assert even(paired(found[one], found[one])) < 1e-6, "blind"


def test_no_stratum_prefers_a_point():
    points = np.broadcast_to(np.arange(SIZE), (REPLICATES, SIZE))
    for found in strata():
        assert even(paired(points, found)) > 1e-6


@pytest.mark.parametrize("apart", [1, 2, SIZE // 4, SIZE // 2])
def test_two_points_lie_as_in_a_random_permutation(apart):
    """Correlation of the strata of two points of a replicate: -1 / (n - 1), because no two are the same."""
    away = (strata() - (SIZE - 1) / 2) / np.sqrt((SIZE**2 - 1) / 12)
    of_replicate = (away * np.roll(away, apart, axis=-1)).mean(axis=-1).ravel()
    se = of_replicate.std() / np.sqrt(len(of_replicate))
    assert_plausible(of_replicate.mean(), -1 / (SIZE - 1), se, 4e-3)


@pytest.mark.parametrize(
    ("function", "truth", "resolves"),
    [
        (lambda z: z.sum(axis=0), 0.0, 1e-3),
        (lambda z: z[0] * z[1], 0.0, 5e-3),
        (lambda z: np.exp(0.5 * z.sum(axis=0)), np.exp(0.5), 1e-2),
        (lambda z: z.sum(axis=0) > 4.0, ndtr(-2.0), 1e-3),
        (lambda z: np.maximum(z[0], z[1]) > 1.0, 1 - ndtr(1.0) ** 2, 1e-3),
        (lambda z: np.cos(2 * np.pi * (ndtr(z[0]) - ndtr(z[1]))), 0.0, 5e-3),
    ],
    ids=["sum", "product", "exp", "tail", "either", "wave"],
)
def test_estimates_have_no_bias(function, truth, resolves):
    means = function(scores()).mean(axis=-1, dtype=np.float64)
    assert_plausible(means.mean(), truth, means.std(ddof=1) / np.sqrt(REPLICATES), resolves)


def variance(means):
    """Variance over replicates, and its standard error."""
    away = (means - means.mean()) ** 2
    return away.mean(), away.std() / np.sqrt(len(away))


def test_an_additive_function_is_left_with_the_variance_inside_strata():
    edge = ndtri(np.arange(SIZE + 1) / SIZE)
    density = np.exp(-(edge**2) / 2) / np.sqrt(2 * np.pi)
    slope = np.where(np.isfinite(edge), edge, 0.0) * density
    mean, square = -np.diff(density) * SIZE, 1 - np.diff(slope) * SIZE
    inside = (square - mean**2).mean()
    found, se = variance(scores().sum(axis=0).mean(axis=-1))
    assert_plausible(found * SIZE / len(KEYS), inside, se * SIZE / len(KEYS), inside / 2)
    assert 1 / inside > 1300


def test_a_product_varies_as_in_a_hypercube_of_random_permutations():
    """What is not additive keeps its variance: 1 / n for two independent standard normals, 1 / (n - 1) of it between
    strata.
    """
    z = scores()
    for a, b in ((0, 1), (2, 3)):
        found, se = variance((z[a] * z[b]).mean(axis=-1))
        assert_plausible(found * SIZE, 1.0, se * SIZE, 0.1)


# ------------------------------------------------------------------------------- however the work is cut up


@functools.cache
def latin_farms():
    return program(farms(sampler="latin"))


def test_a_block_of_its_own_is_a_part_of_a_longer_one():
    made, short = latin_farms(), program(farms(sampler="latin", paths=SIZE))
    whole = computed(made)
    for count in (1, SIZE, 1000):
        assert_same(computed(short, 0, count), whole[..., :count])
    for number in (0, 255, 256, 3001):
        assert_same(made.path(number).outcomes[..., 0], whole[..., number])


@pytest.mark.parametrize("tile", [16, pytest.param(1024, marks=pytest.mark.slow)])
def test_the_tile_changes_no_draw(tile):
    block = Block(0, 0, 2048)
    assert_same(program(farms(sampler="latin", tile=tile)).draws(block), latin_farms().draws(block))


def test_path_numbers_beyond_32_bits_are_futures_of_their_own():
    made, first = latin_farms(), 3 << 34
    count = 2 * made.study.tile * made.mesh.devices.size
    block = Block(first // BLOCK, first, count)
    far, draws = made.submit(block).of(block), made.draws(block)
    assert not np.any(np.all(far == computed(made, 0, count), axis=(0, 1)))
    for at in (0, count - 1):
        alone = made.path(first + at)
        assert_same(alone.outcomes[..., 0], far[..., at])
        assert_same(alone.draws[..., 0], draws[:, at])


def test_a_factor_added_changes_no_draw():
    more = {"mood": {"family": "uniform", "low": 0.0, "high": 1.0, "group": "land"}}
    policies = {"half": {"like": "reform", "implementation": "mood"}}
    other = program(farms({"factors": more, "policies": policies}, sampler="latin"))
    block = Block(0, 0, 2048)
    assert_same(other.draws(block)[: len(FARM_FACTORS)], latin_farms().draws(block))


FARM_FACTORS = ("fertility", "demand_growth", "spoilage", "price_response", "capital")


@pytest.mark.slow
@pytest.mark.parametrize(("sampler", "paths", "first"), [("latin", 8192, 4096), ("sobol", 163_840, 81_920)])
def test_a_run_extends_by_replicates_and_answers_as_any_other(tmp_path, sampler, paths, first):
    run = f'paths = {paths}, sampler = "{sampler}"'
    text = POND.replace("paths = 600", run) + "[keep]\nyearly = 8192\n"
    study = write(tmp_path, text)
    for words in (("--paths", first, "--out", tmp_path / "grown"), ("--out", tmp_path / "grown")):
        assert call("run", study, *own("Pond"), *words, "--quiet").exit_code == 0
    assert call("run", study, *own("Pond"), "--out", tmp_path / "whole", "--quiet").exit_code == 0
    grown, whole = (engine.open_cube(tmp_path / name) for name in ("grown", "whole"))
    for group in ("paths", "draws", "risk", "comparison", "risk/yearly"):
        for name, values in whole[group].data_vars.items():
            assert_same(grown[group][name].values, values.values)
    assert whole.attrs["independent_unit"] == SAMPLERS[sampler].unit
    told = call("status", tmp_path / "grown", *own("Pond"))
    assert f"{paths:,} of {paths:,}" in told.stdout, told.output
    path = replay(engine.load_study(study, model=pond()), 5000)
    kept = whole["paths"]["lowest_stock"].values[:, 5000]
    assert_same(path["outcomes"]["lowest_stock"].values.reshape(kept.shape), kept)
    double = replay(engine.load_study(study, model=pond()), 5000, precision="float64")
    assert_close(double["outcomes"]["lowest_stock"].values.ravel(), kept, np.float32)
    middle = float(np.median(whole["paths"]["lowest_stock"].values))
    given = call("risk", tmp_path / "whole", *own("Pond"), "--given", f"lowest_stock > {middle}", "--json")
    share, mean = (
        next(r for r in records(given.stdout) if r["measure"] == measure) for measure in ("share", "given_mean")
    )
    assert 0 < share["low"] < share["estimate"] < share["high"] < 1
    assert mean["low"] < mean["estimate"] < mean["high"] and not mean["flag"]


def pond():
    return engine.load_model_file(own("Pond")[1])


def test_parts_of_replicates_are_refused_with_the_nearest_counts(tmp_path):
    study = write(tmp_path, POND.replace("paths = 600", 'paths = 512, sampler = "latin"'))
    for paths, remedy in ((1, "256"), (1000, "768 or 1024")):
        ended = call("run", study, *own("Pond"), "--paths", paths, "--out", tmp_path / "out")
        assert ended.exit_code == 2
        said = " ".join(ended.stderr.split())
        assert f"got {paths}. Take {remedy}." in said and "sampler 'latin'" in said


# ------------------------------------------------------------------------------- replicates as units

RNG = np.random.default_rng(20160101)


def test_totals_and_sparse_moments_are_those_of_the_replicates():
    values = (RNG.standard_normal((3, 40 * SIZE)) * (RNG.random((3, 40 * SIZE)) < 0.05)).astype(np.float32)
    units = as_units(values.shape[1], SIZE)
    by_hand = values.reshape(3, 40, SIZE).astype(np.float64).sum(axis=-1)
    assert_close(units.totals(values), by_hand)
    assert_same(units.totals(values > 1), (values > 1).reshape(3, 40, SIZE).sum(axis=-1).astype(float))
    cell, path = np.nonzero(values)
    dense, sparse = moments(values, units), moments_of_some(3, cell, path, values[cell, path], units)
    for field in ("mean", "error", "skewness"):
        assert_close(getattr(sparse, field), getattr(dense, field))
    assert_close(dense.error, by_hand.std(axis=-1, ddof=1) / np.sqrt(40) / SIZE)


def test_intervals_of_few_replicates_are_students():
    happens = RNG.random((1, 5 * SIZE)) < 0.3
    units = as_units(5 * SIZE, SIZE)
    (p,), (error,), (low,), (high,) = share(lambda paths: happens[:, paths], units)
    t = float(stdtrit(4, 0.975))
    assert_close(units.reach, t)
    # Wilson's ends are where the score is t errors away, the error growing with sqrt(p (1 - p))
    for end in (low, high):
        at_end = error * np.sqrt(end * (1 - end) / (p * (1 - p))) * np.sqrt(4 / 5)
        assert_close(abs(end - p), t * at_end, np.float32)
    found = quantiles(RNG.standard_normal((1, 5 * SIZE)), units).ranked[0].column
    assert_close(found[1], (found[3] - found[2]) / (2 * t))


def test_means_of_few_replicates_are_flagged():
    values = RNG.standard_normal((2, 8 * SIZE)).astype(np.float32)
    flag = f"8 replicates, {FEW_UNITS} needed"
    for found in (summary(values[0], SIZE, True), difference(*values, SIZE, True)):
        assert found["mean"].flag == flag and np.isnan(found["mean"].low)
        assert np.isfinite(found["mean"].standard_error)
    assert summary(values[0], SIZE, True)["VaR95"].flag == ""
    assert all(estimate.flag == flag for estimate in regret(values, SIZE, True))
    table = summary_cells(values, SIZE, True)
    assert np.isnan(table[2][:, 0]).all() and np.isfinite(table[2][:, MEASURES.index("VaR95")]).all()
    same = summary(np.full(8 * SIZE, 0.25, np.float32), SIZE, True)
    ends = {name: 0.0 if name == "sd" else 0.25 for name in same}
    assert all((e.low, e.high, e.flag) == (ends[m], ends[m], "") for m, e in same.items())
    assert probability(values[0] > 1, SIZE).flag == ""


def test_one_replicate_has_no_error():
    values = RNG.standard_normal(SIZE).astype(np.float32)
    flags = [*summary(values, SIZE, True).values(), probability(values > 0, SIZE)]
    assert {estimate.flags for estimate in flags} == {(Flag(Reason.ONE_UNIT, 1, 2),)}


def test_an_event_that_never_happens_is_as_rare_as_so_many_paths_can_show():
    units = as_units(100 * SIZE, SIZE)
    never = np.zeros((1, 100 * SIZE), bool)
    assert_close(effective_count(moments(never, units), units), [100.0 * (SIZE - 1)])
    assert probability(never[0], SIZE).high < 2e-4


def test_a_path_that_is_not_finite_leaves_its_replicate_in():
    values = RNG.standard_normal(40 * SIZE).astype(np.float32)
    values[[5, 3000]] = np.nan
    (kept,), units, lost = finite_units((values,), SIZE)
    assert (len(kept), units.count, lost) == (40 * SIZE - 2, 40, Flag(Reason.NOT_FINITE, 2, 40 * SIZE))
    assert units.replicated and units.sizes.min() == SIZE - 1


def test_a_condition_leaves_a_part_of_each_replicate():
    values = RNG.standard_normal(50 * SIZE).astype(np.float32)
    mask = RNG.random(50 * SIZE) < 0.2
    part = Units(50 * SIZE, SIZE).take(mask)
    of = moments(values[mask], part)
    totals = [values[mask][part.owner == k].sum(dtype=np.float64) for k in range(50)]
    residual = np.array(totals) - part.sizes * of.mean
    assert_close(of.error, np.sqrt(50 / 49 * (residual**2).sum()) / mask.sum())
    found = summary(values[mask], part, True)
    assert found["mean"].low < 0 < found["mean"].high and found["VaR95"].flag == ""


def test_intervals_cover():
    """Means of a nearly additive function of 32 replicates: 19 of 20 hold the truth, and they are narrow."""
    z = scores().reshape(len(KEYS), -1, 32 * SIZE)
    losses = np.exp(0.1 * z.sum(axis=0)).astype(np.float32)
    _, _, low, high = (part[:, 0] for part in summary_cells(losses, SIZE, True))
    truth = np.exp(0.02)
    cover = np.mean((low < truth) & (truth < high))
    assert_plausible(cover, 0.95, np.sqrt(0.95 * 0.05 / len(low)), 0.1)
    plain = 2 * 1.96 * losses.std() / np.sqrt(32 * SIZE)
    assert np.mean(high - low) < plain / 4
