"""The tutorial, word for word: its files, its commands, their output and the files that they write."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import load_study, open_run
from tests.pages import Box, boxes, not_printed
from tests.small_files import call

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
SHELL = ["python3 -m venv .venv", ".venv/bin/pip install -e '.[report]'", ". .venv/bin/activate"]


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    """An empty current folder, and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def walked() -> Iterator[tuple[str, str, str]]:
    """Each command of the page, the output that the page shows, and the output that it printed."""
    first, *others = boxes(PAGE)
    assert first.code.splitlines() == SHELL
    command = printed = ""
    for box in others:
        if box.kind == "sh":
            command = box.code
            printed = "".join(map(said, command.splitlines()))
        elif box.kind == "toml":
            _write(box)
        else:
            yield command, box.code, printed


def said(line: str) -> str:
    """The output of a command line of the page."""
    name, *words = shlex.split(line)
    assert name == "rustbelt"
    ended = call(*words, *["--quiet"] * (words[0] == "run"))
    assert ended.exit_code == 0, (line, ended.output)
    return ended.stdout


def _write(box: Box) -> None:
    """Adds a box to the reader's file where the page says so, and checks that the file has the lines that it shows."""
    file = Path("mine.toml")
    if "end of `mine.toml`" in box.before:
        file.write_text(f"{file.read_text()}\n{box.code}")
    assert not_printed(box.code, file.read_text()) is None


@pytest.mark.slow
def test_every_step_prints_what_the_page_shows_and_leaves_what_it_says():
    for command, shown, printed in walked():
        assert not_printed(shown, printed) is None, command
    assert Path("shortfall.png").stat().st_size > 10_000
    (page,) = Path("outputs").glob("*/report.html")
    assert open_run(page.parent).study.fingerprint == load_study("mine.toml").fingerprint


@pytest.mark.slow
def test_the_readme_and_the_findings_show_what_their_commands_print():
    Path("configs").symlink_to(ROOT / "configs")
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/findings.md")]
    command, shown = "", 0
    for box in (box for page in pages for box in boxes(page)):
        if box.kind == "sh":
            lines = re.findall(r"rustbelt (?:run|risk) [^\n#]*", box.code)
            command = lines[0] if len(lines) == 1 else command
        elif box.kind == "text":
            assert not_printed(box.code, said(command)) is None, command
            shown += 1
    assert shown == 2
