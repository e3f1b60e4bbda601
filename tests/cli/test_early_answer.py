"""The answer of a run stands on the screen before its cube is finished; whatever befalls what comes after, it says
nothing that does not hold.
"""

import errno
import os
import re

import pytest

from engine.cli.show import answers
from engine.errors import UserError
from engine.run_folder import cube
from tests.small_files import POND, call, own, write

LAST = re.compile(r"^(The cube|Next): ", re.MULTILINE)


@pytest.fixture
def words(tmp_path):
    return ["run", write(tmp_path, POND), *own("Pond"), "--out", tmp_path / "run"]


@pytest.fixture
def table(words, tmp_path):
    """What stands above the last lines of a run that nothing befalls, in the folder of the others."""
    printed = call(*words).stdout
    (tmp_path / "run").rename(tmp_path / "undisturbed")
    return printed[: LAST.search(printed).start()]


def fail(*_):
    raise UserError("the disk", ["is full."])


def status(tmp_path):
    return cube.attributes(tmp_path / "run")["status"]


def test_what_fails_after_the_answer_is_told_below_it(words, table, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(cube, "finish", fail)
        ended = call(*words)
    assert ended.exit_code == 2 and ended.stdout == table and status(tmp_path) == "incomplete"
    assert re.search(r"^writing: .*\nthe disk: 1 problem\n  is full\.$", ended.stderr, re.MULTILINE)
    again = call(*words)
    assert again.exit_code == 0 and again.stdout.startswith(table) and status(tmp_path) == "complete"
    assert len(LAST.findall(again.stdout)) == 2


def test_a_full_disk_below_the_screen_keeps_no_cube_from_being_finished(words, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "standard output")

    monkeypatch.setattr(answers, "print_answer", full)
    ended = call(*words)
    assert ended.exit_code == 2 and status(tmp_path) == "complete"
    assert "standard output" in ended.stderr and not LAST.search(ended.stdout)
