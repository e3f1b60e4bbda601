"""The report: one file that holds everything, says the same of the same run, and lets no text of a study out of its
place.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from engine.charts.theme import COLOURS, DASHES, ON_DARK, SHAPES
from engine.modelling.records import Lever, Yearly
from engine.report import pictures
from engine.report.markup import Section, render, unbroken
from engine.report.page import LARGEST, page
from engine.report.records import records_of
from engine.report.sections import SECTIONS
from tests.report.farms import (
    EVIL,
    Farms,
    Plain,
    Reader,
    data_of,
    made,
    make_study,
    make_tree,
    normal,
    page_of,
    rows_of,
)


@pytest.fixture(scope="module")
def plain() -> str:
    """The page of two policies and 2,000 paths."""
    return page_of(2000, ("old", "new"))


def test_the_page_has_every_section_and_every_chart_its_title_and_description(plain):
    page = Reader(plain)
    headings = [attrs["id"] for attrs in page.of("h2")]
    assert headings == ["answer", "numbers", "sure", "turns", "risk", "assumed", "computed"]
    first, rest = plain[plain.index("<main") :].split('<div class="appendix">')
    assert [re.findall(r'<h2 id="(\w+)"', part) for part in (first, rest)] == [headings[:4], headings[4:]]
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    figures = [attrs["id"] for attrs in page.of("figure")]
    assert set(figures) == set(data_of(plain)["charts"])
    plots = [attrs for attrs in page.of("div") if "data-chart" in attrs]
    assert len(plots) == len(figures) and all(attrs["role"] == "img" and attrs["aria-label"] for attrs in plots)
    assert len(figures) == len(set(figures)) <= pictures.MOST
    for figure, plot in zip(re.findall(r"<figure.*?</figure>", plain, re.DOTALL), plots, strict=True):
        (title,) = re.findall(r"<h3 class=\"name\">(.*?)</h3>", figure)
        assert Reader(title).words[0].replace("\xa0", " ") in plot["aria-label"].replace("\xa0", " ")
    for link in page.of("a"):
        assert link["href"].lstrip("#") in ids


def test_nothing_is_loaded_and_nothing_is_evaluated(plain):
    page = Reader(plain)
    for tag, attrs in page.tags:
        assert "src" not in attrs and not any(name.startswith("on") for name in attrs), tag
        assert tag not in ("iframe", "object", "embed", "img") and (tag != "link" or attrs["href"] == "data:,")
    policy = next(a["content"] for a in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'") and "unsafe-eval" not in policy
    assert len(re.findall(r"'sha256-[^']+'", policy)) == 2


def test_the_same_run_gives_the_same_bytes_and_few_of_them(plain):
    assert made(make_study(Farms(), 2000, ("old", "new"))) == plain
    assert len(plain) < LARGEST


def test_no_text_of_a_study_becomes_markup():
    study = make_study(Farms(), 500, ("old", "new"), text=EVIL)
    runs = [
        {"started": EVIL, "ended": EVIL, "status": EVIL, "error": EVIL, "blocks": EVIL, "cpu": EVIL, "command": [EVIL]}
    ]
    text = made(study, runs=runs, versions=[{"jax": EVIL}])
    page = Reader(text)
    assert not page.of("img")
    assert len(page.of("script")) == 3
    assert " ".join(page.words).count("alert(1)") > 20
    outside = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert "<img" not in outside and "<!--" not in outside
    held = data_of(text)
    assert EVIL in json.dumps(held, ensure_ascii=False).replace('\\"', '"')


def test_control_characters_of_a_study_are_written_out():
    evil = "red \x1b[31m, a bell \x07, backwards \u202e"
    text = made(make_study(Farms(), 500, ("old", "new"), text=evil), versions=[{"jax": evil}])
    shown = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL), json.dumps(data_of(text), ensure_ascii=False)
    for part in shown:
        assert not re.search("[\x07\x1b\u202e]|\\\\u001b|\\\\u0007", part)
    assert r"red \x1b[31m, a bell \x07, backwards \u202e" in shown[0]


class Rivers(Farms):
    dims = {"basin": ("upper", "lower"), "water_use": ("farm", "town", "works")}
    levers = {"quota": Lever("1", 1.0)}
    yearly = {"harvest": Yearly("kt", ("basin", "water_use"), loss=True), "gdp": Yearly("1", ("water_use",))}


class Lone(Farms):
    dims = {}
    levers = {"quota": Lever("1", 1.0)}
    yearly = {"harvest": Yearly("kt", loss=True), "gdp": Yearly("1")}


def test_places_are_the_labels_of_the_models_own_dimensions():
    panels = ["farm", "town", "works"]
    drawn = data_of(made(make_study(Rivers(), 200, ("old", "new"))))["charts"]
    assert {*rows_of(drawn["fan-gdp"])[0]} >= {"panel", "policy", "year", "q05", "q25", "median", "q75", "q95"}
    assert [*dict.fromkeys(row["panel"] for row in rows_of(drawn["fan-gdp"]))] == panels
    places = {row["panel"] for row in rows_of(drawn["fan-harvest"])}
    assert places == {f"{basin}, {use}" for basin in ("upper", "lower") for use in panels}


def test_a_chart_of_very_many_places_is_left_out():
    model = Rivers()
    model.dims = {**Rivers.dims, "basin": tuple(f"basin {k}" for k in range(900))}
    model.yearly = {"harvest": Yearly("kt", ("basin",), loss=True), "gdp": Yearly("1")}
    drawn = data_of(made(make_study(model, 4, ("old", "new"))))["charts"]
    assert "fan-gdp" in drawn and "fan-harvest" not in drawn


def test_a_static_model_with_one_policy_has_a_page():
    text = made(make_study(Plain(), 1000, ("only",)))
    page = Reader(text)
    assert [attrs["id"] for attrs in page.of("h2")] == [
        "answer", "numbers", "sure", "turns", "risk", "assumed", "computed"
    ]  # fmt: skip
    assert "The run has no other policy" in text and 'class="switch"' not in text and 'id="worse"' not in text


@pytest.mark.parametrize("paths", [1, 30])
def test_few_paths_have_a_page_that_claims_nothing(paths):
    study = make_study(Farms(), paths, ("old", "new"))
    words = " ".join(Reader(made(study, normal(study, 0.0))).words)
    answer = words[words.index("The answer", words.index("Contents") + 60) :][:900]
    assert "is unknown" in answer or "do not differ significantly" in answer
    assert "better than" not in answer and "lowers" not in answer


def test_paths_that_are_not_finite_are_told():
    study = make_study(Farms(), 1000, ("old", "new"))
    values = normal(study)
    values[0, 1, :10] = np.nan
    words = " ".join(Reader(made(study, values)).words)
    assert "10 of 1,000 paths" in words and "nan" not in words.lower().split()
    values[0] = np.nan
    text = made(study, values)
    assert "no paths" in " ".join(Reader(text).words) or "not finite" in text


def test_twenty_policies_with_long_names_have_a_page():
    names = tuple(f"{'policy_of_a_very_long_name_' * 3}"[:57] + f"_{k:02d}" for k in range(20))
    text = made(make_study(Farms(), 2000, names))
    assert len(text) < LARGEST
    assert len([a for a in Reader(text).of("input") if a.get("type") == "checkbox"]) == 20
    looks = {(COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)], SHAPES[k % len(SHAPES)]) for k in range(40)}
    assert len(looks) == 40


def test_colours_are_variables_of_the_page_with_a_value_in_either_scheme(plain):
    light, dark = re.findall(r":root { (--p0.*?) }", plain)
    for colours, said in ((COLOURS, light), (ON_DARK, dark)):
        assert said == " ".join(f"--p{k}: {colour};" for k, colour in enumerate(colours))
    assert plain.count("--p0:") == 2
    held = json.dumps(data_of(plain)["charts"])
    assert "var(--p0)" in held and not re.search("#[0-9A-Fa-f]{6}", held)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_charts_keep_their_bands_with_any_number_of_policies(count):
    names = tuple(f"policy_{k}" for k in range(count))
    held = data_of(made(make_study(Lone(), 500, names)))["charts"]
    fan, tail = held["fan-gdp"], held["exceedance-gdp_index"]
    assert count > 3 or {row["panel"] for row in rows_of(held["fan-harvest"])} == {""}  # a model without dimensions
    assert ("facet" in fan) == (count > 3)
    layers = fan["spec"]["layer"] if count > 3 else fan["layer"]
    assert [one["mark"]["opacity"] for one in (*layers, *tail["layer"]) if one["mark"]["type"] == "area"] == [
        0.15,
        0.28,
        0.25,
    ]


def test_a_policy_has_one_marker_in_all_charts(plain):
    def transforms(part):
        held = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        own = part.get("transform", []) if isinstance(part, dict) else []
        return [*own, *(step for inner in held for step in transforms(inner))]

    marked = [step["calculate"] for step in transforms(data_of(plain)["charts"]) if step.get("as") == "marker"]
    assert len(marked) > 1 and all('{"Old": "circle", "New": "square"}' in one for one in marked)


def test_the_head_names_who_answers_and_the_day_and_the_model_says_what_it_cannot():
    class Honest(Farms):
        limits = ("Nothing of hail.", f"Nothing of {EVIL}.")

    study = make_study(Honest(), 100, ("old", "new"), author="A. Nother")
    runs = [
        {
            "started": "2026-01-02T10:00:00+00:00",
            "ended": "2026-01-03T09:00:00+00:00",
            "status": "completed",
            "blocks": "0",
        },
        {
            "started": "2026-02-02T10:00:00+00:00",
            "ended": "2026-02-03T09:00:00+00:00",
            "status": "completed",
            "blocks": "",
        },
    ]
    text = made(study, runs=runs)
    assert '<p class="meta"><span>A. Nother</span><span>3 January 2026</span><span>100 futures</span>' in text
    assert len(re.findall(r'<h2 id="limits">', text)) == 1
    assert "<li>Nothing of hail.</li>" in text and not Reader(text).of("img")
    assert 'id="limits"' not in made(make_study(Farms(), 100, ("old", "new")))


def test_policies_events_and_outcomes_have_their_labels_everywhere():
    labels = {
        "policies": {"old": "As it was"},
        "events": {"ruin": "Farms ruined"},
        "outcomes": {"shortage": "Grain short"},
    }
    text = made(make_study(Farms(), 2000, ("old", "new"), labels=labels))
    held = data_of(text)
    assert held["policies"] == ["As it was", "New"]
    words = " ".join(Reader(text).words).replace("\xa0", " ")
    assert "“Farms ruined” [% of futures]" in words and "better than as it was in the mean of grain short [kt]" in words
    assert "Grain short > 1 kt" in words and "New less as it was" in words
    assert not re.search(r"\bold\b", re.sub(r"<code>.*?</code>|<script.*?</script>", "", text, flags=re.DOTALL))


def test_a_section_is_one_function(plain):
    study = make_study(Plain(), 100, ("old", "new"))
    run = records_of(study, make_tree(study, normal(study)))

    def section(of):
        return Section("mine", f"About {of.study.name} <b>", render("limits.html", limits=["<i>"]))

    text = page(run, [*SECTIONS, section, lambda of: None]).decode()  # a section may be None
    assert '<h2 id="mine">About farms &lt;b&gt;</h2>' in text and "<li>&lt;i&gt;</li>" in text


def test_names_are_words_with_the_capitals_of_the_study():
    study = make_study(Farms(), 100, ("old", "new"))
    assert study.title("outcomes", "gdp_index") == "GDP index" and study.title("outcomes", "shortage") == "Shortage"
    assert unbroken("1.5 % [1, 2] of x") == "1.5\u00a0% [1,\u00a02] of x"


def test_a_page_of_outcomes_that_are_not_kept_has_their_numbers_and_fans():
    study = make_study(Farms(), 2000, ("old", "new"))
    tree = make_tree(study, normal(study))
    kept = replace(study, keep=replace(study.keep, outcomes=()))
    parts = {node.path: node.to_dataset() for node in tree.subtree if node.path != "/paths"}
    text = page(records_of(kept, xr.DataTree.from_dict(parts))).decode()
    assert set(data_of(text)["charts"]) == {"fan-harvest", "fan-gdp"}
    assert "Shortage [kt], mean" in text and "VaR99" in text
