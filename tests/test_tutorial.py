"""The tutorial, word for word: its files, its commands and what they print, with few paths and as it stands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages import Box, boxes, not_printed
from tests.small_files import call

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
SHELL = ["python3 -m venv .venv", ".venv/bin/pip install -e '.[report]'", ". .venv/bin/activate"]


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    """A folder to be in, and compiled programs that are found again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUSTBELT_CACHE", str(tmp_path / "programs"))


def walked(fewer: int) -> Iterator[tuple[str, str, str]]:
    """Each command of the page, what the page shows of it, and what it printed with so many times fewer paths.

    With fewer paths only the study as it stands in the end is run: each program takes long to compile.
    """
    first, *others = boxes(PAGE)
    assert first.code.splitlines() == SHELL
    command = printed = ""
    to_write = sum(_is_written(box) for box in others)
    for box in others:
        if box.kind == "sh":
            command, left_out = box.code, fewer > 1 and to_write and box.code.startswith("rustbelt run")
            printed = "" if left_out else "".join(said(line, fewer) for line in command.splitlines())
        elif box.kind == "toml":
            to_write -= _is_written(box)
            _write(box)
        else:
            yield command, box.code, printed


def said(line: str, fewer: int) -> str:
    """What a line of the page prints."""
    line = re.sub(r"(?<=--paths )\d+", lambda found: str(int(found[0]) // fewer), line)
    name, *words = shlex.split(line)
    assert name == "rustbelt"
    ended = call(*words, *["--quiet"] * (words[0] == "run"))
    assert ended.exit_code == 0, (line, ended.output)
    return ended.stdout


def _is_written(box: Box) -> bool:
    return box.kind == "toml" and "end of `mine.toml`" in box.before


def _write(box: Box) -> None:
    """The page's table at the end of the reader's file; what the page shows of the file is there."""
    file = Path("mine.toml")
    if _is_written(box):
        file.write_text(f"{file.read_text()}\n{box.code}")
    assert not_printed(box.code, file.read_text()) is None


@pytest.mark.slow
def test_every_step_runs_and_leaves_what_it_says():
    for command, shown, printed in walked(fewer=64):
        if command.split()[1] in ("init", "check"):
            assert not_printed(shown, printed) is None, command
    assert Path("shortfall.png").stat().st_size > 10_000
    (folder,) = Path("outputs").iterdir()
    assert (folder / "report.html").exists()


@pytest.mark.slow
def test_every_step_prints_what_the_page_shows():
    for command, shown, printed in walked(fewer=1):
        assert not_printed(shown, printed) is None, command
