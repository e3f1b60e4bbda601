"""The notebook: committed without what it gave, and executed on a small run."""

import json
from pathlib import Path

import pytest

import engine

FILE = Path(__file__).parents[1] / "docs" / "notebooks" / "three-questions.ipynb"


def test_it_is_kept_without_outputs():
    for cell in json.loads(FILE.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"] and cell["execution_count"] is None


@pytest.mark.slow
def test_it_answers_and_draws_on_a_small_run(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    run = engine.run(engine.load_study("rustbelt", paths=8192), out=tmp_path / "run")
    monkeypatch.setenv("RUSTBELT_RUN", str(run.folder))
    page = nbformat.read(FILE, as_version=4)
    NotebookClient(page, timeout=300, resources={"metadata": {"path": str(FILE.parent)}}).execute()
    given = [output for cell in page.cells for output in cell.get("outputs", ())]
    assert not [output for output in given if output.get("name") == "stderr"]
    shown = [kind for output in given for kind in output.get("data", ())]
    assert shown.count("image/png") == 3
    assert shown.count("text/html") == 4
