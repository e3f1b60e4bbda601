"""The numbers within sentences of README.md and of the pages of the rustbelt study are those of their statements."""

import pytest

from docs.statements.of_study import OF_STUDY
from docs.statements.pages import Studies, read, value

TEXTS = read()


def shown(statement):
    """The values of the numbers that the page shows."""
    return [value(number) for number in statement.find(TEXTS[statement.page]).groups()]


@pytest.fixture(scope="module")
def studies():
    """The studies that statements need."""
    return Studies()


@pytest.mark.parametrize("statement", OF_STUDY, ids=lambda one: one.text)
def test_numbers_of_the_study_are_as_stated(statement, studies):
    assert [*map(value, statement.numbers(studies))] == shown(statement)
