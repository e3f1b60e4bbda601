"""The one loop against XLA's program, law by law, copula by copula and study by study."""

import numpy as np
import pytest

from engine.modelling.records import Factor, Outcome, StaticModel
from engine.program.lowering.stages import Listing
from engine.program.running.kernel import listing_of
from engine.study.loading import load_study, read_study
from tests.data.small_models import Bridge, Pond
from tests.draws.copulas.test_copulas import TABLES, vine_text
from tests.families import CONTINUOUS, DISCRETE, LATE, NAMES, OWN, named_table
from tests.shock_study import walk
from tests.two_forms import PATHS, assert_agree
from tests.user_models import echo, farms, static

# ------------------------------------------------------------------------------- laws and copulas


class Given(StaticModel):
    """Gives its factors back."""

    def __init__(self, names):
        self.factors = {name: Factor("1") for name in names}
        self.outcomes = {name: Outcome("1") for name in names}

    def evaluate(self, factors, levers):
        return vars(factors)


def drawn(laws, **tables):
    return static(Given(laws), laws, PATHS, **tables)


def law(name):
    """A study's table of a member of `families`."""
    if name in OWN:
        return dict(OWN[name][0])
    head = name.split("[")[0]
    given = next(one for one in CONTINUOUS.get(head) or DISCRETE[head] if name == f"{head}{list(one) or ''}")
    return dict(named_table(head, given))


LONG = {"family": "empirical", "values": np.sort(np.random.default_rng(1).gamma(2.0, size=3000)).round(6).tolist()}
FEW = ("norm", "gamma[0.3]", "metalog from 0", "empirical", "resampled", "mixture with an atom", "poisson[3]", "t[2.7]")
EARLY = [name for name in NAMES if name not in LATE]


@pytest.mark.parametrize(
    "names",
    [FEW, *(pytest.param(names, marks=pytest.mark.slow) for names in (EARLY[::3], EARLY[1::3], EARLY[2::3], LATE))],
    ids=("few", "first", "second", "third", "late"),
)
def test_all_families_of_laws_agree_with_xla(names):
    assert_agree(drawn({**{f"x{k}": law(name) for k, name in enumerate(names)}, "long": LONG}))


def grouped(names):
    """Standard normal factors, three or two of them in each group."""
    groups, laws = {}, {}
    for k, name in enumerate(names):
        table = dict(TABLES[name])
        own = {member: f"{member}{k}" for member in (("a", "b") if "two" in name else ("a", "b", "c"))}
        if "members" in table:
            table["members"] = [own[member] for member in table["members"]]
        if "ranks" in table:
            table["ranks"] = {own[member]: ranks for member, ranks in table["ranks"].items()}
        if table["copula"] == "vine":
            table["vine"] = vine_text()
        groups[f"group{k}"] = table
        laws |= {one: {"family": "normal", "mean": 0, "sd": 1, "group": f"group{k}"} for one in own.values()}
    return drawn(laws, groups=groups)


FORMED = [name for name in TABLES if name != "vine"]


@pytest.mark.parametrize(
    "names",
    [
        ["gaussian matrix", "clayton"],
        *(pytest.param(FORMED[k : k + 4], marks=pytest.mark.slow) for k in range(0, len(FORMED), 4)),
    ],
    ids=lambda names: names[0],
)
def test_all_families_of_copulas_agree_with_xla(names):
    assert_agree(grouped(names))


def test_a_vine_is_left_to_xla():
    assert listing_of(grouped(["vine"]), np.float32) == "pure_callback"


# ------------------------------------------------------------------------------- studies


def bridge(**run):
    laws = {
        "load": {"family": "lognormal", "median": 8.0, "sigma": 0.3},
        "price": {"family": "uniform", "low": 1, "high": 2},
    }
    return static(Bridge(), laws, PATHS, {"weak": {}, "strong": {"strength": 12.0}}, run=run)


def pond(**run):
    laws = {
        "inflow": {"family": "uniform", "low": 0.5, "high": 2.0},
        "depth": {"family": "uniform", "low": 2, "high": 4},
    }
    text = {
        "name": "pond",
        "run": {"paths": PATHS, "tile": 256} | run,
        "time": {"first": 2020, "last": 2030},
        "factors": laws,
    }
    return read_study(text | {"policies": {"calm": {}, "wild": {"release": 0.5}}}, "pond.toml", model=Pond())


STUDIES = {
    "bridge": bridge,
    "pond": pond,
    "echo": lambda: echo({"old": {}, "late": {"plain": 5.0, "start": 2018}}),
    "farms": lambda: farms(paths=PATHS),
    "farms-random": lambda: farms(paths=PATHS, sampler="random"),
    "farms-latin": lambda: farms(paths=PATHS, sampler="latin"),
    "pond-sobol": lambda: pond(sampler="sobol"),
    "pond-latin": lambda: pond(sampler="latin"),
    "walk": lambda: walk(paths=PATHS),
    "rustbelt": lambda: load_study("rustbelt", paths=1 << 14),
    "rustbelt_2016": lambda: load_study("rustbelt_2016", paths=1 << 14),
    "warming": lambda: load_study("warming", paths=1 << 14),
}
COMPARED = ("pond-latin", "bridge")
TWICE = ("rustbelt_2016",)
"""In the sweep: the equations are those of `rustbelt`, and its laws are compared above."""


@pytest.mark.parametrize(
    "name",
    [
        *COMPARED,
        *(
            pytest.param(name, marks=[pytest.mark.slow, *[pytest.mark.sweep] * (name in TWICE)])
            for name in STUDIES
            if name not in COMPARED
        ),
    ],
)
def test_studies_agree_with_xla(name):
    assert_agree(STUDIES[name]())


@pytest.mark.slow
@pytest.mark.parametrize("name", TWICE)
def test_what_is_compared_in_the_sweep_has_the_loop_all_the_same(name):
    assert isinstance(listing_of(STUDIES[name](), np.float32), Listing)


@pytest.mark.parametrize(
    "name", ["bridge", pytest.param("farms", marks=pytest.mark.slow), pytest.param("walk", marks=pytest.mark.slow)]
)
def test_studies_agree_with_xla_in_double_precision(name):
    assert_agree(STUDIES[name](), apart=1e-12, flipped=0, dtype=np.float64)
