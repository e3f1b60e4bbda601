"""The worst paths of a run: which they are, what is unusual in them, and the command that shows them."""

import json
import re

import numpy as np
import pytest

from engine.draws.distributions.closed import FAMILIES, Marginal
from engine.run_folder.folder import RunFolder
from engine.runs.replay import TOGETHER, percentiles, replay, worst
from engine.runs.run import run
from engine.study.loading import load_model_file, load_study
from tests.helpers import assert_close, assert_same
from tests.refusals import refuses
from tests.runs.test_replay import unfinished
from tests.small_files import BRIDGE, MODELS, call, own, write
from tests.small_study import read_paths


def bridge(folder, text=BRIDGE, **changes):
    return load_study(write(folder, text), model=load_model_file(f"{MODELS}:Bridge"), **changes)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Folder and study of a run of the bridge, a little longer than a block."""
    folder = tmp_path_factory.mktemp("bridge")
    study = bridge(folder, paths=131_072 + 1000)
    return run(study, folder / "run").folder, study


def expected(ran, variable, policy, count):
    """The numbers of the worst paths, by sorting all."""
    folder, study = ran
    values = read_paths(folder, study, (variable,), study.paths)[variable][study.policy_names.index(policy)]
    badness = values if study.model.outcomes[variable].loss else -values
    return np.lexsort((np.arange(study.paths), -badness))[:count]


@pytest.mark.parametrize(
    ("variable", "policy", "together"), [("damage", "weak", TOGETHER), ("margin", "strong", 1), ("margin", "weak", 1)]
)
def test_the_worst_paths_are_those_of_a_sorted_list(ran, variable, policy, together, monkeypatch):
    monkeypatch.setattr("engine.runs.replay.TOGETHER", together)
    folder, study = ran
    held = read_paths(folder, study, (variable,), study.paths)[variable]
    for count in (1, 10, 2000):
        found = worst(RunFolder(folder, study), variable, policy, count)
        numbers = expected(ran, variable, policy, count)
        assert_same(found["path"].values, numbers)
        assert found[variable].dims == ("path", "policy")
        assert list(found["policy"].values) == ["weak", "strong"]
        assert_same(found[variable].values, held[:, numbers].T)
    assert found[variable].attrs["worse"] == ("high" if variable == "damage" else "low")


def test_equal_paths_come_by_their_number(ran):
    """A strong bridge is seldom damaged: from the first undamaged one on, paths are equal."""
    folder, study = ran
    damaged = int(np.count_nonzero(read_paths(folder, study, ("damage",), study.paths)["damage"][1]))
    assert 0 < damaged < 131_072 // 2
    for count in (damaged + 50, study.paths):
        found = worst(RunFolder(folder, study), "damage", "strong", count)
        assert_same(found["path"].values, expected(ran, "damage", "strong", count))
        assert np.all(np.diff(found["path"].values[damaged:]) > 0)


def test_an_outcome_of_which_no_path_is_kept(tmp_path):
    study = bridge(tmp_path, BRIDGE + '[keep]\noutcomes = ["margin"]\n')
    run(study, tmp_path / "run")
    assert worst(RunFolder(tmp_path / "run", study), "margin", "weak", 2).sizes["path"] == 2
    with refuses("", "(margin),", "'damage'", "keep.outcomes"):
        worst(RunFolder(tmp_path / "run", study), "damage", "weak", 2)


def test_a_run_that_has_not_come_to_its_end(ran, tmp_path):
    folder, study = ran
    longer = bridge(tmp_path, paths=200_000)
    for place, asked in ((unfinished(folder, tmp_path), study), (folder, longer)):  # it had, with these paths or fewer
        assert worst(RunFolder(place, asked), "damage", "weak", 1).sizes["path"] == 1
    with refuses("", f"{study.paths:,} paths", "its end"):
        worst(RunFolder(tmp_path, study), "damage", "weak", 1)


# ---------------------------------------------------------------------------------------------- what is unusual


@pytest.mark.parametrize(("family", "parameters"), [("fixed", (1.5,)), ("logit-normal", (0.03, 0.6))])
def test_a_percentile_is_the_probability_whose_quantile_the_draw_is(tmp_path, family, parameters):
    given = dict(zip(FAMILIES[family].parameters, parameters, strict=True))
    prior = f"family = '{family}'\n" + "".join(f"{key} = {value}\n" for key, value in given.items())
    text = re.sub(r"(?s)family = \"uniform\".*high = 2\n", prior, BRIDGE)
    study = bridge(tmp_path, text)
    draws = replay(study, [0, 1, 2, 3999], precision="float64")["draws"].to_dataset()
    shares = percentiles(study, draws)
    assert ("price" in shares) == (family != "fixed")
    if family != "fixed":
        assert_close(Marginal(family, parameters).quantile(shares["price"]), draws["price"].values)
        assert shares["price"].shape == (4,)


# ---------------------------------------------------------------------------------------------- the command


def test_the_baseline_is_what_they_are_worst_under_unless_told(ran):
    said = [
        call("replay", ran[0], "--worst", 2, "--variable", "damage", *words, *own("Bridge"), "--json").stdout
        for words in ((), ("--policy", "weak"))
    ]
    assert said[0] == said[1]
    rows = json.loads(said[0])["tables"]["worst"]["rows"]
    numbers = expected(ran, "damage", "weak", 2)
    assert list(dict.fromkeys(int(row["path"]) for row in rows)) == numbers.tolist()
    assert {row["policy"] for row in rows} == {"weak", "strong"}
    held = read_paths(*ran, ("damage",), ran[1].paths)["damage"]
    values = [row["value"] for row in rows]
    assert_same(np.float32(values), held[:, numbers].T.ravel())
