"""Things that somebody else's study file, run folder or record cannot do."""

import ast
import io
import pickle
import re
import zipfile
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.errors import UserError
from engine.modelling import catalogue
from engine.run_folder import ledger, ownership
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import FinishedPart
from engine.run_folder.parts import stored_tally
from engine.storage import npz
from engine.storage.files import sealed, unsealed
from engine.study.study import BLOCK
from tests.small_files import BRIDGE, MODELS, call, write
from tests.small_study import commit_block, entered, make_study

ENGINE = Path(engine.__file__).parent


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("os.system", "unknown model"),
        ("engine.models.rustbelt", "unknown model"),
        ("../model", "unknown model"),
        ("my_model.py:Bridge", "my_model.py' is none"),
        (":Bridge", "' is none"),
        ("my_model.py:", "expected FILE:CLASS"),
        (f"{MODELS}:Bridge", "is not trusted"),
    ],
)
def test_a_study_file_runs_no_code_by_itself(tmp_path, monkeypatch, model, told):
    monkeypatch.setenv("RUSTBELT_CACHE", str(tmp_path / "cache"))
    text = BRIDGE.replace('model = "Bridge"', f'model = "{model}"')
    ended = call("run", write(tmp_path, text), "--out", tmp_path / "out")
    assert ended.exit_code == 2 and told in ended.stderr, ended.output
    assert told != "unknown model" or "--model FILE:CLASS" in ended.stderr


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/b", "..", ".", "", "a\\b", "x" * 65, "nul\0"])
def test_a_study_file_writes_nowhere_but_in_its_folder(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    text = BRIDGE.replace('name = "bridge"', "name = '" + name + "'")
    ended = call("run", write(tmp_path, text), "--model", f"{MODELS}:Bridge")
    assert ended.exit_code == 2, ended.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study.toml"]


def test_a_model_of_an_installed_package_is_known_by_its_entry_point(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(MODELS.parent))
    found = EntryPoints([
        EntryPoint("bridge-of-mine", "small_models:Bridge", catalogue.GROUP),
        EntryPoint("no-model", "small_models:__name__", catalogue.GROUP),
    ])  # fmt: skip
    monkeypatch.setattr(catalogue, "entry_points", lambda group: found)
    text = BRIDGE.replace('model = "Bridge"', 'model = "bridge-of-mine"')
    study = engine.load_study(write(tmp_path, text))
    assert study.model_name == "bridge-of-mine" and re.fullmatch("[0-9a-f]{64}", study.model_digest)
    with pytest.raises(UserError, match="PathModel or StaticModel"):
        engine.load_study(write(tmp_path, text.replace("bridge-of-mine", "no-model")))
    with pytest.raises(UserError, match="mean 'bridge-of-mine'"):
        engine.load_study(write(tmp_path, text.replace("bridge-of-mine", "bridge-of-min")))


def test_nothing_in_the_engine_reads_pickles_or_runs_text():
    for path in ENGINE.rglob("*.py"):
        nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        names = {one.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for one in node.names}
        names |= {node.module.split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
        assert not names & {"pickle", "cloudpickle", "joblib", "marshal", "shelve", "dill"}, path
        assert not called & {"eval", "exec", "compile", "os.system"}, path
        for node in (node for node in nodes if isinstance(node, ast.keyword)):
            assert node.arg != "allow_pickle" or ast.unparse(node.value) == "False", path
            assert node.arg != "shell", path


def test_a_tally_that_is_a_pickle_or_a_bomb_is_refused():
    buffer = io.BytesIO()
    np.savez(buffer, evil=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"[Oo]bject arrays|allow_pickle"):
        npz.unpacked(buffer.getvalue())
    with pytest.raises(ValueError, match=r"an \.npz file"):
        npz.unpacked(pickle.dumps({"a": 1}))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\0" * 1000)
        archive.filelist[0].file_size = npz.LARGEST + 1
    with pytest.raises(ValueError, match="arrays of at"):
        npz.unpacked(bomb.getvalue())


@pytest.mark.parametrize("name", ["../../secret", "/etc/hostname", "ledger/../../x"])
def test_a_record_that_names_files_elsewhere_is_no_record(tmp_path, name):
    study = make_study(BLOCK)
    with entered(tmp_path, study):
        commit_block(tmp_path, study, study.block(0))
    place = ledger.record_file(tmp_path, 0)
    document = unsealed(place)
    assert ledger.files_in(document)
    document["files"][0]["name"] = name
    assert not ledger.files_in(document)
    place.write_bytes(sealed(document))
    assert ledger.read(RunFolder(tmp_path, study), 0) is None


def test_a_record_that_names_no_tally_is_damaged(tmp_path):
    with pytest.raises(UserError, match=r"ledger/00000/00000003\.json: is damaged"):
        stored_tally(tmp_path, FinishedPart(3, 0, BLOCK, ()))


@pytest.mark.parametrize("name", ["cube.zarr", "ledger"])
def test_a_folder_that_leads_elsewhere_is_not_written_to(tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(UserError, match="is a symbolic link"),
        ownership.claim(RunFolder(tmp_path / "run", make_study(10))),
    ):
        pass
    assert not list((tmp_path / "elsewhere").iterdir())
