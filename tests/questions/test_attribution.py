"""Which lever does what: games whose shares can be done by hand, on static and path models; and what is refused."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from engine import Factor, Lever, Outcome, PathModel, StaticModel, UserError, Yearly, total
from engine.program import devices
from engine.questions.attribution import attribution as attribution_of, between
from engine.questions.futures import of_paths
from engine.study.loading import read_study
from tests.helpers import assert_close, assert_plausible, assert_same
from tests.refusals import at
from tests.user_models import static

PATHS = 1 << 16


class Game(StaticModel):
    """Costs that levers make: a sum of them, and a product of two."""

    factors = {"x": Factor("1"), "y": Factor("1")}
    levers = {"a": Lever("1"), "b": Lever("1"), "c": Lever("1"), "idle": Lever("1")}
    outcomes = {
        "sum": Outcome("EUR", loss=True),
        "product": Outcome("EUR", loss=True, about="two levers that need each other"),
        "gain": Outcome("EUR"),
    }

    def evaluate(self, factors, levers):
        """The costs."""
        together = levers.a * levers.b * factors.x
        return {
            "sum": levers.a * factors.x + levers.b * factors.y - levers.c + 0.0 * levers.idle,
            "product": together,
            "gain": -together,
        }


UNIT = {"family": "uniform", "low": 0, "high": 1}


def game(groups=(), sampler="random"):
    """The study of the game, its levers in these groups."""
    new = {"a": 2, "b": 3, "c": 1, "idle": 1}
    events = {name: {"outcome": "product", "above": above} for name, above in (("dear", 3), ("never", 7))}
    tables = {
        "events": events,
        "lever_groups": {name: {"levers": levers} for name, levers in dict(groups).items()},
        "run": {"seed": 7, "sampler": sampler},
    }
    return static(Game(), {"x": UNIT, "y": UNIT}, PATHS, {"old": {}, "new": new}, **tables)


def attribution(study, start, end, variables=None, paths=None, device="cpu"):
    """The players, the parts of an attribution (one a measure and variable), and how many paths are left out."""
    coalitions = between(of_paths(study, paths, 1 << 17), start, end)
    rows, excluded = attribution_of(coalitions, variables, device)
    parts = []
    for key in dict.fromkeys((row["variable"], row["measure"]) for row in rows):
        own = [row for row in rows if (row["variable"], row["measure"]) == key]
        columns = {name: [row[name] for row in own] for name in ("share", "alone", "taken_back")}
        leaders = {row["group"] for row in own if row["leads"]}
        part = {"variable": key[0], "measure": key[1], "difference": own[0]["difference"], "leaders": leaders}
        parts.append(SimpleNamespace(**part, **columns))
    return SimpleNamespace(players=coalitions.players, parts=parts, excluded=excluded)


def part(given, variable, measure):
    (own,) = (one for one in given.parts if (one.variable, one.measure) == (variable, measure))
    return own


def estimates(several):
    return [one.estimate for one in several]


@pytest.fixture(scope="module")
def played():
    """The game between its two policies, each lever by itself."""
    return attribution(game(), "old", "new", device="cpu")


def test_of_a_product_levers_that_need_each_other_share_alike(played):
    mean = part(played, "product", "mean")
    assert estimates(mean.alone) == [0.0] * 4
    assert_close(mean.share[0].estimate, mean.share[1].estimate)
    assert_plausible(mean.share[0].estimate, 1.5, mean.share[0].standard_error, 0.1)
    assert_plausible(mean.taken_back[0].estimate, 3.0, mean.taken_back[0].standard_error, 0.1)
    assert mean.leaders == {"a", "b"}


def test_tails_and_events_are_shared_by_closed_forms(played):
    tail = part(played, "product", "ES99")  # 6 x: its ES99 is 6 * 0.995
    assert_plausible(tail.share[0].estimate, 2.985, tail.share[0].standard_error, 0.01)
    assert tail.share[0].low < 2.985 < tail.share[0].high
    gain = part(played, "gain", "ES99")
    assert_close(estimates(gain.share), [-one for one in estimates(tail.share)], np.float32)
    dear = part(played, "dear", "probability")
    assert_plausible(dear.share[1].estimate, 0.25, dear.share[1].standard_error, 0.02)


def test_a_lever_that_does_nothing_has_no_share_in_anything(played):
    for one in played.parts:
        for several in (one.share, one.alone, one.taken_back):
            idle = several[3]
            if one.measure == "probability":  # which is not seen, and that is all that is known
                assert idle.estimate == 0.0 and 0 < idle.high == -idle.low < 1e-4
            else:
                assert (idle.estimate, idle.low, idle.high) == (0.0, 0.0, 0.0)


def test_levers_of_a_group_are_one_player(played):
    grouped = attribution(game({"both": ["b", "a"]}), "old", "new", ["product"], device="cpu")
    assert [(p.name, p.levers) for p in grouped.players] == [("both", ("a", "b")), ("c", ("c",)), ("idle", ("idle",))]
    own = part(grouped, "product", "mean")
    assert_close(own.share[0].estimate, part(played, "product", "mean").difference.estimate)
    assert_close(own.alone[0].estimate, own.taken_back[0].estimate)


@pytest.mark.parametrize("sampler", ["random", "sobol"])
def test_intervals_are_over_the_units_of_the_sampler(sampler):
    given = attribution(game({"rest": ["c", "idle"]}, sampler), "old", "new", ["sum"], device="cpu")
    mean, deviation = part(given, "sum", "mean").share[1], 2 / np.sqrt(12 * PATHS)
    if sampler == "random":
        assert mean.standard_error == pytest.approx(deviation, rel=0.02)
    else:  # points take nearly all of a linear outcome's error away
        assert mean.standard_error < 0.02 * deviation
    assert_plausible(mean.estimate, 1.0, mean.standard_error, 0.1)


class Lake(PathModel):
    """What is let go in each year, the year's own way, and since when."""

    dims = {"region": ("north", "south")}
    factors = {"inflow": Factor("1")}
    levers = {"release": Lever("1"), "quota": Lever("1", 1.0, ("region",)), "fee": Lever("1")}
    yearly = {"gone": Yearly("1"), "late": Yearly("yr")}
    outcomes = {"gone": Outcome("1", total("gone"), loss=True), "late": Outcome("yr", total("late"), loss=True)}

    def init(self, factors, levers):
        """Nothing."""
        return {"full": factors.inflow * 0.0}

    def step(self, state, year, factors, shocks, levers):
        """Release on every inflow, and twice the quota of the north; years since the start."""
        gone = levers.release * factors.inflow + 2.0 * levers.quota["north"] * levers.fee
        return state, {"gone": gone, "late": (year - levers.start) * 1.0}


STATED = {"release": {"2020": 1, "2022": 2}}
DRAWN = {"before": "old", "implementation": "will", "release": 5, "quota": {"north": 3}, "fee": 1}
LAKE = {
    "name": "lake", "baseline": "old", "run": {"paths": 4096, "seed": 7, "tile": 64},
    "time": {"first": 2020, "last": 2023},
    "factors": {"inflow": {"family": "uniform", "low": 1, "high": 3}, "will": UNIT, "zeal": UNIT},
    "policies": {
        "old": STATED, "same": STATED, "drawn": DRAWN, "half": {**DRAWN, "implementation": 0.5},
        "late": {**DRAWN, "implementation": 1, "start": 2022}, "zealous": {**DRAWN, "implementation": "zeal"},
        "named": {"release": "zeal", "fee": {"2020": 0.5, "2022": "zeal"}},
        "named_late": {**DRAWN, "before": "named", "start": 2021, "quota": {"north": "zeal"}},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def lake():
    return read_study(LAKE, "lake.toml", model=Lake())


def outcomes_of(study, policies, levers=None):
    """Outcomes of some policies [policy, outcome, path], by the program of the study."""
    from dataclasses import replace

    program = devices.program(replace(study, policies=tuple(policies)), "cpu")
    if levers is not None:
        program = program.fed({**program.inputs, "levers": levers})
    (block,) = study.blocks()
    return program.submit(block).of(block)


@pytest.mark.parametrize(
    ("start", "end"), [("old", "drawn"), ("half", "drawn"), ("drawn", "late"), ("named", "named_late")]
)
def test_the_first_and_the_last_coalition_are_the_two_policies(lake, start, end):
    coalitions = between(lake, start, end)
    own = outcomes_of(lake, coalitions.policies, coalitions.levers(np.float32))
    by_name = {policy.name: policy for policy in lake.policies}
    want = outcomes_of(lake, [by_name[start], by_name[end]])
    same = assert_close if "half" in (start, end) else assert_same
    same(own[[0, -1]], want)


def test_a_lever_that_is_drawn_is_taken_with_its_draw(lake):
    # by hand, with z = zeal: named releases z and asks 0.5, then z from 2022 on; named_late goes w of the way to its
    # own from 2021 on
    coalitions = between(lake, "named", "named_late")
    assert [player.name for player in coalitions.players] == ["release", "quota", "fee", "start"]
    gone = outcomes_of(lake, coalitions.policies, coalitions.levers(np.float32))[:, 0]
    names = [item.name for item in lake.inputs]
    draws = devices.program(lake, "cpu").draws(lake.block(0))
    f, w, z = (draws[names.index(name)].astype(float) for name in ("inflow", "will", "zeal"))
    for number, in_force in enumerate(gone):
        release, quota, fee = (number >> k & 1 for k in range(3))
        want = 0.0
        for year in range(2020, 2024):
            late = w * (year >= 2021)
            old_fee = 0.5 if year < 2022 else z
            own_quota = 1 + quota * late * (z - 1)
            own_fee = old_fee + fee * late * (1 - old_fee)
            want = want + (z + release * late * (5 - z)) * f + 2 * own_quota * own_fee
        assert_close(in_force, want, np.float32)


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        ("old", "same", at("", "to the same values")),
        ("drawn", "zealous", at("", "by will", "by zeal")),
        ("odl", "drown", at("--from", "policy 'odl'", "'old'")),
    ],
)
def test_what_cannot_be_shared_out_is_refused(lake, start, end, problem):
    with pytest.raises(UserError) as refused:
        attribution(lake, start, end, device="cpu")
    assert problem in refused.value.problems
    assert (at("--to", "policy 'drown'") in refused.value.problems) == (end == "drown")


def test_more_players_than_can_be_looked_at_are_refused_with_the_remedy():
    class Many(StaticModel):
        factors = {"x": Factor("1")}
        levers = {f"l{k}": Lever("1") for k in range(11)}
        outcomes = {"y": Outcome("1")}

        def evaluate(self, factors, levers):
            return {"y": factors.x}

    study = static(Many(), {"x": UNIT}, 64, {"a": {}, "b": dict.fromkeys(Many.levers, 1)})
    with pytest.raises(UserError) as refused:
        attribution(study, "a", "b", device="cpu")
    for words in ("at most 10", "11 levers", "[lever_groups]: l0, l1"):
        assert words in str(refused.value)


def test_paths_that_are_not_finite_are_refused_or_left_out():
    class Bursting(StaticModel):
        factors = {"x": Factor("1")}
        levers = {"a": Lever("1"), "b": Lever("1")}
        outcomes = {"y": Outcome("1", loss=True)}

        def evaluate(self, factors, levers):
            bad = (factors.x > 0.999) & (levers.a > 0) & (levers.b == 0)
            return {"y": jnp.where(bad, jnp.nan, factors.x * (levers.a + levers.b))}

    strict, loose = (
        static(Bursting(), {"x": UNIT}, 20_000, {"old": {}, "new": {"a": 1, "b": 1}}, run={"nonfinite": share})
        for share in (0.0, 0.01)
    )
    with pytest.raises(UserError, match=r"not finite on \d+ of 20,000 paths"):
        attribution(strict, "old", "new", device="cpu")
    given = attribution(loose, "old", "new", device="cpu")
    mean = part(given, "y", "mean")
    assert 5 < given.excluded < 50
    assert_plausible(mean.share[0].estimate, 0.4995, mean.share[0].standard_error, 0.02)
    assert_close(sum(estimates(mean.share)), mean.difference.estimate)
