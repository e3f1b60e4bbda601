"""What is printed fits the screen: no number, name or command is broken at any width, with few policies or many; and
nothing waits for a key.
"""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from contextlib import suppress

import pytest
from rich.cells import cell_len

from engine.answers.as_text import SPREAD, cell
from engine.cli.show import screen
from engine.cli.show.answers import LINES, print_answer
from engine.risk.estimation.influences import MEASURES
from tests.cli.printed import compared, printed, risk_of
from tests.small_files import BRIDGE, own, write

WIDTHS = 60, 80, 200
LONG = "everything_at_once_and_faster_than_planned"


def assert_whole(lines: list[str], width: int, words, names) -> None:
    """Asserts that no line is wider than the screen, that each of the words stands whole in one, and so does each part
    of a name between underscores.
    """
    assert max(map(cell_len, lines)) <= width, [line for line in lines if cell_len(line) > width]
    text = "\n".join(lines)
    for word in (*words, *(part for name in names for part in name.split("_"))):
        assert word in text, word


def numbers(records) -> set[str]:
    """Estimates, and intervals or their wider sides, as the tables show them."""
    return {cell(r, 100.0 if r.variable == "collapse" else 1.0).estimate for r in records}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["p", LONG, "退耕还林"])
def test_tables_of_one_to_eight_policies_break_nothing(width, name):
    for policies in (1, 2, 3, 8):
        study, tables = compared(policies, name)
        gaps = tables.comparison if policies == 2 else []
        lines = printed(width, print_answer, risk_of(study, tables), True)
        names = [*study.policy_names, *study.model.outcomes, "collapse", *MEASURES]
        assert_whole(lines, width, numbers([*tables.risk, *gaps]), names)
        assert any(SPREAD in line for line in lines) or all("±" not in line for line in lines)


@pytest.mark.parametrize("name", ["p", LONG, "退耕还林"])
def test_the_brief_form_of_any_number_of_policies_is_one_screen_with_every_policy(name):
    for policies in (1, 2, 5):
        study, tables = compared(policies, name)
        lines = printed(80, print_answer, risk_of(study, tables), False)
        assert_whole(lines, 80, (), study.policy_names)
        assert len(lines) <= LINES, "\n".join(lines)


def test_a_name_that_is_too_long_is_broken_behind_underscores():
    assert screen.folded("capital_shortfall [k yr]", 24, names=True) == ["capital_shortfall [k yr]"]
    assert screen.folded("capital_shortfall [k yr]", 12, names=True) == ["capital_", "shortfall", "[k yr]"]
    assert screen.folded("退耕还林之后的政策", 9, names=True) == ["退耕还林", "之后的政", "策"]


# --------------------------------------------------------------------------------------------------------- progress


def terminal(width: int, height: int, code: str, **environment: str) -> str:
    """What a program shows on a terminal of that size."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    left_out = {"COLUMNS", "LINES", "NO_COLOR"}
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    words = [sys.executable, "-c", code]
    program = subprocess.Popen(words, stdin=its, stdout=its, stderr=its, env=kept | {"TERM": "xterm"} | environment)
    os.close(its)
    parts = []
    with suppress(OSError):  # which is how a terminal says that nobody writes to it any more
        while part := os.read(ours, 65536):
            parts.append(part)
    os.close(ours)
    assert program.wait() == 0
    return b"".join(parts).decode()


@pytest.mark.slow
def test_a_run_is_printed_whole_on_a_small_terminal_and_waits_for_no_key(tmp_path):
    """With a pager that ends at once, as `q` ends `less`: nothing of what a run says is for it."""
    study = write(tmp_path, BRIDGE.replace("paths = 4000", "paths = 600"))
    words = ["run", str(study), *own("Bridge"), "--out", str(tmp_path / "out"), "--full", "--quiet"]
    code = f"from engine.cli import main; main({words!r}, prog_name='rustbelt')"
    shown = terminal(80, 24, code, PAGER="true")
    assert shown.count("\r\n") > 24 and "The mean of damage is " in shown and "rustbelt risk" in shown
