"""The table of dimensions: stated with the resolved study, kept by what stands on it, and what is wrong with it said at
its place.
"""

from dataclasses import replace

import numpy as np

from engine.draws import sobol
from engine.program import arguments
from engine.questions.variants import redrawn
from engine.study.loading import again, load_study, resolved_text, under
from engine.study.study import Block
from tests.helpers import assert_same
from tests.user_models import Farms, farms, program

BLOCK = Block(0, 0, sobol.POINTS)
MOOD = {
    "factors": {"mood": {"family": "uniform", "low": 0.0, "high": 1.0}},
    "policies": {"half": {"like": "reform", "implementation": "mood"}},
}
PURSE = {"groups": {"purse": {"correlation": 0.4, "members": ["demand_growth", "capital"]}}}
MOODS = {
    "factors": {name: {"family": "uniform", "low": 0.0, "high": 1.0} for name in ("whim", "mood", "nerve")},
    "groups": {"odd": {"correlation": 0.4, "members": ["nerve", "whim"]}},
    "policies": {
        "half": {"like": "reform", "implementation": "mood"},
        "some": {"like": "reform", "implementation": "nerve"},
        "most": {"like": "reform", "implementation": "whim"},
    },
}
KEPT = "[keep]\nyearly = 4096\n"


def study(tables=(), **run):
    return farms({"keep": {"yearly": sobol.POINTS}, **dict(tables)}, **{"paths": 8192, "sampler": "sobol", **run})


def test_factors_and_groups_come_first_then_the_shocks_year_by_year():
    table = study().document["dimensions"]
    every = [one for by_year in table.values() for one in by_year]
    assert sorted(every) == list(range(1, len(every) + 1))
    assert [name for name, by_year in table.items() if len(by_year) == 1] == [*table][:6]
    assert table["factor:fertility"] == [1] and table["group:land"] == [6]
    assert table["shock:weather[north]"] == [7 + 11 * year for year in range(6)]
    assert {name: len(by_year) for name, by_year in table.items()} == {
        stream.name: 6 if stream.year is not None else 1 for stream in arguments.streams(study())
    }


def test_other_samplers_have_none():
    other = study({"dimensions": {"factor:fertility": [9]}}, sampler="random")
    assert "dimensions" not in other.document and not other.dimensions


def test_the_document_reads_as_the_study():
    one = study({"dimensions": {"shock:market": [40, 0, 3], "factor:capital": [9]}})
    again = study({"dimensions": one.document["dimensions"]})
    assert again.document == one.document and again.fingerprint == one.fingerprint
    assert one.fingerprint != study().fingerprint
    assert one.dimensions["shock:market"][:3] == (40, 0, 3)
    stated = [k for by_year in one.dimensions.values() for k in by_year if k]
    assert len(set(stated)) == len(stated)


def test_with_the_table_a_group_added_changes_no_draw_of_others_and_without_it_says_so():
    alone, stated = study(), {"dimensions": study().document["dimensions"]}
    moved, kept = study(PURSE), study(PURSE | stated)
    assert kept.dimensions["group:purse"] == (1 + max(max(by_year) for by_year in alone.dimensions.values()),)
    before, after = (program(one).draws(BLOCK) for one in (alone, kept))
    others = [k for k, item in enumerate(alone.inputs) if item.name not in PURSE["groups"]["purse"]["members"]]
    assert_same(after[others], before[others])
    assert moved.dimensions["shock:market"] != alone.dimensions["shock:market"]
    assert "group:purse" in moved.document["dimensions"]


def test_which_policies_run_changes_no_draw():
    """What policies alone draw, factors and what their groups share, comes last, and each has its own whichever run."""
    whole = study(MOODS)
    last = 1 + max(max(by_year) for by_year in study().dimensions.values())
    own = ["factor:mood", "factor:nerve", "factor:whim", "group:odd"]
    assert [whole.dimensions[name] for name in own] == [(last + k,) for k in range(4)]
    for running in (["old"], ["old", "half"], ["old", "some"], ["old", "most"]):
        for part in (study(MOODS | {"compare": running}), again(whole, running)):
            assert part.dimensions == {name: whole.dimensions[name] for name in part.dimensions}
    part = study(MOODS | {"compare": ["old", "most"]})
    scores, own = (dict(zip(names(one), program(one).scores(BLOCK), strict=True)) for one in (whole, part))
    assert len(own) < len(scores)
    for name, row in own.items():
        assert_same(row, scores[name])


def names(one):
    return [(stream.name, stream.year) for stream in arguments.streams(one)]


def test_a_run_asked_for_other_policies_of_its_file_keeps_its_dimensions(tmp_path):
    (tmp_path / "s.toml").write_text(resolved_text(study(MOODS)).partition("[dimensions]")[0] + KEPT)
    whole = load_study(tmp_path / "s.toml", model=Farms(), policies=["old", "half"])
    moved = replace(
        whole, model_spec="farms.py:Farms", stated_dimensions={"group:land": (500,), "factor:nerve": (600,)}
    )
    other = under(moved, ["old", "some"])
    assert other.policy_names == ("old", "some") and other.dimensions["factor:nerve"] == (600,)
    shared = [name for name in other.dimensions if name in moved.dimensions]
    assert "group:land" in shared and all(other.dimensions[name] == moved.dimensions[name] for name in shared)


def test_streams_beyond_the_last_dimension_have_ordinary_random_words(monkeypatch):
    sobol.directions(1)  # the table of direction numbers is read once, and whole
    monkeypatch.setattr(sobol, "DIMENSIONS", 8)
    few, plain = study(), study(sampler="random")
    assert sum(k > 0 for by_year in few.dimensions.values() for k in by_year) == 8
    names = [(stream.name, stream.year) for stream in arguments.streams(few)]
    own, random = (program(one).scores(BLOCK) for one in (few, plain))
    for row, (name, year) in enumerate(names):
        assert np.array_equal(own[row], random[row]) == (few.dimensions[name][year or 0] == 0)


def test_what_is_drawn_anew_knows_nothing_of_what_it_stands_for():
    """Points of one dimension are no two independent draws, however they are scrambled."""
    made = program(study(paths=32 * sobol.POINTS))
    again = redrawn(made, {"factor:fertility": 1})
    one, other = (each.scores(Block(0, 0, 32 * sobol.POINTS)).astype(np.float64) for each in (made, again))
    assert_same(one[1:], other[1:])
    products = (np.sign(one[0]) * np.sign(other[0])).reshape(32, -1).mean(axis=-1)
    assert np.abs(products).max() < 5 / np.sqrt(sobol.POINTS)


def test_streams_of_policies_that_do_not_run_may_be_stated():
    alone = study(MOOD | {"compare": ["old"]} | {"dimensions": {"factor:mood": [99]}})
    assert "factor:mood" not in alone.dimensions


def test_what_a_study_below_states_need_not_fit(tmp_path):
    below = tmp_path / "below.toml"
    below.write_text(resolved_text(load_study("rustbelt", settings=["run.sampler=sobol", "run.paths=8192"])))
    above = 'name = "short"\nextends = "below.toml"\n[time]\nlast = {}\n'
    years = load_study(below).years
    (tmp_path / "above.toml").write_text(above.format(years[-2]))
    short, long = load_study(tmp_path / "above.toml"), load_study(below)
    assert all(by_year == long.dimensions[name][: len(by_year)] for name, by_year in short.dimensions.items())


def test_another_number_of_years_leaves_the_first_ones_what_they_were():
    short = study({"time": {"first": 2016, "last": 2019}})
    for name, by_year in short.dimensions.items():
        assert study().dimensions[name][: len(by_year)] == by_year
    assert replace(study(), seed=4).dimensions == study().dimensions
