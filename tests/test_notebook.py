"""The notebooks: committed without output, and executed on a small run."""

import json
from pathlib import Path

import pytest

import engine

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
FILE = FOLDER / "three-questions.ipynb"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.ipynb")), ids=lambda file: file.stem)
def test_it_is_kept_without_outputs(file):
    for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
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
    pages = [output["data"]["text/html"] for output in given if "text/html" in output.get("data", ())]
    charts = [page for page in pages if "https://vega.github.io/schema/vega-lite/" in page]
    assert (shown.count("image/png"), len(charts), len(pages)) == (1, 2, 6)


@pytest.mark.slow
def test_a_run_is_opened_and_asked(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    page = nbformat.read(FOLDER / "ask-a-run.ipynb", as_version=4)
    again, own = (
        nbformat.v4.new_code_cell(code)
        for code in ("run.plot.exceedance()", "import matplotlib.pyplot as plt\nplt.subplots();")
    )
    page.cells += [again, own]
    NotebookClient(page, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    given = [output for cell in page.cells for output in cell.get("outputs", ())]
    assert not [output["text"] for output in given if output.get("name") == "stderr"]
    said = "".join(output["text"] for output in given if output.get("name") == "stdout")
    assert "Under raised, the mean of " in said
    assert "the median of flood is 1.9" in said
    shown = [output["data"] for output in given if "data" in output]
    charts = [one for one in shown if "https://vega.github.io/schema/vega-lite/" in one.get("text/html", "")]
    assert len(charts) == 2 and all(len(cell["outputs"]) == 1 for cell in (again, own))
    assert len([one for one in shown if "<table" in one.get("text/html", "")]) >= 4
