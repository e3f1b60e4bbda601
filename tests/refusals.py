"""What a user is told to mend, asked for by its place and the words and numbers that matter, not by a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine.errors import Problem, UserError


class At:
    """Equals each problem (or its text) at this place, if one is given, in whose message all these words occur."""

    def __init__(self, place: str, words: tuple[object, ...]):
        self.place, self.words = place, words

    def __repr__(self) -> str:
        return f"at({', '.join(map(repr, [self.place, *self.words]))})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str | Problem):
            return NotImplemented
        head, text = f"{self.place}: " if self.place else "", str(other).strip()
        return text.startswith(head) and all(occurs(str(word), text[len(head) :]) for word in self.words)

    __hash__ = None  # type: ignore[assignment]


def occurs(word: str, text: str) -> bool:
    """Whether the word occurs in the text, and not only as a part of a longer word or number."""
    return re.search(rf"(?<!\w)(?<!\d\.){re.escape(word)}(?!\w|\.\d)", text) is not None


def at(place: str, *words: object) -> At:
    """A problem at this place, or at any where it is empty, whose message has these words."""
    return At(place, words)


@contextmanager
def refuses(place: str, *words: object) -> Iterator[pytest.ExceptionInfo[UserError]]:
    """A `with` block that ends in a `UserError`; one of its problems is at this place and has these words in it."""
    with pytest.raises(UserError) as caught:
        yield caught
    assert at(place, *words) in caught.value.problems, caught.value


def problems_of(asked: Callable[..., object], *given: Any, **named: Any) -> list[Problem]:
    """All problems of the `UserError` that a call ends in."""
    with pytest.raises(UserError) as caught:
        asked(*given, **named)
    return [*caught.value.problems]
