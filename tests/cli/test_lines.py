"""Printers of lines: what each writes, on a terminal and for other programs, nothing of it lost or added."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.cli.show.screen import print_command, print_records
from engine.formatting import command_line
from tests.cli.printed import printed


@pytest.mark.parametrize("width", [20, 200])
def test_a_command_is_never_broken(width):
    command = command_line("risk", Path("a folder"), "--full", model="my_model.py:Own")
    lines = printed(width, print_command, "All of it", "risk", Path("a folder"), "--full", model="my_model.py:Own")
    assert lines == ([f"All of it: {command}"] if width == 200 else ["All of it:", f"  {command}"])


def test_records_are_one_list_a_record_a_line(capsys):
    rows = [{"a": 1, "b": "ü\x1b"}, {"a": None, "b": "x"}]
    print_records(rows)
    out = capsys.readouterr().out
    assert json.loads(out) == rows and len(out.splitlines()) == len(rows) + 2 and out.isascii()
    print_records([])
    assert json.loads(capsys.readouterr().out) == []
    with pytest.raises(ValueError, match="JSON"):
        print_records([{"a": np.nan}])
