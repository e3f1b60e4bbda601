"""Study files for the models in `data/small_models.py`, and the command line called in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from click.testing import CliRunner, Result

from engine.answers.plain import SCHEMA
from engine.cli import main

MODELS = Path(__file__).parent / "data" / "small_models.py"
BRIDGE = """\
name = "bridge"
question = "How strong?"
model = "Bridge"
baseline = "weak"
run = { paths = 4000, seed = 7 }
[factors.load]
family = "lognormal"
p05 = 4
p50 = 8
p95 = 15
[factors.price]
family = "uniform"
low = 1
high = 2
[policies.weak]
about = "as it is"
[policies.strong]
strength = 14
[events]
collapse = { about = "more than 5 t too much", outcome = "damage", above = 5 }
"""
POND = """\
name = "pond"
model = "Pond"
run = { paths = 600, seed = 7, tile = 64 }
time = { first = 2016, last = 2020 }
[factors.inflow]
family = "lognormal"
median = 2
sigma = 0.5
group = "wet"
[factors.depth]
family = "uniform"
low = 4
high = 9
group = "wet"
[groups]
wet = { correlation = 0.5 }
[policies.keep]
[policies.use]
release = { 2016 = 0.3, 2018 = 0.4 }
[events]
dry = { outcome = "lowest_stock", below = 1.5 }
"""


def write(folder: Path, text: str, name: str = "study.toml") -> Path:
    """The text as a file in the folder."""
    path = folder / name
    path.write_text(text)
    return path


def own(name: str) -> list[str]:
    """The words that name a model of `small_models.py`."""
    return ["--model", f"{MODELS}:{name}"]


def call(*words: object) -> Result:
    """The command line with these words, in this process."""
    return CliRunner().invoke(main, [str(word) for word in words], prog_name="rustbelt")


def ran(*words: object) -> Result:
    """The same, of words with which the command ends well."""
    ended = call(*words)
    assert ended.exit_code == 0, (words, ended.output)
    return ended


def damages(folder: Path, *words: object) -> list[dict[str, Any]]:
    """The damages that `rustbelt verify` finds in a run; its exit code is checked."""
    ended = call("verify", folder, *words, "--json")
    found = json.loads(ended.stdout)
    assert ended.exit_code == (2 if found else 0), ended.output
    return found


def records(printed: str) -> list[dict[str, Any]]:
    """The rows of all tables of an answer printed as JSON, with their estimates' numbers; its schema is checked."""
    plain = json.loads(printed)
    jsonschema.validate(plain, SCHEMA)
    return [
        {**row, **row["estimate"], "table": name} for name, table in plain["tables"].items() for row in table["rows"]
    ]
