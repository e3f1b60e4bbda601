"""Every command reads what it is to look at by one rule, and every question answers of a folder that cannot be
written."""

import errno
import os
import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from engine.answers import registry
from engine.answers.question import STUDY as LIVING
from engine.cli import COMMANDS, main
from engine.run_folder import ownership
from engine.storage import files
from engine.study import loading
from tests.small_files import BRIDGE, call, own, write

STUDY = BRIDGE.replace("paths = 4000", "paths = 600").replace(
    "[factors.load]", '[assumptions.steep]\noff = { price = 1 }\n[factors.load]'
).replace('baseline = "weak"', 'baseline = "weak"\nheadline = ["damage"]') + """
[observed]
[[observed.rows]]
series = "Damage"
time = 2024
variable = "damage"
value = 1
unit = "yuan"
standard_error = 5
source = "survey"
confidence = "read"
[gates.some]
policy = "weak"
variable = "damage"
median_above = -1
about = "there is damage"
"""  # fmt: skip
WORDS = {
    "run": "@", "check": "@", "risk": "@", "answer": "@", "compare": "@ --outcome damage",
    "explain": "@ --outcome damage", "discover": "@ --where 'damage > 0 under weak'",
    "attribute": "@ --from weak --to strong", "sensitivity": "@ --outcome damage", "flip": "@ --outcome damage",
    "design": "@ --policy weak --lever strength --subject 'mean of damage <= 1'",
    "gates": "@", "constants": "@", "precision": "@ 'mean of damage under weak within 5 %'", "replay": "@ --path 3",
    "challenge": "@ --claim 'strong better than weak in damage'", "backtest": "@ --policy weak",
    "extremes": "@ --variable damage", "condition": "@ --policy weak", "plot": "exceedance @", "status": "@",
    "verify": "@", "repair": "@", "report": "@",
}  # fmt: skip
"""Each command that looks at a study or a run, which stands at "@", with what else it needs."""
QUICK = "status", "check", "verify"
QUICK_LIVES = "gates", "constants", "precision"
LIVES = ("run", "check", "replay", *(name for name in registry.OURS if registry.question(name).needs == LIVING))
"""Those that live futures of their own, for which a study will do that has not been run."""
KEPT = {**{name: f"{name}.zarr" for name in registry.QUESTIONS}, "report": "report.html"}
"""What is kept in the run folder, by the question."""


def few(*quick, among=WORDS):
    """All commands, those that are not among these few as slow tests."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in among]


def asked(command, place):
    """What a command gives of a place, with the model where it takes one; a run that it leaves beside is taken away."""
    words = [str(place) if word == "@" else word for word in shlex.split(WORDS[command])]
    takes = {option for param in main.get_command(None, command).params for option in param.opts}
    model = own("Bridge") if "--model" in takes else []
    quiet = ["--quiet"] if "--quiet" in takes else []
    ended = call(command, *words, *model, *quiet)
    for given_facts in Path("outputs").glob("*-until-*"):
        shutil.rmtree(given_facts)
    return ended


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a study, one that ships, and a run of both."""
    folder = tmp_path_factory.mktemp("places")
    (folder / "configs").mkdir()
    write(folder / "configs", STUDY, "crossing.toml")
    write(folder, STUDY, "span.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert call("run", "span.toml", *own("Bridge"), "--quiet").exit_code == 0
    return folder


@pytest.fixture
def inside(home, monkeypatch):
    """The folder, to be in, where `crossing` is a study that ships."""
    monkeypatch.chdir(home)
    monkeypatch.setattr(loading, "_HOME", home)
    return home


def the_run():
    (folder,) = Path("outputs").iterdir()
    return folder


def test_all_commands_that_look_at_a_study_or_a_run_are_held_to_the_rule():
    others = {"init", "fit", "schema", "list", "completion"}
    assert {*WORDS} == {*COMMANDS} - others
    for name in WORDS:
        arguments = [p for p in main.get_command(None, name).params if isinstance(p, click.Argument)]
        places = WORDS[name].count("@")
        told = call(name, "--help").stdout
        assert sum(type(one).__name__ == "Place" for one in arguments) == places, name
        assert "the beginning of the name of a run" in " ".join(told.split()), name


@pytest.mark.parametrize("command", few(*QUICK, "compare"))
def test_a_run_a_beginning_a_study_file_and_a_name_that_ships_mean_the_same(inside, command):
    run = the_run()
    stored = command in {*registry.QUESTIONS} - {"constants", "precision"}
    shown = []
    places = [run.name[:9], "crossing", run, f"outputs/{run.name[:9]}", "span.toml"]
    for place in places[: 5 if command in (*QUICK, "compare", "sensitivity") else 2]:
        if command != "gates" or place not in (run, run.name[:9], f"outputs/{run.name[:9]}"):
            # a run does not state its gates: its answer is the stored one
            shutil.rmtree(run / f"{command}.zarr", ignore_errors=True)
        ended = asked(command, place)
        if command == "constants":  # of which the model has none
            assert ended.exit_code == 2 and "Bridge, states no constants" in ended.stderr, ended.output
            continue
        assert ended.exit_code == 0, (place, ended.output)
        assert not ended.stderr.startswith("warning"), (place, ended.stderr)
        assert the_run() == run
        assert (run / f"{command}.zarr").is_dir() == stored, place
        printed = ended.stdout.replace(str(run), "@").replace(f" {place} ", " @ ")
        if command == "precision":  # the last column of which has measured seconds
            printed = re.sub(r" +[\d.]* *\n", "\n", printed)
        # a run does not state the gates of a study
        shown.append(re.sub(r"0 of 1 checks? against facts (?s:.)*?fail.*\n", "", printed))
    if command not in ("check", "constants"):  # which says how much memory is free; which has shown nothing
        assert len({*shown}) == 1


@pytest.mark.parametrize("command", ["run", "risk", "plot"])
def test_a_name_that_is_nearly_one_or_the_beginning_of_several_is_told_them(inside, command):
    """By commands of each kind, as all take a place by the same parameter."""
    run, other = the_run(), Path("outputs/bridge-other")
    for nearly, meant in (
        ("crosing", "crossing"),
        ("brigde", run.name),
        (f"outputs/{run.name}x", str(run)),
        ("spam.toml", "span.toml"),
        ("configs/crosing.toml", "configs/crossing.toml"),
    ):
        ended = asked(command, nearly)
        assert ended.exit_code == 2 and ended.stderr.startswith(f"{nearly}: 1 problem"), ended.output
        assert f"Did you mean '{meant}'?" in ended.stderr, ended.stderr
    nothing = asked(command, "zzz")
    assert nothing.exit_code == 2 and "Known: " in nothing.stderr and run.name in nothing.stderr
    shutil.copytree(run, other)
    try:
        ended = asked(command, "bri")
        assert ended.exit_code == 2 and f": {run.name}, {other.name}." in ended.stderr
    finally:
        shutil.rmtree(other)


@pytest.mark.parametrize("command", [name for name in WORDS if name not in LIVES or name in QUICK_LIVES])
def test_what_has_not_been_run_is_not_run_by_a_question(inside, command):
    """But they say how; those that live futures of their own answer, as they always did."""
    text = STUDY.replace("seed = 7", "seed = 8")
    try:
        for place in (write(inside, text, "new.toml").name, write(inside / "configs", text, "unrun.toml").stem):
            ended = asked(command, place)
            if command == "constants":  # of which the model has none: it looks for no run either
                assert ended.exit_code == 2 and "Bridge, states no constants" in ended.stderr, ended.output
            elif command in LIVES:
                assert ended.exit_code == 0, ended.output
            else:
                told = " ".join(ended.stderr.split())
                assert ended.exit_code == 2 and f"rustbelt run {place}" in told, ended.output
            the_run()
    finally:
        (inside / "new.toml").unlink()
        (inside / "configs" / "unrun.toml").unlink()


def assert_shown(command, run, code, out, err):
    """Asserts that an answer is shown, that one warning says so where it would be kept, and that nothing more is
    said."""
    assert code == 0 and out.strip(), (command, code, out, err)
    why = "cannot be written (Read-only file system)."
    warned = [f"warning: the answer is not stored in {run / KEPT[command]}: {why}"] if command in KEPT else []
    said = err.splitlines()
    assert [line.partition(why)[0] + why for line in said] == warned, (command, err)
    assert f"xarray.open_datatree('{run}" not in out


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("command", few("compare", "sensitivity", among=("compare", "sensitivity", "report")))
def test_an_answer_that_cannot_be_kept_is_shown_all_the_same(inside, monkeypatch, command):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    run = the_run()
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    held, written = ownership.locks.held, files.write_atomically
    monkeypatch.setattr(
        ownership.locks, "held", lambda lock, *shared: refuse() if lock.is_relative_to(run) else held(lock, *shared)
    )
    monkeypatch.setattr(
        "engine.run_folder.folder.write_atomically",
        lambda path, content: refuse() if path.is_relative_to(run) else written(path, content),
    )
    ended = asked(command, run)
    assert_shown(command, run, ended.exit_code, ended.stdout, ended.stderr)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    if command == "report":
        assert Path(f"{run.name}-report.html").read_text(encoding="utf-8").startswith("<!")
