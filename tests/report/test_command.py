"""`rustbelt report`: where it writes, of which runs, and what it names as missing."""

from __future__ import annotations

import re
import sys

from engine.formatting import size_as_text
from tests.report.farms import Reader
from tests.small_files import BRIDGE, call, own, write


def test_the_command_leaves_a_page_in_the_folder_which_stays_clean(runs):
    ended = call("report", runs / "pond", *own("Pond"))
    assert ended.exit_code == 0, ended.output
    place = runs / "pond" / "report.html"
    assert ended.stdout.startswith(f"{place}: {size_as_text(place.stat().st_size)}")
    first = place.read_bytes()
    assert call("report", runs / "pond", *own("Pond")).exit_code == 0 and place.read_bytes() == first
    assert call("verify", runs / "pond", *own("Pond")).exit_code == 0
    assert not [path for path in place.parent.iterdir() if path.name.startswith("report.html.")]


def test_the_command_writes_where_it_is_told_and_speaks_of_what_it_is_asked(runs, tmp_path):
    place = tmp_path / "page.html"
    ended = call("report", runs / "bridge", *own("Bridge"), "-o", place, "--variable", "margin")
    assert ended.exit_code == 0, ended.output
    words = " ".join(" ".join(Reader(place.read_text()).words).split())
    assert re.search(r"Which policy\s.{0,80} margin", words)
    ended = call("report", runs / "bridge", *own("Bridge"), "-o", place, "--variable", "margni")
    assert ended.exit_code == 2 and "mean 'margin'" in ended.output


def test_a_run_that_has_not_ended_is_refused_or_said_to_be_one(tmp_path):
    study = write(tmp_path, BRIDGE)
    shard = ("--paths", "2e5", "--shard", "1/2", "--out", tmp_path / "out", "--quiet")
    assert call("run", study, *own("Bridge"), *shard).exit_code == 0
    ended = call("report", tmp_path / "out", *own("Bridge"))
    assert ended.exit_code == 2 and "--partial" in ended.output
    ended = call("report", tmp_path / "out", *own("Bridge"), "--partial")
    assert ended.exit_code == 0, ended.output
    words = " ".join(Reader((tmp_path / "out" / "report.html").read_text()).words)
    assert "Not finished" in words and "of 200,000 asked for" in words


def test_what_is_missing_is_named(runs, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("engine.report")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    ended = call("report", runs / "bridge", *own("Bridge"))
    assert ended.exit_code == 2 and "pip install 'jinja2>=" in ended.output
