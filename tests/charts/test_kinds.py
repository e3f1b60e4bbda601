"""Every kind of figure, of a plain cube and of all that figures break on: valid charts, files of every format."""

import itertools
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from engine.charts import export, kinds, theme
from engine.charts.kinds import KINDS, SOURCES, Kind, chart, tables_of
from engine.errors import UserError
from tests.charts.placed import Line, lines
from tests.drawn_cubes import CASES, Case, drawn
from tests.pairs import in_turn


def made_of(kind, case, **options):
    """The tables and the chart of a kind, from a made-up cube: one of `CASES` or another."""
    source = drawn(CASES.get(case, case))
    data = tables_of(kind, {name: getattr(source, name) for name in KINDS[kind].of}, options)
    return data, chart(kind, data)


def every(value, key):
    """All values under a key, at any depth of a specification."""
    if isinstance(value, dict):
        return [one for k, inner in value.items() for one in ([inner] if k == key else []) + every(inner, key)]
    return [one for inner in value for one in every(inner, key)] if isinstance(value, list) else []


@pytest.mark.parametrize(("kind", "case"), in_turn(KINDS, CASES, 3))
def test_every_kind_gives_a_valid_chart_whatever_it_is_drawn_from(kind, case):
    data, made = made_of(kind, case)
    spec = export.specification(made)  # Altair validates it against the schema of Vega-Lite
    text = json.dumps(spec, allow_nan=False)
    assert data[0].attrs["title"] and spec["title"]["text"] and spec["description"].startswith(data[0].attrs["title"])
    assert all(isinstance(one, pd.DataFrame) for one in data)
    shown = {tip if isinstance(tip, str) else tip["field"] for tip in _flat(every(spec, "tooltip"))}
    fields = {field for rows in spec["datasets"].values() for row in rows for field in row}
    assert shown <= fields | {"marker"}, shown - fields
    assert "NaN" not in text and "Infinity" not in text
    assert all("encoding" in layer for layers in every(spec, "layer") for layer in layers)  # which report.js reads


def _flat(values):
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def written(made) -> list[Line]:
    """The lines of text of a chart where its SVG places them."""
    return lines(export.rendered(export.specification(made), "svg").decode())


@pytest.mark.parametrize(("kind", "case"), in_turn(KINDS, CASES, 3))
def test_no_two_texts_of_a_figure_overlap(kind, case):
    _, made = made_of(kind, case)
    pairs = itertools.combinations(written(made), 2)
    assert [(one.text, other.text) for one, other in pairs if one.covers(other)] == []


@pytest.mark.parametrize("kind", ["fan", "replay", "differences", "tails"])
def test_heads_of_panels_with_scales_of_their_own_stand_level(kind):
    (data,), made = made_of(kind, Case(policies=3, dims=("region",), paths=300))
    panels = data.attrs["panels"]
    heads = [line for line in written(made) if line.bold and " ".join(line.lines).replace("\xa0", " ") in panels]
    levels = sorted({line.bottom for line in heads if line.text == line.lines[-1]})
    assert len(levels) < len(panels) and all(high - low > 100 for low, high in itertools.pairwise(levels))


def test_an_axis_stands_below_panels_alone():
    _, made = made_of("overview", Case(policies=6, paths=300))
    last = [line for line in written(made) if line.text == "2030"]
    assert len(last) == 6  # four panels in the first row and two in the second


def test_ticks_of_logarithmic_axes_are_round_and_few():
    assert theme.log_ticks(0.3, 50) == [0.5, 1, 2, 5, 10, 20, 50]
    assert theme.log_ticks(400, 1050) == [400, 500, 600, 700, 800, 900, 1000]
    assert theme.log_ticks(1.99, 700) == [3, 10, 30, 100, 300]
    assert theme.log_ticks(1.1, 1.9) is None


def test_small_panels_of_long_spans_name_years_between():
    assert theme.year_axis(1991, 2024, 3)["axis"]["values"] == [1991, 2000, 2010, 2024]
    assert theme.year_axis(2016, 2030, 3)["axis"]["values"] == [2016, 2020, 2025, 2030]
    assert theme.year_axis(2016, 2017, 3)["axis"]["values"] == [2016, 2017]


@pytest.mark.parametrize("suffix", export.FORMATS)
def test_files_are_the_same_every_time_and_say_their_format(suffix, tmp_path):
    _, made = made_of("exceedance", "plain")
    first, second = (export.save(made, tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab")
    begins = {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF", "html": b"<!DOCTYPE html>", "json": b"{"}
    assert first == second and first.lstrip().startswith(begins[suffix])


def test_the_schemes_differ_in_their_colours_alone():
    _, made = made_of("fan", "plain")
    light, dark, page = (export.specification(made, scheme) for scheme in ("light", "dark", "page"))
    assert light["config"]["background"] == "#FFFFFF" and dark["config"]["background"] != "#FFFFFF"
    assert page["config"]["range"]["category"][0] == "var(--p0)"
    assert {**light, "config": 0} == {**dark, "config": 0} == {**page, "config": 0}


def test_a_legend_shows_lines_and_their_dashes_and_each_policy_keeps_its_look():
    data, made = made_of("exceedance", "plain", policies=["policy_1"])
    assert data[0].attrs["policies"] == ["Policy 0", "Policy 1"] and data[0].attrs["shown"] == ["Policy 1"]
    spec = export.specification(made)
    (line,) = [layer["encoding"] for layer in spec["layer"] if layer["mark"]["type"] == "line"]
    assert line["color"]["legend"]["symbolType"] == "stroke" and line["color"]["legend"]["values"] == ["Policy 1"]
    assert line["strokeDash"]["scale"] == {
        "domain": ["Policy 0", "Policy 1"], "range": [list(dash) for dash in theme.DASHES[:2]],
    }  # fmt: skip


def test_legends_and_heads_find_the_labels_that_are_written_out():
    (data,), _ = made_of("replay", "plain")
    odd = "Policy\u200f \x1b"
    made = data.assign(policy=odd, panel=odd)
    made.attrs = {**data.attrs, "policies": [odd], "shown": [odd], "panels": [odd]}
    spec = export.specification(chart("replay", (made,)))
    maps = [text.rpartition("[datum.")[0] for key in ("labelExpr", "calculate") for text in every(spec, key)]
    found = [[*json.loads(text)] for text in maps if text.startswith("{")]
    assert found == [["Policy\\u200f \\x1b"]] * 4  # of colours, dashes, panels and shapes


@pytest.mark.parametrize("text", ["a " * 60, "word_with_parts_" * 12, "煤炭 与 钢铁 " * 20, "99 % of it " * 9])
def test_lines_hold_every_word_and_are_as_wide_as_they_may_be(text):
    broken = theme.lines(text, 200)
    assert "".join(broken).replace(" ", "").replace("\xa0", "") == text.replace(" ", "")
    assert len(broken) > 1 and all(theme._width(line, theme.TEXT) <= 200 for line in broken)
    assert not any(line.startswith("%") for line in broken)


def test_chinese_characters_without_a_font_give_a_warning(monkeypatch):
    monkeypatch.setattr(export, "_has_eastern", lambda: False)
    _, made = made_of("exceedance", "plain")
    spec = export.specification(made)
    with pytest.warns(UserWarning, match="Install Noto Sans CJK"):
        export.rendered({**spec, "title": "煤炭"}, "svg")


def test_every_kind_is_a_row_of_the_page():
    page = (Path(__file__).parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [*KINDS]
    for kind in KINDS.values():
        assert set(kind.of) and set(kind.of) <= set(SOURCES)
    assert KINDS["tails"].takes == ("variable", "where", "policies", "year")
    assert KINDS["exceedance"].takes == ("variable", "policies")


def test_a_kind_is_a_table_a_chart_and_one_row(monkeypatch):
    def dice(study, policies=None, *, most=1):
        frame = pd.DataFrame({"policy": policies, "value": [1.0]})
        frame.attrs = {"title": "Dice", "note": ""}
        return frame

    monkeypatch.setattr(kinds, "KINDS", {**KINDS, "dice": Kind(dice, lambda data: data, "nothing")})
    (data,) = tables_of("dice", {"study": None}, {"policies": ["old"]})
    assert data.policy.tolist() == ["old"]
    with pytest.raises(UserError, match=r"expected an option of .* \(policies\)"):
        tables_of("dice", {"study": None}, {"year": 2030})
