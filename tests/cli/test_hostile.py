"""Every entry of the hostile corpus ends with its exit code, its first line and its first problem, without a
traceback."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import hostile_corpus as corpus
from tests.small_files import BRIDGE, MODELS, POND, call, own, write

EXPECTED = Path(__file__).parents[1] / "data" / "hostile.json"
SEEN = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.exists() else {}
TEXTS = {"Bridge": BRIDGE, "Pond": POND}
NOISE = ("compil", "simulat", "estimat", "verify", "loaded", "traced")


def said(ended):
    """The exit code, the first line that is no progress, and the first problem below it."""
    assert "Traceback" not in ended.output and "an error of rustbelt" not in ended.output, ended.output
    here = f"{os.getcwd()}/"
    lines = [line for line in ended.stderr.replace(here, "").split("\n") if line and not line.startswith(NOISE)]
    if lines and lines[0].startswith("Usage:"):
        return [ended.exit_code, next(line for line in lines if line.startswith("Error:")), ""]
    problem = lines[1].strip() if len(lines) > 1 and lines[1].startswith("  ") else ""
    for varies, written in (
        ("bytes [0-9,]+ to [0-9,]+", "bytes A to B"),
        ("1 to [0-9]+, a worker", "1 to N, a worker"),
    ):
        problem = re.sub(varies, written, problem)
    return [ended.exit_code, *(lines[:1] or [""]), problem]


def prepared(folder):
    """A folder with a study, a model, data and a finished run."""
    write(folder, BRIDGE)
    (folder / "model.py").write_text(MODELS.read_text())
    (folder / "study.csv").write_text("x\n1\n2\n3\n")
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.txt").write_text("dear")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert call("run", "study.toml", "--model", "model.py:Bridge", "--out", "run", "--quiet").exit_code == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder that `prepared` gives, to be in."""
    before = Path.cwd()
    os.chdir(prepared(tmp_path_factory.mktemp("hostile")))
    yield Path.cwd()
    os.chdir(before)


def check_study(name):
    model, old, new = corpus.STUDIES[name]
    text = TEXTS[model].replace(old, new)
    assert text != TEXTS[model]
    Path("hostile.toml").write_text(text)
    return said(call("check", "hostile.toml", *own(model)))


def check_model(name):
    source = MODELS.read_text().rstrip()
    Path("hostile.py").write_text(f"{source}\n\n\nclass Hostile(Bridge):\n{corpus.MODELS[name]}\n")
    return said(call("check", "study.toml", "--model", "hostile.py:Hostile"))


def check_data(name):
    Path("hostile.csv").write_bytes(corpus.DATA[name])
    return said(call("fit", "hostile.csv", "--column", "price"))


def ask_cube(name, words):
    file, befall = corpus.CUBES[name]
    shutil.move("run", "whole")
    shutil.copytree("whole", "run")
    try:
        befall(Path("run", file))
        return said(call(*shlex.split(words)))
    finally:
        shutil.rmtree("run")
        shutil.move("whole", "run")


def argue(words):
    model = ["--model", "model.py:Bridge"] if words.startswith("run study.toml") and "--model" not in words else []
    return said(call(*shlex.split(words), *model))


def surround(name):
    program = f"{shlex.quote(sys.executable)} -c 'from engine.cli import main; main()'"
    line = corpus.ENVIRONMENTS[name].replace(corpus.HERE, program)
    home = str(Path(__file__).parents[2])
    shell = ["bash", "-c", f"set -o pipefail; {line}"]
    ended = subprocess.run(
        shell, capture_output=True, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": home}, check=False
    )
    out, err = (part.decode(errors="backslashreplace") for part in (ended.stdout, ended.stderr))
    return said(SimpleNamespace(exit_code=ended.returncode, output=out + err, stderr=err))


ENTRIES = {
    **{f"study: {name}": (check_study, name) for name in corpus.STUDIES},
    **{f"model: {name}": (check_model, name) for name in corpus.MODELS},
    **{f"data: {name}": (check_data, name) for name in corpus.DATA},
    **{f"cube: {name}: {words}": (ask_cube, name, words) for name, words in product(corpus.CUBES, corpus.QUESTIONS)},
    **{f"environment: {name}": (surround, name) for name in corpus.ENVIRONMENTS},
    **{f"argument: {words!r}": (argue, words) for words in corpus.ARGUMENTS},
}
SLOW = ("environment: ", "cube: ", "argument: 'plot", "argument: 'report")
QUICK = ("cube: a flipped byte in a shard: risk run", "cube: a deep root: plot exceedance run -o a.png")


SWEPT = {
    f"cube: {name}: {words}"
    for (i, name), (j, words) in product(enumerate(corpus.CUBES), enumerate(corpus.QUESTIONS))
    if (i - j) % len(corpus.QUESTIONS)
}
"""All but one question of each damaged cube, in turn."""


def marked(name):
    marks = [pytest.mark.slow] * name.startswith(SLOW) + [pytest.mark.sweep] * (name in SWEPT)
    return pytest.param(name, marks=[] if name in QUICK else marks)


@pytest.mark.parametrize("name", [marked(name) for name in ENTRIES])
def test_each_ends_as_it_should(place, name):
    act, *what = ENTRIES[name]
    assert act(*what) == SEEN[name]


def test_nothing_of_the_corpus_is_called_our_fault():
    assert ENTRIES.keys() == SEEN.keys()
    ended_by_a_reader = {"environment: results that nobody reads"}
    assert {code for name, (code, *_) in SEEN.items() if name not in ended_by_a_reader} <= {0, 2}


if __name__ == "__main__":
    import tempfile

    os.chdir(prepared(Path(tempfile.mkdtemp())))
    seen = {}
    for name, (act, *what) in ENTRIES.items():
        try:
            seen[name] = act(*what)
        except AssertionError as error:
            seen[name] = [1, str(error)[:600], ""]
    rows = (f"{json.dumps(name)}: {json.dumps(ended, ensure_ascii=False)}" for name, ended in seen.items())
    EXPECTED.write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf-8")
