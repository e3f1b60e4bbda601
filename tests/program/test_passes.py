"""Each pass by its law, on one short list: what it takes away, doubles, moves or lays elsewhere, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from engine.program.lowering.by_policy import side_by_side
from engine.program.lowering.cutting import cut
from engine.program.lowering.dead_code import read, written
from engine.program.lowering.gpu_memory import in_columns, in_memory, in_vectors
from engine.program.lowering.operations import Operation, Source
from engine.program.lowering.scalars import Scalars
from engine.program.lowering.scheduling import near_readers, of_a_thread
from engine.program.lowering.stages import POLICY, SHARED, TABLE, Aim, Listing, Place, Rows, State
from engine.program.tracing.equations import Axis
from tests.program.test_scheduling import most_waiting, wide
from tests.program.verified import faults, faults_of_stage

F32 = np.float32
RESULTS = {"outcomes": Rows(POLICY, Place("results", 0), 1), "cells": Rows(POLICY, Place("cells", 0), 1)}
INPUTS = {"argument": Place("arguments", 0), "score": Place("scores", 0), "lever": Place("levers", 0)}
AIM = Aim(INPUTS, RESULTS)


def short_list() -> tuple[Listing, dict[str, Operation]]:
    """A sum over years of a lever times the root of a draw, at its end times the root of an argument; and what nobody
    reads.
    """
    scalars = Scalars()
    of = {
        "argument": scalars.input(Source("argument"), F32, Axis.NONE),
        "draw": scalars.input(Source("score"), F32, Axis.PATH),
        "lever": scalars.input(Source("lever"), F32, Axis.POLICY),
        "now": scalars.input(Source("state"), F32, Axis.PATH | Axis.POLICY | Axis.YEAR),
        "last": scalars.input(Source("last"), F32, Axis.PATH | Axis.POLICY | Axis.END),
    }
    of["table"] = scalars.each("sqrt", of["argument"])
    of["shared"] = scalars.each("sqrt", of["draw"])
    of["unread"] = scalars.each("neg", of["shared"])
    of["yearly"] = scalars.each("mul", of["lever"], of["shared"])
    of["after"] = scalars.each("add", of["now"], of["yearly"])
    of["outcome"] = scalars.each("mul", of["last"], of["table"])
    state = State(of["yearly"], of["now"], of["after"], of["last"])
    results = {"outcomes": (of["outcome"],), "cells": (of["after"],)}
    return Listing(F32, tuple(scalars.operations), (state,), results), of


@pytest.fixture
def staged() -> tuple[Listing, dict[str, Operation]]:
    listing, of = short_list()
    return cut(listing, AIM), of


def test_what_nothing_depends_on_is_taken_away_and_no_more():
    listing, of = short_list()
    assert of["unread"] in listing.operations
    assert read(listing, AIM) == replace(
        listing, operations=tuple(one for one in listing.operations if one is not of["unread"])
    )


def test_what_is_written_takes_its_states_along_and_leaves_other_results():
    listing, of = short_list()
    alone = Aim(INPUTS, {"outcomes": RESULTS["outcomes"]})
    kept = written(listing, alone)
    assert kept.results == {"outcomes": (of["outcome"],)} and kept.states == listing.states
    assert {of["yearly"], of["after"], of["outcome"]} <= {*kept.operations} and of["unread"] not in kept.operations
    first = replace(listing, results={"outcomes": (of["yearly"],)})
    assert written(first, alone).states == ()
    assert {*written(first, alone).operations} == {of["lever"], of["draw"], of["shared"], of["yearly"]}


def test_policies_side_by_side_share_what_no_policy_moves():
    listing, of = short_list()
    three = side_by_side(listing, replace(AIM, policies=3, levers=2))
    assert not list(faults(three.operations))
    levers = [one.source.at for one in three.operations if one.name == "input" and one.source.kind == "lever"]
    assert levers == [0, 2, 4]
    for name in ("table", "shared", "draw"):
        assert three.operations.count(of[name]) == 1
    names = [one.name for one in three.operations]
    assert names.count("add") == 3 and names.count("mul") == 6 and names.count("sqrt") == 2
    assert len(three.states) == 3 and {len(ones) for ones in three.results.values()} == {3}
    for policy, outcome in enumerate(three.results["outcomes"]):
        assert outcome.operands[0] is three.states[policy].last and outcome.operands[1] is of["table"]
    assert side_by_side(listing, AIM) == listing


def test_stages_are_cut_by_what_a_value_differs_by(staged):
    listing, of = staged
    stages = listing.stages
    assert [stage.before for stage in stages] == [[of["table"]], [of["shared"], of["unread"]], [of["yearly"]]]
    assert [stage.rounds for stage in stages] == [[], [], [of["after"]]]
    assert [stage.after for stage in stages] == [[], [], [of["outcome"]]]
    assert [len(stage.states) for stage in stages] == [0, 0, 1]
    for stage, names in ((TABLE, ["lever", "table"]), (SHARED, ["shared"])):
        assert stages[stage].room.lasting == len(names)
        assert sorted(place.offset for _, place in stages[stage].stores) == [*range(len(names))]
        for name in names:
            assert stages[POLICY].loads[of[name]] == dict(stages[stage].stores)[of[name]]
    assert {one: place.pointer for one, place in stages[POLICY].stores} == {
        of["outcome"]: "results",
        of["after"]: "cells",
    }
    assert not [fault for stage in stages for fault in faults_of_stage(stage)]


def staged_roots(axes: Axis) -> tuple[Listing, list[Operation], set[Operation]]:
    """The stages of twelve roots that are all computed before the first is added up; these operations; and what waits
    for others: their sum and what they read.
    """
    operations, total = wide(12, Axis.PATH | axes)
    inputs = dict.fromkeys(operand for one in operations for operand in one.operands if operand.name == "input")
    listing = Listing(F32, (*inputs, *operations), (), {"outcomes": (total,)})
    return cut(listing, Aim(INPUTS, {"outcomes": RESULTS["outcomes"]})), operations, {total, *inputs}


@pytest.mark.parametrize(("axes", "part"), [(Axis.NONE, "before"), (Axis.YEAR, "rounds")])
def test_operations_come_near_their_readers(axes, part):
    listing, operations, ends = staged_roots(axes)
    ordered = getattr(near_readers(listing, AIM).stages[SHARED], part)
    assert getattr(listing.stages[SHARED], part) == operations and {*ordered} == {*operations}
    assert not list(faults(ordered, ends))
    assert most_waiting(ordered, ends) == 2 < most_waiting(operations, ends)


def test_few_values_wait_in_the_years_of_a_thread():
    listing, operations, ends = staged_roots(Axis.YEAR | Axis.POLICY)
    thread = of_a_thread(listing, AIM)
    ordered = thread.stages[POLICY].rounds
    assert listing.stages[POLICY].rounds == operations and {*ordered} == {*operations}
    assert not list(faults(ordered, ends))
    assert most_waiting(ordered, ends) == 2 < most_waiting(operations, ends)
    assert thread.stages[:POLICY] == listing.stages[:POLICY]


def test_the_numbers_of_a_path_lie_in_its_column(staged):
    listing, of = staged
    laid = in_columns(listing, replace(AIM, paths=32, start=5)).stages
    assert laid[SHARED].loads[of["draw"]] == Place("column1", 0)
    stored = dict(laid[SHARED].stores)[of["shared"]]
    assert stored == laid[POLICY].loads[of["shared"]] == Place("column1", 5 * 32)
    assert laid[POLICY].loads[of["table"]] == listing.stages[POLICY].loads[of["table"]]
    assert laid[POLICY].stores == listing.stages[POLICY].stores


def test_rows_of_the_table_are_vectors_of_four_words(staged):
    listing, of = staged
    laid = in_vectors(listing, AIM).stages
    assert (laid[TABLE].room.lasting, laid[TABLE].room.each) == (4, 0)
    for name, align in (("lever", 4), ("table", 1)):
        before = listing.stages[POLICY].loads[of[name]]
        assert laid[POLICY].loads[of[name]] == dict(laid[TABLE].stores)[of[name]] == replace(before, align=align)
    assert laid[POLICY].loads[of["shared"]] == listing.stages[POLICY].loads[of["shared"]]


@pytest.mark.parametrize("carried", [0, 1, 2])
def test_states_in_memory_are_read_and_written_at_one_place(staged, carried):
    listing, of = staged
    stage = in_memory(listing, replace(AIM, carried=carried, row=64)).stages[POLICY]
    (state,) = listing.stages[POLICY].states
    assert stage.carried == ({state: Place("carried", 0)} if carried else {})
    own = {of["now"], of["last"]}
    assert {one: place for one, place in stage.loads.items() if one in own} == dict.fromkeys(
        own if carried else (), Place("carried", 0)
    )
    assert {one: place for one, place in stage.loads.items() if one not in own} == listing.stages[POLICY].loads
