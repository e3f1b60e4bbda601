"""The provenance of a run folder: an RO-Crate that its own tools read, one action a run, and the runs back from it."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest

from engine.errors import UserError
from engine.run_folder import provenance
from engine.study.loading import resolved_text
from tests.small_study import make_study

STARTED = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
COMMAND = ["/home/somebody/.venv/bin/rustbelt", "run", "a study.toml", "--paths", "4000"]
BROKEN = {
    "no JSON": b"{",
    "no text": b"\xff\xfe",
    "nothing": b"",
    "another kind": b'{"study": "small", "runs": [{}]}',
    "a list": b"[]",
    "too deep": b"[" * 100_000,
    "another crate": b'{"@context": "", "@graph": [{"@id": "./", "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}}]}',
}


def a_run(study, blocks=(0,), **changes):
    given = {"command": COMMAND, "started": STARTED, "ended": STARTED + timedelta(seconds=90), **changes}
    return provenance.run_record(study, "cpu", blocks=blocks, **given)


@pytest.fixture
def folder(tmp_path):
    """A run folder of the small study, its cube and its ledger empty."""
    (tmp_path / "study.toml").write_text(resolved_text(make_study(4000)))
    for name in ("cube.zarr", "ledger"):
        (tmp_path / name).mkdir()
    return tmp_path


def read_graph(folder):
    document = json.loads((folder / "provenance.json").read_bytes(), parse_constant=pytest.fail)
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
    crate_module = pytest.importorskip("rocrate.rocrate")
    study = make_study(4000)
    provenance.append(folder, study, a_run(study))
    crate = crate_module.ROCrate(folder)
    assert crate.name == "small"
    assert crate.description == "Old or reform?"
    assert crate.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    assert {part.id for part in crate.root_dataset["hasPart"]} == {"study.toml", "cube.zarr/", "ledger/"}
    action = crate.root_dataset["mentions"]
    assert action.type == "CreateAction"
    assert action["instrument"]["name"] == "rustbelt"
    needed = {package["name"]: package["version"] for package in action["instrument"]["softwareRequirements"]}
    found = provenance.versions("cpu")
    assert {"rustbelt": action["instrument"]["version"], "device_kind": "cpu", **needed} == found
    given = {entity.id: entity for entity in action["object"]}
    assert given["study.toml"].type == "File"
    assert given["#model"]["name"] == study.model_name
    assert given["#model"]["sha256"] == study.model_digest
    assert (action["result"].id, action["result"].type) == ("cube.zarr/", "Dataset")


def test_both_names_hold_the_same_document(folder):
    study = make_study(4000)
    provenance.append(folder, study, a_run(study))
    content = (folder / "provenance.json").read_bytes()
    assert (folder / "ro-crate-metadata.json").read_bytes() == content
    assert read_graph(folder)["ro-crate-metadata.json"]["about"] == {"@id": "./"}


def test_every_reference_leads_to_an_entity(folder):
    study = make_study(4000)
    for blocks in ((0, 1), (2,)):
        provenance.append(folder, study, a_run(study, blocks))
    document = json.loads((folder / "provenance.json").read_bytes())
    places = [entity["@id"] for entity in document["@graph"]]
    assert len(places) == len(set(places))
    led_to = set(references(document["@graph"]))
    assert {place for place in led_to - set(places) if not place.startswith("https://")} == set()
    assert {place for place in places if place.startswith("#")} <= led_to


def test_each_run_is_an_action_of_its_own(folder):
    study, longer = make_study(4000), make_study(9000)
    provenance.append(folder, study, a_run(study, (0, 1, 2, 4)))
    (folder / "study.toml").write_text(resolved_text(longer))
    later = STARTED + timedelta(days=1)
    provenance.append(folder, longer, a_run(longer, (5, 3), started=later, ended=later, devices=4))
    first, second = (read_values(folder, action) for action in read_actions(folder))
    assert (first["paths"], first["blocks"]) == (4000, "0-2,4")
    assert (second["paths"], second["blocks"], second["devices"]) == (9000, "3,5", 4)
    assert "devices" not in first
    assert first["fingerprint"] == second["fingerprint"] == study.fingerprint
    assert first["study_sha256"] != second["study_sha256"]
    assert read_graph(folder)["./"]["datePublished"] == later.isoformat()
    assert len({action["instrument"]["@id"] for action in read_actions(folder)}) == 1


def test_an_action_tells_when_and_how(folder):
    study = make_study(4000)
    zone = timezone(timedelta(hours=8))
    provenance.append(folder, study, a_run(study, started=STARTED.astimezone(zone)))
    (action,) = read_actions(folder)
    assert action["startTime"] == "2026-03-01T20:00:00+08:00"
    assert action["endTime"] == "2026-03-01T12:01:30+00:00"
    assert action["description"] == "rustbelt run 'a study.toml' --paths 4000"
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert "agent" not in action
    values = read_values(folder, action)
    assert (values["seed"], values["sampler"], values["tile"]) == (1, "antithetic", 256)
    assert values["cpu"] == provenance.cpu_model()
    assert "somebody" not in (folder / "provenance.json").read_text()


def test_the_study_file_is_told_by_its_hash(folder):
    study = make_study(4000)
    provenance.append(folder, study, a_run(study))
    content = (folder / "study.toml").read_bytes()
    entity = read_graph(folder)["study.toml"]
    assert entity["sha256"] == hashlib.sha256(content).hexdigest()
    assert entity["contentSize"] == str(len(content))
    (action,) = read_actions(folder)
    assert read_values(folder, action)["study_sha256"] == entity["sha256"]


def test_a_run_that_failed_says_why(folder):
    study = make_study(4000)
    provenance.append(folder, study, a_run(study, (), error="the disk is full"))
    (action,) = read_actions(folder)
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "the disk is full"
    assert read_values(folder, action)["blocks"] == ""


def test_what_a_failed_run_never_wrote_is_not_listed(tmp_path):
    study = make_study(4000)
    provenance.append(tmp_path, study, a_run(study, (), error="the disk is full"))
    assert read_graph(tmp_path)["./"]["hasPart"] == []
    (action,) = read_actions(tmp_path)
    assert "result" not in action
    assert set(references(action)) <= set(read_graph(tmp_path))


def test_versions_mixed_by_force_are_told(folder):
    study = make_study(4000)
    made = [{"jax": "0.10.1", "device_kind": "cpu"}, {"jax": "0.10.2", "device_kind": "cpu"}]
    provenance.append(folder, study, a_run(study, forced=made))
    assert provenance.runs(folder)[0]["forced"] == "jax 0.10.1, 0.10.2"


def test_runs_come_back_as_they_were_recorded(folder):
    study = make_study(4000)
    written = [
        a_run(study, range(7), devices=8, workers=2),
        a_run(study, (), error="stopped by the user; \N{SNOWMAN}"),
        a_run(study, (9, 7), command=["rustbelt", "run", 'it\'s "quoted"', "", "a\nb", "\udcff"]),
        a_run(study, (), command=[]),
    ]
    for run in written:
        provenance.append(folder, study, run)
    assert provenance.runs(folder) == written


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_or_foreign_document_starts_anew(folder, content):
    study = make_study(4000)
    (folder / "provenance.json").write_bytes(content)
    assert provenance.runs(folder) == []
    provenance.append(folder, study, a_run(study))
    assert provenance.runs(folder) == [a_run(study)]


@pytest.mark.parametrize("key", ["description", "instrument", "object", "actionStatus", "endTime"])
@pytest.mark.parametrize("value", [None, float("nan"), 1, "", [], {}])
def test_a_document_with_a_broken_action_is_read_or_left_but_never_fails(folder, key, value):
    study = make_study(4000)
    provenance.append(folder, study, a_run(study))
    document = json.loads((folder / "provenance.json").read_bytes())
    next(entity for entity in document["@graph"] if entity["@type"] == "CreateAction")[key] = value
    (folder / "provenance.json").write_text(json.dumps(document))
    provenance.append(folder, study, a_run(study))
    assert provenance.runs(folder)[-1] == a_run(study)
    read_graph(folder)


def test_runs_that_end_together_are_all_told(folder):
    study = make_study(4000)
    written = [a_run(study, (block,)) for block in range(8)]
    with ThreadPoolExecutor(len(written)) as shards:
        list(shards.map(lambda run: provenance.append(folder, study, run), written))
    assert sorted(run["blocks"] for run in provenance.runs(folder)) == [run["blocks"] for run in written]


def test_there_are_no_runs_without_a_document(tmp_path):
    assert provenance.runs(tmp_path) == []
    assert provenance.runs(tmp_path / "nowhere") == []


def test_versions_name_the_packages_python_and_the_device_kind():
    found = provenance.versions("gpu")
    assert list(found) == [
        "rustbelt", "jax", "jaxlib", "numpy", "scipy", "xarray", "zarr", "python", "device_kind",
    ]  # fmt: skip
    assert found["device_kind"] == "gpu"


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(folder, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(provenance, "write_atomically", full)
    study = make_study(4000)
    with pytest.raises(UserError, match="the disk is full"):
        provenance.append(folder, study, a_run(study))
