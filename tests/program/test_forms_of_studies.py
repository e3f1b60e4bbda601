"""Compiled lanes against XLA's program, law by law, copula by copula and study by study; and what is left to XLA."""

import jax.numpy as jnp
import numpy as np
import pytest

from engine.modelling.records import Factor, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.program import devices
from engine.program.programs import program_on, without_lanes
from engine.study.loading import load_study, read_study
from tests.data.small_models import Bridge, Pond
from tests.draws.copulas.test_copulas import TABLES
from tests.families import CONTINUOUS, DISCRETE, LATE, NAMES, OWN, named_table
from tests.shock_study import walk
from tests.two_forms import PATHS, assert_agree, assert_all_agree
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
    """Standard normal factors, three of them in each group."""
    groups, laws = {}, {}
    for k, name in enumerate(names):
        table = dict(TABLES[name])
        own = {member: f"{member}{k}" for member in ("a", "b", "c")}
        if "members" in table:
            table["members"] = [own[member] for member in table["members"]]
        if "ranks" in table:
            table["ranks"] = {own[member]: ranks for member, ranks in table["ranks"].items()}
        groups[f"group{k}"] = table
        laws |= {one: {"family": "normal", "mean": 0, "sd": 1, "group": f"group{k}"} for one in own.values()}
    return drawn(laws, groups=groups)


COPULAS = [*TABLES]


@pytest.mark.parametrize(
    "names",
    [
        ["gaussian matrix", "t"],
        *(pytest.param(COPULAS[k : k + 4], marks=pytest.mark.slow) for k in range(0, len(COPULAS), 4)),
    ],
    ids=lambda names: names[0],
)
def test_all_families_of_copulas_agree_with_xla(names):
    assert_agree(grouped(names))


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
    "farms-random": lambda: farms(paths=PATHS, sampler="random"),
    "pond-sobol": lambda: pond(sampler="sobol"),
    "rustbelt": lambda: load_study("rustbelt", paths=1 << 14),
    "rustbelt_2016": lambda: load_study("rustbelt_2016", paths=1 << 14),
    "warming": lambda: load_study("warming", paths=1 << 14),
}
IN_FULL = {
    "bridge": bridge,
    "pond": pond,
    "echo": lambda: echo({"old": {}, "late": {"plain": 5.0, "start": 2018}}),
    "farms": lambda: farms(paths=PATHS),
    "walk": lambda: walk(paths=PATHS, tile=1024),
}
FAST = "bridge", "pond"


@pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in IN_FULL]
)
def test_every_output_of_small_studies_agrees_with_xla(name):
    assert_all_agree(IN_FULL[name]())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.sweep] * (name == "rustbelt_2016")) for name in STUDIES]
)
def test_outcomes_of_studies_agree_with_xla(name):
    assert_agree(STUDIES[name]())


@pytest.mark.parametrize(
    "name", ["bridge", *(pytest.param(name, marks=pytest.mark.slow) for name in ("farms", "walk"))]
)
def test_studies_agree_with_xla_in_double_precision(name):
    assert_agree(IN_FULL[name](), apart=1e-12, flipped=0, dtype=np.float64)


# ------------------------------------------------------------------------------- what is left to XLA


class Sorted(PathModel):
    """Puts a long row of numbers in order, which has no scalar form."""

    factors = {"a": Factor("1")}
    shocks = {"luck": Shock(law="uniform")}
    yearly = {"median": Yearly("1")}
    outcomes = {"last": Outcome("1", lambda state: state)}

    def init(self, factors, levers):
        return factors.a

    def step(self, state, year, factors, shocks, levers):
        numbers = (state * jnp.arange(49.0) * 7.3 + shocks.luck) % 1.0
        return numbers[0], {"median": jnp.sort(numbers)[20]}


def test_a_sort_gives_the_right_numbers():
    text = {
        "name": "sorted",
        "run": {"paths": 256, "sampler": "random", "tile": 256},
        "time": {"first": 1, "last": 3},
        "factors": {"a": {"family": "uniform", "low": 0.1, "high": 0.9}},
    }
    study = read_study(text, "sorted.toml", model=Sorted())
    assert without_lanes(study, np.float32).startswith("sort at test_forms_of_studies.py")
    trace = program_on(study, devices.mesh("cpu")).trace(0)
    last = trace.draws[0]
    for median, luck in zip(trace.yearly[0, :, 0], trace.shocks[:, 0], strict=True):
        numbers = (last * np.arange(49, dtype=np.float32)[:, None] * np.float32(7.3) + luck) % np.float32(1)
        last = numbers[0]
        np.testing.assert_allclose(median, np.sort(numbers, axis=0)[20], rtol=1e-3)
