"""Messages: of a kind the first ten problems are listed and all are counted; what installs the packages of an extra is
a command that works as printed.
"""

import shlex
import tomllib
from pathlib import Path

import pytest

from engine.errors import LISTED, Problem, Problems, UserError, install
from tests.refusals import at

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


def test_the_first_ten_problems_of_a_kind_are_listed_and_all_are_counted():
    problems = Problems()
    for line in range(1, 1_001):
        with problems.within("file"):
            problems.add(f"file.line {line}.value", f"expected a number, got 'v{line}'.")
    problems.add("file.line 7.value", "expected a number, got 'v7'.")
    problems.add("file.line 8.unit", "is missing.")
    outer = Problems()
    with outer.within("observed"):
        problems.refuse()
    with pytest.raises(UserError) as caught:
        outer.refuse("s.toml")
    told = caught.value.problems
    assert len(problems) == len(outer) == 1_001 and len(told) == LISTED + 1
    assert told[:LISTED] == tuple(
        Problem(f"observed.file.line {line}.value", f"expected a number, got 'v{line}'.") for line in range(1, 11)
    )
    assert told[-1] == at("observed.file.line 8.unit", "is missing")
    head, *lines = str(caught.value).splitlines()
    assert head == "s.toml: 1,001 problems" and len(lines) == LISTED + 2
    assert lines[LISTED] == at("", "990", "more")


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_what_installs_an_extra_names_its_packages(extra):
    pip, verb, *packages = shlex.split(install(extra))
    assert (pip, verb) == ("pip", "install")
    written = [
        one.partition(";")[0].strip().replace("_", "-").lower() for one in PROJECT["optional-dependencies"][extra]
    ]
    assert sorted(one.replace("_", "-").lower() for one in packages) == sorted(written)
