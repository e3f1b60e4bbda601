"""What an attribution says: a sentence that claims no more than its intervals, and tables that add up."""

import engine
from tests.helpers import assert_close
from tests.questions.test_attribution import game


def test_the_answer_is_labelled_and_adds_up(tmp_path):
    answer = engine.attribute(game(tmp_path), "old", "new", ["product", "dear"], device="cpu")
    shares = answer["outcomes"]
    assert shares.dims == ("of", "group") and shares.title == "Contributions to new less old"
    assert {*shares["unit"]} == {"EUR"} and {*answer["events"]["unit"]} == {"points"}
    assert shares.by_name["difference"].over == ("of",) and shares.by_name["share"].over in (None, shares.dims)
    for table in (shares, answer["events"]):
        for label in table.labels("of"):
            rows = [*table.where(of=label)]
            assert_close(sum(row["share"].estimate for row in rows), rows[0]["difference"].estimate)
    assert [*answer["groups"].where(group="a")] == [{"group": "a", "levers": "a"}]
