"""A finished run takes over labels and an author that its study has been given since, and computes no path for it."""

import engine
from engine.execution.job import RunOptions, compute
from engine.run_folder.finding import find_run
from engine.study.loading import read_study
from tests.reservoirs import Sum
from tests.study.test_labels import LAW, text

LABELLED = {
    "author": "A. Nother",
    "policies": {"old": {"label": "As it is"}, "new_way": {}},
    "events": {"high": {"label": "SOEs insolvent", "outcome": "sum", "above": 1.0}},
    "outcomes": {"sum": {"label": "总和"}},
    "factors": {"x": {"label": "First", **LAW}, "y": dict(LAW)},
}


def computed(folder, **more):
    study = read_study(text(**more), "sum.toml", model=Sum())
    return compute(study, RunOptions(out=folder)).computed


def test_new_labels_are_taken_over_without_a_path_computed(tmp_path):
    folder = tmp_path / "run"
    assert computed(folder) == (0,)
    plain = engine.open_cube(folder)["paths"]["sum"]
    assert (plain.attrs["long_name"], "labels" in plain["policy"].attrs) == ("Sum", False)
    assert computed(folder, **LABELLED) == ()
    cube = engine.open_cube(folder)
    assert cube["paths"]["sum"].attrs["long_name"] == cube["risk"]["sum"].attrs["long_name"] == "总和"
    assert cube["risk"]["policy"].attrs["labels"] == ["As it is", "New way"]
    assert cube["events"]["event"].attrs["labels"] == ["SOEs insolvent"]
    assert cube["draws"]["x"].attrs["long_name"] == "First"
    assert (cube["paths"]["sum"] == plain).all()
    study = find_run(folder, Sum()).study
    assert (study.author, study.title("policies", "old")) == ("A. Nother", "As it is")
    assert not [*engine.open_run(folder, Sum()).verify()]
    before = {file: file.read_bytes() for file in (folder / "cube.zarr").rglob("*") if file.is_file()}
    assert computed(folder, **LABELLED) == ()
    assert before == {file: file.read_bytes() for file in (folder / "cube.zarr").rglob("*") if file.is_file()}
