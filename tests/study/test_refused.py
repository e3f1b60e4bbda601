"""Broken studies: all that is wrong with each is said, with its place, and nothing else.

`refused.txt` states each study as changes of a right one, one dotted line of TOML each (`- KEY` removes an entry), and
below them, indented, its problems. After an intended change of messages write it anew with
`python -m tests.study.test_refused`, and read every message that differs: place, expected, got, remedy.
"""

import copy
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from engine.errors import UserError
from engine.modelling.records import Lever
from engine.study.loading import load_model_file, read_study
from tests.constant_studies import WELL, model
from tests.questions.assumed import BILL, LAKE, Bill, Lake
from tests.reservoirs import STATIC, STUDY, Reservoir, Sum
from tests.shock_study import WALK, Walk
from tests.small_files import MODELS, POND
from tests.study.test_gate_tables import GATE
from tests.study.test_group_tables import FACTORS, Four
from tests.study.test_labels import text
from tests.study.test_lever_bounds import TOWNS, Towns
from tests.user_models import FARMS, Farms
from tests.watched import Watched, tables as watched_tables

FILE = Path(__file__).with_name("refused.txt")


class Bounded(Reservoir):
    """A quota from 1 to 2."""

    levers = {**Reservoir.levers, "quota": Lever("hm3", 1.0, ("region",), low=1.0, high=2.0)}


class WithLever(Sum):
    """A sum with a lever."""

    levers = {"shift": Lever("1")}


PACE = '[factors.pace]\nabout = "let go"\nunit = "share"\nfamily = "uniform"\nlow = 0.1\nhigh = 0.3\n'
EVENTS = {
    "ruin": {"outcome": "cost", "above": 1.5},
    "woe": {"outcome": "jobs", "below": 0},
    "both": {"all": ["ruin", "woe"]},
}
IN_GROUP = {name: FACTORS[name] | {"group": "g"} for name in "abc"}
BASES = {
    "reservoir": (tomllib.loads(STUDY), Reservoir),
    "gates": (tomllib.loads(STUDY + GATE), Reservoir),
    "bounded": (tomllib.loads(STUDY), Bounded),
    "paces": (tomllib.loads(STUDY + PACE), Reservoir),
    "static": (tomllib.loads(STATIC), WithLever),
    "sum": (text(), Sum),
    "bill": ({key: BILL[key] for key in BILL if key != "assumptions"} | {"events": EVENTS}, Bill),
    "lake": (LAKE, Lake),
    "four": ({"name": "four", "factors": FACTORS | IN_GROUP, "groups": {"g": {"correlation": 0.1}}}, Four),
    "walk": (WALK, Walk),
    "well": (WELL, model),
    "towns": (tomllib.loads(TOWNS), Towns),
    "pond": (tomllib.loads(POND), lambda: load_model_file(f"{MODELS}:Pond")),
    "watched": (watched_tables(), Watched),
    "farms": (FARMS | {"run": {"paths": 8192, "sampler": "sobol"}, "keep": {"yearly": 4096}}, Farms),
}
"""Right studies: their tables, and what makes their model."""


class Case(NamedTuple):
    """A broken study: the right one, its changes, and its problems, as lines of the file."""

    base: str
    changes: tuple[str, ...]
    problems: tuple[str, ...]


def cases() -> Iterator[Case]:
    """The studies of the file, in its order."""
    base, changes, problems = "", list[str](), list[str]()
    for line in [*FILE.read_text(encoding="utf-8").splitlines(), "["]:
        if problems and not line.startswith("    "):
            yield Case(base, tuple(changes), tuple(problems))
            changes, problems = [], []
        if line.startswith("["):
            base = line[1:-1]
        elif line:
            (problems if line.startswith("    ") else changes).append(line.strip())


@cache
def _model(base: str) -> Any:
    return BASES[base][1]()


def problems_of(case: Case) -> list[str]:
    """What is said of a broken study."""
    tables = copy.deepcopy(BASES[case.base][0])
    for line in case.changes:
        keys, _, value = line.removeprefix("- ").partition(" = ")
        *above, key = [part.strip('"') for part in re.findall(r'"[^"]*"|[^."]+', keys)]
        inner: Any = tables
        for part in above:
            inner = inner.setdefault(part, {})
        if value:
            inner[key] = tomllib.loads(f"value = {value}")["value"]
        else:
            del inner[key]
    with pytest.raises(UserError) as refused:
        read_study(tables, "study.toml", model=_model(case.base))
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize("case", [*cases()], ids=lambda case: f"{case.base} {' '.join(case.changes)}"[:80])
def test_all_that_is_wrong_is_said_with_its_place(case):
    assert problems_of(case) == [*case.problems]


if __name__ == "__main__":
    lines, base = [], ""
    for one in cases():
        lines += [f"[{one.base}]"] * (one.base != base)
        lines += [*one.changes, *(f"    {problem}" for problem in problems_of(one))]
        base = one.base
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
