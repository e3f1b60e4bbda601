"""The page for users of other tools: every command and every line of Python on it runs."""

import re
import shlex
from pathlib import Path

import pytest

from tests.small_files import call, ran

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "from-other-tools.md").read_text(encoding="utf-8")
FILES = re.compile(r"`(levee\.(?:py|toml))`\n```(?:python|toml)\n(.*?)```", re.DOTALL)
COMMANDS = [
    *(line for box in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in box.splitlines()),
    *re.findall(r"`(rustbelt [^`]*RUN[^`]*)`", PAGE),
]


@pytest.fixture(scope="module")
def levee(tmp_path_factory):
    """A folder with the levee of docs/writing-a-model.md, and in it the run that the page begins with."""
    place = tmp_path_factory.mktemp("levee")
    for name, code in FILES.findall((ROOT / "docs" / "writing-a-model.md").read_text(encoding="utf-8")):
        (place / name).write_text(code, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        ran(*shlex.split(COMMANDS[0])[1:])
    return place


@pytest.fixture
def here(levee, monkeypatch):
    monkeypatch.chdir(levee)


@pytest.mark.slow
def test_every_command_runs(here):
    asked = [*dict.fromkeys(COMMANDS[1:])]
    assert len(asked) > 12
    for command in asked:
        ended = call(*shlex.split(command)[1:])
        assert ended.exit_code == 0, (command, ended.output)


@pytest.mark.slow
def test_every_line_of_python_runs(here):
    names = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(code, "from-other-tools.md", "exec"), names)
    assert names["y"].mean() > 0 and len(names["experiments"]) == 2000
    assert names["flooded"].sel(policy="as_it_is") > names["flooded"].sel(policy="raised")
    assert names["percentile"].sel(policy="as_it_is") > 0
    run = names["run"]
    assert len(run.flip("cost", paths=8192)["levers"]) > 0
    assert run.cube["risk"]["damage"].sel(measure="ES99", policy="raised").dims == ("stat",)
