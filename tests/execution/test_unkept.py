"""Runs that keep no outcome path by path, or not all: the same answers, the same bytes, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

import engine
from engine.errors import UserError
from engine.execution import results
from engine.execution.resources import memory_needed
from engine.risk.estimation.flags import Reason
from engine.run_folder.folder import RunFolder
from engine.run_folder.stored_estimates import tables_as_made
from engine.study.loading import load_model_file, load_study
from engine.study.study import BLOCK, Study
from tests.helpers import assert_close, assert_same
from tests.small_files import BRIDGE, MODELS, call, own, ran, write
from tests.test_laws import bytes_below

PATHS = 2 * BLOCK + 20_000
EVENTS = """
thin = { outcome = "margin", below = 2 }
both = { all = ["collapse", "thin"] }
either = { any = ["collapse", "thin"] }
"""
KEEPS = {"all": '"all"', "none": "[]", "margin": '["margin"]'}


def study_of(folder: Path, keep: str, paths: int = PATHS) -> Study:
    text = f"{BRIDGE}{EVENTS}[keep]\noutcomes = {KEEPS[keep]}\n"
    return load_study(write(folder, text, f"{keep}.toml"), model=load_model_file(f"{MODELS}:Bridge"), paths=paths)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One study run with all, no and some outcomes kept: folder, and runs by what they keep."""
    folder = tmp_path_factory.mktemp("kept")
    found = {keep: engine.run(study_of(folder, keep), folder / keep, device="cpu") for keep in KEEPS}
    return folder, found


def numbers(record):
    return np.array([record.estimate, record.standard_error, record.low, record.high])


def by_place(records):
    return {(r.measure, r.policy, r.variable): r for r in records}


@pytest.mark.parametrize("keep", ["none", "margin"])
def test_every_number_is_there_and_as_close_as_it_says(runs, keep):
    _, found = runs
    whole, other = found["all"].answers.all_tables, found[keep].answers.all_tables
    for of in ("risk", "comparison"):
        exact, records = by_place(getattr(whole, of)), by_place(getattr(other, of))
        assert list(records) == list(exact)
        for place, known in exact.items():
            record = records[place]
            measure, _, variable = place
            if keep == "margin" and variable in ("margin", "thin"):
                assert_same(numbers(record), numbers(known))
                continue
            if measure.endswith(("probability", "worse")):
                assert_same(record.estimate, known.estimate)
            elif measure.endswith(("mean", "regret")):
                assert_close(record.estimate, known.estimate, np.float32 if measure == "regret" else None)
            elif of == "risk":
                assert abs(record.estimate - known.estimate) <= 2.0**-7 * abs(known.estimate)
                assert record.has("binned") or record.low == record.high or np.isnan(record.low)
            if np.isfinite(record.low) and np.isfinite(known.low):
                assert record.low <= known.estimate <= record.high
                if known.standard_error > 0:  # errors from 34 groups vary by a tenth or two
                    # bins show neither that mirrored paths lie on both sides of a median, nor that a policy shifts
                    # every path alike
                    hidden = measure.endswith("median") or measure == "difference_sd"
                    most = np.inf if hidden else 2.5
                    assert 0.4 < record.standard_error / known.standard_error < most


def test_the_cube_has_its_tables_and_no_paths(runs):
    folder, _ = runs
    with engine.open_cube(folder / "none") as none, engine.open_cube(folder / "all") as whole:
        assert set(whole.children) - set(none.children) == {"paths"}
        assert none["risk/reasons"]["damage"].sel(reason=str(Reason.BINNED)).notnull().any()
        for group in ("risk", "comparison", "comparison/worse", "comparison/regret"):
            assert set(none[group].data_vars) == set(whole[group].data_vars)
        counts = none["distribution/outcomes"]["damage"]
        assert_same(counts.sum("bin").values, np.full(2, PATHS))
        assert (
            none["distribution/outcomes"]["damage_edges"].attrs == whole["distribution/outcomes"]["damage_edges"].attrs
        )


def test_a_run_that_was_killed_ends_in_the_same_bytes(runs, tmp_path):
    folder, found = runs
    engine.run(study_of(tmp_path, "none"), tmp_path / "run", device="cpu")
    (tmp_path / "run/ledger/00000/00000001.npz").unlink()
    again = engine.run(study_of(tmp_path, "none"), tmp_path / "run", device="cpu")
    assert again._finished.computed == (1,)
    for part in ("cube.zarr", "ledger"):
        ours, theirs = (bytes_below(place / part) for place in (tmp_path / "run", folder / "none"))
        volatile = {"lock", "provenance.json"}
        assert {k: v for k, v in ours.items() if str(k) not in volatile} == {
            k: v for k, v in theirs.items() if str(k) not in volatile
        }
    assert [repr(r) for r in again.answers.all_tables.risk] == [repr(r) for r in found["none"].answers.all_tables.risk]


@pytest.mark.parametrize("keep", KEEPS)
def test_the_cube_gives_back_the_tables_that_were_made(runs, keep):
    """Every number and flag of every record, in the same order; made anew where the cube lacks a level."""
    _, found = runs
    of = found[keep]._asking()
    read, made = of.stored_tables, of.tables()
    for one, other in ((read.risk, made.risk), (read.comparison, made.comparison)):
        assert list(by_place(one)) == list(by_place(other))
        assert_same(*(np.array([numbers(record) for record in records]) for records in (one, other)))
        assert [(record.flags, record.flag) for record in one] == [(record.flags, record.flag) for record in other]
    assert tables_as_made(of.study, of.cube) is not None
    wider = of.with_level(0.9)
    assert tables_as_made(wider.study, wider.cube) is None
    assert any(r.measure == "difference_VaR90" for r in wider.stored_tables.comparison)


def test_a_run_that_grew_ends_in_the_same_bytes(runs, tmp_path):
    folder, _ = runs
    for paths in (3000, PATHS):
        engine.run(study_of(tmp_path, "none", paths), tmp_path / "run", device="cpu")
    assert bytes_below(tmp_path / "run" / "cube.zarr") == bytes_below(folder / "none" / "cube.zarr")


def test_a_flipped_bit_is_seen_when_the_tally_is_read(runs, tmp_path):
    study = study_of(tmp_path, "none", 3000)
    engine.run(study, tmp_path / "run", device="cpu")
    path = tmp_path / "run/ledger/00000/00000000.npz"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"00000000.npz: is damaged .*rustbelt repair"):
        results.of_run(RunFolder(tmp_path / "run", study)).tables()


def test_one_group_says_that_it_has_no_error(tmp_path):
    found = engine.run(study_of(tmp_path, "none", 3000), tmp_path / "run", device="cpu")
    assert {flag.reason for r in found.answers.all_tables.risk for flag in r.flags} == {Reason.ONE_GROUP} and all(
        r.flags for r in found.answers.all_tables.risk
    )
    assert all(np.isfinite(r.estimate) and np.isnan(r.low) for r in found.answers.all_tables.risk)


def test_memory_does_not_grow_with_the_paths_where_nothing_is_kept(tmp_path):
    few, many = (memory_needed(study_of(tmp_path, "none", paths)) for paths in (1_000_000, 1_000_000_000))
    assert few == many
    few, many = (memory_needed(study_of(tmp_path, "all", paths)) for paths in (1_000_000, 1_000_000_000))
    assert many > 50 * few


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--given", "damage > 1"), ["condition: 1 problem", "(margin), got 'damage'"]),
        (("--given", "margin > 1", "--variable", "damage"), ["variable: 1 problem", "got 'damage'"]),
        (("--given", "margin > 1", "--variable", "both"), ["got 'both'", "keep.outcomes"]),
    ],
)
def test_questions_to_single_paths_are_refused_where_none_are_kept(runs, words, told):
    folder, _ = runs
    ended = call("risk", folder / "margin", *own("Bridge"), *words)
    assert ended.exit_code == 2 and all(words in " ".join(ended.stderr.split()) for words in told)
    ran("risk", folder / "margin", *own("Bridge"), "--given", "margin > 1")
