"""What a printer gives a terminal, and a study with records for all tables."""

import functools
import io
import tomllib
from types import SimpleNamespace

from engine.answers.answer import Answer
from engine.cli.show.streams import Screen
from engine.questions.risk import Risk
from engine.risk.estimation.influences import MEASURES
from engine.risk.estimation.tables import Record, Tables
from engine.study.loading import load_model_file, read_study
from tests.small_files import BRIDGE, MODELS


def printed(width: int, show, *words, **named) -> list[str]:
    """The lines that a terminal so many columns wide is given."""
    console = Screen(io.StringIO(), width=width, force_terminal=True, color_system=None)
    show(console, *words, **named)
    return console.file.getvalue().splitlines()


def rows_of(lines: list[str]) -> dict[str, list[str]]:
    """The words behind the first one of every line."""
    return {words[0]: words[1:] for words in map(str.split, lines) if words}


@functools.cache
def compared(policies: int, name: str = "p"):
    """A study of so many policies, whose names are long if that one is, and records for all of its tables."""
    more = "".join(f'[policies."{name}_{k}"]\nstrength = {12 + k}\n' for k in range(policies - 2))
    own = load_model_file(f"{MODELS}:Bridge")
    names = ["weak"] if policies == 1 else None
    study = read_study(tomllib.loads(BRIDGE + more), "bridge.toml", model=own, policies=names)
    sizes = {"damage": -1234567.0, "margin": 0.012345678}

    def record(measure, policy, variable, value, **place):
        error = abs(value) / 300
        ends = value - 2 * error, value + 2 * error
        return Record(measure, place.pop("level", None), policy, variable, {}, None, value, error, *ends, ())

    tables = Tables([], [])
    for k, policy in enumerate(study.policy_names):
        cells = [(measure, name, sizes[name] * (k + 1)) for measure in MEASURES for name in sizes]
        for measure, variable, value in [*cells, ("probability", "collapse", 0.3456)]:
            tables.risk.append(record(measure, policy, variable, value))
            if policy != study.baseline:
                tables.comparison.append(record(f"difference_{measure}", policy, variable, -value / 3))
    return study, tables


def risk_of(study, tables: Tables, **options) -> Answer:
    """The answer to `risk` from these records."""
    run = SimpleNamespace(study=study, with_level=lambda level: run, tables=lambda variables: tables)
    return Risk(**options).answer(run)
