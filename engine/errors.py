"""Messages for what is the user's to mend: place, expected, got, remedy; all problems of a source at once."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from engine.formatting import printable


@dataclass(frozen=True)
class Problem:
    """One thing to mend: where it stands (a dotted place such as `factors.lgd.p95`) and what is wrong with it."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class UserError(Exception):
    """The user's to mend (exit code 2): every problem of one source, listed together, each once.

    Args:
      source: the file, folder or command-line option that the problems stand in.
      problems: `Problem`s, or plain text for one without a place.
    """

    def __init__(self, source: str, problems: Iterable[Problem | str]):
        self.source = source
        self.problems = tuple(
            dict.fromkeys(p if isinstance(p, Problem) else Problem("", p) for p in problems)
        )
        super().__init__(source, self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        head = f"{self.source}: {count} problem{'s' if count != 1 else ''}"
        return printable("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


def install(extra: str) -> str:
    """The command that installs the packages of an extra, whichever way this package was installed."""
    import shlex
    from importlib import metadata

    try:
        needed = [one.partition(";") for one in metadata.requires("rustbelt") or ()]
    except metadata.PackageNotFoundError:  # run from a clone that nobody installed
        return f"pip install -e '.[{extra}]'"
    words = (
        shlex.quote(what.strip())
        for what, _, when in needed
        if f'extra == "{extra}"' in when.replace("'", '"')
    )
    return " ".join(["pip install", *words])


def refusal(place: str, message: str) -> UserError:
    """One problem at a place within something whose own place the caller knows: to be raised, and caught by `Problems.within`."""
    return UserError("", [Problem(place, message)])


def look_up(kind: str, name: str, known: Collection[str]) -> None:
    """Refuses a name that is not among those that are known, with its closest match."""
    if name not in known:
        raise refusal("", unknown(kind, name, known))


class Problems:
    """What is wrong with one source, gathered until all of it has been looked at.

    Whoever sees a thing wrong either adds it here, or raises a `refusal` to somebody who looks `within` a place:
    there is no third way. Somebody with problems of his own to gather ends with `refuse`, which is such a refusal.
    """

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._closed: set[str] = set()

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._problems)

    def __len__(self) -> int:
        return len(self._problems)

    def add(self, place: str, message: str) -> None:
        """One more thing to mend; nothing where the place, or one that it is in, is closed."""
        above = place
        while above not in self._closed:
            if not above:
                self._problems.append(Problem(place, message))
                return
            above = above.rpartition(".")[0]

    def knows(self, place: str, kind: str, name: str, known: Collection[str]) -> bool:
        """Whether a name is among those that are known; one that is not is added, with its closest match."""
        if name in known:
            return True
        self.add(place, unknown(kind, str(name), known))
        return False

    def knows_each(self, place: str, kind: str, names: Sequence[str], known: Collection[str]) -> None:
        """Adds each of several names that is not among those that are known, and each that stands twice."""
        for name in dict.fromkeys(names):
            if self.knows(place, kind, name, known) and names.count(name) > 1:
                self.add(place, f"names '{name}' twice.")

    def close(self, place: str) -> None:
        """Nothing more is added at this place or below it: what is wrong there is known, and what follows comes of it."""
        self._closed.add(place)

    @contextmanager
    def within(self, place: str) -> Iterator[None]:
        """What is refused inside is added, each problem's place below this one; what follows in the block is left out."""
        try:
            yield
        except UserError as error:
            for problem in error.problems:
                self.add(".".join(filter(None, [place, problem.place])), problem.message)

    def refuse(self, source: str = "") -> None:
        """Ends the matter where anything is wrong.

        Raises:
          UserError: with everything that was added.
        """
        if self._problems:
            raise UserError(source, self)


def closest(name: str, known: Iterable[str]) -> str | None:
    """The one of these names that is close to another; None where none is."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'sobol'?` for a name close to one that is known, else the names there are, in their order (at most twelve)."""
    names = sorted(known) if isinstance(known, set | frozenset) else [*dict.fromkeys(known)]
    if close := closest(name, names):
        return f" Did you mean '{close}'?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f" Known: {shown}."


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that nothing answers to, with its closest match."""
    return f"unknown {kind} '{name}'.{did_you_mean(name, known)}"
