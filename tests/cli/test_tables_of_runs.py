"""Printers of what a run gives: the numbers of the records, the path or the comparison, each where it belongs."""

from dataclasses import replace

import pytest

import engine
from engine.cli.show.answers import print_answer, print_place
from engine.cli.show.replay_tables import UNUSUAL, agreement, replayed
from engine.run_folder.folder import RunFolder
from engine.runs.replay import percentiles, replay, worst
from tests.cli.printed import printed
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
    answer = bridge.compare()
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


# ---------------------------------------------------------------------------------------------------- single paths


def test_a_path_is_its_outcomes_and_years_under_each_policy_and_its_draws(pond):
    study, story = pond.study, replay(pond.study, [17])
    answer = replayed(study, story, None, study.baseline, ["stock"])
    assert answer.finding.startswith("On path 17, ")
    for row in answer["outcomes"].rows():
        assert row["value"] == float(story["outcomes"][row["variable"]].sel(path=17, policy=row["policy"]))
        assert row["unit"] == study.unit_of(row["variable"])
    for kind, name in [("yearly", "stock"), *(("shocks", name) for name in story["shocks"].data_vars)]:
        values = story[kind][name].sel(path=17)
        rows = [*answer[f"{kind.removesuffix('s')}_{name}"].rows()]
        assert len(rows) == values.size
        for row in rows:
            place = {
                dim: int(row[dim]) if dim == "year" else row.get(dim, row.get(f"place_{dim}")) for dim in values.dims
            }
            assert row["value"] == float(values.sel(place))
    shares = percentiles(study, story["draws"].to_dataset())
    for row in answer["draws"].rows():
        (item,) = [item for item in study.inputs if item.name == row["factor"]]
        assert row["draw"] == float(story["draws"][item.name].sel(path=17)) and row["unit"] == item.unit
        assert row["percentile"] == float(shares[item.name][0])
        assert (row["p05"], row["p95"]) == tuple(float(item.marginal.quantile(p)) for p in (0.05, 0.95))


def test_a_path_is_compared_with_the_cube_bit_for_bit(bridge):
    study, folder = bridge.study, RunFolder(bridge.folder, bridge.study)
    same = agreement(folder, replay(study, [5, 6]))
    assert "bit for bit on all 2 paths" in same and "Not" not in same
    story = replay(study, [5, 6])
    story["outcomes"]["margin"].values[0] += 1
    other = agreement(folder, story)
    assert other.startswith("Not bit for bit") and "margin" in other and "damage" not in other
    unkept = replace(study, keep=replace(study.keep, outcomes=()))
    assert "no outcome" in agreement(RunFolder(bridge.folder, unkept), story)


def test_the_worst_paths_are_in_order_under_every_policy(bridge):
    ranked = worst(RunFolder(bridge.folder, bridge.study), "margin", "weak", 4)
    story = replay(bridge.study, ranked["path"].values)
    answer = replayed(bridge.study, story, ranked, "weak")
    table, first = answer["worst"], int(ranked["path"][0])
    assert (
        "margin [t]" in table.title and "low is worse" in table.title and f"path {first} is the worst" in answer.finding
    )
    for row in table.rows():
        at = ranked["margin"].isel(path=int(row["rank"]) - 1)
        assert (row["path"], row["value"]) == (str(int(at["path"])), float(at.sel(policy=row["policy"])))


@pytest.mark.parametrize("paths", [[3], [3, 8, 21]])
def test_unusual_draws_are_the_farthest_from_the_middle_of_their_priors(bridge, paths):
    story = replay(bridge.study, paths)
    shares = percentiles(bridge.study, story["draws"].to_dataset())
    means = {str(name): float(share.mean()) for name, share in shares.items()}
    table = replayed(bridge.study, story, None, "weak")["draws"]
    assert [*table["factor"]] == sorted(means, key=lambda name: -abs(means[name] - 0.5))
    assert table.brief == tuple(place < UNUSUAL for place in range(len(table)))
    for row in table.rows():
        assert row["percentile"] == means[row["factor"]]
        assert row["draw"] == float(story["draws"][row["factor"]].values.astype(float).mean())
