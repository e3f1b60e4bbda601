"""The report of a run that was asked for boxes."""

import re

import engine
from engine.report.page import report
from tests.small_files import BRIDGE, MODELS, write


def words(page: bytes) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode()))


def test_it_says_where_such_futures_lie(tmp_path):
    model = engine.load_model_file(f"{MODELS}:Bridge")
    run = engine.run(str(write(tmp_path, BRIDGE)), tmp_path / "run", model, device="cpu")
    assert "Where such futures lie" not in words(report(run.folder, run.study, run.cube))
    answer = run.discover("collapse under weak")
    text = words(report(run.folder, run.study, run.cube))
    assert "Where such futures lie" in text and "collapse under Weak" in text
    assert "PRIM, box 1" in text and "load above " in text
    first = answer.of.boxes["prim"][0]
    assert f"{100 * first.coverage.estimate:.3g}"[:3] in text
