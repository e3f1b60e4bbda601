"""`constants`: the constants of a model, those first that a study draws or sets."""

import json
import re

from jsonschema import validate

from engine.answers.plain import SCHEMA
from tests.constant_studies import MODELS
from tests.small_files import BRIDGE, call, own, ran, write

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


def asked(tmp_path, *words, model=f"{MODELS}:Well"):
    ended = ran("constants", write(tmp_path, STUDY), "--model", model, *words)
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


def test_a_model_without_constants_is_refused(tmp_path):
    ended = call("constants", write(tmp_path, BRIDGE), *own("Bridge"))
    assert ended.exit_code == 2 and "Bridge, states no" in ended.output
