"""What `check --workers` says of a run: futures a second from blocks computed here, and a disk without room."""

import re

from engine.formatting import duration
from engine.study.study import BLOCK
from tests.small_files import BRIDGE, call, own, write


def test_the_command_says_what_many_workers_compute_and_refuses_what_cannot_be(tmp_path):
    words = ["check", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--device", "cpu"]
    shown = call(*words, "--paths", 40 * BLOCK, "--workers", 16)
    assert shown.exit_code == 0, shown.output
    here, there = (int(text.replace(",", "")) for text in re.findall(r"([\d,]+) futures/s", shown.stdout))
    assert here > 0 and abs(there - 16 * here) <= 16
    assert "16, each like this machine" in shown.stdout and "loop on" in shown.stdout
    assert f"{duration(40 * BLOCK / there)} for the futures" in shown.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]  # measuring leaves nothing behind
    refused = call(*words, "--paths", "1e12", "--workers", 512)
    assert refused.exit_code == 2 and "on disk, and there are" in refused.stderr and "512, each" in refused.stdout
    assert "at least 1, got 0" in call(*words, "--workers", 0).stderr
