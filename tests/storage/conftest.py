"""A cube from elsewhere, and a copy of it to be attacked."""

import shutil

import pytest

from tests.storage.foreign import make_cube


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return make_cube(tmp_path_factory.mktemp("foreign") / "cube.zarr")


@pytest.fixture
def cube(honest, tmp_path):
    return shutil.copytree(honest, tmp_path / "cube.zarr")
