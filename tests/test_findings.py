"""The tables of docs/findings.md, docs/article.md and README.md that runs of the rustbelt studies give are theirs."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import engine
from engine import load_study

SCRIPT = Path(__file__).parents[1] / "docs" / "findings_numbers.py"
spec = importlib.util.spec_from_file_location("findings_numbers", SCRIPT)
findings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(findings)
TEXTS = [path.read_text(encoding="utf-8") for path in findings.PAGES]
README = (SCRIPT.parents[1] / "README.md").read_text(encoding="utf-8")
EVENTS = ("soe_insolvent", "banks_wrecked", "jobs_demolished", "region_devastated", "soe_defaulted", "three_million")
"""The events of the rows of the table of views in docs/findings.md; README.md has the first four."""


def test_the_study_differs_from_the_shipped_one_in_no_number():
    own, shipped = load_study("rustbelt_readings"), load_study("rustbelt")
    assert own.beliefs == shipped.beliefs
    assert set(findings.EVENTS) <= set(own.events_by_name)
    assert set(findings.INPUTS) <= {item.name for item in own.inputs}


@pytest.mark.slow
def test_tables_of_the_pages_are_those_of_a_run():
    found = findings.run()
    assert {name for text in TEXTS for _, name in findings.TABLE.findall(text)} == set(found)
    for text in TEXTS:
        assert findings.filled(text, found) == text


def test_a_person_year_saved_costs_within_a_factor_of_ten_of_a_wage():
    wage = load_study("rustbelt").model.constants["wage"].value
    rows = TEXTS[0].split("<!--table prices-->\n")[1].split("\n\n")[0].splitlines()[2:]
    costs = [float(row.rstrip(" |").rpartition("|")[2]) for row in rows]
    assert len(costs) == len(findings.LEVERS)
    assert all(wage / 10 < cost < 10 * wage for cost in costs)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The cube of the shipped study with all its paths."""
    return engine.open_cube(engine.run("rustbelt", out=tmp_path_factory.mktemp("shipped") / "run").folder)


def pair(of, scale=1.0):
    """The estimates under old policies and reform."""
    return [scale * float(of.sel(stat="estimate", policy=policy)) for policy in ("old", "reform")]


def chances(cube, event):
    """The probabilities of an event under old policies and reform [%]."""
    return pair(cube["events"]["probability"].sel(event=event), 100.0)


def means(cube, outcome):
    """The means of an outcome under old policies and reform."""
    return pair(cube["risk"][outcome].sel(measure="mean"))


def views(page: str) -> list[list[str]]:
    """The cells of the table of the shipped priors, those of 2016, and the posterior, without the names of its rows."""
    rows = page.split("| event | shipped priors |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")[1:]] for row in rows]


@pytest.mark.slow
def test_views_of_the_pages_are_those_of_their_runs(shipped, tmp_path):
    posterior = load_study("rustbelt_2016", paths=1 << 16, settings=["facts.until=2018"])
    columns, bills, shortfalls = [], [], []
    others = (
        engine.open_cube(engine.run(study, out=tmp_path / str(number)).folder)
        for number, study in enumerate(("rustbelt_2016", posterior))
    )
    for cube in (shipped, *others):
        every = [chances(cube, name) for name in EVENTS]
        columns.append([" / ".join(f"{x:.1f}" if x >= 1 else f"{x:.2g}" for x in both) for both in every])
        old, reform = means(cube, "total_bill")
        bills.append(f"{reform - old:.1f} %".replace("-", "−"))
        shortfalls.append([f"{x:.1f}" for x in means(cube, "capital_shortfall_peak")])
    table, (page, _) = [list(row) for row in zip(*columns, strict=True)], TEXTS
    assert views(page) == table
    assert views(README) == table[:4]
    shipped, before, given = bills
    assert f"difference of its mean public bill is {shipped} of the region's 2015 GDP" in page
    assert f"with the priors of 2016 it is {before}, and given the figures to 2018 it is {given}" in page
    (old, reform), (old_given, reform_given) = shortfalls[1:]
    assert f"from {old} to {old_given} % of GDP under old policies and from {reform} to {reform_given} %" in page


@pytest.mark.slow
def test_numbers_within_sentences_are_those_of_the_shipped_run(shipped):
    page, model = TEXTS[0], (SCRIPT.parent / "rustbelt-model.md").read_text(encoding="utf-8")
    laid_off = np.subtract(*reversed(means(shipped, "layoffs")))
    assert f"reform lays off {1000 * round(laid_off):,} more people on average" in page
    capacity = shipped["moments"]["capacity"].sel(moment="mean", sector="steel", year=2020)
    old, reform = (float(capacity.sel(policy=policy)) for policy in ("old", "reform"))
    assert f"falls from 1,150 to {old:.0f} Mt/yr by 2020" in page
    assert f"Steel capacity is {old - reform:.0f} Mt/yr lower than under old policies in 2020" in page
    assert max(chances(shipped, "three_million_by_cuts")) < 1
    reported = {f"{chance:.2f}" for chance in chances(shipped, "banks_wrecked_reported")}
    assert f"cannot be distinguished ({min(reported)} % under both)" in page and len(reported) == 1
    old, reform = (f"{chance:.1f} %" for chance in chances(shipped, "region_left_behind"))
    assert f"falls behind the nation in {reform} of paths under reform and in {old} under old policies" in page
    old, reform = (f"{chance:.1f}" for chance in chances(shipped, "region_devastated_2020"))
    assert f"about as rare under either policy ({reform} and {old} %)" in page
    (on_sectors, _), (on_others, _) = (means(shipped, f"bank_loss_on_{name}") for name in ("sectors", "state_firms"))
    whole = on_sectors + on_others
    assert f"About {10 * round(10 * on_others / whole)} % of the loss on state firms" in page
    assert f"({on_others:.1f} of {whole:.1f} % of GDP under old policies)" in page
    old, reform = (f"{mean:.1f}" for mean in means(shipped, "bank_loss"))
    assert f"the larger part of all recognised losses ({old} and {reform} % of 2015 GDP)" in model
    paths = shipped["paths"]
    last, early = (
        float((paths[name].sel(policy="reform") > paths[name].sel(policy="old")).mean())
        for name in ("gdp_index_last", "gdp_index_2020")
    )
    assert f"Reform has the higher GDP in 2030 in {100 * last:.0f} % of paths" in model
    assert f"In 2020 it is {100 * early:.0f} %, with the lower mean" in model
    assert np.diff(means(shipped, "gdp_index_2020")) < 0
