"""Every copula against the laws of the family: margins, rank correlations, tails, and whose draws depend on what."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from engine.draws.copulas import statements
from tests.helpers import assert_close, assert_plausible, assert_same

PATHS = 1 << 17
ALONE = {"xla_disable_hlo_passes": "fusion"}
"""Each operation rounds by itself, as in the one loop: XLA may fuse a product with a sum in one program and not in
another.
"""
NAMES = ("a", "b", "c")
MATRIX = [[1.0, 0.5, -0.2], [0.5, 1.0, 0.3], [-0.2, 0.3, 1.0]]


def drawn(name, n=PATHS):
    """Independent normals keyed by name."""
    return np.random.default_rng([11, *name.encode()]).standard_normal(n, np.float32)


def data(n=2000):
    """Rows that lean on each other in a way no other copula has: b is a's size."""
    a, noise, other = (drawn(f"data {k}", n) for k in range(3))
    ranks = np.array([a, np.abs(a) + 0.3 * noise, other - a]).argsort(axis=1).argsort(axis=1)
    return dict(zip(NAMES, ranks[:, ranks.sum(axis=0).argsort(kind="stable")].tolist(), strict=True))


TABLES = {
    "gaussian": {"copula": "gaussian", "correlation": 0.5},
    "gaussian negative": {"copula": "gaussian", "spearman": -0.4},
    "gaussian matrix": {"copula": "gaussian", "members": ["c", "a", "b"], "pearson": MATRIX},
    "t": {"copula": "t", "kendall": 0.3, "df": 3},
    "t negative": {"copula": "t", "correlation": -0.4, "df": 1.5},
    "t matrix": {"copula": "t", "members": ["c", "a", "b"], "spearman": MATRIX, "df": 8},
    "empirical": {"copula": "empirical", "ranks": data()},
}
FEW = {"gaussian negative", "t matrix", "empirical"}
"""One of most kinds, which are looked at by default."""


def by_default(names, few):
    """Cases by name, all but a few of them among the slow tests."""
    return [pytest.param(name, marks=[] if name in few else [pytest.mark.slow]) for name in names]


def copula_of(table, members=NAMES):
    return statements.copula(table, members)


def scores(copula, members=NAMES, dtype=np.float32, n=PATHS):
    """Scores of the group by member, compiled, in float32 or float64."""
    with jax.enable_x64(dtype == np.float64):
        own = {name: jnp.asarray(drawn(name, n), dtype) for name in members}
        shared = [jnp.asarray(drawn(f"group{suffix}", n), dtype) for suffix in copula.latents]
        compiled = jax.jit(copula.scores, compiler_options=ALONE)
        made = compiled(own, shared, copula.parameters(dtype))
        assert all(made[name].dtype == dtype and made[name].shape == (n,) for name in members)
        return {name: np.asarray(made[name]) for name in members}


@pytest.fixture(scope="module", params=by_default(TABLES, FEW))
def case(request):
    """(copula, float64 scores [member, path], implied dependence) of each copula in turn."""
    copula = copula_of(TABLES[request.param])
    made = scores(copula)
    return copula, np.array([made[name] for name in NAMES], np.float64), copula.implied(NAMES)


def test_members_are_standard_normal(case):
    _, z, _ = case
    assert np.all(np.isfinite(z))
    for level in (-3.0, -2.0, -1.0, 0.0, 0.5, 1.5, 2.5, 3.0):
        p = special.ndtr(level)
        assert_plausible((z <= level).mean(axis=1), p, np.sqrt(p * (1 - p) / PATHS), 0.02 * np.sqrt(p * (1 - p)))


def test_ranks_correlate_as_implied(case):
    _, z, implied = case
    for i, j in itertools.combinations(range(len(z)), 2):
        x, y = z[i].reshape(2, -1), z[j].reshape(2, -1)
        concordant = np.sign((x[0] - x[1]) * (y[0] - y[1]))
        assert_plausible(concordant.mean(), implied.kendall[i, j], 2 / np.sqrt(2 * PATHS), 0.02)
        product = 12 * (special.ndtr(z[i]) - 0.5) * (special.ndtr(z[j]) - 0.5)
        assert_plausible(product.mean(), implied.spearman[i, j], product.std() / np.sqrt(PATHS), 0.02)


def test_implied_dependence_is_symmetric_and_in_the_order_of_the_names(case):
    copula, _, implied = case
    turned = copula.implied(NAMES[::-1])
    for name in ("kendall", "spearman", "lower", "upper"):
        matrix = getattr(implied, name)
        assert_close(np.diag(matrix), np.ones(len(NAMES)))
        assert_close(getattr(turned, name), matrix[::-1, ::-1])
        assert_close(matrix, matrix.T)


# ---- against other people's copulas


def elliptical(name, *more):
    """OpenTURNS' Gaussian or Student copula of two with a correlation, which stands last."""
    *df, r = more
    return lambda ot: getattr(ot, name)(*df, ot.CorrelationMatrix([[1, r], [r, 1]]))


OPENTURNS = {
    "gaussian": ({"copula": "gaussian", "correlation": 0.6}, elliptical("NormalCopula", 0.6)),
    "gaussian negative": ({"copula": "gaussian", "correlation": -0.6}, elliptical("NormalCopula", -0.6)),
    "t": ({"copula": "t", "correlation": 0.5, "df": 4}, elliptical("StudentCopula", 4.0, 0.5)),
    # of a negative correlation OpenTURNS has wrong probabilities
    "t of many degrees": ({"copula": "t", "correlation": 0.6, "df": 20}, elliptical("StudentCopula", 20.0, 0.6)),
}


@pytest.mark.parametrize("name", by_default(OPENTURNS, {"t"}))
def test_joint_tails_and_rank_correlations_are_those_of_openturns(name):
    openturns = pytest.importorskip("openturns")
    table, other = OPENTURNS[name]
    exact = other(openturns)
    z = scores(copula_of(table, ("a", "b")), ("a", "b"))
    u, v = (special.ndtr(z[name].astype(np.float64)) for name in ("a", "b"))
    for q in (0.2, 0.05, 0.01, 0.002):
        low = exact.computeCDF([q, q])
        high = 2 * q - 1 + exact.computeCDF([1 - q, 1 - q])
        mixed = q - exact.computeCDF([q, 1 - q])  # one low, the other high
        for found, p in (((u < q) & (v < q), low), ((u > 1 - q) & (v > 1 - q), high), ((u < q) & (v > 1 - q), mixed)):
            # of q itself, so that a tail without dependence is told from one with
            assert_plausible(found.mean(), p, np.sqrt(max(p, 1e-9) * (1 - p) / PATHS), 0.5 * np.sqrt(q) * 0.1)
    implied = copula_of(table, ("a", "b")).implied(("a", "b"))
    assert_close(implied.kendall, np.array(exact.getKendallTau()), np.float32)
    assert_close(implied.spearman, np.array(exact.getSpearmanCorrelation()), np.float32)


# ---- what a draw depends on


def test_a_member_added_removed_or_moved_changes_no_other_draw():
    copula = copula_of(TABLES["t"])
    before, after = scores(copula, n=5000), scores(copula, ("c", "new", "a"), n=5000)
    for member in ("a", "c"):
        assert_same(after[member], before[member])


def test_a_member_appended_to_a_matrix_changes_no_other_draw():
    factors = np.random.default_rng(2).uniform(0.2, 0.9, (7, 2))
    given = np.round(factors @ factors.T / 2, 3)
    np.fill_diagonal(given, 1.0)
    found = []
    for n in (5, 7):
        names = [f"m{k}" for k in range(n)]
        stated = {"copula": "gaussian", "members": names, "spearman": given[:n, :n].tolist()}
        found.append(scores(copula_of(stated, names), names, n=5000))
    for member, before in found[0].items():
        assert_same(found[1][member], before)


def test_a_score_rises_with_its_own(case):
    copula, _, _ = case
    n, name = 4096, NAMES[-1]
    own = {other: jnp.full(n, 0.4, jnp.float32) for other in NAMES}
    own[name] = jnp.linspace(-6.3, 6.3, n, dtype=jnp.float32)
    for level in (-3.0, 0.2, 2.5):
        shared = [jnp.full(n, level * (-1) ** k, jnp.float32) for k in range(len(copula.latents))]
        made = np.asarray(copula.scores(own, shared, copula.parameters(np.float32))[name], np.float64)
        assert np.all(np.isfinite(made))
        # as `bits.normal` itself: never falling by more than rounding
        assert np.diff(made).min() >= -16 * np.finfo(np.float32).eps
        assert made[-1] > made[0]


@pytest.mark.parametrize(
    ("table", "number"),
    [
        ({"copula": "gaussian", "correlation": 0.5}, {"correlation": 0.2}),
        ({"copula": "t", "correlation": 0.5, "df": 3}, {"correlation": -0.2, "df": 7}),
        ({"copula": "t", "members": [*"abc"], "pearson": MATRIX, "df": 3}, {"pearson": np.eye(3).tolist()}),
        ({"copula": "empirical", "ranks": data()}, {"ranks": {"a": data()["b"], "b": data()["c"], "c": data()["a"]}}),
    ],
    ids=lambda table: table.get("copula", ""),
)
def test_a_changed_number_compiles_nothing_anew(table, number):
    def program(copula):
        own = {name: jnp.zeros(8) for name in NAMES}
        shared = [jnp.zeros(8) for _ in copula.latents]
        return jax.jit(copula.scores).lower(own, shared, copula.parameters(np.float32)).as_text()

    assert program(copula_of(table)) == program(copula_of(table | number))
