"""A disk that fills: a small tmpfs, where this process, or a user namespace of its own, may mount one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine.study.study import BLOCK
from tests.recorded import contents, study_in

ROOT = Path(__file__).parents[2]
PATHS = 4 * BLOCK

SCRIPT = """
import json, os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.recorded import contents, study_in
import engine
from engine.run_folder import ledger
from engine.run_folder.folder import RunFolder
from engine.errors import UserError

place = Path({place!r})
study = study_in(Path({home!r}), {paths})
told = []
for room in {rooms}:
    os.system(f"mount -o remount,size={{room}} {{place}}")
    try:
        engine.run(study, place / "run", device="cpu")
        ending = ["complete", ""]
    except UserError as error:
        ending = ["told", error.problems[0].message]
    told.append([*ending, list(ledger.done_blocks(RunFolder(place / "run", study), thorough=True))])
print(json.dumps([told, contents(place / "run"), [p.name for p in place.rglob("*.tmp")]]))
"""


def mounted(place, script):
    """What the script prints with a tmpfs of 64 MiB mounted at the place, or None where none can be mounted."""
    inside = f'mount -t tmpfs -o size=64m tmpfs "{place}" && exec "{sys.executable}" -c "$SCRIPT"'
    unshare = shutil.which("unshare")
    for words in ([unshare, "-m"], [unshare, "-Urm"]):
        if unshare is None or subprocess.run([*words, "true"], capture_output=True).returncode:
            continue
        found = subprocess.run(
            [*words, "sh", "-c", inside], env={**os.environ, "SCRIPT": script}, capture_output=True, text=True
        )
        if "mount:" not in found.stderr:
            assert found.returncode == 0, found.stderr[-3000:]
            return json.loads(found.stdout.splitlines()[-1])
    return None


@pytest.mark.slow
def test_a_disk_that_fills_keeps_what_was_recorded(tmp_path):
    (tmp_path / "disk").mkdir()
    # room is made little by little; what a run needs at most is asked for beforehand, and is not what it meets here
    script = SCRIPT.format(
        root=str(ROOT),
        place=str(tmp_path / "disk"),
        home=str(tmp_path),
        paths=PATHS,
        rooms=["300k", "2m", "3m", "4m", "64m"],
    ).replace(
        "import engine\n",
        "import engine\nfrom engine.execution import job\njob.refuse_if_too_large = lambda *_: None\n",
        1,
    )
    found = mounted(tmp_path / "disk", script)
    if found is None:
        pytest.skip("no tmpfs can be mounted here")
    told, left, strays = found
    ended, messages, done = zip(*told, strict=True)
    assert ended[0] == "told" and ended[-1] == "complete" and ended.count("told") >= 2, told
    assert all(message.startswith("the disk is full") for message in messages if message), told
    counts = [len(blocks) for blocks in done]
    assert counts == sorted(counts) and counts[-1] == 4 and len(set(counts)) > 2, told
    engine.run(study_in(tmp_path, PATHS), tmp_path / "whole", device="cpu")
    assert left == contents(tmp_path / "whole") and not strays
