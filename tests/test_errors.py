"""Messages: what installs the packages of an extra is a command that works as printed."""

import shlex
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from engine.errors import install

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_what_installs_an_extra_names_its_packages(extra):
    pip, verb, *packages = shlex.split(install(extra))
    assert (pip, verb) == ("pip", "install")
    written = [
        one.partition(";")[0].strip().replace("_", "-").lower() for one in PROJECT["optional-dependencies"][extra]
    ]
    assert sorted(one.replace("_", "-").lower() for one in packages) == sorted(written)


def test_what_installs_an_extra_of_a_clone_that_nobody_installed(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    assert install("report") == "pip install -e '.[report]'"


def test_no_page_and_no_message_installs_an_extra_from_where_it_is_not():
    root = Path(__file__).parents[1]
    pages = [root / "README.md", *(root / "docs").rglob("*.md"), *(root / "engine").rglob("*.py")]
    assert [page.name for page in pages if "install 'rustbelt[" in page.read_text(encoding="utf-8")] == []
