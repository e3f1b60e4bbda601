"""`.ci/run` prints the output of its background steps once, whichever step fails; all programs are stubs here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STUB = """\
#!/bin/sh
case "$0 $*" in
  *"python3 -m venv "*)
    mkdir -p "$3/bin"
    for name in pip rustbelt pytest ruff mypy python; do cp "$0" "$3/bin/$name"; done ;;
  .venv-oldest/bin/pip*) echo "no index beside"; touch there; exit 1 ;;
  .venv/bin/rustbelt*) until [ -e there ]; do sleep 0.05; done; exit "$ENDS" ;;
esac
"""


@pytest.mark.parametrize("ends", [0, 3])
def test_what_ran_beside_is_printed_once_whatever_failed(tmp_path, ends):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    shutil.copy(ROOT / "README.md", tmp_path)
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    for name in ("python3", "npm", "chromium"):
        (stubs / name).write_text(STUB)
        (stubs / name).chmod(0o755)
    env = dict(os.environ) | {"PATH": f"{stubs}:{os.environ['PATH']}", "ENDS": str(ends)}
    done = subprocess.run([tmp_path / ".ci" / "run"], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == (ends or 1)
    assert done.stdout.count("no index beside") == 1
    assert ("failed: what ran" in done.stdout) == (ends == 0)
