"""What the rustbelt model is held against: a table of figures whose places, years and words are right, and whose sums
recompute.
"""

import csv
import math
import re
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from engine.models import rustbelt
from engine.models.rustbelt.labels import REGION, SECTOR
from engine.models.rustbelt.yearly import YEARLY
from engine.questions.backtest.backtest import backtest
from engine.study.loading import load_study

COLUMNS = "series time from variable at across fold value unit standard_error source confidence break seen reading"
ROWS = list(
    csv.DictReader((resources.files(rustbelt) / "observed.csv").read_text(encoding="utf-8").splitlines(), strict=True)
)
PAGE = Path(__file__).parents[2] / "docs" / "rustbelt-model.md"
FIRST = 2016
WORDS = {
    "confidence": {"read", "remembered", "derived"},
    "seen": {"", "priors", "equations"},
    "across": {"", "sum", "mean", "peak", "lowest"},
    "fold": {"", "total", "mean", "peak", "lowest", "change", "ratio"},
    "reading": {"", "as reported", "less reclassified furnaces"},
}
NUMBER = r"(\d+(?:\.\d+)?)"
SUMS = {
    rf"log\({NUMBER}/{NUMBER}\): ": lambda a, b: math.log(a / b),
    rf"{NUMBER}/{NUMBER}: ": lambda a, b: a / b,
    rf"{NUMBER} - {NUMBER}: ": lambda a, b: a - b,
}


def named(row: dict[str, str]) -> str:
    """A row as the name of its test."""
    return f"{row['series']} {row['time']} {row['reading']}".strip()


def place(row: dict[str, str]) -> dict[str, str]:
    """The label of each dimension that a row names."""
    return dict(part.split("=") for part in row["at"].split("; ")) if row["at"] else {}


def computed(source: str) -> float | None:
    """What the sum at the head of a source gives; none where it states none."""
    for pattern, of in SUMS.items():
        if found := re.match(pattern, source):
            return of(*map(float, found.groups()))
    return None


def scored(seen: set[str], reading: str) -> int:
    """How many rows count in one reading, of a study to which these marks are seen."""
    return sum(
        int(row["time"]) >= FIRST
        and row["confidence"] == "read"
        and row["seen"] not in seen
        and row["reading"] in ("", reading)
        for row in ROWS
    )


def test_its_columns_are_those_of_observations():
    assert all(list(row) == COLUMNS.split() and None not in row.values() for row in ROWS)


def recomputes(row: dict[str, str]) -> bool:
    """Whether the sum that a source states gives the value, as far as its decimals go; a derived value needs one."""
    value = computed(row["source"])
    if value is None:
        return row["confidence"] != "derived"
    decimals = len(row["value"].partition(".")[2])
    return abs(float(row["value"]) - value) <= 0.5 * 10**-decimals + 1e-9


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_row_is_of_what_the_model_records_in_words_and_numbers_that_are_allowed(row):
    dims, labels = YEARLY[row["variable"]].dims, place(row)
    assert set(labels) <= set(dims)
    assert all(label in (REGION | SECTOR)[dim] for dim, label in labels.items())
    assert bool(row["across"]) == bool(set(dims) - set(labels))
    assert all(re.fullmatch(r"(19|20)\d\d", row[name]) for name in ("time", "from") if row[name])
    assert row["time"] and bool(row["from"]) == bool(row["fold"])
    assert not row["from"] or int(row["from"]) < int(row["time"])
    assert math.isfinite(float(row["value"])) and float(row["standard_error"] or 0) >= 0
    assert row["source"] and recomputes(row)
    assert row["unit"] in {YEARLY[row["variable"]].unit, "%"}
    assert all(row[name] in allowed for name, allowed in WORDS.items())


def test_a_figure_stands_once():
    times = Counter(tuple(row[k] for k in ("series", "time", "from", "fold", "reading")) for row in ROWS)
    assert max(times.values()) == 1
    plain = {(row["series"], row["time"]) for row in ROWS if not row["reading"]}
    assert not [named(row) for row in ROWS if row["reading"] and (row["series"], row["time"]) in plain]


def test_rows_of_a_series_are_of_one_thing():
    things = {(r["series"], r["variable"], r["at"], r["across"], r["fold"], r["unit"]) for r in ROWS}
    assert len(things) == len({row["series"] for row in ROWS})


def test_the_page_counts_what_is_scored():
    after = [row for row in ROWS if int(row["time"]) >= FIRST and row["reading"] != "as reported"]
    counts = [
        len(ROWS),
        len(after),
        scored({"equations"}, "as reported"),
        scored(set(WORDS["seen"]) - {""}, "as reported"),
    ]
    said = re.search(
        r"(\d+) rows.*?(\d+) of them from 2016 on.*?\b(\d+) are scored in the view of October 2016 and (\d+) in the"
        r" shipped study",
        PAGE.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert said and list(map(int, said.groups())) == counts


@pytest.mark.slow
@pytest.mark.parametrize(("name", "column"), [("rustbelt_2016", 1), ("rustbelt", 2)])
def test_the_published_score_is_that_of_the_command(name, column):
    page = (Path(__file__).parents[2] / "docs" / "findings.md").read_text("utf-8")
    study = load_study(name)
    _, (reading, *_) = backtest(study)
    within, ratio = reading.calibration.coverage(0.9), reading.relative_error()
    closer = sum(row["crps"].estimate < row["of_last"] for row in reading.scored)
    count, energy = len(reading.scored), reading.calibration.energy()
    published = [
        line.split("|")[column + 1].strip()
        for line in page.splitlines()
        if line.startswith("| ") and line.count(" | ") == 2
    ]
    for text in (
        f"{count}",
        f"{within.value:.0f} ({within.expected:.1f}; {within.expected_from:.0f} to {within.expected_to:.0f})",
        f"{closer} of {count}",
        f"{ratio.value:.2f} ({ratio.expected:.2f})",
        f"{energy.value:.1f} ({energy.expected:.1f}; {energy.expected_from:.1f} to {energy.expected_to:.1f})",
    ):
        assert text in published
    assert f"`{study.beliefs}`" in page
