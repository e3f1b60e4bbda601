"""A run that is begun on one machine and finished on another: byte for byte the run of one."""

import pytest

import engine
from engine.errors import UserError
from engine.execution.executors import site
from engine.lanes import machine_code
from engine.run_folder import ownership
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK
from tests.small_files import MODELS, POND, write


def pond(folder, paths, program="loop"):
    """The pond's study, of so many paths."""
    model = load_model_file(f"{MODELS}:Pond")
    return load_study(write(folder, POND), model=model, paths=paths, program=program)


def cube_of(folder):
    """The bytes of a cube, by file."""
    files = [file for file in (folder / "cube.zarr").rglob("*") if file.is_file() and file.name != "zarr.json"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


VERSIONS = site.provenance.versions


@pytest.fixture
def elsewhere(monkeypatch):
    """Makes this process another machine: of narrower vectors, another jax and another processor."""

    def move(width, jax):
        monkeypatch.setattr(machine_code, "width", lambda: width)
        monkeypatch.setattr(site.provenance, "versions", lambda kind: VERSIONS(kind) | {"jax": jax, "jaxlib": jax})
        monkeypatch.setattr(site.devices, "kind", lambda mesh: f"cpu of {width} lanes")

    return move


def test_a_run_goes_on_where_vectors_have_another_width(tmp_path, elsewhere):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    engine.run(pond(tmp_path, BLOCK + 500), whole)
    for width, paths in ((16, 300), (4, BLOCK), (1, BLOCK + 500)):
        elsewhere(width, f"0.{width}")
        engine.run(pond(tmp_path, paths), parted)
    assert cube_of(parted) == cube_of(whole)
    assert len(ownership.versions_of(parted)) == 1


@pytest.mark.slow
def test_what_runs_as_xla_has_it_stays_where_it_was_begun(tmp_path, elsewhere):
    elsewhere(16, "0.16")
    engine.run(pond(tmp_path, 300, "xla"), tmp_path / "run")
    elsewhere(4, "0.4")
    with pytest.raises(UserError, match=r"jax 0\.16,.* 0\.4"):
        engine.run(pond(tmp_path, 600, "xla"), tmp_path / "run")
