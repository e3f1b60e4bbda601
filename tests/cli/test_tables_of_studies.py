"""Printers of what a study states: every row is what the study, or the answer about it, has there."""

import numpy as np
import pytest

from engine.cli.show.bound_table import piled_up, print_piled_up, print_standings
from engine.cli.show.constant_table import CHANGE, MOST_ROWS, print_constants
from engine.cli.show.forecast_table import print_forecast
from engine.cli.show.gate_table import print_gates
from engine.cli.show.input_tables import print_shocks, print_stated
from engine.cli.show.study_digest import differing, print_asked
from engine.formatting import size_as_text
from engine.risk.estimation.bounds import MANY, OnBound, by_year, standings
from engine.risk.estimation.stopping import few_digits
from engine.risk.estimation.wording import claimed
from engine.runs import constants, forecast, gates
from engine.study.loading import load_model_file, load_study
from engine.study.tables.assumptions import in_words
from engine.study.tables.constants import stated, written
from engine.study.tables.shocks import stationary
from tests.cli.printed import printed, rows_of
from tests.constant_studies import well
from tests.runs.test_gates import MODELS as CLIPPED, TIDE
from tests.shock_study import walk
from tests.small_files import BRIDGE, MODELS, write
from tests.user_models import program

WIDE = 240


@pytest.fixture(scope="module")
def shipped():
    return load_study("rustbelt")


@pytest.fixture(scope="module")
def tide(tmp_path_factory):
    """The tide under all its policies."""
    path = write(tmp_path_factory.mktemp("tide"), TIDE, "tide.toml")
    return gates.with_their_policies(load_study(path, model=load_model_file(f"{CLIPPED}:Tide")))


@pytest.fixture(scope="module")
def bridge(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("bridge"), BRIDGE)
    return load_study(path, model=load_model_file(f"{MODELS}:Bridge"), until=["mean of damage under weak within 5 %"])


def flat(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def test_shocks_have_their_law_their_group_and_their_regime():
    study = walk()
    text, rows = flat(printed(WIDE, print_shocks, study)), rows_of(printed(WIDE, print_shocks, study))
    assert study.shocks.moving and study.shocks.groups and study.shocks.regimes
    for name, shock in study.shocks.moving.items():
        of = [group for group, one in study.shocks.groups.items() if shock.streams[0] in one.members]
        assert rows[name] == " ".join([*shock.about, *of, *filter(None, [shock.regime])]).split()
    for regime in study.shocks.regimes.values():
        shares = stationary(np.array(regime.transition))
        for state, start, share in zip(regime.states, regime.start, shares, strict=True):
            assert f"{state} {start:.3g} {share:.3g}" in text


def test_what_a_study_states_is_its_constants_its_assumptions_and_its_claims(shipped):
    study = well(constants={"start_share": 0.75})
    known, own = written(study.model), stated(study.model)
    row = rows_of(printed(WIDE, print_stated, study))["start_share"]
    assert row[:2] == [f"{own['start_share']:.6g}", f"{known['start_share'].value:.6g}"]
    text = flat(printed(WIDE, print_stated, shipped))
    for one in shipped.assumptions:
        assert one.name in text and in_words(one.table["off"]).split(", ")[0] in text
    assert all(f"{claim} {claimed(shipped, claim)}" in text for claim in shipped.challenge.claims)
    for reading in shipped.challenge.readings:
        assert all(f"{old} -> {new}" in text for old, new in reading.instead.items())


def test_a_digest_counts_what_a_study_has(shipped):
    rows = {line[:12].strip(): line[12:] for line in printed(WIDE, print_asked, shipped, None)}
    sizes = {"factors": len(shipped.gathered_inputs), "groups": len(shipped.groups), "gates": len(shipped.gates)}
    assert {f"{count} {what}" for what, count in sizes.items()} <= {*rows["asks"].split(", ")}
    apart = [name for name in differing(shipped) if name in shipped.model.levers]
    assert rows["policies"] == f"2; they differ in {len(apart)} of {len(shipped.model.levers)} levers"
    asked = [item for item in shipped.gathered_inputs if item.targets]
    assert rows["priors"].startswith(f"{len(asked)} ") and "bounds" not in rows


def test_levers_that_differ_are_those_whose_values_do(shipped):
    apart = differing(shipped)
    assert apart and all(len({*values}) > 1 and len(values) == 2 for values in apart.values())
    assert apart["before"] == ["-", "old"]


def test_bounds_are_a_row_a_variable_and_side_in_percent(tide):
    yearly = program(tide).first_years(512)
    often = standings(tide, by_year(tide.model, yearly))
    lines = printed(WIDE, print_standings, tide, yearly)
    rows = [line.split() for line in lines if line.startswith("height")]
    assert len(rows) == len({(one.variable, one.side) for one in often})
    for _, limit, unit, *shares in rows:
        own = {one.policy: one.share for one in often if one.limit == float(limit)}
        assert unit == "m"
        assert shares == [f"{100 * own[name]:.1f}" + "*" * (own[name] > MANY) for name in tide.policy_names]
    assert f"{yearly.shape[-1]} paths" in flat(lines)
    assert printed(WIDE, print_standings, tide, None) == []
    assert often[0].text in flat(printed(WIDE, print_asked, tide, yearly))


def test_a_bound_is_named_after_a_run_where_many_stand_on_it():
    many, more, few = (OnBound("height", "low", -1.0, "calm", share) for share in (3 * MANY, 2 * MANY, MANY / 2))
    assert piled_up([few]) == "" and printed(WIDE, print_piled_up, [few]) == []
    assert many.text in piled_up([many, few]) and "more" not in piled_up([many, few])
    assert "1 more" in piled_up([many, more, few])
    assert flat(printed(WIDE, print_piled_up, [many, more, few])) == piled_up([many, more, few])


@pytest.mark.parametrize("full", [False, True])
def test_constants_have_their_number_and_whose_it_is(full):
    answer = constants.answer(well(constants={"start_share": 0.75}))
    every = [*answer["constants"].rows()]
    lines = printed(WIDE, print_constants, answer, full)
    rows = rows_of(lines)
    for row in every[: None if full else MOST_ROWS]:
        own = f"{row['value']:.6g}" if row["whose"] != "drawn" else "drawn"
        assert rows[row["constant"]][0] == own
        assert (f"(not {row['stated']:.6g})" in flat([" ".join(rows[row["constant"]])])) == (row["whose"] != "model")
        assert (row["source"] in flat(lines)) == full
    assert flat(lines).startswith(answer.finding) and flat(lines).endswith(CHANGE)


def test_gates_say_whether_they_hold_and_the_rest_in_full(tide):
    answer = gates.answer(tide)
    of = {row["gate"]: row for row in answer["gates"].rows()}
    for full in (False, True):
        rows = rows_of(printed(WIDE, print_gates, answer, full))
        for name, row in of.items():
            assert rows[name][0] == {"yes": "yes", "no": "NO", "": "-"}[row["held"]]
            words = " ".join(rows[name])
            band = f"{row['p05']:,.4g} to {row['p95']:,.4g}" if row["p05"] is not None else "-"
            assert band in words and (row["of"] in words) == full and (row["policy"] in rows[name]) == full
    assert printed(WIDE, print_gates, answer, False)[-1] == answer.finding


def test_a_forecast_has_a_row_a_sampler(bridge):
    answer = forecast.answer(bridge)
    lines = printed(WIDE, print_forecast, answer, True)
    rows, table = rows_of(lines), [*answer["forecast"].rows()]
    assert {row["target"] for row in table} == {*map(str, bridge.until)} and flat(lines).startswith(answer.finding)
    for row in table:
        words = " ".join(rows[row["sampler"]])
        if row["futures"]:
            assert few_digits(row["futures"]) in words and size_as_text(int(row["bytes"])) in words
        assert words.startswith(f"{row['pilot']:,.0f}")
