"""What is printed fits the screen: no number, name or command is broken at any width, with few policies or many; and
nothing waits for a key.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from itertools import pairwise

import pytest
from rich.cells import cell_len

from engine.answers.answer import Answer, Subject
from engine.answers.as_text import SPREAD, cell
from engine.answers.rows import table
from engine.cli.show import screen
from engine.cli.show.answers import LINES, print_answer
from engine.cli.show.progress import _News, fitting, sentence
from engine.cli.show.rows import Column, print_rows
from engine.cli.show.study_digest import digest
from engine.execution.progress import Progress
from engine.risk.estimation.influences import MEASURES
from engine.risk.estimation.intervals import Estimate
from engine.runs.headline import Headline
from engine.study.loading import load_study
from tests.cli.printed import compared, printed, risk_of
from tests.small_files import BRIDGE, own, write

WIDTHS = 60, 80, 100, 120, 200
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
def test_tables_of_one_to_eight_policies_break_nothing(tmp_path, width, name):
    for policies in (1, 2, 3, 8):
        study, tables = compared(tmp_path, policies, name)
        gaps = tables.comparison if policies == 2 else []
        lines = printed(width, print_answer, risk_of(study, tables), True)
        names = [*study.policy_names, *study.model.outcomes, "collapse", *MEASURES]
        assert_whole(lines, width, numbers([*tables.risk, *gaps]), names)
        assert any(SPREAD in line for line in lines) or all("±" not in line for line in lines)


@pytest.mark.parametrize("name", ["p", LONG, "退耕还林"])
def test_the_brief_form_of_any_number_of_policies_is_one_screen_with_every_policy(tmp_path, name):
    for policies in (1, 2, 5):
        study, tables = compared(tmp_path, policies, name)
        lines = printed(80, print_answer, risk_of(study, tables), False)
        assert_whole(lines, 80, (), study.policy_names)
        assert len(lines) <= LINES, "\n".join(lines)


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [((7, 2), (7, 2)), ((8, 2), (5, 2)), ((8, 40), (5, 9)), ((18,), (18,)), ((19,), (17,)), ((40,), (17,))],
)
def test_at_most_two_rows_are_never_cut_off_and_the_last_table_takes_the_room(sizes, shown):
    made = [
        table(f"t{k}", f"Table {k}", [{"item": f"row {k}.{n}", "size": float(n)} for n in range(count)], "item")
        for k, count in enumerate(sizes)
    ]
    answer = Answer(Subject("s", "", "", 1, 0, ("a",), "a"), ("It is so.",), tuple(made))
    lines = printed(80, print_answer, answer, False)
    counts = tuple(sum(line.startswith(f"row {k}.") for line in lines) for k in range(len(sizes)))
    assert counts == shown and (len(lines) == LINES) == (sizes[-1] > 2)


def test_intervals_are_in_brackets_where_there_is_room(tmp_path):
    study, tables = compared(tmp_path, 2)
    rows = {}
    for width in (140, 100):
        lines = printed(width, print_answer, risk_of(study, tables), False)
        (rows[width],) = (line for line in lines if line.startswith("damage [yuan]"))
    assert rows[140].count("[") == 4 and "±" not in rows[140]
    assert rows[100].count("[") == 1 and rows[100].count("±") == 3


@pytest.mark.parametrize("width", WIDTHS)
def test_other_tables_break_nothing(tmp_path, width):
    shipped = load_study("rustbelt")
    lines = printed(width, print_answer, digest(shipped, None), True)
    names = [*(item.name for item in shipped.inputs), *shipped.groups]
    assert_whole(lines, width, ["p50 2.2 (2.19)", "correlation 0.3", "0.288"], names)


@pytest.mark.parametrize("width", WIDTHS)
def test_columns_that_have_no_room_go_on_below(width):
    heads = [f"policy_{k}" for k in range(12)]
    rows = [[f"{1234.5 * (k + 1):,.1f}" for k in range(12)], [f"{-k}" for k in range(12)]]
    names = Column("what it is", [LONG, "second"], left=True)
    columns = [Column(head, cells) for head, *cells in zip(heads, *rows, strict=True)]
    lines = printed(width, print_rows, "all of them", names, columns)
    assert_whole(lines, width, [*heads, *rows[0]], [LONG])
    assert lines[0] == "all of them" and sum("what it is" in line for line in lines) >= 1 + (width < 200)


def test_a_name_that_is_too_long_is_broken_behind_underscores():
    assert screen.folded("capital_shortfall [k yr]", 24, names=True) == ["capital_shortfall [k yr]"]
    assert screen.folded("capital_shortfall [k yr]", 12, names=True) == ["capital_", "shortfall", "[k yr]"]
    assert screen.folded("退耕还林之后的政策", 9, names=True) == ["退耕还林", "之后的政", "策"]


def test_sentences_are_folded_between_words_alone():
    text = "Brackets: 95 % intervals of [40.2, 40.8] and p05\xa01.4\xa0(1.42)."
    for width in range(18, 60):
        lines = [line.replace("\xa0", " ") for line in screen.folded(text, width)]
        assert " ".join(lines) == text.replace("\xa0", " ") and max(map(len, lines)) <= width
        assert all(any(whole in line for line in lines) for whole in ("95 %", "[40.2, 40.8]", "p05 1.4 (1.42)"))


# --------------------------------------------------------------------------------------------------------- progress


def test_a_line_of_progress_says_as_much_as_there_is_room_for():
    news = _News(None)
    news.first = (0.0, 0)
    texts = list(news.pace(Progress("simulating", 262_144, 1_048_576)))
    assert "paths/s" in texts[0] and texts[0].endswith("left") and texts[-1] == "25 %"
    assert all(len(one) > len(other) for one, other in pairwise(texts))
    for width in WIDTHS:
        assert len(fitting(texts, width)) <= width
    assert fitting(texts, 3) == ""


@pytest.mark.parametrize("width", WIDTHS)
def test_the_headline_so_far_is_whole_at_any_width(width):
    estimates = {f"policy_{k}": Estimate(40.5, 0.1, 40.3, 40.7) for k in range(8)} | {"none": Estimate(2.0)}
    text = sentence(Headline("capital_shortfall", "ES99", estimates))
    assert text.startswith("ES99 of capital_shortfall so far: policy_0 40.50 [40.30, 40.70], ")
    assert text.endswith(", none 2.000")
    assert_whole(screen.folded(text, width), width, ["40.50", "[40.30, 40.70]", "2.000"], estimates)


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


def test_a_run_is_printed_whole_on_a_small_terminal_and_waits_for_no_key(tmp_path):
    """With a pager that ends at once, as `q` ends `less`: nothing of what a run says is for it."""
    study = write(tmp_path, BRIDGE.replace("paths = 4000", "paths = 600"))
    words = ["run", str(study), *own("Bridge"), "--out", str(tmp_path / "out"), "--full", "--quiet"]
    code = f"from engine.cli import main; main({words!r}, prog_name='rustbelt')"
    shown = terminal(80, 24, code, PAGER="true")
    assert shown.count("\r\n") > 24 and "The mean of damage is " in shown and "rustbelt risk" in shown


def test_progress_keeps_to_one_line():
    code = """
import time
from engine.cli.show.progress import progress
from engine.execution.progress import Progress
with progress(False) as observe:
    for done in (0, 1_000_000_000, 2_000_000_000):
        observe(Progress("simulating", done, 1_000_000_000_000))
        time.sleep(0.3)
"""
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal(40, 24, code)))
    assert any("simulating" in line for line in lines)
    assert max(map(cell_len, lines)) <= 40
