"""A run as one object: what hangs on it is what the functions beneath it give, and it finds its model again by
itself."""

import shutil
import subprocess
import sys
import traceback

import numpy as np
import pandas as pd
import pytest

import engine
from engine.errors import UserError
from engine.execution import results
from engine.run_folder.folder import RunFolder
from engine.runs.upkeep import Repair
from tests.refusals import refuses
from tests.small_files import BRIDGE, MODELS, POND, write

PATHS = 3000


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a study and its model's file in it, run once."""
    place = tmp_path_factory.mktemp("run")
    shutil.copy(MODELS, place / "model.py")
    study = write(place, POND)
    model = engine.load_model_file(f"{place / 'model.py'}:Pond")
    run = engine.run(engine.load_study(study, model=model, paths=PATHS), place / "run", device="cpu")
    return place, run


def test_a_file_or_a_name_will_do_and_the_call_that_finishes_it_computes_nothing(place):
    folder, run = place
    again = engine.run(run.study, folder / "run", device="cpu")
    assert run._finished.computed == (0,) and again._finished.computed == ()
    bridge = folder / "bridge"
    bridge.mkdir()
    model = engine.load_model_file(f"{MODELS}:Bridge")
    other = engine.run(str(write(bridge, BRIDGE)), bridge / "run", model, device="cpu")
    assert other.study.name == "bridge" and other.folder == bridge / "run"


def test_numbers_are_those_of_the_records(place):
    _, run = place
    tables = results.of_run(RunFolder(run.folder, run.study)).tables()
    assert [*run.risk().frame("risk")["estimate"], *run.risk().frame("risk_events")["estimate"]] == [
        r.estimate for r in tables.risk
    ]
    compared = run.compare()
    gaps = [r.estimate for r in tables.comparison if r.measure.startswith("difference_")]
    held = [*compared["differences"]["difference"], *compared["events"]["difference"]]
    assert sorted(one.estimate for one in held if one) == sorted(gaps)
    worse = [r.estimate for r in tables.comparison if r.measure == "worse"]
    assert [one.estimate for one in compared["worse"]["worse"]] == worse
    means = [row["regret"].estimate for row in compared["regret"].where(measure="mean")]
    assert means == [r.estimate for r in tables.comparison if r.measure == "regret"]
    name = next(iter(run.study.model.outcomes))
    one = run.risk(name, level=99).frame("risk")
    assert set(one["variable"]) == {name} and set(one["measure"]) == {"VaR99", "ES99"}
    assert [*run.risk(given=f"{name} >= 0").frame("share")["measure"][:1]] == ["share"]
    yearly = next(iter(run.study.model.yearly))
    assert set(run.risk(yearly).frame("risk_yearly")["year"]) <= set(run.study.years)


def test_a_name_that_is_close_to_one_is_told_which(place):
    _, run = place
    name = run.study.keep.outcomes[0]
    with pytest.raises(KeyError, match=f"factor '{name}x'.* '{name}'"):
        _ = run[f"{name}x"]
    with pytest.raises(KeyError, match="Known: "):
        _ = run["zzz"]
    with pytest.raises(AttributeError, match=r"'compar'.* 'compare'") as caught:
        _ = run.compar
    told = "".join(traceback.format_exception_only(caught.value))
    assert told.count("Did you mean") == 1
    with pytest.raises(AttributeError, match=r"'_zzz'\.$"):
        _ = run._zzz
    with pytest.raises(AttributeError, match=r"mean 'fan'"):
        _ = run.plot.fann
    with pytest.raises(UserError, match=f"mean '{name}'"):
        run.compare(outcome=f"{name}x")
    with pytest.raises(KeyError, match="mean 'differences'"):
        _ = run.compare()["diferences"]


def test_an_outcome_or_a_factor_by_its_name(place):
    _, run = place
    name, factor = run.study.keep.outcomes[0], run.study.inputs[0].name
    assert run[name].identical(run.cube["paths"][name]) and run[name].dims == ("policy", "path")
    assert run[factor].identical(run.cube["draws"][factor]) and run[factor].dims == ("path",)


def test_futures_as_rows(place):
    _, run = place
    frame = run.to_dataframe(paths=50)
    assert frame.index.names == ["policy", "path"] and len(frame) == 50 * len(run.study.policies)
    name = run.study.keep.outcomes[0]
    values = run.cube["paths"][name].sel(policy=run.study.baseline).values[:50]
    assert np.array_equal(frame.loc[run.study.baseline, name], values)
    factor = run.study.inputs[0].name
    drawn = run.cube["draws"][factor].values[:50]
    for policy in run.study.policy_names:
        assert np.array_equal(frame.loc[policy, factor], drawn)


@pytest.mark.parametrize("chunk", [700, 5000])
def test_futures_in_parts_are_those_at_once(place, chunk):
    _, run = place
    parts = [run.to_dataframe(range(first, first + chunk)) for first in range(0, run.study.paths, chunk)]
    whole = run.to_dataframe()
    assert all(len(part) <= chunk * len(run.study.policies) for part in parts)
    together = pd.concat(parts).sort_index(level="policy", sort_remaining=False, kind="stable")
    pd.testing.assert_frame_equal(together, whole.sort_index(level="policy", sort_remaining=False, kind="stable"))


def test_the_folder_is_looked_after(place, tmp_path):
    shutil.copytree(place[1].folder, tmp_path / "run")
    run = engine.open_run(tmp_path / "run")
    assert run.status().complete and run.verify() == []
    (tmp_path / "run" / "ledger" / "cube.json").unlink()
    assert {damage.part for damage in run.verify()} == {"cube"}
    repair = run.repair(device="cpu")
    assert isinstance(repair, Repair) and repair.finished is not None and run.verify() == []


def test_the_first_argument_of_a_figure_is_its_variable(place):
    _, run = place
    last, yearly, factor = run.study.keep.outcomes[-1], [*run.study.model.yearly][-1], run.study.inputs[-1].name
    assert run.study.headline[0] != last
    for kind, given, option in (
        ("overview", last, "variable"),
        ("exceedance", last, "variable"),
        ("fan", yearly, "variable"),
        ("replay", yearly, "variable"),
        ("priors", factor, "factor"),
    ):
        drawing = getattr(run.plot, kind)
        by_position, by_name, usual = (_title(one) for one in (drawing(given), drawing(**{option: given}), drawing()))
        assert by_position == by_name != usual
    assert _title(run.plot.replay(path=7)).startswith("Path 7")


def _title(chart):
    return " ".join(chart.to_dict()["title"]["text"])


@pytest.mark.parametrize(
    ("kind", "given", "options", "at", "words"),
    [
        ("exceedance", ("nope",), {}, "", ("stored path by path", "'nope'")),
        ("overview", ("nope",), {}, "", ("stored path by path", "'nope'")),
        ("fan", ("nope",), {}, "variable", ("unknown yearly variable 'nope'",)),
        ("tails", ("nope",), {}, "variable", ("unknown yearly variable 'nope'",)),
        ("priors", ("nope",), {}, "factor", ("unknown factor 'nope'",)),
        ("hindcast", ("nope",), {}, "variable", ("expected an option of 'hindcast'",)),
        ("fan", (7,), {}, "variable", ("expected a name", "got 7")),
        ("replay", (7,), {}, "variable", ("expected a name", "got 7", "path=7")),
        ("fan", ("stock",), {"variable": "level"}, "variable", ("expected one value", "'stock'", "'level'")),
        ("fan", (), {"nope": None}, "nope", ("expected an option of 'fan' (variable, where, policies)",)),
        ("fan", (), {"path": 7}, "path", ("expected no path, as 'fan' does not show single paths",)),
    ],
)
def test_what_a_figure_does_not_take_is_refused(place, kind, given, options, at, words):
    with refuses(at, *words):
        getattr(place[1].plot, kind)(*given, **options)


def test_as_text(place):
    _, run = place
    assert all(part in repr(run) for part in (str(run.folder), "3,000 paths", "keep, use", "complete"))
    html = run._repr_html_()
    assert "<table" in html and "ES99" in html and "keep" in html and "[" in html


def test_a_run_finds_its_model_again_and_asks_for_it_where_it_has_changed(place):
    assert engine.open_run(place[1].folder).study.fingerprint == place[1].study.fingerprint
    file = place[0] / "model.py"
    text = file.read_text()
    try:
        file.write_text(text + "\n# changed\n")
        with pytest.raises(UserError, match=r"model\.py:Pond has changed.*FILE:CLASS"):
            engine.open_run(place[1].folder)
        file.unlink()
        with pytest.raises(UserError, match=r"model\.py:Pond is gone.*FILE:CLASS"):
            engine.open_run(place[1].folder)
    finally:
        file.write_text(text)


def test_a_folder_from_somebody_else_loads_no_file_by_itself(place, tmp_path, monkeypatch):
    monkeypatch.setenv("RUSTBELT_CACHE", str(tmp_path / "another user"))
    spec = f"{place[0] / 'model.py'}:Pond"
    with refuses("", "is not trusted", "--trust", f"--model {spec}", f"model=load_model_file('{spec}')"):
        engine.open_run(place[1].folder)
    assert engine.open_run(place[1].folder, place[1].study.model).verify() == []


@pytest.mark.slow
def test_the_public_names_are_all_there_whatever_was_used_before():
    code = (
        "import engine, sys\n"
        "names = dir(engine)\n"
        "for _ in 1, 2:\n"
        "    kinds = {name: type(getattr(engine, name)).__name__ for name in names}\n"
        "    assert 'module' not in kinds.values(), kinds\n"
        "    import engine.runs.replay, engine.runs.run, engine.charts.kinds, engine.report.page\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert {"Cells", "UserError", "each", "load_study", "open_run", "run", "table"} <= {*dir(engine)}
