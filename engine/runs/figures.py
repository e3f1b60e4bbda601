"""Figures of a run, by the name of their kind: as Altair charts, as data frames, and as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.charts import export
from engine.charts.kinds import ANSWERS, KINDS, OUTCOME, YEARLY, Kind, Tables, chart, kind_of, refuse_options, tables_of
from engine.errors import Problem, UserError, unknown
from engine.report.words import told, translator
from engine.runs.asking import stored_answer
from engine.runs.replay import replay

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from engine.run_folder.folder import RunFolder


class Plots:
    """The figures of a run, one method per kind; `rustbelt plot` lists them.

    Args:
      folder: the run folder with its study.
      cube: gives the cube of the run.
    """

    def __init__(self, folder: RunFolder, cube: Callable[[], xr.DataTree]):
        self._folder, self._cube = folder, cube

    def __dir__(self) -> list[str]:
        return [*KINDS]

    def __getattr__(self, kind: str) -> Drawing:
        if kind not in KINDS:
            raise AttributeError(unknown("figure", kind, KINDS), name="")  # given a name, Python adds its own guess
        return Drawing(self._folder, self._cube, kind)


class Drawing:
    """One kind of figure of a run: called it gives an Altair chart, and `table` gives the data frame that it draws.

    The first option of a kind, such as its variable, may be given by position; all others, and the number of a path,
    are given by keyword.
    """

    def __init__(self, folder: RunFolder, cube: Callable[[], xr.DataTree], kind: str):
        self._folder, self._cube, self._kind, self._of = folder, cube, kind, KINDS[kind]
        takes = [*self._of.takes, *(["path (by keyword)"] if "story" in self._of.of else [])]
        self.__doc__ = f"An Altair chart of {self._of.about}; takes {', '.join(takes) or 'nothing'}."

    def __call__(self, subject: str | None = None, /, *, path: int | None = None, **options: Any) -> Any:
        return chart(self._kind, self.tables(subject, path, options))

    def table(self, subject: str | None = None, /, *, path: int | None = None, **options: Any) -> Tables:
        """What the figure shows, with title, note and labels in `attrs`; a tuple for a figure of several parts."""
        data = self.tables(subject, path, options)
        return data[0] if len(data) == 1 else data

    def tables(self, subject: Any, path: int | None, options: Mapping[str, Any]) -> tuple[pd.DataFrame, ...]:
        """The data frames of all parts of the figure.

        Raises:
          UserError: as `refuse`, what is given by position is no name or is given by keyword too, or what the kind
            itself refuses.
        """
        given, name = {**options}, next(iter(self._of.takes), "variable")
        if subject is not None:
            problem = f"expected one value, got '{subject}' and {name}={given[name]!r}." if name in given else ""
            if not isinstance(subject, str):
                remedy = f" Give a path by keyword: path={subject}." if "story" in self._of.of else ""
                problem = f"expected a name, got {subject!r}.{remedy}"
            if problem:
                raise UserError(self._kind, [Problem(name, problem)])
            given[name] = subject
        refuse(self._kind, given, path)
        if given.get("variable") is None:
            given["variable"] = self._usual_variable()
        sources = {source: self._source(source, path or 0) for source in self._of.of}
        for name, answer in sources.items():
            if name in ANSWERS:  # its variables and claims are in the words of the study
                say = translator(self._folder.study, answer.subject.policies)
                given |= {key: say(given[key]) for key in ("variable", "claim") if given.get(key)}
        return tables_of(self._kind, sources, given)

    def _source(self, name: str, path: int) -> Any:
        match name:
            case "cube":
                return self._cube()
            case "study":
                return self._folder.study
            case "story":
                return replay(self._folder.study, path)
        return told(self._folder.study, stored_answer(self._folder, name, self._of.table))

    def _usual_variable(self) -> str | None:
        """The default variable of a figure that is about an outcome, or about a yearly variable.

        It is the first stored outcome of the headline, or the first yearly variable that enters one of the headline.
        """
        study = self._folder.study
        if self._of.shows == OUTCOME:
            return next((name for name in study.headline if name in study.keep.outcomes), None)
        if self._of.shows == YEARLY and "yearly" in self._cube()["risk"].children:
            made_of = (term.variable for name in study.headline for term in study.model.outcomes[name].terms)
            return next((name for name in made_of if name in study.model.yearly), None)
        return None


def kinds() -> Mapping[str, Kind]:
    """Every kind of figure by its name."""
    return KINDS


def needs_numbers(kind: str) -> bool:
    """Whether a kind of figure needs what a run has computed, rather than its study alone.

    Raises:
      UserError: no such kind.
    """
    return bool({"cube", *ANSWERS} & {*kind_of(kind).of})


def refuse(kind: str, options: Mapping[str, Any], path: int | None, file: Path | None = None) -> None:
    """Refuses options that a kind of figure does not take, and a file that no figure can be written to.

    Raises:
      UserError: an unknown option, a path number for a kind that shows no single path, or such a file.
    """
    refuse_options(kind, options)
    if path is not None and "story" not in kind_of(kind).of:
        raise UserError(kind, [Problem("path", f"expected no path, as '{kind}' does not show single paths.")])
    if file is not None:
        export.refuse_file(file)


def save(
    figures: Plots, kind: str, options: Mapping[str, Any], path: int | None, file: Path, scheme: str = "light"
) -> str:
    """Draws a figure into a file; returns the figure's title.

    Args:
      scheme: "light" or "dark".

    Raises:
      UserError: as `refuse`, or what the kind itself refuses.
    """
    data = getattr(figures, kind).tables(None, path, options)
    export.save(chart(kind, data), file, scheme)
    return str(data[0].attrs["title"])
