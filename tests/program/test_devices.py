"""Devices and their memory, sizes, and how often a program is compiled."""

from tests.small_files import BRIDGE, call, own, write

# ------------------------------------------------------------------------------- compiled once


# ------------------------------------------------------------------------------- memory


def test_a_run_that_cannot_fit_is_refused_with_the_remedy(tmp_path):
    study, out = write(tmp_path, BRIDGE), tmp_path / "out"
    ended = call("run", study, *own("Bridge"), "--out", out, "--memory", "512MB")
    assert ended.exit_code == 2
    place, told = ended.stderr.splitlines()
    assert place == "--memory: 1 problem"
    for part in ("about 1.1 GB", "4,000 paths", "512.0 MB allowed", "fewer paths", "allow more"):
        assert part in told
    assert not out.exists()
    assert "a size" in call("run", study, *own("Bridge"), "--memory", "lots").stderr
    assert call("run", study, *own("Bridge"), "--out", out, "--memory", "4GiB", "--quiet").exit_code == 0
