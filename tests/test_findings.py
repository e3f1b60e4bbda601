"""The tables of docs/findings.md, docs/article.md and README.md that runs of the rustbelt studies give are theirs."""

import importlib.util
from pathlib import Path

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


def views(page: str) -> list[list[str]]:
    """The cells of the table of the shipped priors, those of 2016, and the posterior, without the names of its rows."""
    rows = page.split("| event | shipped priors |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")[1:]] for row in rows]


@pytest.mark.slow
def test_views_of_the_pages_are_those_of_their_runs(tmp_path):
    def pair(of, scale=1.0):
        return [scale * float(of.sel(stat="estimate", policy=policy)) for policy in ("old", "reform")]

    posterior = load_study("rustbelt_2016", paths=1 << 16, settings=["facts.until=2018"])
    columns, bills, shortfalls = [], [], []
    for number, study in enumerate(("rustbelt", "rustbelt_2016", posterior)):
        cube = engine.open_cube(engine.run(study, out=tmp_path / str(number)).folder)
        chances = [pair(cube["events"]["probability"].sel(event=name), 100.0) for name in EVENTS]
        columns.append([" / ".join(f"{x:.1f}" if x >= 1 else f"{x:.2g}" for x in both) for both in chances])
        old, reform = pair(cube["risk"]["total_bill"].sel(measure="mean"))
        bills.append(f"{reform - old:.1f} %".replace("-", "−"))
        shortfalls.append([f"{x:.1f}" for x in pair(cube["risk"]["capital_shortfall_peak"].sel(measure="mean"))])
    table, (page, _) = [list(row) for row in zip(*columns, strict=True)], TEXTS
    assert views(page) == table
    assert views(README) == table[:4]
    shipped, before, given = bills
    assert f"difference of its mean public bill is {shipped} of the region's 2015 GDP" in page
    assert f"with the priors of 2016 it is {before}, and given the figures to 2018 it is {given}" in page
    (old, reform), (old_given, reform_given) = shortfalls[1:]
    assert f"from {old} to {old_given} % of GDP under old policies and from {reform} to {reform_given} %" in page
