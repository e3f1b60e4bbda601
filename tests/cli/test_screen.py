"""What is printed fits the screen: no number, name or command is broken at any width, with few policies or many; and
nothing waits for a key.
"""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from engine.cli.show import screen
from engine.cli.show.answers import print_answer
from engine.cli.show.conditional_tables import print_conditional, print_yearly
from engine.cli.show.progress import _News, _Pace, fitting, progress
from engine.cli.show.risk_tables import MAIN, print_risk, print_tables
from engine.cli.show.rows import Column, columns_of, print_rows
from engine.cli.show.study_digest import digest
from engine.execution.progress import Progress
from engine.risk.estimation.as_text import cell
from engine.risk.estimation.evidence import MEASURES
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record, Tables
from engine.study.loading import load_model_file, load_study
from tests.cli.printed import compared, printed
from tests.small_files import BRIDGE, MODELS, POND, own, write

WIDTHS = 60, 80, 100, 120, 200
LONG = "everything_at_once_and_faster_than_planned"


def assert_whole(lines: list[str], width: int, words, names) -> None:
    """Asserts that no line is wider than the screen, and that each of the words, and the names, stands whole in one."""
    assert max(map(cell_len, lines)) <= width, [line for line in lines if cell_len(line) > width]
    text = "\n".join(lines)
    for word in words:
        assert word in text
    for name in names:
        ends = re.escape(name[:16]), re.escape(name[-16:])
        assert name in text or re.search("{}.*….*{}".format(*ends), text), name


def numbers(tables: Tables, measures) -> set[str]:
    """Estimates and intervals as the tables show them."""
    shown = {*measures, "probability", *(f"difference_{m}" for m in (*measures, "probability"))}
    cells = [
        cell(r, 100.0 if r.variable == "collapse" else 1.0)
        for r in (*tables.risk, *tables.comparison)
        if r.measure in shown
    ]
    return {part for one in cells for part in (one.estimate, one.interval)}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["p", LONG, "退耕还林之后的政策"])
def test_tables_of_one_to_eight_policies_break_nothing(tmp_path, width, name):
    for policies in range(1, 9):
        study, tables = compared(tmp_path, policies, name)
        for measures, outcomes in ((MAIN, study.headline), (MEASURES, study.model.outcomes)):
            lines = printed(width, print_tables, study, [*tables.risk, *tables.comparison], measures, outcomes)
            names = [*study.policy_names, *study.model.outcomes, "collapse", *measures]
            assert_whole(lines, width, numbers(tables, measures), names)


@pytest.mark.parametrize("name", ["p", LONG, "退耕还林之后的政策"])
def test_a_brief_table_of_many_policies_is_not_stacked(tmp_path, name):
    """As many as stand beside each other, the baseline first; what is left out is counted."""
    for policies in range(3, 9):
        study, tables = compared(tmp_path, policies, name)
        of = study, [*tables.risk, *tables.comparison], MAIN, study.headline
        lines = printed(80, print_tables, *of, brief=True)
        console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
        left = print_tables(console, *of, brief=True)
        assert max(map(cell_len, lines)) <= 80
        # heads, an outcome in three lines each, the event in two, what brackets mean
        assert len([line for line in lines if line]) <= 1 + 3 * len(study.headline) + 3 + 3, lines
        heads = lines[0].split()
        more = policies - len(heads)
        counted = {0: [], 1: ["1 more policy"]}.get(more, [f"{more} more policies"])
        assert heads[:2] == ["weak", "strong"] and left == [*counted, "differences"]
        assert "better, worse: than weak, on the same futures." in " ".join(" ".join(lines).split())


def test_one_variable_of_many_policies_says_what_it_leaves_out(tmp_path):
    study, tables = compared(tmp_path, 8, LONG)
    name = study.headline[0]
    records = [one for one in (*tables.risk, *tables.comparison) if one.variable == name]
    lines = " ".join(printed(80, print_risk, study, Path("there"), records, True, brief=True))
    assert "more policies and differences" in lines or "more policies, differences" in lines, lines
    assert f"rustbelt risk there --variable {name} --full" in lines


def test_the_arrangement_is_the_first_that_fits(tmp_path):
    study, tables = compared(tmp_path, 2)

    def heads(width):
        lines = printed(width, print_tables, study, [*tables.risk, *tables.comparison], MAIN, study.headline)
        return lines[0].split(), sum(bool(line.strip()) for line in lines)

    assert heads(200)[0] == heads(130)[0] == ["weak", "strong", "strong", "-", "weak"]
    assert heads(100)[0] == ["less", "weak"]
    assert heads(60)[0][0] == "damage"
    rows = [heads(width)[1] for width in (200, 100, 60)]
    assert rows == sorted(rows)


@pytest.mark.parametrize("width", WIDTHS)
def test_other_tables_break_nothing(tmp_path, width):
    study, tables = compared(tmp_path, 4, LONG)
    given = [
        replace(r, measure=f"{side}_{r.measure}") for r in tables.risk for side in ("given", "otherwise", "contrast")
    ]
    shares = [replace(r, measure="share", variable="margin >= 0") for r in tables.risk if r.measure == "probability"]
    lines = printed(width, print_conditional, study, [*shares, *given], MAIN, study.headline)
    shown = {cell(r).interval for r in given if r.measure in ("given_mean", "contrast_ES99")}
    assert_whole(lines, width, shown, ["given - otherwise"])
    pond = load_study(write(tmp_path, POND), model=load_model_file(f"{MODELS}:Pond"))
    years = [
        Record(measure, None, policy, "stock", {"region": place}, year, 1234.5, 0.3, 1233.9, 1235.1, ())
        for measure in ("mean", "difference_mean")
        for policy in pond.policy_names
        for place in pond.model.dims["region"]
        for year in pond.years
    ]
    lines = printed(width, print_yearly, pond, "stock", years, None)
    assert_whole(lines, width, ["1,234.5", "[1,233.9, 1,235.1]", "2020", "stock north, mean [hm3]"], ["keep"])
    shipped = load_study("rustbelt")
    lines = printed(width, print_answer, digest(shipped, None), True)
    names = [*(item.name for item in shipped.inputs), *shipped.groups]
    assert_whole(lines, width, ["p50 2.2 (2.19)", "correlation 0.3", "0.288"], names)


@pytest.mark.parametrize("width", WIDTHS)
def test_columns_that_have_no_room_go_on_below(width):
    heads = [f"policy_{k}" for k in range(12)]
    rows = [[f"{1234.5 * (k + 1):,.1f}" for k in range(12)], [f"{-k}" for k in range(12)]]
    names = Column("what it is", [LONG, "second"], left=True)
    lines = printed(width, print_rows, "all of them", names, columns_of(heads, rows))
    assert_whole(lines, width, [*heads, *rows[0]], [LONG])
    assert lines[0] == "all of them" and sum("what it is" in line for line in lines) >= 1 + (width < 200)


def test_a_name_that_is_too_long_keeps_its_beginning_and_its_end():
    assert screen.shortened("capital_shortfall", 17) == "capital_shortfall"
    assert screen.shortened("capital_shortfall", 9) == "capi…fall"
    short = screen.shortened("退耕还林之后的政策", 9)
    assert cell_len(short) <= 9 and short[0] == "退" and short[-1] == "策"


def test_sentences_are_folded_between_words_alone():
    text = "Brackets: 95 % intervals of [40.2, 40.8] and p05 1.4 (1.42)."
    for width in range(18, 60):
        lines = screen.folded(text, width)
        assert " ".join(lines) == text and max(map(len, lines)) <= width
        assert all(any(whole in line for line in lines) for whole in ("95 %", "[40.2, 40.8]", "p05 1.4 (1.42)"))


# --------------------------------------------------------------------------------------------------------- progress


def test_a_line_of_progress_says_as_much_as_there_is_room_for():
    pace = _Pace()
    pace.first = (0.0, 0)
    texts = list(pace.texts(Progress("simulating", 262_144, 1_048_576)))
    assert "paths/s" in texts[0] and texts[0].endswith("left") and texts[-1] == "25 %"
    news = _News(None)
    news._measure, news._variable = "ES99", "capital_shortfall"
    news._estimates = {f"policy_{k}": Estimate(40.5, 0.1, 40.3, 40.7, ()) for k in range(8)}
    sentences = list(news.sentences())
    for shorter in (texts, sentences):
        assert all(len(one) > len(other) for one, other in pairwise(shorter))
        for width in WIDTHS:
            assert len(fitting(shorter, width)) <= width
    assert fitting(sentences, 80) == "ES99 of capital_shortfall so far: policy_0 40.50, policy_1 40.50, ..."
    assert fitting(sentences, 5) == ""


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
    assert shown.count("\r\n") > 24 and ": How strong?" in shown and "rustbelt risk" in shown


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
    for width in (40, 60, 80):
        shown = terminal(width, 24, code)
        lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown))
        assert any("simulating" in line for line in lines)
        assert max(map(cell_len, lines)) <= width


def test_progress_says_nothing_where_it_is_to_be_quiet():
    with progress(True) as observe:
        observe(Progress("simulating", 1, 2))
