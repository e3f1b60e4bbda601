"""The RO-Crate of a run folder: what its own tools read, one action a run; and nothing of it where the library is not
there.
"""

import hashlib
import json
import sys
from datetime import timedelta, timezone
from types import SimpleNamespace

import pytest

from engine.run_folder import provenance
from engine.run_folder.crate import CRATE
from engine.run_folder.folder import RunFolder
from engine.study.loading import resolved_text
from tests.run_folder.small_run import STARTED, a_run, make_folder
from tests.small_study import make_study

crate_module = pytest.importorskip("rocrate.rocrate")


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path)


def read_graph(folder):
    document = json.loads((folder / CRATE).read_bytes(), parse_constant=pytest.fail)
    return {entity["@id"]: entity for entity in document["@graph"]}


def read_actions(folder):
    graph = read_graph(folder)
    return [graph[place] for place in references(graph["./"]["mentions"])]


def read_values(folder, action):
    graph = read_graph(folder)
    near = [graph[place] for place in references([action["object"], action["additionalProperty"]])]
    return {entity["name"]: entity["value"] for entity in near if entity["@type"] == "PropertyValue"}


def references(value):
    """Every {"@id": ...} that stands for another entity."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        else:
            for item in value.values():
                yield from references(item)


def test_tools_for_ro_crate_read_it(folder):
    study = make_study(4000)
    provenance.append(RunFolder(folder, study), a_run(study))
    crate = crate_module.ROCrate(folder)
    assert crate.name == "small"
    assert crate.description == "Old or reform?"
    assert crate.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    assert {part.id for part in crate.root_dataset["hasPart"]} == {"study.toml", "cube.zarr/", "ledger/"}
    action = crate.root_dataset["mentions"]
    assert action.type == "CreateAction"
    assert action["instrument"]["name"] == "rustbelt"
    needed = {package["name"]: package["version"] for package in action["instrument"]["softwareRequirements"]}
    versions = provenance.versions("cpu")
    assert {"rustbelt": action["instrument"]["version"], "device_kind": "cpu", **needed} == versions
    given = {entity.id: entity for entity in action["object"]}
    assert given["study.toml"].type == "File"
    assert given["#model"]["name"] == study.model_name
    assert given["#model"]["sha256"] == study.model_digest
    assert (action["result"].id, action["result"].type) == ("cube.zarr/", "Dataset")


def test_it_is_of_the_version_that_its_profile_is_for(folder):
    study = make_study(4000)
    provenance.append(RunFolder(folder, study), a_run(study))
    document = json.loads((folder / CRATE).read_bytes())
    assert document["@context"] == [
        "https://w3id.org/ro/crate/1.1/context",
        "https://w3id.org/ro/terms/workflow-run/context",
    ]
    descriptor = read_graph(folder)["ro-crate-metadata.json"]
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}


def test_the_same_runs_give_the_same_bytes(tmp_path):
    study = make_study(4000)
    folders = [make_folder(tmp_path / name) for name in ("one", "other") if not (tmp_path / name).mkdir()]
    for folder in folders:
        for blocks in ((0, 1), (2,)):
            provenance.append(RunFolder(folder, study), a_run(study, blocks))
    one, other = ((folder / CRATE).read_bytes() for folder in folders)
    assert one == other


def test_every_reference_leads_to_an_entity(folder):
    study = make_study(4000)
    for blocks in ((0, 1), (2,)):
        provenance.append(RunFolder(folder, study), a_run(study, blocks))
    document = json.loads((folder / CRATE).read_bytes())
    places = [entity["@id"] for entity in document["@graph"]]
    assert len(places) == len(set(places))
    led_to = set(references(document["@graph"]))
    assert {place for place in led_to - set(places) if not place.startswith("https://")} == set()
    assert {place for place in places if place.startswith("#")} <= led_to


def test_each_run_is_an_action_of_its_own(folder):
    study, longer = make_study(4000), make_study(9000)
    provenance.append(RunFolder(folder, study), a_run(study, (0, 1, 2, 4)))
    (folder / "study.toml").write_text(resolved_text(longer))
    later = STARTED + timedelta(days=1)
    provenance.append(RunFolder(folder, longer), a_run(longer, (5, 3), started=later, ended=later, devices=4))
    first, second = (read_values(folder, action) for action in read_actions(folder))
    assert (first["paths"], first["blocks"]) == (4000, "0-2,4")
    assert (second["paths"], second["blocks"], second["devices"]) == (9000, "3,5", 4)
    assert "devices" not in first
    assert first["fingerprint"] == second["fingerprint"] == study.fingerprint
    assert first["study_sha256"] != second["study_sha256"]
    assert read_graph(folder)["./"]["datePublished"] == later.isoformat()
    assert len({action["instrument"]["@id"] for action in read_actions(folder)}) == 1


def test_an_action_says_when_and_how(folder):
    study = make_study(4000)
    zone = timezone(timedelta(hours=8))
    provenance.append(RunFolder(folder, study), a_run(study, started=STARTED.astimezone(zone)))
    (action,) = read_actions(folder)
    assert action["startTime"] == "2026-03-01T20:00:00+08:00"
    assert action["endTime"] == "2026-03-01T12:01:30+00:00"
    assert action["description"] == "rustbelt run 'a study.toml' --paths 4000"
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert "agent" not in action
    values = read_values(folder, action)
    assert (values["seed"], values["sampler"], values["tile"]) == (1, "antithetic", 256)
    assert values["cpu"] == provenance.cpu_model()
    for name in (CRATE, "provenance.json"):
        assert "somebody" not in (folder / name).read_text()


def test_the_study_file_is_listed_with_its_hash(folder):
    study = make_study(4000)
    provenance.append(RunFolder(folder, study), a_run(study))
    content = (folder / "study.toml").read_bytes()
    entity = read_graph(folder)["study.toml"]
    assert entity["sha256"] == hashlib.sha256(content).hexdigest()
    assert entity["contentSize"] == str(len(content))
    (action,) = read_actions(folder)
    assert read_values(folder, action)["study_sha256"] == entity["sha256"]


def test_a_run_that_failed_says_why(folder):
    study = make_study(4000)
    provenance.append(RunFolder(folder, study), a_run(study, (), error="the disk is full"))
    (action,) = read_actions(folder)
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "the disk is full"
    assert read_values(folder, action)["blocks"] == ""


def test_what_a_failed_run_never_wrote_is_not_listed(tmp_path):
    study = make_study(4000)
    provenance.append(RunFolder(tmp_path, study), a_run(study, (), error="the disk is full"))
    assert read_graph(tmp_path)["./"]["hasPart"] == []
    (action,) = read_actions(tmp_path)
    assert "result" not in action
    assert set(references(action)) <= set(read_graph(tmp_path))


def test_any_run_that_can_be_recorded_has_a_crate(folder):
    study = make_study(4000)
    command = ["rustbelt", "run", 'it\'s "quoted"', "", "a\nb", "\udcff"]
    for changes in ({"command": command}, {"command": []}, {"error": "stopped; \N{SNOWMAN}"}):
        provenance.append(RunFolder(folder, study), a_run(study, (), **changes))
    assert len(crate_module.ROCrate(folder).root_dataset["mentions"]) == 3


@pytest.mark.parametrize("library", [None, SimpleNamespace(ROCrate=lambda: None)], ids=["none", "before 0.15"])
def test_without_the_library_there_is_no_crate_and_nothing_is_missed(folder, monkeypatch, library):
    study = make_study(4000)
    monkeypatch.setitem(sys.modules, "rocrate.rocrate", library)
    provenance.append(RunFolder(folder, study), a_run(study))
    assert sorted(path.name for path in folder.iterdir()) == ["cube.zarr", "ledger", "provenance.json", "study.toml"]
    assert provenance.damage(folder) == {}
    assert provenance.runs(folder) == [a_run(study)]


def test_a_run_without_the_library_leaves_no_crate_that_lacks_it(folder, monkeypatch):
    study = make_study(4000)
    provenance.append(RunFolder(folder, study), a_run(study))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "rocrate.rocrate", None)
        provenance.append(RunFolder(folder, study), a_run(study, (1,)))
    assert not (folder / CRATE).exists()
    assert provenance.damage(folder) == {}
    provenance.append(RunFolder(folder, study), a_run(study, (2,)))
    assert len(read_actions(folder)) == 3
    assert provenance.damage(folder) == {}
