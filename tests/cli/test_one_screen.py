"""The study that ships, asked everything: what a command prints fits one screen of 80 columns and 24 lines, beside
commands to copy, in words.
"""

import re
import shutil

import pytest

from engine.answers import registry
from engine.cli import COMMANDS
from engine.cli.show import answers, streams
from engine.study.loading import load_study
from tests.answers.units import held_to_units
from tests.answers.words import held_to_words
from tests.report.wording import assert_short, brief, identifiers, sentences
from tests.small_files import ran

WIDTH, HEIGHT = 80, 24
MANY = [
    "old", "reform", "reform_full", "gradual", "shock_therapy", "reform_no_fund", "delayed_reform", "actual_like",
    "thirty_pct_overcapacity", "thirty_pct_capacity",
]  # fmt: skip
LONG = {"replay", "schema", "completion", "fit"}
"""A future in full, a schema, a script for shells, and a table to paste."""
PAIR = "old,reform"
WORDS = {
    "init": ["mine.toml"], "list": [], "run": ["rustbelt", "--paths", "2048", "--out", "run", "--quiet"],
    "check": ["rustbelt"], "answer": ["run"], "risk": ["run"], "compare": ["run"],
    "explain": ["run", "--outcome", "displaced_person_years", "--policy", "reform"],
    "discover": ["run", "--where", "reform worse than old in displaced_person_years"],
    "attribute": ["run", "--from", "old", "--to", "reform", "--paths", "1024"],
    "sensitivity": ["run", "--paths", "256"],
    "flip": ["run", "--outcome", "displaced_person_years", "--policies", PAIR],
    "design": ["run", "--policy", "reform", "--lever", "recapitalisation", "--subject",
               "ES99 of capital_shortfall_peak <= 14.5", "--paths", "16384"],
    "challenge": ["run", "--paths", "256", "--claim", "reform better than old in region_devastated"],
    "backtest": ["rustbelt", "--paths", "1024"], "extremes": ["run"],
    "condition": ["rustbelt", "--until", "2018", "--paths", "2048"], "gates": ["rustbelt", "--paths", "1024"],
    "constants": ["rustbelt"], "precision": ["rustbelt", "mean of layoffs under old within 5 %"], "plot": [],
    "status": ["run"], "verify": ["run"], "repair": ["run"], "report": ["run"],
}  # fmt: skip
RUNS = {
    f"run of {count} policies": ["run", "rustbelt", "--paths", "1024", "--policies", ",".join(MANY[:count])]
    for count in (3, 5, 10)
}
TALLER = dict.fromkeys(("run", *RUNS), 40)
"""The table of a run is what it is for."""
MORE = {
    **{name: [*words, "--out", f"of {name[7]}", "--quiet"] for name, words in RUNS.items()},
    "compare with another run": ["compare", "run", "run"],
    "risk of one outcome": ["risk", "run", "--variable", "layoffs"],
    "risk of one yearly variable": ["risk", "run", "--variable", "growth"],
    "extremes of one yearly variable": ["extremes", "run", "--variable", "cut_layoffs"],
    "risk at a level": ["risk", "run", "--level", "95"],
    "risk where a condition holds": ["risk", "run", "--given", "reemployed_share >= 0.667"],
    "attribute an event": ["attribute", "run", "--from", "old", "--to", "reform", "--outcome", "all_four",
                           "--paths", "1024"],
    "flip an event": ["flip", "run", "--outcome", "jobs_demolished", "--policies", "reform,old"],
    "challenge --only assumptions": ["challenge", "run", "--only", "assumptions", "--paths", "1024"],
    "a figure": ["plot", "exceedance", "run"],
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a run of the shipped study in it, to be in."""
    folder = tmp_path_factory.mktemp("screen")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


def there(place, *names):
    """Makes the run, and asks it these questions, where that has not been done."""
    if not (place / "run").exists():
        ran("run", *WORDS["run"])
    for name in names:
        if not (place / "run" / f"{name}.zarr").exists():
            ran(name, *WORDS[name])


@pytest.fixture
def told(monkeypatch):
    """The answers that a command prints."""
    given, printed = [], answers.print_answer

    def noted(console, answer, full):
        given.append(answer)
        printed(console, answer, full)

    monkeypatch.setattr(answers, "print_answer", noted)
    return given


def shown(monkeypatch, *words):
    """The lines of a command on a terminal, without colours and without commands to copy."""
    monkeypatch.setattr(streams.Screen, "is_terminal", True)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    ended = ran(*words)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", ended.stdout).splitlines()
    return [line for line in lines if not re.search(r"(^|: |  )(rustbelt [a-z]+ |xarray\.open)", line)]


def assert_one_screen(lines, height=HEIGHT):
    assert max(map(len, lines)) <= WIDTH, [line for line in lines if len(line) > WIDTH]
    assert len(lines) <= height, "\n".join(lines)


def test_every_command_is_held_to_one_screen():
    assert {*COMMANDS} == {*WORDS} | LONG


@pytest.mark.slow
@pytest.mark.parametrize("name", [*WORDS, *MORE])
def test_what_a_command_prints_by_default_fits_one_screen(place, monkeypatch, told, name):
    """And is said in words, with each number in the unit of its outcome."""
    if name != "run":
        there(place)
        told.clear()
    words = MORE[name] if name in MORE else [name, *WORDS[name]]
    assert_one_screen(shown(monkeypatch, *words), TALLER.get(name, HEIGHT))
    assert bool(told) == (words[0] in {*registry.OURS, "run", "check", "replay"})
    for answer in told:
        held_to_words(answer)
        held_to_units(answer, load_study("rustbelt"))


@pytest.mark.slow
def test_the_report_on_what_was_asked_is_in_words(place, tmp_path):
    """No identifier in a heading or a sentence, and at most 25 words in a sentence of its first pages; asked also of
    the extremes of what is called as an outcome is.
    """
    there(place, "compare", "explain")
    shutil.copytree(place / "run", tmp_path / "run")
    ran("extremes", tmp_path / "run", "--variable", "cut_layoffs")
    ran("report", tmp_path / "run")
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    said, names = sentences(text), identifiers(load_study("rustbelt"))
    assert len(said) > 100 and len(names) > 100
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)")
    assert [sentence for sentence in said if pattern.search(sentence)] == []
    assert [sentence for sentence in said if re.search(r"\w_\w", sentence)] == []
    for label in ("All four crises at once", "Banks&#39; capital shortfall", "Three million layoffs", "Old policies"):
        assert label in brief(text)
    assert_short(text)
