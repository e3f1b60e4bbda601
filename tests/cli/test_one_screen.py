"""What a command prints by default fits one screen of 80 columns and 24 lines, beside commands to copy."""

import re

import pytest

from engine.cli import COMMANDS
from engine.cli.show import streams
from tests.small_files import call

WIDTH, HEIGHT = 80, 24
MANY = [
    "old",
    "reform",
    "reform_full",
    "gradual",
    "shock_therapy",
    "reform_no_fund",
    "delayed_reform",
    "actual_like",
    "thirty_pct_overcapacity",
    "thirty_pct_capacity",
]
LONG = {"replay", "schema", "completion", "fit", "copy"}
"""A future in full, a schema, a script for shells, a table to paste; and what needs a store elsewhere."""
PAIR = "old,reform"
WORDS = {
    "init": ["mine.toml"],
    "list": [],
    "run": ["rustbelt", "--paths", "2048", "--out", "run", "--quiet"],
    "check": ["rustbelt"],
    "risk": ["run"],
    "compare": ["run"],
    "explain": ["run", "--outcome", "displaced_person_years"],
    "discover": ["run", "--where", "reform worse than old in displaced_person_years"],
    "attribute": ["run", "--from", "old", "--to", "reform", "--paths", "1024"],
    "sensitivity": ["run", "--paths", "256"],
    "flip": ["run", "--outcome", "displaced_person_years", "--policies", PAIR],
    "assumptions": ["run", "--paths", "1024"],
    "challenge": ["run", "--paths", "256", "--claim", "reform better than old in region_devastated"],
    "backtest": ["rustbelt", "--paths", "1024"],
    "extremes": ["run"],
    "condition": ["rustbelt", "--until", "2018", "--paths", "4096"],
    "diff": ["run", "run"],
    "plot": [],
    "status": ["run"],
    "verify": ["run"],
    "repair": ["run"],
    "report": ["run"],
}
RUNS = {
    f"run of {count} policies": ["run", "rustbelt", "--paths", "1024", "--policies", ",".join(MANY[:count])]
    for count in (3, 5, 10)
}
TALLER = dict.fromkeys(("run", *RUNS), 40)
"""The table of a run is what it is for."""
MORE = {
    **{name: [*words, "--out", f"of {name[7]}", "--quiet"] for name, words in RUNS.items()},
    "compare --against every": ["compare", "run", "--against", "every"],
    "check --gates": ["check", "rustbelt", "--gates", "--paths", "1024"],
    "risk of one outcome": ["risk", "run", "--variable", "layoffs"],
    "risk of one yearly variable": ["risk", "run", "--variable", "growth"],
    "extremes of one yearly variable": ["extremes", "run", "--variable", "cut_layoffs"],
    "risk at a level": ["risk", "run", "--level", "95"],
    "risk where a condition holds": ["risk", "run", "--given", "reemployed_share >= 0.667"],
    "a figure": ["plot", "exceedance", "run"],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a run of the shipped study in it, to be in."""
    folder = tmp_path_factory.mktemp("screen")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


def shown(monkeypatch, *words):
    """The lines of a command on a terminal, without colours and without commands to copy."""
    monkeypatch.setattr(streams.Screen, "is_terminal", True)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    ended = call(*words)
    assert ended.exit_code == 0, ended.output
    lines = re.sub(r"\x1b\[[0-9;]*m", "", ended.stdout).splitlines()
    return [line for line in lines if not re.search(r"(^|: |  )(rustbelt [a-z]+ |xarray\.open)", line)]


def assert_one_screen(lines, height=HEIGHT):
    assert max(map(len, lines)) <= WIDTH, [line for line in lines if len(line) > WIDTH]
    assert len(lines) <= height, "\n".join(lines)


def test_every_command_is_held_to_one_screen():
    assert {*COMMANDS} == {*WORDS} | LONG


@pytest.mark.slow
@pytest.mark.parametrize("name", [*WORDS, *MORE])
def test_what_a_command_prints_by_default_fits_one_screen(place, monkeypatch, name):
    if not (place / "run").exists() and name != "run":
        assert call("run", *WORDS["run"]).exit_code == 0
    words = MORE[name] if name in MORE else [name, *WORDS[name]]
    assert_one_screen(shown(monkeypatch, *words), TALLER.get(name, HEIGHT))
