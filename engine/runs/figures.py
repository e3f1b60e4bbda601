"""Figures of a run, by the name of their kind: in a notebook, and as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine import plots
from engine.errors import UserError, unknown
from engine.plots.kinds import ANSWERS, KINDS, OUTCOME, YEARLY, Kind, figure
from engine.runs import questions
from engine.runs.inquiry import Inquiry
from engine.runs.replay import replay


class Plots:
    """The figures of a run, one method per kind; `rustbelt plot` lists them with the options that each takes."""

    def __init__(self, run: Inquiry):
        self._run = run

    def __dir__(self) -> list[str]:
        return [*KINDS]

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        if kind not in KINDS:
            raise AttributeError(unknown("figure", kind, KINDS), name="")  # given a name, Python adds its own guess

        def draw(path: int = 0, **options: Any) -> Any:
            if options.get("variable") is None:
                options["variable"] = _usual(KINDS[kind].shows, self._run)
            return figure(kind, self._sources(KINDS[kind], path), options)

        draw.__doc__ = f"A matplotlib figure of {KINDS[kind].about}; takes {', '.join(KINDS[kind].takes) or 'nothing'}."
        return draw

    def _sources(self, kind: Kind, path: int) -> Mapping[str, Any]:
        run = self._run
        make: dict[str, Callable[[], Any]] = {
            "cube": lambda: run.cube,
            "study": lambda: run.study,
            "story": lambda: replay(run.study, path),
        }
        return {
            name: make[name]() if name in make else questions.answer_to(run.run_folder, name, kind.table, kind.asked)
            for name in kind.of
        }


def _usual(shows: str, run: Inquiry) -> str | None:
    """The default variable of a figure that is about an outcome, or about a yearly variable.

    It is the first stored outcome of the headline, or the first yearly variable that enters an outcome of the headline.
    """
    study = run.study
    if shows == OUTCOME:
        return next((name for name in study.headline if name in study.keep.outcomes), None)
    if shows == YEARLY and "yearly" in run.cube["risk"].children:
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
    return bool({"cube", *ANSWERS} & {*plots.kind_of(kind).of})


def refuse(kind: str, options: Mapping[str, Any], path: int | None, file: Path) -> None:
    """Refuses options that a kind of figure does not take, and a file that no figure can be written to.

    Raises:
      UserError: an unknown option, a path number for a kind that shows no single path, or such a file.
    """
    plots.refuse_options(kind, {name: value for name, value in options.items() if value is not None})
    if path is not None and "story" not in plots.kind_of(kind).of:
        raise UserError(kind, ["shows no single path, and does not take --path."])
    plots.refuse_file(file)


def save(run: Inquiry, kind: str, options: Mapping[str, Any], path: int | None, file: Path) -> str:
    """Draws a figure into a file, without a display; returns the figure's title.

    Raises:
      UserError: as `refuse`, or what the kind itself refuses.
    """
    plots.draw_unseen()
    drawn = getattr(Plots(run), kind)(path or 0, **options)
    plots.save(drawn, file)
    title = drawn.texts[0].get_text().replace("\n", " ")
    plots.close(drawn)
    return str(title)
