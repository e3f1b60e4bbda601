"""Printers of what a run gives: the numbers of the records, the path or the comparison, each where it belongs."""

from dataclasses import replace

import pytest

import engine
from engine.cli.show.answers import print_answer, print_place
from engine.cli.show.replay_tables import number, percentile, print_check, print_path, prior
from engine.cli.show.worst_paths import UNUSUAL, print_unusual, print_worst
from engine.risk.estimation.as_text import cell
from engine.run_folder.folder import RunFolder
from engine.runs.replay import percentiles, replay, worst
from engine.runs.two_runs import answer as two_runs
from tests.cli.printed import printed, rows_of
from tests.small_files import BRIDGE, MODELS, POND, write

WIDE = 240


def flat(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def ran(folder, text, name, **options):
    model = engine.load_model_file(f"{MODELS}:{name}")
    return engine.run(str(write(folder, text)), folder / "run", model, device="cpu", **options)


@pytest.fixture(scope="module")
def bridge(tmp_path_factory):
    return ran(tmp_path_factory.mktemp("bridge"), BRIDGE, "Bridge")


@pytest.fixture(scope="module")
def pond(tmp_path_factory):
    return ran(tmp_path_factory.mktemp("pond"), POND, "Pond")


# ------------------------------------------------------------------------------------------------- answers and runs


def test_an_answer_is_its_sentences_its_basis_and_all_of_its_tables_in_full(bridge):
    answer = two_runs(bridge.answers, bridge.answers)
    short, full = (flat(printed(100, print_answer, answer, full)) for full in (False, True))
    assert all(text.startswith(answer.finding) and answer.basis in text for text in (short, full))
    assert all(table.title in full for table in answer.tables) and full.endswith(" ".join(answer.reading.split()))
    assert "--full" in short and "--full" not in full


def test_where_an_answer_is_kept_or_what_it_takes_to_keep_it(bridge, tmp_path):
    run = RunFolder(bridge.folder, bridge.study)
    place = bridge.folder / "explain.zarr"
    assert repr(str(place)) in flat(printed(WIDE, print_place, run, place))
    assert printed(WIDE, print_place, run, None) == []
    nowhere = RunFolder(tmp_path / "none", bridge.study)
    assert "rustbelt run" in flat(printed(WIDE, print_place, nowhere, None))


def test_two_runs_are_what_they_state_and_their_numbers_with_differences(bridge, tmp_path):
    other = ran(tmp_path, BRIDGE.replace("p95 = 15", "p95 = 16"), "Bridge")
    answer = two_runs(bridge.answers, other.answers)
    text = flat(printed(WIDE, print_answer, answer, True))
    assert "factors.load.p95 15.0 16.0" in text
    for pair in answer.of.pairs:
        shown = [cell(one, 100.0 if one.bare_measure == "probability" else 1.0) for one in (pair.first, pair.second)]
        assert all(one.estimate in text and one.interval in text for one in shown)


# ---------------------------------------------------------------------------------------------------- single paths


def test_a_path_is_its_outcomes_and_years_under_each_policy_and_in_full_its_draws(pond):
    study, story = pond.study, replay(pond.study, [17]).isel(path=0)
    names = study.policy_names
    short = printed(WIDE, print_path, study, story, names, ["stock"], False)
    full = printed(WIDE, print_path, study, story, names, ["stock"], True)
    for outcome, values in story["outcomes"].data_vars.items():
        row = [*(number(float(values.sel(policy=name))) for name in names), study.unit_of(outcome)]
        assert rows_of(full)[outcome] == row and (rows_of(short).get(outcome) == row) == (outcome in study.headline)
    stock = story["yearly"]["stock"]
    for year in study.years:
        for name in names:
            cells = [number(float(v)) for v in stock.sel(policy=name, year=year).values.ravel()]
            assert sum(line.split() == [str(year), *cells] for line in short) >= 1
    drawn, shares = rows_of(full), percentiles(study, story["draws"].to_dataset())
    for item in study.inputs:
        own = number(float(story["draws"][item.name])), percentile(float(shares[item.name])), *prior(item)
        assert drawn[item.name] == [*own, item.unit]
    assert "inflow" not in rows_of(short) and "shocks" in full and "shocks" not in short


def test_a_path_is_compared_with_the_cube_bit_for_bit(bridge):
    study = bridge.study
    same = flat(printed(WIDE, print_check, RunFolder(bridge.folder, study), replay(study, [5, 6])))
    assert "bit for bit on all 2 paths" in same and "Not" not in same
    story = replay(study, [5, 6])
    story["outcomes"]["margin"].values[0] += 1
    other = flat(printed(WIDE, print_check, RunFolder(bridge.folder, study), story))
    assert other.startswith("Not bit for bit") and "margin" in other and "damage" not in other
    double = flat(printed(WIDE, print_check, RunFolder(bridge.folder, study), replay(study, [5], precision="float64")))
    assert float(double.partition("outcome: ")[2].split()[0]) < 1e-5 and "path 5)" in double
    unkept = replace(study, keep=replace(study.keep, outcomes=()))
    assert "no outcome" in flat(printed(WIDE, print_check, RunFolder(bridge.folder, unkept), story))


def test_the_worst_paths_are_in_order_under_every_policy(bridge):
    ranked = worst(RunFolder(bridge.folder, bridge.study), "margin", "weak", 4)
    lines = printed(WIDE, print_worst, bridge.study, ranked, "weak")
    assert "margin [t] under weak" in lines[0] and "low is worse" in lines[0]
    for k, path in enumerate(ranked["path"].values):
        values = [number(float(v)) for v in ranked["margin"].sel(path=path).values]
        assert rows_of(lines)[str(k + 1)] == [str(path), *values]


@pytest.mark.parametrize("paths", [[3], [3, 8, 21]])
def test_unusual_draws_are_the_farthest_from_the_middle_of_their_priors(bridge, paths):
    story = replay(bridge.study, paths)
    story = story if len(paths) > 1 else story.isel(path=[0])
    draws = story["draws"].to_dataset()
    means = {str(name): float(shares.mean()) for name, shares in percentiles(bridge.study, draws).items()}
    lines = printed(WIDE, print_unusual, bridge.study, story)
    shown = [line.split()[0] for line in lines if line.split()[:1] and line.split()[0] in means]
    assert shown == sorted(means, key=lambda name: -abs(means[name] - 0.5))[:UNUSUAL]
    for item in bridge.study.inputs:
        draw = number(float(draws[item.name].values.astype(float).mean()))
        assert rows_of(lines)[item.name] == [percentile(means[item.name]), draw, *prior(item), item.unit]
