"""Bad input: exit code 2, a message in the form of the others, no traceback, nothing half-written."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.run_folder import cube
from engine.storage import files
from engine.storage.files import sealed, unsealed
from tests.small_files import BRIDGE, MODELS, POND, call, own, write


def refused(ended, *texts):
    """The run was refused: with these texts, as a list of problems, and without a traceback."""
    assert ended.exit_code == 2, ended.output
    assert "Traceback" not in ended.output
    assert ended.stdout == ""
    for text in texts:
        assert text in " ".join(ended.stderr.split()), ended.stderr
    return ended


def refused_with_problems(ended, *texts):
    """Also: a head line that counts the problems, then one line for each, indented."""
    refused(ended, *texts)
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("compil")]
    count = int(lines[0].rpartition(": ")[2].split()[0])
    assert lines[0].endswith(f": {count} problem{'s' if count != 1 else ''}")
    assert len([line for line in lines[1:] if line.startswith("  ")]) == count


@pytest.fixture
def out(tmp_path):
    """The run folder that must not be there afterwards."""
    folder = tmp_path / "out"
    yield folder
    assert not folder.exists()


BROKEN = [
    ("syntax", BRIDGE.replace("seed = 7 }", "seed = 7 ]"), "line 5", "not TOML"),
    ("model", BRIDGE.replace('"Bridge"', '"rustbetl"'), "model 'rustbetl'", "mean 'rustbelt'"),
    ("factor", BRIDGE.replace("factors.price", "factors.prise"), "factor 'prise'", "mean 'price'"),
    ("lever", BRIDGE.replace("strength = 14", "strenght = 14"), "lever 'strenght'", "mean 'strength'"),
    ("policy", BRIDGE.replace('baseline = "weak"', 'baseline = "waek"'), "policy 'waek'", "mean 'weak'"),
    ("event", BRIDGE.replace('outcome = "damage"', 'outcome = "damges"'), "outcome 'damges'"),
    ("key", BRIDGE.replace("question", "qestion"), "key 'qestion'", "mean 'question'"),
    ("type", BRIDGE.replace("seed = 7", 'seed = "seven"'), "run.seed: ", "whole number", "'seven'"),
    ("nan", BRIDGE.replace("high = 2", "high = nan"), "factors.price.high: ", "finite", "got nan"),
    ("inf", BRIDGE.replace("strength = 14", "strength = inf"), "policies.strong.strength: ", "finite"),
    ("quantiles", BRIDGE.replace("p95 = 15", "p95 = 7"), "factors.load.p95: ", "p50 = 8", "got 7"),
    ("paths", BRIDGE.replace("paths = 4000", "paths = 0"), "run.paths: ", "at least 1", "got 0"),
    (
        "sampler",
        BRIDGE.replace("seed = 7", 'seed = 7, sampler = "importance"'),
        "sampler 'importance'",
        "Known: random, ",
    ),
    ("sd", POND.replace("median = 2\nsigma = 0.5", "mean = 2\nsd = -1"), "factors.inflow", "got -1"),
    ("correlation", POND.replace("correlation = 0.5", "correlation = -1.2"), "groups.wet.correlation: ", "-1 to 1"),
]


@pytest.mark.parametrize(
    ("text", "messages"), [(text, messages) for _, text, *messages in BROKEN], ids=[b[0] for b in BROKEN]
)
def test_a_study_that_is_wrong(tmp_path, out, text, messages):
    study = write(tmp_path, text)
    model = [] if "rustbetl" in text else own("Pond" if "pond" in text else "Bridge")
    for command in ("run", "check"):
        refused_with_problems(call(command, study, *model, "--out", out), *messages)


def test_all_problems_are_told_at_once(tmp_path, out):
    text = BRIDGE.replace("high = 2", "high = nan").replace("strength = 14", "strenght = 14")
    refused_with_problems(call("run", write(tmp_path, text), *own("Bridge"), "--out", out), "high", "strenght")


def test_a_study_that_is_not_there(tmp_path, out):
    refused_with_problems(call("run", tmp_path / "none.toml", "--out", out), "no such file")
    refused_with_problems(call("run", "rustbetl", "--out", out), "mean 'rustbelt'")
    refused_with_problems(call("run", tmp_path, "--out", out), "is a folder")
    (tmp_path / "raw.toml").write_bytes(b"name = '\xff'")
    refused_with_problems(call("run", tmp_path / "raw.toml", "--out", out), "expected UTF-8 text")


@pytest.mark.parametrize("kind", ["pipe", "device", "endless"])
def test_what_is_given_is_a_file_and_is_not_waited_for(tmp_path, out, kind):
    odd = tmp_path / "odd"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "device":
        odd.symlink_to("/dev/zero")
    else:
        with odd.open("wb") as file:
            file.truncate(1 << 40)
    link = tmp_path / "link.toml"
    link.symlink_to(write(tmp_path, BRIDGE))
    assert call("check", link, *own("Bridge")).exit_code == 0
    for ended in (
        call("run", odd, *own("Bridge"), "--out", out),
        call("risk", odd, *own("Bridge")),
        call("run", link, "--model", f"{odd}:Bridge", "--out", out),
        call("fit", odd, "--column", "x"),
    ):
        refused_with_problems(ended, "expected")
        assert "memory" not in ended.stderr, ended.stderr


def test_a_system_that_starts_no_more_threads(tmp_path, out, monkeypatch):
    def fails(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", fails)
    ended = call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", out)
    refused_with_problems(ended, "the system: 1 problem", "no more threads", "ulimit -v")


@pytest.mark.parametrize("nested", [False, True])
def test_a_library_that_finds_no_memory(tmp_path, out, monkeypatch, nested):
    def fails(*_):
        try:
            raise ImportError("libany.so: failed to map segment from shared object")
        except ImportError:
            if nested:
                raise OSError("Could not find/load shared object file 'libany.so'.")  # noqa: B904
            raise

    monkeypatch.setattr("engine.execution.job.executor_of", fails)
    ended = call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", out)
    refused_with_problems(ended, "memory: 1 problem", "a library", "ulimit -v")


@pytest.mark.slow
@pytest.mark.parametrize("most", [300_000, 700_000, 900_000, 1_500_000, 1_900_000])
def test_a_process_with_little_memory_is_told_so(out, most):
    words = f"run rustbelt --paths 2000 --quiet --out {out}"
    line = f"ulimit -v {most}; {sys.executable} -c 'from engine.cli import main; main()' {words}"
    ended = subprocess.run(["bash", "-c", line], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    shutil.rmtree(out, ignore_errors=True)
    assert ended.returncode in (0, 2) and "our fault" not in ended.stderr, ended.stderr


@pytest.mark.parametrize(
    ("setting", "messages"),
    [
        ("." * 2000 + "=1", ["expected TABLE.NAME.KEY=VALUE"]),
        (".".join("a" * 2000) + "=1", ["at most 16 names", "got 2,000"]),
        ("factors.load.p05=" + "[" * 2000 + "]" * 2000, ["factors.load.p05: ", "a number", "got '[[["]),
    ],
)
def test_a_setting_that_goes_too_deep(tmp_path, setting, messages):
    ended = call("check", write(tmp_path, BRIDGE), *own("Bridge"), "--set", setting)
    refused_with_problems(ended, ": 1 problem", *messages)
    assert len(ended.stderr) < 400


def test_a_name_that_no_disk_takes(tmp_path):
    study = write(tmp_path, BRIDGE)
    refused_with_problems(call("run", study, *own("Bridge"), "--out", tmp_path / ("x" * 300)), "cannot be")


@pytest.mark.parametrize("text", [BRIDGE, POND])
def test_more_paths_than_there_is_room_for(tmp_path, out, text):
    study, name = write(tmp_path, text), "Pond" if text is POND else "Bridge"
    ended = call("run", study, *own(name), "--out", out, "--paths", "1e12")
    refused_with_problems(ended, "1,000,000,000,000 paths", "TB on disk", "free")


def test_more_paths_than_memory_holds(tmp_path, out, monkeypatch):
    monkeypatch.setattr("engine.execution.resources.memory_free", lambda: 500_000_000)
    ended = call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", out)
    refused_with_problems(ended, "4,000 paths", "1.1 GB of memory", "500.0 MB free")


@pytest.mark.parametrize("count", ["0", "-5", "many", "1.5", "nan", "inf", "1e30"])
def test_path_counts_that_are_none(tmp_path, out, count):
    refused(call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", out, f"--paths={count}"), "expected")


def test_policies_that_are_none(tmp_path, out):
    words = ["run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", out, "--policies"]
    refused_with_problems(call(*words, "weak,strog"), "policy 'strog'", "mean 'strong'")
    refused(call(*words, ","), "names separated")


def test_a_device_that_is_not_there(tmp_path, out):
    ended = call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", out, "--device", "gpu")
    refused_with_problems(ended, "a gpu device", "found cpu")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("model.py", "expected FILE:CLASS"),
        ("none.py:Bridge", "'none.py' is none"),
        (f"{MODELS}:Brigde", "class 'Brigde'. Did you mean 'Bridge'?"),
        (f"{MODELS}:REGION", "PathModel or StaticModel"),
    ],
)
def test_a_model_that_is_not_there(tmp_path, out, spec, message):
    refused_with_problems(call("run", write(tmp_path, BRIDGE), "--model", spec, "--out", out), message)


RULES = {
    "raises": ("raise ValueError('no bridge')", "raised ValueError: no bridge (model.py, line "),
    "shape": ("return {'damage': jnp.ones(3) * factors.load, 'margin': 1.0}", "got an array of shape (3,)"),
    "missing": ("return {'damage': factors.load}", "model.outcomes.margin: evaluate does not return 'margin'."),
    "nan": ("return {'damage': jnp.log(factors.load - 8), 'margin': 1.0}", "is not finite on"),
    "exits": ("raise SystemExit(3)", "raised SystemExit: 3"),
}


@pytest.mark.parametrize("name", RULES)
def test_a_model_that_does_not_keep_its_contract(tmp_path, out, name):
    rule, message = RULES[name]
    source = MODELS.read_text().rstrip() + "\n\n\nclass Broken(Bridge):\n    def evaluate(self, factors, levers):\n"
    (tmp_path / "model.py").write_text(f"{source}        {rule}\n")
    words = [write(tmp_path, BRIDGE), "--model", f"{tmp_path / 'model.py'}:Broken", "--out", out]
    refused_with_problems(call("run", *words), message)
    if name != "nan":
        refused_with_problems(call("check", *words), message)


def test_a_model_that_cannot_be_imported(tmp_path, out):
    (tmp_path / "model.py").write_text("import nothing_of_this_name\n")
    ended = call("run", write(tmp_path, BRIDGE), "--model", f"{tmp_path / 'model.py'}:Bridge", "--out", out)
    refused_with_problems(ended, "ModuleNotFoundError", "line 1)")


def test_a_folder_that_holds_something_else(tmp_path):
    study = write(tmp_path, BRIDGE)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("dear")
    before = sorted(tmp_path.rglob("*"))
    words = ["run", study, *own("Bridge"), "--out"]
    refused_with_problems(call(*words, tmp_path / "thesis"), "no run", "chapter.txt")
    refused_with_problems(call(*words, study), "got a file")
    refused_with_problems(call(*words, study / "deeper"), "cannot be written")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_holds_another_study(tmp_path):
    words = ["run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", tmp_path / "out", "--quiet"]
    assert call(*words).exit_code == 0
    refused_with_problems(call(*words, "--seed", 8), "with fingerprint")
    fewer = call(*words, "--paths", 2000)
    assert fewer.exit_code == 0 and "4,000 paths, seed 7" in fewer.stdout
    assert "4,000" in fewer.stderr and "2,000" in fewer.stderr
    (status,) = json.loads(call("status", tmp_path / "out", "--json").stdout)
    assert status["paths"] == status["asked"] == 4000
    assert call(*words).exit_code == 0


@pytest.mark.parametrize(("code", "message"), [(errno.ENOSPC, "is full"), (errno.EROFS, "cannot be written")])
@pytest.mark.parametrize("owner", [files, cube])
def test_a_full_or_read_only_disk(tmp_path, out, monkeypatch, owner, code, message):
    def fails(path):
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(owner, "sync", fails)
    refused_with_problems(call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", out), message)


def test_a_refused_run_leaves_an_empty_folder_empty(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    (tmp_path / "model.py").write_text(
        MODELS.read_text().replace("over * factors.price", "jnp.log(over - 1) * factors.price")
    )
    words = ["--model", f"{tmp_path / 'model.py'}:Bridge", "--out", tmp_path / "empty"]
    refused_with_problems(call("run", write(tmp_path, BRIDGE), *words), "is not finite")
    assert not list((tmp_path / "empty").iterdir())


def test_questions_to_a_run_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = write(tmp_path, BRIDGE)
    refused_with_problems(call("risk", "nothing"), "a run folder", "a study file")
    refused_with_problems(call("risk", study, *own("Bridge")), "not been run", "rustbelt run")
    refused_with_problems(call("replay", "nothing", "--path", 1), "a run folder")
    refused(call("replay", study, *own("Bridge")), "--path")


def test_a_run_whose_model_is_no_longer_what_it_was(tmp_path):
    folder, model = tmp_path / "out", tmp_path / "model.py"
    model.write_text(MODELS.read_text())
    words = ["run", write(tmp_path, BRIDGE), "--model", f"{model}:Bridge", "--out", folder, "--quiet"]
    assert call(*words).exit_code == 0
    assert call("risk", folder).exit_code == 0
    model.write_text(MODELS.read_text() + "\n")
    refused_with_problems(call("risk", folder), "model.py:Bridge has changed", "--model FILE:CLASS")
    model.unlink()
    refused_with_problems(call("risk", folder), "model.py:Bridge is gone", "--model FILE:CLASS")


def test_a_run_whose_model_has_a_helper_that_is_no_longer_what_it_was(tmp_path):
    folder, model, helper = tmp_path / "out", tmp_path / "model.py", tmp_path / "rates.py"
    rated = """
import rates
class Rated(Bridge):
    def evaluate(self, factors, levers):
        found = super().evaluate(factors, levers)
        return found | {"damage": found["damage"] * rates.RATE}
"""
    model.write_text(MODELS.read_text() + rated)
    helper.write_text("RATE = 1.0")
    words = ["run", write(tmp_path, BRIDGE), "--model", f"{model}:Rated", "--out", folder, "--quiet"]
    assert call(*words).exit_code == 0
    assert call("risk", folder).exit_code == 0
    helper.write_text("RATE = 2.0")
    refused_with_problems(call("risk", folder), "another version of model Rated", "Ask with the model as it was")
    refused_with_problems(call(*words, "--paths", 5000), "with fingerprint", "another folder")
    place = folder / "ledger" / "study.json"
    held = unsealed(place)
    for entry in ("model.py", {"spec": f"{model}:Rated"}):
        place.write_bytes(sealed({**held, "model": entry}))
        refused_with_problems(call("risk", folder), "does not say", "--model FILE:CLASS")


def test_wrong_questions_to_a_run(tmp_path):
    folder = tmp_path / "out"
    assert call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", folder, "--quiet").exit_code == 0
    ask = ["risk", folder, *own("Bridge")]
    refused_with_problems(call(*ask, "--variable", "damge"), "variable 'damge'", "mean 'damage'")
    refused_with_problems(call(*ask, "--given", "damge > 1"), "outcome 'damge'", "mean 'damage'")
    refused_with_problems(call(*ask, "--given", "damage"), "expected NAME (<|<=|>|>=) NUMBER")
    refused_with_problems(call(*ask, "--level", "high"), "between 50 and 100")
    assert call("risk", folder).exit_code == 0  # the run knows where its model is
    tell = ["replay", folder, *own("Bridge"), "--path"]
    refused_with_problems(call(*tell, 4000), "path: ", "0 to 3999", "got 4000")
    refused_with_problems(call(*tell, 1, "--policy", "strog"), "policy 'strog'", "mean 'strong'")
    refused_with_problems(call(*tell, 1, "--variable", "stock"), "yearly variable 'stock'")


def test_a_model_whose_path_is_no_text_is_remembered_as_any_other(tmp_path):
    place = tmp_path / os.fsdecode(b"no \xff text")
    place.mkdir()
    (place / "model.py").write_bytes(MODELS.read_bytes())
    words = ["run", write(tmp_path, BRIDGE), "--out", tmp_path / "out", "--quiet"]
    for path in (place, tmp_path):
        (path / "model.py").write_bytes(MODELS.read_bytes())
        assert call(*words, "--model", f"{path / 'model.py'}:Bridge").exit_code == 0
        assert call("risk", tmp_path / "out").exit_code == 0
