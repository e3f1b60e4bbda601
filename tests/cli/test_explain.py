"""`rustbelt explain`: what it prints and writes, and that the run beside it stays what it was."""

import json

import pytest
import xarray as xr

from tests.small_files import BRIDGE, call, damages, own, write


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run of a bridge."""
    folder = tmp_path_factory.mktemp("explain")
    study = write(folder, BRIDGE)
    ended = call("run", study, *own("Bridge"), "--paths", 16_384, "--out", folder / "run", "--quiet")
    assert ended.exit_code == 0, ended.output
    return folder / "run"


def explained(run, *words):
    return call("explain", run, *own("Bridge"), "--quiet", *words)


def test_it_prints_the_finding_first_and_writes_beside_the_cube(run):
    before = {path: path.read_bytes() for path in (run / "cube.zarr").rglob("*") if path.is_file()}
    ended = explained(run, "--outcome", "damage", "--policy", "weak", "--level", "99")
    assert ended.exit_code == 0, ended.output
    first = " ".join(ended.stdout.split())
    tree = xr.open_datatree(run / "explain.zarr", engine="zarr")
    assert first.startswith(tree.attrs["summary"]) and "rustbelt replay" in first
    assert {*tree["measured"]["policy"].values} == {"weak"} and {*tree["measured"]["level"].values} == {0.99}
    assert tree["inputs"]["input"].values[0] == "load"
    assert {path: path.read_bytes() for path in before} == before
    assert damages(run, *own("Bridge")) == []
    drawn = call("plot", "drivers", run, *own("Bridge"), "-o", run.parent / "drivers.png")
    assert drawn.exit_code == 0, drawn.output


def test_json_is_the_answer(run):
    held = json.loads(explained(run, "--outcome", "collapse", "--policy", "weak", "--json").stdout)
    assert held["asked"]["outcome"] == "collapse" and held["asked"]["policy"] == "weak"
    rows = {name: table["rows"] for name, table in held["tables"].items()}
    assert {"measured", "inputs", "densities", "point", "worst", "replays"} <= rows.keys()
    (measured,) = rows["measured"]
    assert [measured[name] for name in ("measure", "variable", "policy")] == ["probability", "collapse", "weak"]
    assert len(rows["densities"]) == 10 * len(rows["inputs"])
    assert all(row["mean"]["estimate"] is not None for row in rows["inputs"])
    assert rows["replays"][0]["command"].startswith("rustbelt replay ")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--outcome", "damages"), "mean 'damage'"),
        (("--outcome", "damage", "--policy", "week"), "mean 'weak'"),
        (("--outcome", "damage", "--level", "101"), "between 50 and 100"),
        (("--outcome", "collapse", "--level", "99"), "own threshold"),
    ],
)
def test_what_is_refused(run, words, text):
    ended = explained(run, *words)
    assert ended.exit_code == 2 and text in " ".join(ended.stderr.split())


def test_a_figure_before_the_question_says_what_to_ask(run, tmp_path):
    folder = tmp_path / "run"
    ended = call("run", write(tmp_path, BRIDGE), *own("Bridge"), "--paths", 64, "--out", folder, "--quiet")
    assert ended.exit_code == 0, ended.output
    ended = call("plot", "drivers", folder, *own("Bridge"))
    assert ended.exit_code == 2 and "rustbelt explain" in ended.stderr
