"""How far a run is, what is damaged in it, and mending that and nothing else."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from engine.execution import anew, job, results
from engine.run_folder import ledger, provenance
from engine.run_folder.damage import OTHER, Damage
from engine.run_folder.finding import stored_study
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import OTHER_CONTENT
from engine.runs import upkeep
from engine.runs.upkeep import repair, status, verify
from engine.storage.files import digest_of_file, sealed, unsealed
from engine.study.study import BLOCK
from tests import small_study
from tests.pairs import in_turn
from tests.recorded import VERSIONS, contents, played_back, study_in
from tests.refusals import refuses
from tests.small_files import BRIDGE, call, damages, own, write
from tests.small_study import commit_block, entered, make_study


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished run of three blocks, its study and its contents."""
    place = tmp_path_factory.mktemp("whole")
    study = study_in(place, 2 * BLOCK + 600)
    executor = played_back(place)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(job, "executor_of", lambda *_: executor)
        job.compute(study, job.RunOptions(place / "run"))
    return place / "run", study, contents(place / "run")


@pytest.fixture
def run(whole, tmp_path, monkeypatch):
    """A copy of it that may be damaged; runs are played back."""
    folder, study, _ = whole
    executor = played_back(folder.parent)
    monkeypatch.setattr(job, "executor_of", lambda *_: executor)
    monkeypatch.setattr(upkeep, "versions", lambda device: VERSIONS)
    shutil.copytree(folder, tmp_path / "run")
    return tmp_path / "run", study


SHARD = "cube.zarr/paths/lowest_stock/c/0/1"


def change(path, how):
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[len(content) // 2] ^= 4
    elif how == "truncated":
        content = content[:-7]
    elif how == "longer":
        content += b"\0"
    elif how == "empty":
        content = bytearray()
    path.write_bytes(content) if how != "deleted" else path.unlink()


SAID = {
    "flipped": "other content than was written",
    "truncated": "bytes, expected",
    "longer": "bytes, expected",
    "empty": "empty",
    "deleted": "missing",
}


@pytest.mark.parametrize(("file", "how"), in_turn([SHARD, "ledger/00000/00000001.npz"], SAID))
def test_a_damaged_file_of_a_block_is_named_and_the_block_alone_computed_again(run, whole, file, how):
    folder, study = run
    change(folder / file, how)
    (found,) = verify(RunFolder(folder, study))
    assert (found.part, found.file) == (1, file) and SAID[how] in found.what
    damages, done = repair(RunFolder(folder, study))
    assert damages == [found] and done.computed == (1,)
    assert contents(folder) == whole[2] and verify(RunFolder(folder, study)) == []


@pytest.mark.parametrize(
    ("file", "part", "computed", "how"),
    in_turn(
        [
            ("ledger/00000/00000002.json", 2, (2,)),
            ("ledger/yearly.json", "yearly", ()),
            ("ledger/yearly.npz", "yearly", ()),
            ("ledger/cube.json", "cube", ()),
            ("cube.zarr/zarr.json", "cube", ()),
            ("cube.zarr/risk/lowest_stock/c.0.0.0", "cube", ()),
            ("cube.zarr/paths/lowest_stock/zarr.json", "cube", ()),
            ("cube.zarr/paths/policy/c.0", "cube", ()),
            ("study.toml", "study", ()),
            ("ledger/study.json", "study", ()),
        ],
        ["flipped", "truncated", "empty", "deleted"],
    ),
)
def test_everything_else_is_mended_without_computing_blocks(run, whole, file, part, computed, how):
    folder, study = run
    change(folder / file, how)
    found = verify(RunFolder(folder, study))
    assert {damage.part for damage in found} == {part}, found
    assert repair(RunFolder(folder, study))[1].computed == computed
    told = contents(folder)
    if part == "study":  # the versions are those of whoever mends it
        told["ledger/study.json"] = whole[2]["ledger/study.json"]
    assert told == whole[2] and verify(RunFolder(folder, study)) == []


@pytest.mark.parametrize("how", ["flipped", "truncated", "deleted"])
def test_a_damaged_provenance_is_named_and_starts_anew(run, how):
    folder, study = run
    change(folder / "provenance.json", how)
    assert {damage.part for damage in verify(RunFolder(folder, study))} == {"provenance"}
    repair(RunFolder(folder, study))
    assert verify(RunFolder(folder, study)) == [] and provenance.runs(folder) == []


def test_what_a_killed_process_left_is_named_and_taken_away(run):
    folder, study = run
    left = ["cube.zarr/paths/zarr.json.0a1b2c3d.tmp", "study.toml.0a1b2c3d.tmp"]
    for name in left:
        (folder / name).write_text("{")
    assert [(one.part, one.file) for one in verify(RunFolder(folder, study))] == [("", name) for name in left]
    repair(RunFolder(folder, study))
    assert verify(RunFolder(folder, study)) == [] and not [*folder.rglob("*.tmp")]


def test_what_is_not_computed_yet_is_no_damage_and_repair_leaves_it(tmp_path, monkeypatch):
    monkeypatch.setattr(upkeep, "versions", lambda device: small_study.VERSIONS)
    monkeypatch.setattr(upkeep, "of_study", lambda study, versions: versions)  # it cannot be run
    study = make_study(3 * BLOCK)
    with entered(tmp_path, study):
        for index in (0, 2):
            commit_block(tmp_path, study, study.block(index))
    assert verify(RunFolder(tmp_path, study)) == []
    change(tmp_path / "cube.zarr/draws/fund/c/0", "flipped")
    found, done = repair(RunFolder(tmp_path, study))
    assert [damage.part for damage in found] == [0] and done is None
    assert [block.index for block in ledger.pending(RunFolder(tmp_path, study))] == [0, 1]


def test_computing_again_finds_what_was_wrong_before_it_was_written(run, monkeypatch):
    folder, study = run
    monkeypatch.setattr(anew.devices, "program", lambda *_: played_back(folder.parent).program)
    assert verify(RunFolder(folder, study), full=True) == []
    shard = folder / SHARD
    shutil.copy(folder / SHARD.replace("/0/1", "/0/0"), shard)
    record = folder / "ledger/00000/00000001.json"
    document = unsealed(record)
    for file in document["files"]:
        if file["name"] == SHARD:
            file |= {"size": shard.stat().st_size, "sha256": digest_of_file(shard)}
    record.write_bytes(sealed(document))
    assert verify(RunFolder(folder, study)) == []
    found = verify(RunFolder(folder, study), full=True)
    assert (1, SHARD, OTHER) in [(d.part, d.file, d.what) for d in found]
    assert repair(RunFolder(folder, study), full=True)[1].computed == (1,)
    assert verify(RunFolder(folder, study), full=True) == []


def test_what_others_made_is_left_where_it_comes_out_the_same_and_refused_where_it_does_not(run, monkeypatch):
    folder, study = run
    monkeypatch.setattr(anew.devices, "program", lambda *_: played_back(folder.parent).program)
    monkeypatch.setattr(upkeep, "versions", lambda device: {**VERSIONS, "rustbelt": "1"})
    assert repair(RunFolder(folder, study), full=True) == ([], None)
    before = contents(folder)
    monkeypatch.setattr(anew.cube, "finished_files", lambda *_: {})
    with refuses("", "rustbelt 0", "this is 1", "--force"):
        repair(RunFolder(folder, study), full=True)
    assert contents(folder) == before


def test_a_model_that_has_changed_is_told_and_nothing_called_damaged(run):
    folder, study = run
    other = replace(study, model_digest="f" * 64)
    for ask in (verify, repair, results.of_run):
        with refuses("", "another version", "Pond"):
            ask(RunFolder(folder, other))


def test_a_study_that_was_edited_by_hand_is_the_one_that_was_run(run):
    folder, study = run
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(text.replace("seed = 7", "seed = 8"))
    assert stored_study(folder, study.model).seed == 7
    assert [d.file for d in verify(RunFolder(folder, study))] == ["study.toml"]


def test_status_counts_what_is_there(tmp_path):
    study = make_study(3 * BLOCK)
    with entered(tmp_path, study):
        commit_block(tmp_path, study, study.block(1))
        found = status(RunFolder(tmp_path, study))
        assert (found.paths, found.asked, found.blocks, found.done) == (BLOCK, 3 * BLOCK, 3, 1)
        assert found.holder is not None and found.yearly is False and not found.complete
    assert status(RunFolder(tmp_path, study)).holder is None
    assert [made["device_kind"] for made in found.versions] == ["cpu"]


def test_the_commands_name_the_blocks_and_end_with_exit_codes(tmp_path):
    out = tmp_path / "out"
    assert call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--out", out).exit_code == 0
    (shown,) = json.loads(call("status", out, *own("Bridge"), "--json").stdout)
    assert shown["complete"] and [shown[name] for name in ("paths", "asked", "done", "blocks")] == [4000, 4000, 1, 1]
    assert call("verify", out, *own("Bridge"), "--full", "--quiet").exit_code == 0
    change(out / "cube.zarr/paths/damage/c/0/0", "flipped")
    found = call("verify", out, *own("Bridge"), "--quiet")
    assert found.exit_code == 2
    (damage,) = damages(out, *own("Bridge"))
    assert damage == {"part": 0, "file": "cube.zarr/paths/damage/c/0/0", "what": OTHER_CONTENT}
    assert str(Damage(**damage)) in found.stdout
    assert f"rustbelt repair {out}" in found.stdout.replace("\n", "")
    asked = call("risk", out, *own("Bridge"))
    assert asked.exit_code == 2 and "rustbelt repair" in asked.stderr
    mended = call("repair", out, *own("Bridge"), "--quiet")
    assert mended.exit_code == 0 and "Recomputed: block 0." in mended.stdout
    assert call("risk", out, *own("Bridge")).exit_code == 0
    (out / "cube.zarr/paths/damage/c/0/0").unlink()
    asked = call("risk", out, *own("Bridge"))
    assert asked.exit_code == 2 and "block 0" in asked.stderr and "rustbelt repair" in asked.stderr


@pytest.mark.slow
@pytest.mark.parametrize("trials", [40, pytest.param(500, marks=pytest.mark.sweep)])
def test_hundreds_of_corruptions_are_found_and_mended(whole, tmp_path, monkeypatch, trials):
    folder, study, expected = whole
    executor = played_back(folder.parent)
    monkeypatch.setattr(job, "executor_of", lambda *_: executor)
    monkeypatch.setattr(upkeep, "versions", lambda device: VERSIONS)
    place = tmp_path / "run"
    shutil.copytree(folder, place)
    files = [name for name in expected if name != "study.toml"] + ["study.toml"]
    blocks = [name for name in files if "/c/" in name or "ledger/00000" in name]
    rng = np.random.default_rng(2026)
    kinds = [*SAID, "swapped"]
    for trial in range(trials):
        how = kinds[trial % len(kinds)]
        name = str(rng.choice(blocks if trial % 2 else files))
        path = place / name
        if how == "swapped":
            name = SHARD
            path, other = place / SHARD, place / SHARD.replace("/0/1", f"/0/{rng.choice([0, 2])}")
            content = path.read_bytes()
            path.write_bytes(other.read_bytes())
            other.write_bytes(content)
        elif how == "flipped":
            content = bytearray(path.read_bytes())
            content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
            path.write_bytes(content)
        elif how == "truncated":
            path.write_bytes(path.read_bytes()[: int(rng.integers(1, path.stat().st_size))])
        else:
            change(path, how)
        found = verify(RunFolder(place, study))
        damaged = {damage.part for damage in found}
        assert name in {damage.file for damage in found}, (trial, how, name)
        again = repair(RunFolder(place, study))[1].computed
        assert set(again) == {part for part in damaged if isinstance(part, int)}, (trial, how, name)
        told = contents(place)
        if "study" in damaged:
            assert unsealed(place / "ledger/study.json")["study"] == (place / "study.toml").read_text()
            told["ledger/study.json"] = expected["ledger/study.json"]
        assert told == expected, (trial, how, name)
        assert verify(RunFolder(place, study)) == []
        if "study" in damaged:  # mended from provenance, which names the versions that are here, not those played back
            shutil.copy(folder / "ledger/study.json", place / "ledger/study.json")
