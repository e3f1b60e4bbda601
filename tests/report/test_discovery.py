"""The report of a run that was asked for boxes."""

import re
from types import SimpleNamespace

import engine
from engine.analyses import discovery
from engine.report.page import report
from engine.report.sections import asked
from tests.small_files import BRIDGE, MODELS, write


def words(page: bytes) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode()))


def test_it_says_where_such_futures_lie(tmp_path, monkeypatch):
    monkeypatch.setattr(discovery, "RESAMPLES", 2)  # here it is not about them
    model = engine.load_model_file(f"{MODELS}:Bridge")
    run = engine.run(str(write(tmp_path, BRIDGE)), tmp_path / "run", model, device="cpu")
    assert b'<h2 id="discover"' not in report(run.folder, run.study, run.cube)
    answer = run.discover("collapse under weak")
    text = words(report(run.folder, run.study, run.cube))
    assert "Where such futures lie" in text and "ollapse under weak" in text
    assert "PRIM, box 1" in text and "load above " in text
    first = answer.of.boxes["prim"][0]
    assert f"{100 * first.coverage.estimate:.3g}"[:3] in text


def test_no_name_is_looked_for_within_what_is_in_words():
    """A lever whose name begins with that of a policy keeps its words."""
    study = SimpleNamespace(
        words=lambda name: name.replace("_", " "),
        model=SimpleNamespace(outcomes={}, yearly={}, levers={"old_rate": 1}), events_by_name={}, inputs=(),
    )  # fmt: skip
    run = SimpleNamespace(
        study=study, words=lambda kind, name: {"old": "as it was"}.get(name, name.replace("_", " ")),
        title=lambda kind, name: {"old": "As it was"}.get(name, name.replace("_", " ").capitalize()),
    )  # fmt: skip
    spoken = asked.spoken(run, SimpleNamespace(subject=SimpleNamespace(policies=("old", "reform"))))
    assert spoken("old rate above 3, under old") == "old rate above 3, under as it was"
    assert spoken("old_rate, 2020") == "Old rate, 2020" and spoken("old") == "As it was"
    # a sentence that begins with names is no label
    assert spoken("old_rate, old and reform differ") == "Old rate, as it was and reform differ"
