"""Tables of figures hold the numbers that they are made from: of the cube, or of the answer."""

from dataclasses import replace

import numpy as np
import pytest

from engine.answers.answer import Subject
from engine.charts import kinds
from engine.charts.tables import answers, challenged as claims, inputs, observed, outcomes, yearly
from engine.charts.tables.challenged import DESIGN, LEDGERS, MOST_INTERVALS, VERDICTS
from engine.errors import UserError
from engine.formatting import begun, titled, words
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import summary
from tests.backtested import LEVELS, SERIES, UNITS, YEARS, backtested, ecdf, figures, middle
from tests.challenged import CLAIMS, DEPARTURES, HALF, SENTENCES, challenged
from tests.conditioned import BEFORE, MOVES, SD, SD_GIVEN, SHIFTS, bare, conditioned
from tests.drawn_cubes import CASES, drawn
from tests.helpers import assert_close
from tests.rare import BEYOND, PERIODS, level, rare

SUBJECT = Subject("towns", "Old or reform?", "0" * 12, 4096, 1, ("old", "reform"), "old")


@pytest.fixture(scope="module")
def plain():
    return drawn(CASES["plain"])


def test_a_fan_has_the_quantiles_of_every_place_policy_and_year(plain):
    data = yearly.fan(plain.cube, "shortfall")
    stored = plain.cube["distribution"]["shortfall"]
    row = data[(data.panel == "south, coal") & (data.policy == "Policy 1") & (data.year == 2020)].iloc[0]
    own = stored.sel(region="south", sector="coal", policy="policy_1", year=2020)
    expected = [float(own.sel(quantile=q)) for q in (0.05, 0.25, 0.5, 0.75, 0.95)]
    assert_close(row[["q05", "q25", "median", "q75", "q95"]].to_numpy(float), np.array(expected))
    assert len(data) == stored.sizes["region"] * stored.sizes["sector"] * 2 * stored.sizes["year"]
    assert row.low < row["median"] < row.high


def test_an_exceedance_curve_has_the_share_of_paths_beyond_each_level(plain):
    data = outcomes.exceedance(plain.cube, "loss")
    values = plain.cube["paths"]["loss"].sel(policy="policy_0").values
    curve = data[(data.policy == "Policy 0") & data.marked.isna()]
    assert_close(curve.share.to_numpy(), np.array([np.mean(values > x) for x in curve.level]))
    assert (curve.low <= curve.share).all() and (curve.share <= curve.high).all()
    (marked,) = data[(data.policy == "Policy 0") & data.marked.notna()].level
    assert marked == summary(values.astype(float), plain.study.unit, True)["VaR99"].estimate


def test_an_overview_is_both_tables_and_curves_of_thresholds_are_shares_beyond_each_level(plain):
    curves, years = yearly.overview(plain.cube, plain.study, "loss")
    assert curves.equals(outcomes.exceedance(plain.cube, "loss")) and years.panel.nunique() == 1
    data = outcomes.thresholds(plain.cube, plain.study, "loss")
    values = plain.cube["paths"]["loss"].sel(policy="policy_1").values
    own = data[data.policy == "Policy 1"]
    assert_close(own.share.to_numpy(), np.array([np.mean(values > np.float32(x)) for x in own.level]))


def test_bins_of_differences_hold_every_path_and_their_mean(plain):
    data = outcomes.differences(plain.cube, "loss")
    gap = np.subtract(
        *(plain.cube["paths"]["loss"].sel(policy=name).values.astype(float) for name in ("policy_1", "policy_0"))
    )
    bins, (mean,) = data[data.part == "bin"], data[data.part == "mean"].estimate
    assert_close(bins.share.sum(), 1.0)
    assert_close(bins[bins.side == "worse"].share.sum(), np.mean(gap > 0))
    assert_close(mean, gap.mean())


def test_ends_of_a_tornado_are_the_measures_in_the_tenths_of_a_factor(plain):
    data = inputs.tornado(plain.cube, "loss")
    draws, values = plain.cube["draws"], plain.cube["paths"]["loss"]
    for policy, title in (("policy_0", "Policy 0"), ("policy_1", "Policy 1")):
        own = values.sel(policy=policy).values.astype(float)
        rows = data[(data.policy == title) & (data.factor == "Recovery†")]
        factor = draws["recovery"].values.astype(float)
        low, high = np.quantile(factor, (0.1, 0.9))
        assert_close(rows.estimate.to_numpy(), np.array([own[factor <= low].mean(), own[factor >= high].mean()]))
        assert_close(rows.whole.to_numpy(), np.full(2, own.mean()))


def test_measures_of_tails_are_those_of_the_cube(plain):
    data = yearly.tails(plain.cube, "shortfall", year=2020)
    own = plain.cube["risk/yearly"]["shortfall"].sel(year=2020, region="north", sector="lime", policy="policy_1")
    row = data[(data.panel == "north, lime") & (data.policy == "Policy 1") & (data.measure == "VaR95")].iloc[0]
    expected = own.sel(measure="VaR95", stat=["estimate", "low", "high"]).values
    assert_close(row[["estimate", "low", "high"]].to_numpy(float), expected.astype(float))
    places = data.panel.nunique()
    assert places > 1 and data.attrs["title"].endswith(
        f", of {places * data.policy.nunique()} pairs of policy and place"
    )
    one = yearly.tails(plain.cube, "shortfall", {"region": "north", "sector": "lime"}, year=2020)
    assert one.attrs["title"].startswith(data.attrs["title"].partition(" [")[0]) and "north, lime" in one.attrs["title"]


def test_a_replay_folds_its_variables_as_outcomes_do(plain):
    data = yearly.replay(plain.story, plain.study)
    lines = yearly.headline(plain.study)
    assert len(data.panel.unique()) == len(lines)
    assert data.attrs["title"].endswith(", under policy 0 and policy 1")
    one = yearly.replay(plain.story, plain.study, "shortfall", {"region": "north"})
    assert [*one.panel.unique()] == ["steel", "coal", "lime"]
    value = plain.story["yearly"]["shortfall"].sel(region="north", sector="coal", policy="policy_1", year=2018)
    row = one[(one.panel == "coal") & (one.policy == "Policy 1") & (one.year == 2018)]
    assert row.value.tolist() == [float(value)]


def test_bins_of_priors_hold_the_shares_of_each_law(plain):
    data = inputs.priors(plain.study)
    assert data.panel.nunique() == len(plain.study.inputs)
    assert_close(data.groupby("panel").share.sum().to_numpy(), np.ones(data.panel.nunique()))
    for item in plain.study.inputs:
        own = inputs.priors(plain.study, item.name)
        ends = item.marginal.below(own["from"].to_numpy()), item.marginal.cdf(own["to"].to_numpy())
        low, high = (np.clip(end, *inputs.ENDS_OF_LAW) for end in ends)
        assert np.abs(own.share - (high - low) / np.ptp(inputs.ENDS_OF_LAW)).max() < 2 / inputs.DRAWN


def test_drivers_are_the_shifts_and_densities_of_the_answer(plain):
    data = answers.drivers(plain.explain)
    table, tenths = plain.explain["inputs"], plain.explain["densities"]
    shown = min(len(table), 12)
    shifts = data[data.part == "shift"]
    assert shifts.row.tolist() == [titled(str(name)) for name in table["input"][:shown]]
    assert shifts.estimate.tolist() == [one.estimate for one in table["shift"][:shown]]
    expected = [one.estimate for one in tenths["density"]][: 10 * shown]
    assert_close(data[data.part == "density"].share.to_numpy(), np.array(expected))


def test_shares_of_inputs_are_those_of_the_answer_the_largest_first(plain):
    data = answers.inputs(plain.sensitivity)
    table = [*plain.sensitivity["shares"].rows()]
    largest = {r["input"]: max(o["share"].estimate for o in table if o["input"] == r["input"]) for r in table}
    assert data.attrs["rows"] == [titled(name) for name in sorted(largest, key=lambda name: -largest[name])]
    held = {(row["side"], titled(row["input"])): row for row in table}
    for row in data.itertuples():
        panel = next(
            side for side, name in held if name == row.row and held[side, name]["share"].estimate * 100 == row.estimate
        )
        own = held[panel, row.row]
        assert (row.to, data.loc[row.Index, "from"]) == (100 * own["total"].estimate, 100 * own["alone"].estimate)


def test_an_answer_without_a_figure_of_its_own_is_drawn_by_its_first_estimates(plain):
    data = answers.answer(plain.discover)
    boxes = [*plain.discover["boxes"].rows()]
    assert data.panel.unique().tolist() == ["coverage [%]", "density [%]", "mass [%]", "correlation"]
    for (name, scale), (_, own) in zip(
        [("coverage", 100), ("density", 100), ("mass", 100), ("correlation", 1)],
        data.groupby("panel", sort=False),
        strict=True,
    ):
        held = {box["box"]: scale * box[name].low for box in boxes if isinstance(box[name], Estimate)}
        assert own.row.tolist() == [*held] and len(held) == (1 if name == "correlation" else 3)
        assert_close(own.low.to_numpy(), np.array([*held.values()]))


def test_moves_that_turn_a_ranking_are_those_of_the_answer(plain):
    data = answers.turns(plain.flip)
    alone = data[data.panel == "one prior at a time"]
    table = [*plain.flip["priors"].where(turns=True)]
    assert alone.row.tolist() == [words(row["factor"]) for row in table]
    assert alone.estimate.tolist() == [row["move"].estimate for row in table]
    joint = [row["move"] for row in plain.flip["joint"].rows()]
    assert data[data.panel == "all priors together"].estimate.tolist() == joint


def test_return_levels_are_from_the_futures_and_extrapolated_beyond_them():
    data = answers.beyond(rare(SUBJECT, ["cost"]))
    for k, policy in enumerate(SUBJECT.policies):
        for kind, beyond in (("futures", False), ("extrapolated", True)):
            own = data[(data.policy == policy) & (data.kind == kind)]
            periods = [one for one in PERIODS if (one >= BEYOND) == beyond]
            assert own.period.tolist() == periods
            assert_close(own.estimate.to_numpy(), np.array([level(one, k).estimate for one in periods]))
    assert data.attrs["panels"]["cost"]["log"]
    assert not answers.beyond(rare(SUBJECT, ["cost"], first=-100.0)).attrs["panels"]["cost"]["log"]
    assert [*answers.beyond(rare(SUBJECT, ["cost", "own", "gain"])).attrs["panels"]] == ["cost", "own", "gain"]
    assert answers.beyond(rare(SUBJECT, ["cost"], each=False)).empty


def test_any_answer_has_its_first_estimates_as_points(plain):
    data = answers.answer(plain.sensitivity)
    assert len(data) and {"panel", "row", "estimate", "low", "high"} <= {*data.columns}


@pytest.mark.parametrize("each", [10, 200])
def test_a_specification_curve_is_sorted_and_its_intervals_are_thinned(each):
    answer = challenged(SUBJECT, each=each)
    data = claims.curve(answer)
    rows = sorted(answer["curve"].where(claim=CLAIMS[0], ledger=LEDGERS[0]), key=lambda row: row["difference"].estimate)
    assert data.estimate.tolist() == [row["difference"].estimate for row in rows]
    assert [text.partition(":")[0] for text in data.verdict] == [
        "no longer happens" if row["verdict"] == "nothing" else row["verdict"] for row in rows
    ]
    n, whole = len(DEPARTURES) * each + 1, data[data.low.notna()]
    assert len(whole) == n if each == 10 else n / 4 < len(whole) <= MOST_INTERVALS + 1
    assert_close((whole.high - whole.low).to_numpy(), np.full(len(whole), 2 * HALF))
    assert data.stated.sum() == 1 and rows[int(data.stated.argmax())]["departures"] == 0
    assert (f"of {len(whole)} of them" in data.attrs["note"]) == (each == 200)
    departing = {text for row, text in zip(rows, data["departs in"], strict=True) if row["exactly"] == "drag: off"}
    assert departing == {"drag of zombies off"}


def test_universes_without_a_difference_are_left_out_and_counted():
    answer = challenged(SUBJECT)
    table = answer["curve"]
    first = [None if k < 3 else one for k, one in enumerate(table["difference"])]
    columns = [c if c.name != "difference" else replace(c, values=first) for c in table.columns]
    data = claims.curve(replace(answer, tables=(replace(table, columns=columns),)))
    assert len(data) == 298 and "difference: 3" in data.attrs["note"] and data.attrs["label"] == "difference [1]"
    none = [Estimate(0.0, 0.0, 0.0, 0.0)] * len(table)
    columns = [c if c.name != "difference" else replace(c, values=none) for c in table.columns]
    flat = claims.curve(replace(answer, tables=(replace(table, columns=columns),)))
    assert {*flat.estimate} == {0.0}


def test_a_profile_has_the_shares_of_each_claim_and_ledger():
    answer = challenged(SUBJECT)
    data = claims.profile(answer)
    assert DESIGN in data.attrs["note"] and data.attrs["panels"] == [begun(text) for text in SENTENCES]
    for row in (row for row in answer["profile"].rows() if row["universes"]):
        said = begun(SENTENCES[CLAIMS.index(row["claim"])])
        own = data[(data.claim == said) & (data.ledger == row["ledger"]) & (data.choices == row["departures"])]
        assert_close(own.share.to_numpy(), np.array([row[name] for name in VERDICTS]))
        assert_close(own["to"].max(), 1.0)
        assert {*own.universes} == {row["universes"]}
    for make, wrong in (
        (claims.profile, {"claim": "x"}),
        (claims.curve, {"claim": "x"}),
        (claims.curve, {"ledger": "x"}),
    ):
        with pytest.raises(UserError, match=next(iter(wrong))):
            make(answer, **wrong)


def test_a_hindcast_has_figures_and_futures_of_every_series():
    answer = backtested(Subject("towns", "", "0" * 12, 4096, 1, ("old",), "old"))
    data = observed.hindcast(answer)
    assert data.attrs["panels"] == [f"{name} [{unit}]" for name, unit in zip(SERIES, UNITS, strict=True)]
    fan = data[(data.part == "futures") & (data.panel == data.attrs["panels"][0])]
    assert fan.year.tolist() == [*YEARS]
    for name, far in LEVELS.items():
        assert_close(fan[name].to_numpy(float), np.array([middle(year) + far for year in YEARS]))
    seen = data[data.part == "figure"]
    expected = [(row["time"], row["observed"], not row["apart"]) for row in figures()]
    assert sorted(zip(seen.year, seen.observed, seen.scored == "observed, scored", strict=True)) == sorted(expected)
    first = seen[(seen.panel == data.attrs["panels"][0]) & (seen.below < seen.over)]
    assert (first.below.tolist(), first.over.tolist()) == ([54.5], [55.5])
    beside = seen[seen.panel == data.attrs["panels"][1]]
    assert beside.p05.tolist() == [middle(2018) + LEVELS["p05"]]
    assert "2 known before" in data.attrs["note"]


def test_places_are_an_ecdf_a_reading_with_its_band():
    answer = backtested(Subject("towns", "", "0" * 12, 4096, 1, ("old",), "old"))
    data, at = observed.pit(answer), np.linspace(0, 1, 21)
    (both,) = data.attrs["readings"]  # whose places differ by less than a step of the curve
    assert both == "as reported, as revised" and data.attrs["title"].startswith(
        f"In the reading “{both}”, places of 4 figures"
    )
    assert_close(data.place.to_numpy(), at)
    for reading in both.split(", "):
        assert_close(data.share.to_numpy()[1:-1], ecdf(figures(), reading, at[1:-1]))
    bare = backtested(SUBJECT, each=False)
    assert observed.hindcast(bare).empty and observed.pit(bare).empty
    assert observed.pit(bare).attrs["title"] == "No figure is scored"


def test_what_is_known_has_means_deviations_and_chances(plain):
    study = plain.study
    factors = tuple(item.name for item in study.inputs)
    answer = conditioned(Subject.of(study), factors, ("loss", "growth"))
    data = observed.known(study, answer)
    order = (1, 0, 2)  # the largest shift first; the last factor never varies
    own = data[data.part == "factor"]
    assert own.row.tolist() == [study.title("factors", factors[k]) for k in order]
    assert_close(own.estimate.to_numpy(float), np.array([SHIFTS[k] for k in order]))
    assert_close(own.sd.to_numpy(float), np.full(3, SD_GIVEN / SD))
    assert [text.replace("\xa0", " ") for text in own.means] == [
        "5.00 → 1.00 % a year",
        "5.00 → 5.60 % a year",
        "5.00 → 5.00 % a year",
    ]
    events = data[data.part == "event"]
    before = [100 * (BEFORE + 0.1 * p) for p in range(2)]
    expected = [value for move in reversed(MOVES) for x in before for value in (x, x + 100 * move)]
    assert_close(np.sort(events.estimate.to_numpy(float)), np.sort(np.array(expected)))
    assert len(observed.known(study, answer, most=1)[lambda rows: rows.part == "factor"]) == 1
    assert "rustbelt condition STUDY" in observed.known(study, bare(Subject.of(study))).attrs["title"]
    assert kinds.KINDS["known"].table == "known"
