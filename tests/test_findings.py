"""The tables of docs/findings.md and docs/article.md that a run of `rustbelt_readings` fills are its own."""

import importlib.util
from pathlib import Path

import pytest

from engine import load_study

SCRIPT = Path(__file__).parents[1] / "docs" / "findings_numbers.py"
spec = importlib.util.spec_from_file_location("findings_numbers", SCRIPT)
findings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(findings)
TEXTS = [path.read_text(encoding="utf-8") for path in findings.PAGES]


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
