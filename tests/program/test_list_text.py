"""A list on paper: in an order in which it can be computed, with the names of the study, counted as it is done."""

import re

import pytest

from engine.modelling.records import Factor, Lever, Outcome, StaticModel
from engine.program.lowering import list_text
from engine.program.lowering.operation_table import OPERATIONS
from engine.program.running.kernel import listing_of
from engine.study.loading import load_study
from tests.user_models import farms, static

STUDIES = {"farms": farms, "warming": lambda: load_study("warming")}
LINE = re.compile(r"(%\d+) = (\w+) (.*?)(  ; by [\w, ]+)?$")


class Paid(StaticModel):
    factors = {"price": Factor("1"), "share": Factor("1")}
    levers = {"scale": Lever("1", default=1.0)}
    outcomes = {"bill": Outcome("1", loss=True)}

    def evaluate(self, factors, levers):
        return {"bill": levers.scale * (factors.price * factors.share + factors.share)}


def test_a_line_says_what_is_read_in_the_words_of_the_study_and_what_it_differs_by():
    anywhere = {"family": "normal", "mean": 1.0, "sd": 2.0}
    study = static(Paid(), {"price": anywhere, "share": anywhere}, 1000, {"plain": {}})
    lines = [*list_text.lines(study, listing_of(study, study.dtype))]
    text = "\n".join(lines)
    for what in (
        "normal score of price  ; by path",
        "normal score of share  ; by path",
        "lever levers scale 0  ; by policy",
    ):
        assert text.count(what) == 1
    *_, product, scaled, outcome = lines
    assert re.fullmatch(r"%\d+ = float32 fma %\d+, %\d+, %\d+  ; by path", product)
    assert re.fullmatch(r"%\d+ = float32 mul %\d+, %\d+  ; by policy, path", scaled)
    assert outcome == f"bill = {scaled.partition(' ')[0]}"


@pytest.mark.parametrize("name", STUDIES)
def test_every_line_reads_what_stands_above_it_and_all_that_is_computed_has_one(name):
    study = STUDIES[name]()
    listing = listing_of(study, study.dtype)
    above, names = set(), []
    for line in list_text.lines(study, listing):
        if found := LINE.match(line):
            own, _, what, _ = found.groups()
            names.append(next((one for one in sorted(OPERATIONS, key=len)[::-1] if what.startswith(f"{one} ")), ""))
            assert {*re.findall(r"%\d+", what)} <= above
            above.add(own)
        else:
            assert {*re.findall(r"%\d+", line)} <= above
    assert {*study.model.outcomes} == {
        line.partition(" = ")[0] for line in [*list_text.lines(study, listing)][-len(study.model.outcomes) :]
    }
    operations = list_text.computed(listing)
    assert [one for one in names if one] == [one.name for one in operations]
    found = list_text.counted(study, listing)
    numbers = [count for parts in found.by_stage.values() for count in parts.values()]
    assert sum(numbers) == len(operations) == sum(count for _, count in found.by_name)


def test_what_differs_by_nothing_but_year_is_done_once_for_all_paths():
    study = load_study("warming")
    found = list_text.counted(study, listing_of(study, study.dtype))
    once, shared, of_policy = ([*parts.values()] for parts in found.by_stage.values())
    assert once[1] > 0 and shared[0] > 0 and of_policy[1] > shared[1] and not of_policy[0]
    years = len(study.years)
    of_policies = len(study.policies) * (of_policy[1] * years + of_policy[2])
    assert found.of_future == shared[0] + shared[1] * years + shared[2] + of_policies
