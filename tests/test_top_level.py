"""The top of the project holds only named files; tests leave nothing there, as `conftest.py` checks at their end."""

import shutil
import subprocess

import pytest

from tests.top_level import KEPT, ROOT, strays


def test_nothing_else_is_kept_at_the_top():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no checkout of git")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name.partition("/")[0] for name in listed.splitlines()} == KEPT


def test_what_is_left_at_the_top_is_seen(tmp_path):
    for name in (*KEPT, "site", ".cache", "rustbelt.egg-info", "risk.xlsx"):
        (tmp_path / name).touch()
    assert strays(tmp_path) == {"risk.xlsx"}
