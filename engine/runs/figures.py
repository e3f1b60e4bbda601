"""Figures of a run, by the name of their kind: in a notebook, and as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import plots
from engine.errors import Problem, UserError, unknown
from engine.plots.kinds import ANSWERS, KINDS, OUTCOME, YEARLY, Kind, figure
from engine.runs.asking import stored_answer
from engine.runs.replay import replay

if TYPE_CHECKING:
    import xarray as xr

    from engine.run_folder.folder import RunFolder


class Plots:
    """The figures of a run, one method per kind; `rustbelt plot` lists them.

    The first option of a kind, such as its variable, may be given by position; all others, and the number of a path,
    are given by keyword.

    Args:
      folder: the run folder with its study.
      cube: gives the cube of the run.
    """

    def __init__(self, folder: RunFolder, cube: Callable[[], xr.DataTree]):
        self._folder, self._cube = folder, cube

    def __dir__(self) -> list[str]:
        return [*KINDS]

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        if kind not in KINDS:
            raise AttributeError(unknown("figure", kind, KINDS), name="")  # given a name, Python adds its own guess

        chosen = KINDS[kind]

        def draw(subject: str | None = None, /, *, path: int | None = None, **options: Any) -> Any:
            given = options if subject is None else _with_subject(kind, subject, options)
            _refuse_options(kind, given, path)
            if given.get("variable") is None:
                given["variable"] = self._usual_variable(chosen.shows)
            return figure(kind, {source: self._source(source, chosen, path or 0) for source in chosen.of}, given)

        takes = [*chosen.takes, *(["path (by keyword)"] if "story" in chosen.of else [])]
        draw.__doc__ = f"A matplotlib figure of {chosen.about}; takes {', '.join(takes) or 'nothing'}."
        return draw

    def _source(self, name: str, kind: Kind, path: int) -> Any:
        match name:
            case "cube":
                return self._cube()
            case "study":
                return self._folder.study
            case "story":
                return replay(self._folder.study, path)
        return stored_answer(self._folder, name, kind.table, kind.asked)

    def _usual_variable(self, shows: str) -> str | None:
        """The default variable of a figure that is about an outcome, or about a yearly variable.

        It is the first stored outcome of the headline, or the first yearly variable that enters one of the headline.
        """
        study = self._folder.study
        if shows == OUTCOME:
            return next((name for name in study.headline if name in study.keep.outcomes), None)
        if shows == YEARLY and "yearly" in self._cube()["risk"].children:
            made_of = (term.variable for name in study.headline for term in study.model.outcomes[name].terms)
            return next((name for name in made_of if name in study.model.yearly), None)
        return None


def _with_subject(kind: str, subject: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a kind of figure with the one given by position under its name, the first that the kind takes.

    Raises:
      UserError: it is no name, or is given by keyword too.
    """
    chosen = KINDS[kind]
    name = next(iter(chosen.takes), "variable")
    if not isinstance(subject, str):
        path = "story" in chosen.of and isinstance(subject, int)
        remedy = f" Give a path by keyword: path={subject}." if path else ""
        raise UserError(kind, [Problem(name, f"expected a name, got {subject!r}.{remedy}")])
    if name in options:
        raise UserError(kind, [Problem(name, f"expected one value, got '{subject}' and {name}={options[name]!r}.")])
    return {name: subject, **options}


def kinds() -> Mapping[str, Kind]:
    """Every kind of figure by its name."""
    return KINDS


def needs_numbers(kind: str) -> bool:
    """Whether a kind of figure needs what a run has computed, rather than its study alone.

    Raises:
      UserError: no such kind.
    """
    return bool({"cube", *ANSWERS} & {*plots.kind_of(kind).of})


def refuse(kind: str, options: Mapping[str, Any], path: int | None, file: Path) -> None:
    """Refuses options that a kind of figure does not take, and a file that no figure can be written to.

    Raises:
      UserError: an unknown option, a path number for a kind that shows no single path, or such a file.
    """
    _refuse_options(kind, _given(options), path)
    plots.refuse_file(file)


def _refuse_options(kind: str, options: Mapping[str, Any], path: int | None) -> None:
    plots.refuse_options(kind, options)
    if path is not None and "story" not in plots.kind_of(kind).of:
        raise UserError(kind, [Problem("path", f"'{kind}' does not take it, as it shows no single path.")])


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def save(figures: Plots, kind: str, options: Mapping[str, Any], path: int | None, file: Path) -> str:
    """Draws a figure into a file, without a display; returns the figure's title.

    Raises:
      UserError: as `refuse`, or what the kind itself refuses.
    """
    plots.draw_unseen()
    drawn = getattr(figures, kind)(path=path, **_given(options))
    plots.save(drawn, file)
    title = drawn.texts[0].get_text().replace("\n", " ")
    plots.close(drawn)
    return str(title)
