"""The numbers within sentences of README.md and of the pages of the rustbelt study are those of their statements."""

import pytest

from docs.statements.of_study import OF_STUDY
from docs.statements.pages import read, value
from docs.statements.runs import Runs

TEXTS = read()


def shown(statement):
    """The values of the numbers that the page shows."""
    return [value(number) for number in statement.find(TEXTS[statement.page]).groups()]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The runs that statements need."""
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("statement", OF_STUDY, ids=lambda one: one.text)
def test_numbers_of_the_study_are_as_stated(statement, runs):
    assert [*map(value, statement.numbers(runs))] == shown(statement)
