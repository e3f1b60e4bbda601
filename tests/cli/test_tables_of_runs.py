"""Printers of what a run gives: the numbers of the records, the path or the comparison, each where it belongs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.cli.show.answers import print_answer, print_place
from engine.cli.show.brief_tables import print_brief, print_brief_conditional
from engine.cli.show.grid import Block, Columns, beside, print_grid
from engine.cli.show.replay_tables import UNUSUAL, agreement, replayed
from engine.cli.show.risk_tables import print_flags, print_more, print_reading
from engine.risk.estimation.as_text import BINNED, HEAVY, NO_INTERVAL, SPREAD, Cell, cell
from engine.risk.estimation.exclusion import notice
from engine.risk.estimation.flags import Flag, Reason
from engine.run_folder.folder import RunFolder
from engine.runs.replay import percentiles, replay, worst
from tests.cli.printed import compared, printed
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


# ------------------------------------------------------------------------------------------------ grids and records

CELLS = [Cell("40.5", "[40.2, 40.8]", "", "", "", "±0.3"), Cell("38.1", "[37.9, 38.4]", "", NO_INTERVAL, "", "±0.3")]
GAP = Cell("-2.4", "[-2.6, -2.2]", "better", "", "", "±0.2")
COLUMNS = Columns(["old", "new", "new - old"], {2: 1}, "less old")


@pytest.mark.parametrize("width", [34, 60, 100])
@pytest.mark.parametrize("brief", [False, True])
def test_a_grid_has_every_cell_once_and_gives_the_marks(width, brief):
    blocks = [Block("cost [M]", "what it takes", [("mean", [*CELLS, GAP]), ("ES99", [*CELLS, GAP])])]
    marks: list[set[str]] = []
    lines = printed(width, lambda *of: marks.append(print_grid(*of, brief=brief)), COLUMNS, blocks)
    text = flat(lines)
    for one in (*CELLS, GAP):
        assert text.count(one.estimate) == 2 and text.count(one.verdict or one.estimate) == 2
        assert text.count(one.interval) + text.count(one.spread) >= 2
    short = SPREAD in text
    assert marks == [{NO_INTERVAL, *([SPREAD] * short)}] and max(map(len, lines)) <= width
    beside_each_other = any(line.split() == ["old", "new", "new", "-", "old"] for line in lines)
    assert beside_each_other == (width == 100 or (brief and width == 60))


def test_all_columns_stand_beside_each_other_where_they_fit():
    block = Block("", "", [("mean", [*CELLS, GAP])])
    fits = [width for width in range(20, 140) if _beside(width, block)]
    assert fits == [*range(fits[0], 140)] and 20 < fits[0] < 80
    for width in (fits[0] - 1, fits[0]):
        lines = printed(width, print_grid, COLUMNS, [block], brief=True)
        assert any(all(one.estimate in line for one in (*CELLS, GAP)) for line in lines) == (width in fits)


def _beside(width: int, block: Block) -> bool:
    found: list[bool] = []
    printed(width, lambda console: found.append(beside(console, COLUMNS, [block])))
    return found[0]


@pytest.mark.parametrize("policies", [1, 2, 3, 5])
def test_a_brief_table_is_one_measure_of_the_headline_and_the_events(tmp_path, policies):
    study, tables = compared(tmp_path, policies)
    records = [*tables.risk, *tables.comparison]
    lines = printed(WIDE, print_brief, study, Path("there"), records, "ES99", "other measures")
    text, shown = flat(lines), study.policy_names[:3]
    for record in tables.risk:
        own = record.policy in shown and (record.measure, record.variable) in {
            ("probability", "collapse"), *(("ES99", name) for name in study.headline)
        }  # fmt: skip
        scale = 100.0 if record.measure == "probability" else 1.0
        if own:
            assert f"{cell(record, scale).estimate} " in text
    left_out = {5: "2 more policies, other measures"}.get(policies, "other measures")
    assert f"{left_out}: rustbelt risk there --full" in text.replace("Other", "other")


def test_a_brief_condition_has_events_on_both_sides_and_their_contrast(tmp_path):
    study, tables = compared(tmp_path, 3)
    events = [one for one in tables.risk if one.measure == "probability"]
    sides = [
        replace(one, measure=f"{side}_probability", estimate=one.estimate * scale)
        for one in events
        for side, scale in (("given", 1.0), ("otherwise", 0.5), ("contrast", 0.25))
    ]
    shares = [replace(one, measure="share", variable="margin >= 0") for one in events]
    words = ["--given", "margin >= 0"]
    text = flat(printed(WIDE, print_brief_conditional, study, Path("there"), [*shares, *sides], "mean", words))
    for one in sides:
        assert (f"{cell(one, 100.0).estimate} " in text) or one.policy == "p_0"
    assert [text.count(f"{name}: margin >= 0 on") for name in study.policy_names] == [1, 1, 0]
    assert "1 more policy and outcomes: rustbelt risk there --given 'margin >= 0' --full" in text


def test_what_is_left_out_is_counted_with_the_command_that_shows_it(tmp_path):
    study, _ = compared(tmp_path, 2)
    assert printed(WIDE, print_more, study, Path("there"), 0, "") == []
    for left_out, others, words in (
        (1, "", "1 more outcome"),
        (2, "more", "2 more outcomes and more"),
        (0, "more", "More"),
    ):
        text = flat(printed(WIDE, print_more, study, Path("there"), left_out, others))
        assert text.startswith(f"{words}: rustbelt risk there --full --model ")


def test_how_to_read_a_table_names_its_measures_its_brackets_and_its_baseline():
    plain = flat(printed(WIDE, print_reading, ("mean",), set()))
    assert "95 %" in plain and "VaR" not in plain and SPREAD not in plain
    assert "ES99" in flat(printed(WIDE, print_reading, ("mean", "ES99"), set()))
    both = flat(printed(WIDE, print_reading, ("VaR97.5", "ES97.5"), set()))
    assert "VaR97.5" in both and "ES97.5" in both and "2.5 %" in both
    assert "VaR a" in flat(printed(WIDE, print_reading, ("ES95", "ES99"), set()))
    marked = flat(printed(WIDE, print_reading, (), {SPREAD}, "old"))
    assert marked.startswith(SPREAD) and "than old" in marked


def test_marks_stand_for_their_flags_and_those_that_are_left_out_are_counted(tmp_path):
    _, tables = compared(tmp_path, 2)
    (plain,) = [one for one in tables.risk if (one.measure, one.policy, one.variable) == ("ES99", "weak", "damage")]
    few = replace(plain, low=np.nan, high=np.nan, flags=(Flag(Reason.FEW_EXCEEDANCES, 20, 100),))
    heavy = replace(plain, flags=(Flag(Reason.HEAVY_TAIL, 0.6, 0.5),))
    out = replace(plain, flags=(Flag(Reason.NOT_FINITE, 3, 4000),))
    assert printed(WIDE, print_flags, set(), [plain, few, heavy], ("ES99",)) == []
    lines = printed(WIDE, print_flags, {NO_INTERVAL, HEAVY, BINNED}, [plain, few, heavy, out], ("ES99",))
    assert lines[0] == f"{notice(3, 4000)}." and [line[0] for line in lines[1:]] == [NO_INTERVAL, HEAVY, BINNED]
    assert few.flag in lines[1] and "ES99 of damage (weak)" in lines[2]
    brief = printed(WIDE, print_flags, {NO_INTERVAL, HEAVY}, [few, heavy], ("ES99",), brief=True)
    assert len(brief) == 2 and few.flag not in brief[0] and "damage" not in brief[1]
    assert not any(few.flag in line for line in printed(WIDE, print_flags, {NO_INTERVAL}, [few], ("mean",)))


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
    answer = replayed(study, story, story, None, study.baseline)
    assert answer.finding.startswith("On path 17, ")
    for row in answer["outcomes"].rows():
        assert row["value"] == float(story["outcomes"][row["variable"]].sel(path=17, policy=row["policy"]))
        assert row["unit"] == study.unit_of(row["variable"])
    for name in ("stock", *story["shocks"].data_vars):
        values = story["yearly" if name == "stock" else "shocks"][name].sel(path=17)
        rows = [*answer[name].rows()]
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
        assert row["percentile"] == float(shares[item.name].sel(path=17))
        assert (row["p05"], row["p95"]) == tuple(float(item.marginal.quantile(p)) for p in (0.05, 0.95))


def test_a_path_is_compared_with_the_cube_bit_for_bit(bridge):
    study, folder = bridge.study, RunFolder(bridge.folder, bridge.study)
    same = agreement(folder, replay(study, [5, 6]))
    assert "bit for bit on all 2 paths" in same and "Not" not in same
    story = replay(study, [5, 6])
    story["outcomes"]["margin"].values[0] += 1
    other = agreement(folder, story)
    assert other.startswith("Not bit for bit") and "margin" in other and "damage" not in other
    double = agreement(folder, replay(study, [5], precision="float64"))
    assert float(double.partition("outcome: ")[2].split()[0]) < 1e-5 and "path 5)" in double
    unkept = replace(study, keep=replace(study.keep, outcomes=()))
    assert "no outcome" in agreement(RunFolder(bridge.folder, unkept), story)


def test_the_worst_paths_are_in_order_under_every_policy(bridge):
    ranked = worst(RunFolder(bridge.folder, bridge.study), "margin", "weak", 4)
    story = replay(bridge.study, ranked["path"].values)
    answer = replayed(bridge.study, story, story, ranked, "weak")
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
    means = {str(name): float(share.mean()) for name, share in shares.data_vars.items()}
    table = replayed(bridge.study, story, story, None, "weak")["draws"]
    assert [*table["factor"]] == sorted(means, key=lambda name: -abs(means[name] - 0.5))
    assert table.brief == tuple(place < UNUSUAL for place in range(len(table)))
    for row in table.rows():
        assert row["percentile"] == means[row["factor"]]
        assert row["draw"] == float(story["draws"][row["factor"]].values.astype(float).mean())
