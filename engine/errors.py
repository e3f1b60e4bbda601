"""Errors that the user can correct, all of a source at once: place, what was expected, what was found, remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from engine.formatting import printable

LISTED = 10
"""Problems of one kind that are listed; further ones are counted. Problems of a kind differ only in `_VARYING`."""
_VARYING = re.compile(r"""-?\d[\d.,]*(?:e[+-]?\d+)?|'[^']*'|"[^"]*\"""")


@dataclass(frozen=True)
class Problem:
    """One problem.

    Args:
      place: where it is, dotted (`factors.lgd.p95`); "" for none.
      message: what is wrong.
      more: number of further problems of the same kind, which are not listed.
    """

    place: str
    message: str
    more: int = field(default=0, compare=False)

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}" if self.place else self.message
        return f"{text}\n  and {self.more:,} more of this kind" if self.more else text


class UserError(Exception):
    """An error that the user can correct (exit code 2): all problems of one source, without repeats.

    Of each kind the first `LISTED` are listed, the last of which says how many more there are.

    Args:
      source: the file, folder or command-line option that has the problems; kept as text.
      problems: `Problem`s, or plain text for one without a place.
    """

    def __init__(self, source: object, problems: Iterable[Problem | str]):
        gathered = Problems()
        for problem in problems:
            one = problem if isinstance(problem, Problem) else Problem("", problem)
            gathered.add(one.place, one.message, one.more)
        self.source, self.problems = str(source), tuple(gathered)
        super().__init__(self.source, self.problems)

    def __str__(self) -> str:
        count = sum(1 + problem.more for problem in self.problems)
        head = f"{self.source}: {count:,} problem{'s' if count != 1 else ''}"
        return printable("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


def install(extra: str) -> str:
    """The shell command that installs the packages of an optional extra; with `-e` in a clone not yet installed."""
    import shlex
    from importlib import metadata

    try:
        needed = [one.partition(";") for one in metadata.requires("rustbelt") or ()]
    except metadata.PackageNotFoundError:  # run from a clone that nobody installed
        return f"pip install -e '.[{extra}]'"
    words = (shlex.quote(what.strip()) for what, _, when in needed if f'extra == "{extra}"' in when.replace("'", '"'))
    return " ".join(["pip install", *words])


def refusal(place: str, message: str) -> UserError:
    """A `UserError` with one problem, to be raised; `Problems.within` catches it and prefixes its own place."""
    return UserError("", [Problem(place, message)])


def look_up(kind: str, name: str, known: Collection[str]) -> None:
    """Raises a `UserError` where `name` is not in `known`; the message suggests the closest match."""
    if name not in known:
        raise refusal("", unknown(kind, name, known))


class Problems:
    """The problems of one source (a study file, an option), gathered so that all of them are reported at once.

    A check either calls `add`, or raises a `refusal` inside a block `with problems.within(place)`, which adds it. At
    the end `refuse` raises everything gathered as one `UserError`, which an outer `within` may catch in turn.
    """

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._of_kind: dict[str, list[int]] = {}
        self._closed: set[str] = set()

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._problems)

    def __len__(self) -> int:
        return sum(1 + problem.more for problem in self._problems)

    def add(self, place: str, message: str, more: int = 0) -> None:
        """Adds a problem at a place; does nothing where this place or one above it has been closed.

        A repeat of a listed problem is left out. After `LISTED` of a kind, a problem is counted only.

        Args:
          more: number of further problems of its kind that it stands for.
        """
        above = place
        while above not in self._closed:
            if not above:
                self._list(Problem(place, message, more))
                return
            above = above.rpartition(".")[0]

    def _list(self, problem: Problem) -> None:
        same = self._of_kind.setdefault(_VARYING.sub("", f"{problem.place}: {problem.message}"), [])
        if any(self._problems[index] == problem for index in same):
            return
        if len(same) < LISTED:
            same.append(len(self._problems))
            self._problems.append(problem)
        else:
            last = self._problems[same[-1]]
            self._problems[same[-1]] = replace(last, more=last.more + 1 + problem.more)

    def knows(self, place: str, kind: str, name: str, known: Collection[str]) -> bool:
        """Whether `name` is in `known`; if it is not, adds a problem that suggests the closest match."""
        if name in known:
            return True
        self.add(place, unknown(kind, str(name), known) if name else f"is missing.{did_you_mean('', known)}")
        return False

    def knows_each(self, place: str, kind: str, names: Sequence[str], known: Collection[str]) -> None:
        """Adds a problem for each name that is not in `known`, and for each that occurs more than once."""
        for name in dict.fromkeys(names):
            if self.knows(place, kind, name, known) and names.count(name) > 1:
                self.add(place, f"names '{name}' twice. Remove one.")

    def close(self, place: str) -> None:
        """Ignores further problems at this place and below it: they only follow from one that is already reported."""
        self._closed.add(place)

    def has_closed(self, kind: str) -> bool:
        """Whether a table of this kind ("policies") has been closed, so that what it says is not known."""
        return any(place.startswith(f"{kind}.") for place in self._closed)

    @contextmanager
    def within(self, place: str) -> Iterator[None]:
        """A `with` block, ended by a `UserError` raised inside it, whose problems are added below this place."""
        try:
            yield
        except UserError as error:
            for problem in error.problems:
                self.add(".".join(filter(None, [place, problem.place])), problem.message, problem.more)

    def refuse(self, source: str = "") -> None:
        """Raises all problems as one error; does nothing where there are none.

        Raises:
          UserError: with everything that was added.
        """
        if self._problems:
            raise UserError(source, self)


@contextmanager
def moved(place: str, to: str) -> Iterator[None]:
    """A `with` block, ended by a `UserError` raised inside it, whose problems at `place` are put at `to` instead."""
    try:
        yield
    except UserError as error:
        raise UserError(
            error.source, [Problem(to if one.place == place else one.place, one.message) for one in error.problems]
        ) from None


def in_a_line(error: BaseException) -> str:
    """The type of an exception and the first line of what it says, such as `ValueError: out of range`."""
    said = str(error).strip().partition("\n")[0].rstrip(".")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name most similar to `name` (similarity at least 0.6, `difflib`); None where none is."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'sobol'?` where a known name is similar, else ` Known: ...` with at most twelve of the names."""
    names = sorted(known) if isinstance(known, set | frozenset) else [*dict.fromkeys(known)]
    if close := closest(name, names):
        return f" Did you mean '{close}'?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f" Known: {shown}."


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message about a name that is not known, with the closest match or else the known names."""
    return f"unknown {kind} '{name}'.{did_you_mean(name, known)}"
