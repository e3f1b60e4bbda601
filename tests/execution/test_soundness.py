"""Values that are not finite, on a bound, or beyond it: what a run counts, excludes, states and refuses."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

import engine
from engine.errors import UserError
from engine.execution.job import RunOptions, compute, compute_shard
from engine.execution.work import Work
from engine.modelling.folds import lowest
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Shock, StaticModel, Yearly
from engine.risk.estimation.flags import Flag, Reason
from engine.run_folder import ledger
from engine.run_folder.folder import RunFolder
from engine.runs import upkeep
from engine.runs.replay import replay
from engine.study.loading import load_model_file, load_study, read_study
from engine.study.study import BLOCK
from tests.data.small_models import Bridge
from tests.helpers import assert_plausible, assert_same
from tests.refusals import at, problems_of, refuses
from tests.small_files import BRIDGE, call, ran, records, write
from tests.test_laws import bytes_below
from tests.user_models import outcomes, program, static

LIMIT = 0.998
SHARE = 0.005
U = {"x": {"family": "uniform", "low": 0.0, "high": 1.0}, "y": {"family": "uniform", "low": 0.0, "high": 1.0}}


class Square(StaticModel):
    """Not finite where x is above a limit, and under no policy but the second; the other outcome is always finite."""

    factors = {"x": Factor("1"), "y": Factor("1")}
    levers = {"strength": Lever("1")}
    outcomes = {"loss": Outcome("1", loss=True), "rest": Outcome("1")}

    def evaluate(self, factors, levers):
        hit = (levers.strength > 0) & (factors.x > LIMIT)
        return {"loss": jnp.where(hit, jnp.nan, factors.x + levers.strength), "rest": factors.x * factors.y}


def square(paths, keep='"all"', nonfinite=SHARE, sampler="random"):
    policies = {"plain": {}, "strong": {"strength": 0.5}}
    events = {"high": {"outcome": "rest", "above": 0.5}}
    run = {"sampler": sampler, **({"nonfinite": nonfinite} if nonfinite else {})}
    keeping = {"outcomes": json.loads(keep), "draws": 0}
    return static(Square(), U, paths, policies, events=events, run=run, keep=keeping, baseline="plain")


def by_place(tables):
    return {(r.measure, r.policy, r.variable): r for r in (*tables.risk, *tables.comparison)}


def numbers(record):
    return [record.estimate, record.standard_error, record.low, record.high]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same two blocks and some, kept whole and tallied; and its outcomes as the program gives them."""
    place, paths = tmp_path_factory.mktemp("runs"), 2 * BLOCK + 5000
    found = {
        keep: engine.run(square(paths, keep), place / f"run {k}", device="cpu")
        for k, keep in enumerate(('"all"', '"none"'))
    }
    return found, outcomes(square(paths))


def test_every_number_is_that_of_the_paths_on_which_all_is_finite(runs):
    found, raw = runs
    kept = np.isfinite(raw["loss"]).all(axis=0)
    lost, count = int(np.sum(~kept)), kept.sum()
    assert 0 < lost < SHARE * len(kept)
    whole, thin = (by_place(run.answers.all_tables) for run in found.values())
    for name in ("loss", "rest"):
        for p, policy in enumerate(("plain", "strong")):
            values = raw[name][p, kept].astype(np.float64)
            truth = {"loss": LIMIT / 2 + 0.5 * p, "rest": LIMIT / 4}[name]
            for tables in (whole, thin):
                mean = tables["mean", policy, name]
                assert_plausible(mean.estimate, truth, values.std() / np.sqrt(count), 0.005)
                assert mean.flags == (Flag(Reason.NOT_FINITE, lost, len(kept)),)
                assert mean.low < truth < mean.high and mean.low < mean.high
    gap = numbers(whole["difference_mean", "strong", "rest"])
    assert gap == [0.0, gap[1], 0.0, 0.0]  # the same paths under both, and nothing of it is what one of them lost
    share = np.mean(raw["rest"][0, kept] > 0.5)
    assert whole["probability", "plain", "high"].estimate == thin["probability", "plain", "high"].estimate == share
    worse = thin["worse", "strong", "loss"].estimate
    assert worse == whole["worse", "strong", "loss"].estimate == 1.0


def test_the_cube_keeps_nothing_of_them_and_counts_them(runs):
    found, raw = runs
    out = ~np.isfinite(raw["loss"]).all(axis=0)
    run = found['"all"']
    for name in ("loss", "rest"):
        stored = run.cube["paths"][name].values
        assert np.isnan(stored[:, out]).all()
        assert_same(stored[:, ~out], raw[name][:, ~out])
    for run in found.values():
        about = run.cube["diagnostics"]
        assert int(about["n_excluded"]) == out.sum() and int(about["n_paths"]) == len(out)
        assert about["nonfinite"].values.tolist() == [[0, 0], [out.sum(), 0]]
        assert f" {out.sum()} " in run.cube["risk"].attrs["comment"]
        counts = run.cube["distribution/outcomes"]
        assert (counts["rest"].sum("bin") == (~out).sum()).all()
        assert run.status().excluded == out.sum()
    assert upkeep.verify(RunFolder(found['"none"'].folder, found['"none"'].study), full=True, device="cpu") == []


def test_more_than_the_share_end_the_run_as_soon_as_they_are_met(tmp_path):
    study = square(4 * BLOCK, nonfinite=0.0004)
    told, first = problems_of(compute, study, RunOptions(tmp_path / "run", "cpu"))
    assert first == at("", "'loss' under 'strong'", "rustbelt replay")
    assert told == at("run.nonfinite", f"{int(0.0004 * 4 * BLOCK):,} of {4 * BLOCK:,} paths", "(0.0004)")
    with refuses("run.nonfinite", "which share"):
        compute(square(1000, nonfinite=0), RunOptions(tmp_path / "none", "cpu"))


def test_a_share_is_no_part_of_what_a_path_is_so_a_run_goes_on_with_another(tmp_path):
    few, options = square(2 * BLOCK, nonfinite=0.0015), RunOptions(tmp_path / "run", "cpu")
    more = square(2 * BLOCK)
    assert few.fingerprint == more.fingerprint == square(10, nonfinite=0).fingerprint
    assert "nonfinite" not in square(10, nonfinite=0).document["run"]
    with pytest.raises(UserError, match="so far"):
        compute(few, options)
    done = set(ledger.done_blocks(RunFolder(tmp_path / "run", few)))
    assert done == {0}
    assert set(compute(more, options).computed) == {0, 1} - done
    with pytest.raises(UserError, match="so far"):  # the whole run is judged, also where it is all there
        compute(few, options)


@pytest.mark.slow
def test_the_order_of_blocks_and_who_computes_them_change_nothing(tmp_path):
    study = square(2 * BLOCK + 400, sampler="antithetic")
    compute(study, RunOptions(tmp_path / "one", "cpu"))
    for number in (3, 1, 2):
        compute_shard(study, number, 3, RunOptions(tmp_path / "shards", "cpu"))
    assert bytes_below(tmp_path / "one" / "cube.zarr") == bytes_below(tmp_path / "shards" / "cube.zarr")


class Pond(PathModel):
    """Its outcome is not finite after heavy rain, and a yearly value in a year of hardly any."""

    factors = {"inflow": Factor("m")}
    shocks = {"rain": Shock("1", law="uniform")}
    yearly = {"stock": Yearly("m"), "share": Yearly("1")}
    outcomes = {"lowest": Outcome("m", lowest("stock")), "own": Outcome("m", lambda s: jnp.log(0.9995 - s[1]))}

    def init(self, factors, levers):
        return factors.inflow, 0.0

    def step(self, state, year, factors, shocks, levers):
        share = jnp.where(shocks.rain < 0.0003, jnp.nan, shocks.rain)
        return (state[0] + shocks.rain, jnp.maximum(state[1], shocks.rain)), {"stock": state[0], "share": share}


def pond(paths, **run):
    text = {
        "name": "pond",
        "run": {"paths": paths, "seed": 3, "tile": 256, **run},
        "time": {"first": 2016, "last": 2018},
        "factors": {"inflow": {"family": "uniform", "low": 0.0, "high": 1.0}},
        "keep": {"yearly": 8000, "draws": 0},
    }
    return read_study(text, "pond.toml", model=Pond())


def test_the_yearly_sample_goes_without_them_and_without_its_own(tmp_path):
    run = engine.run(pond(20_000, nonfinite=0.01, sampler="random"), tmp_path / "run", device="cpu")
    whole = engine.run(
        pond(20_000, nonfinite=0.01, sampler="random"), tmp_path / "run", device="cpu"
    )  # nothing is computed again
    assert whole._finished.computed == ()
    out = np.isnan(run.cube["paths"]["lowest"].values[0, :8000])
    about = run.cube["risk/yearly"].attrs
    assert about["sample_paths"] == 8000 and out.sum() < about["excluded_paths"] < 8000 * 0.01
    moments = run.cube["moments"]["share"].sel(policy=run.study.baseline)
    mean, error = moments.sel(moment="mean").values, moments.sel(moment="standard_error").values
    assert_plausible(mean, (0.9995 + 0.0003) / 2, error, np.full(3, 0.03))
    rows = run.risk("stock").frame("risk_yearly")
    lost = f"{about['excluded_paths']} of 8000 paths not finite"
    assert rows["low"].notna().any() and rows["flag"].str.startswith(lost).all()
    with pytest.raises(UserError, match=r"'share' .* in 201\d on path \d+|outcome 'own'"):
        engine.run(pond(20_000, sampler="random"), tmp_path / "none", device="cpu")
    with refuses("run.nonfinite", "0 of 20,000 paths", "(1e-05)"):
        engine.run(pond(20_000, nonfinite=1e-5, sampler="random"), tmp_path / "few", device="cpu")


class Dear(Bridge):
    """Its damage is not finite where the price is highest."""

    def evaluate(self, factors, levers):
        damage = jnp.where(factors.price > 1.999, jnp.nan, factors.load)
        return {"damage": damage, "margin": levers.strength - factors.load}


def test_it_is_told_wherever_numbers_are(tmp_path):
    text = BRIDGE.replace("seed = 7 }", "seed = 7, nonfinite = 0.01 }")
    words = ["--model", f"{__file__}:Dear", "--out", tmp_path / "out", "--device", "cpu"]
    ended = ran("run", write(tmp_path, text), *words, "--quiet")
    bad = int(engine.open_run(tmp_path / "out").status().excluded)
    notice = f"{bad} of 4,000 paths"
    for command in (["risk"], ["risk", "--given", "damage > 5"]):
        assert notice in " ".join(call(command[0], tmp_path / "out", *command[1:]).stdout.split())
    assert notice in " ".join(ended.stdout.split())
    given = " ".join(call("risk", tmp_path / "out", "--given", "margin > 2", "--full").stdout.split())
    assert "† no interval." in given and "not finite;" not in given  # which is no reason for that
    (status,) = json.loads(call("status", tmp_path / "out", "--json").stdout)
    assert bad > 0 and status["excluded"] == bad
    found = records(call("risk", tmp_path / "out", "--json").stdout)
    flags = [{"reason": "not_finite", "got": bad, "limit": 4000}]
    assert all(record["flags"][:1] == flags for record in found)
    page = engine.open_run(tmp_path / "out").report(tmp_path / "page.html").read_text()
    assert notice in page and f"{bad} of 4,000, under" in page
    stored = engine.open_run(tmp_path / "out").cube["paths"]["damage"].values[0]
    path = int(np.flatnonzero(np.isnan(stored))[0])
    replayed = call("replay", tmp_path / "out", "--path", path, "--device", "cpu")
    assert re.search(rf"The run leaves out path {path}, as values on it", " ".join(replayed.stdout.split()))


def test_a_finished_run_whose_extension_was_refused_is_finished_again_without_computing(tmp_path):
    options = RunOptions(out=tmp_path / "run", device="cpu")
    compute(square(64, nonfinite=None), options)
    before = bytes_below(tmp_path / "run")
    with pytest.raises(UserError, match=r"(?s)run\.nonfinite.*The first 64 paths are kept\. Finish.* --paths 64"):
        compute(square(8192, nonfinite=None), options)
    status = upkeep.status(RunFolder(tmp_path / "run", square(8192, nonfinite=None)))
    assert (status.paths, status.asked, status.done, status.complete) == (64, 8192, 1, False)
    assert compute(square(64, nonfinite=None), options).computed == ()
    after = bytes_below(tmp_path / "run")
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert {str(name).rpartition("/")[2] for name in changed} <= {"lock", "provenance.json"}
    folder = RunFolder(tmp_path / "run", square(64, nonfinite=None))
    assert upkeep.verify(folder) == []


MODELS = Path(__file__).parents[1] / "data" / "clipped_models.py"
TIDE = """\
name = "tide"
run = { paths = 1024, seed = 3 }
time = { first = 2020, last = 2022 }
[factors]
swell = { family = "uniform", low = 0.2, high = 1.2 }
[policies]
calm = {}
dammed = { dam = 0.3 }
[keep]
yearly = 512
"""


def own(name):
    return ["--model", f"{MODELS}:{name}"]


@pytest.fixture(scope="module")
def tide(tmp_path_factory):
    """A finished run, and what it printed."""
    folder = tmp_path_factory.mktemp("tide")
    result = ran("run", write(folder, TIDE, "tide.toml"), *own("Tide"), "--out", folder / "out", "--quiet")
    return folder, result


def test_the_cube_holds_the_share_of_each_bound_by_policy_year_and_place(tide):
    folder, _ = tide
    cube = engine.open_cube(folder / "out")
    on = cube["diagnostics/bounds"]["height"]
    assert on.dims == ("policy", "bound", "year", "shore")
    assert on["bound"].values.tolist() == ["low", "high"]
    assert on.attrs["bound_min"] == -1.0 and on.attrs["bound_max"] == 0.9 and on.attrs["bound_units"] == "m"
    assert on.attrs["units"] == "1" and on.attrs["sample_paths"] == 512
    spread = cube["distribution"]["height"].attrs
    assert (spread["valid_min"], spread["valid_max"]) == (-1.0, 0.9)
    assert "valid_min" not in cube["distribution"]["wind"].attrs and "wind" not in cube["diagnostics/bounds"]
    study = load_study(folder / "tide.toml", model=load_model_file(f"{MODELS}:Tide"))
    height = program(study).first_years(512)[:, :, :2]
    for bound, limit in (("low", -1.0), ("high", 0.9)):
        assert_same(on.sel(bound=bound).values, np.mean(height == np.float32(limit), axis=-1))
    assert replay(study, 0)["yearly"]["height"].attrs["valid_min"] == -1.0


def test_a_second_run_writes_the_same_and_tells_the_same(tide):
    folder, result = tide
    place = folder / "out" / "cube.zarr" / "diagnostics"
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    (folder / "out" / "ledger" / "cube.json").unlink()
    again = ran("run", folder / "tide.toml", *own("Tide"), "--out", folder / "out", "--quiet")
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
    line = "Bounds: values of height under dammed equal the upper bound, 0.9 m, in "
    for output in (result.output, again.output):
        words = " ".join(output.split())
        assert line in words and "3 more above 2 % (/diagnostics/bounds)." in words
    piped = call("run", folder / "tide.toml", *own("Tide"), "--out", folder / "out", "--quiet", "--json")
    assert json.loads(piped.stdout) and line in piped.stderr


def test_what_lies_beyond_a_bound_is_refused_before_and_in_the_run(tmp_path):
    path = write(tmp_path, TIDE, "tide.toml")
    result = call("check", path, *own("Leak"))
    assert result.exit_code == 2 and "model.yearly.height: expected -1 to 0.9 [m]" in result.output
    result = call("run", path, *own("Leak"), "--out", tmp_path / "out", "--quiet")
    assert result.exit_code == 2 and "the years of path" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("bad", "places"),
    [({0: 2.0, 2: 3.0}, ["model.yearly.height", "model.yearly.wind"]), ({0: 2.0, 2: np.nan}, ["run.nonfinite", ""])],
    ids=["beyond", "not finite"],
)
def test_what_is_wrong_in_any_part_of_the_years_is_told(tmp_path, monkeypatch, bad, places):
    model = load_model_file(f"{MODELS}:Tide")
    wind = replace(model.yearly["wind"], low=-1.0, high=1.0)
    monkeypatch.setattr(type(model), "yearly", {**model.yearly, "wind": wind})
    study = load_study(write(tmp_path, TIDE, "tide.toml"), model=model)
    years = np.zeros((2, 3, 4, 512), np.float32)
    years[0, 0, 0, 5], years[0, 2, 2, 7] = bad.values()
    parts = SimpleNamespace(years_in_parts=lambda _: np.split(years, 3, axis=1), first_years=lambda _: years)
    with pytest.raises(UserError) as refused:
        Work(RunFolder(tmp_path / "out", study), parts).yearly_files()
    assert [getattr(one, "place", "") for one in refused.value.problems] == places
    assert "in 2022" in str(refused.value)
