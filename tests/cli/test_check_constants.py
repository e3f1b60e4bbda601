"""`rustbelt check --constants`: the numbers that a model takes for known, what a study makes of them, and how to have
others.
"""

import json
import re

import pytest
from jsonschema import validate

from engine.answers.plain import SCHEMA
from engine.cli.show import streams
from engine.cli.show.constant_table import MOST_ROWS
from tests.constant_studies import MODELS
from tests.small_files import BRIDGE, call, own, write

STUDY = """
name = "well"
run = { paths = 64 }
time = { first = 2016, last = 2020 }
[factors]
inflow = { family = "fixed", value = 2 }
need = { family = "fixed", value = 5 }
leak = { family = "uniform", low = 0.0, high = 0.3 }
[constants]
start_share = 0.75
[policies]
keep = {}
"""
MANY = """
from engine import Constant
from constant_models import Well


class Many(Well):
    constants = Well.constants | {
        f"what_one_more_of_these_costs_{k}": Constant(
            k * 1.2345678,
            "thousand yuan/person",
            "on average of all years and of all that there are",
            "A. Nother (2016), table 3",
            "FMD"[k % 3],
        )
        for k in range(100)
    }
"""  # fmt: skip


def asked(tmp_path, *words, model=f"{MODELS}:Well"):
    ended = call("check", write(tmp_path, STUDY), "--model", model, "--constants", *words)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_it_lists_them_those_of_the_study_first(tmp_path):
    said, plain = asked(tmp_path), json.loads(asked(tmp_path, "--json"))
    assert " ".join(said.split()).startswith(" ".join(plain["findings"]))
    about = {row["constant"]: row["about"] for row in plain["tables"]["constants"]["rows"]}
    assert [re.findall(r"\d+", finding) for finding in plain["findings"]] == [["3", "1", "1", "1"], ["1", "1"]]
    rows = [re.split(r" {2,}", line.strip()) for line in said.splitlines() if re.search(r"\[.*[FMD]\] ", line)]
    assert rows == [
        ["leak", "drawn (not 0.1)", f"[1/yr; F] {about['leak']}"],
        ["start_share", "0.75 (not 0.5)", f"[D] {about['start_share']}"],
        ["depth", "8", f"[hm3; M] {about['depth']}"],
    ]
    assert "--set constants.NAME=VALUE" in said and "[factors.NAME]" in said
    assert ": rustbelt check " in said.splitlines()[-1]
    words = ("--set", "constants.leak=0.2", "--set", "constants.start_share=0.5")
    rows = json.loads(asked(tmp_path, *words, "--json"))["tables"]["constants"]["rows"]
    assert {row["constant"]: row["value"] for row in rows if row["whose"] == "study"} == {"leak": 0.2}
    assert "0.2 (not 0.1)" in asked(tmp_path, *words)


@pytest.mark.parametrize("full", [False, True])
def test_many_fit_the_screen_with_every_number_whole(tmp_path, monkeypatch, full):
    monkeypatch.setattr(streams.Screen, "is_terminal", True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.syspath_prepend(MODELS.parent)
    model = f"{write(tmp_path, MANY, 'many.py')}:Many"
    lines = re.sub(r"\x1b\[[0-9;]*m", "", asked(tmp_path, *["--full"] * full, model=model)).splitlines()
    shown = [line for line in lines if line.startswith("what_one_more")]
    if full:
        assert len(shown) == 100 and "table 3" in " ".join(lines)
    else:
        assert len(shown) == MOST_ROWS - 3 and len(lines) <= 25 and f"{103 - MOST_ROWS} more." in lines
        lines = lines[:-1]  # a command to copy
    assert max(map(len, lines)) <= 80
    assert re.search(
        r"^what_one_more_of_these_costs_7 +8\.64197 +\[thousand yuan/person; M\]", "\n".join(shown), re.MULTILINE
    )


def test_as_json_it_has_everything(tmp_path):
    answer = json.loads(asked(tmp_path, "--json"))
    validate(answer, SCHEMA)
    leak, start, depth = answer["tables"]["constants"]["rows"]
    assert leak == {
        "constant": "leak",
        "whose": "drawn",
        "unit": "1/yr",
        "about": "share that leaks away",
        "source": "a gauge",
        "confidence": "F",
        "value": None,
        "stated": 0.1,
    }
    assert (start["whose"], start["value"], start["stated"]) == ("study", 0.75, 0.5)
    assert (depth["whose"], depth["value"], depth["stated"]) == ("model", 8.0, 8.0)


def test_what_cannot_be_asked(tmp_path):
    ended = call("check", write(tmp_path, BRIDGE), *own("Bridge"), "--constants")
    assert ended.exit_code == 2 and "Bridge, states no" in ended.output
    for words in (["--gates"], ["--workers", 2]):
        ended = call("check", write(tmp_path, STUDY), "--model", f"{MODELS}:Well", "--constants", *words)
        assert ended.exit_code == 2 and f"goes without {words[0] if words[1:] else '--constants'}" in ended.output
    ended = call("check", write(tmp_path, STUDY), "--model", f"{MODELS}:Well", "--json")
    assert ended.exit_code == 2 and "--constants or --for" in ended.output


def test_drawn_and_set_constants_are_in_what_a_study_asks(tmp_path):
    words = ["check", write(tmp_path, STUDY), "--model", f"{MODELS}:Well"]
    brief, full = (call(*words, *more).stdout for more in ([], ["--full"]))
    assert re.search(r"^asks +3 factors, 1 constant$", brief, re.MULTILINE)
    assert re.search(r"^leak \[1/yr\] +uniform +low 0, high 0.3", full, re.MULTILINE)
    assert re.search(r"^start_share +0.75 +0.5 +1 +share that", full, re.MULTILINE)
