"""`constants`: the constants of a model, those first that a study draws or sets."""

import json
import re

import pytest
from jsonschema import validate

from engine.answers.plain import SCHEMA
from engine.cli.show import streams
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
    ended = call("constants", write(tmp_path, STUDY), "--model", model, *words)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_it_lists_them_those_of_the_study_first(tmp_path):
    printed, plain = asked(tmp_path, "--full"), json.loads(asked(tmp_path, "--json"))
    assert " ".join(printed.split()).startswith(" ".join(plain["findings"]))
    assert [re.findall(r"\d+", finding) for finding in plain["findings"]] == [["3", "1", "1", "1"], ["1", "1"]]
    validate(plain, SCHEMA)
    rows = plain["tables"]["constants"]["rows"]
    leak, start, depth = rows
    assert leak == {
        "constant": "leak", "whose": "drawn", "unit": "1/yr", "about": "share that leaks away", "source": "a gauge",
        "confidence": "F", "value": None, "stated": 0.1,
    }  # fmt: skip
    assert [start[key] for key in ("constant", "whose", "value", "stated")] == ["start_share", "study", 0.75, 0.5]
    assert [depth[key] for key in ("constant", "whose", "value", "stated")] == ["depth", "model", 8.0, 8.0]
    assert all(row["about"] in " ".join(printed.split()) for row in rows)
    assert "--set constants.NAME=VALUE" in printed and "[factors.NAME]" in printed
    words = ("--set", "constants.leak=0.2", "--set", "constants.start_share=0.5")
    rows = json.loads(asked(tmp_path, *words, "--json"))["tables"]["constants"]["rows"]
    assert {row["constant"]: row["value"] for row in rows if row["whose"] == "study"} == {"leak": 0.2}


@pytest.mark.parametrize("full", [False, True])
def test_many_fit_the_screen_with_every_number_whole(tmp_path, monkeypatch, full):
    monkeypatch.setattr(streams.Screen, "is_terminal", True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.syspath_prepend(MODELS.parent)
    model = f"{write(tmp_path, MANY, 'many.py')}:Many"
    lines = re.sub(r"\x1b\[[0-9;]*m", "", asked(tmp_path, *["--full"] * full, model=model)).splitlines()
    shown = {line.split()[0] for line in lines if line.startswith("what_one_more")}
    assert (len(shown) == 100 and "table 3" in " ".join(lines)) if full else (shown and len(lines) <= 24)
    assert (max(map(len, lines)) <= 80 and "of 103" in " ".join(lines)) or full
    assert not full or any(line.startswith("what_one_more_of_these_costs_7 ") and "8.642" in line for line in lines)


def test_a_model_without_constants_is_refused_and_the_old_option_says_what_to_type(tmp_path):
    ended = call("constants", write(tmp_path, BRIDGE), *own("Bridge"))
    assert ended.exit_code == 2 and "Bridge, states no" in ended.output
    ended = call("check", write(tmp_path, BRIDGE), *own("Bridge"), "--constants")
    assert ended.exit_code == 2 and "rustbelt constants STUDY" in ended.output


def test_drawn_and_set_constants_are_in_what_a_study_states(tmp_path):
    words = ["check", write(tmp_path, STUDY), "--model", f"{MODELS}:Well"]
    brief, full = (call(*words, *more).stdout for more in ([], ["--full"]))
    assert brief.startswith("The study has 3 factors and 1 constant.")
    assert re.search(r"^leak \[1/yr\] +uniform +low 0, high 0.3", full, re.MULTILINE)
