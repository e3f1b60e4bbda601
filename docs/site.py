"""A hook of mkdocs: what the site has beside docs/*.md, and links that lead to the same place on the site as in the
repository.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

import engine
from engine.charts.kinds import KINDS

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "benchmarks/README.md": "benchmarks.md"}
"""Pages that stand outside of docs/, by their place in the repository, and where the site has them."""
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages from elsewhere and those of the API."""
    texts = {place: (ROOT / origin).read_text(encoding="utf-8") for origin, place in ELSEWHERE.items()}
    for place, text in {**texts, **api(), "rustbelt-names.md": names("rustbelt")}.items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turns links within the repository into links within the site."""
    place = page.file.src_uri
    origin = {at: origin for origin, at in ELSEWHERE.items()}.get(place, f"docs/{place}")

    def led(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), found[0]))
        there = ELSEWHERE.get(target, target.removeprefix("docs/"))
        return posixpath.relpath(there, posixpath.dirname(place) or ".")

    return LINK.sub(led, markdown)


def api() -> dict[str, str]:
    """The pages of the API by their place: what `engine` exports, but for the parts of a model; its model; the
    tables of its figures."""
    exported = [part for name in engine.__all__ if callable(part := getattr(engine, name))]
    drawn = [kind.tables for kind in KINDS.values()]
    return {
        "api/run.md": _page(
            "Run and read", (part for part in exported if not part.__module__.startswith("engine.modelling"))
        ),
        "api/model.md": (
            "# The contract of a model\n\n"
            + "\n".join(
                f"::: engine.modelling.{file}\n    options: {{ show_root_heading: false }}\n"
                for file in ("records", "folds", "cells", "counts")
            )
        ),
        "api/plots.md": _page("Tables of figures", drawn),
    }


def names(name: str) -> str:
    """The page with the names of a study that ships: factors, yearly values and outcomes, with unit and meaning."""
    study = engine.load_study(name)
    factors = study.document["factors"].items()
    return "\n".join(
        [
            f"# Names of the study `{name}`",
            *_table("Factors", ((k, f["unit"], f.get("group", ""), f["about"]) for k, f in factors), "group"),
            *_table(
                "Yearly values",
                ((k, one.unit, ", ".join(one.dims), one.about) for k, one in study.model.yearly.items()),
                "by",
            ),
            *_table(
                "Outcomes",
                ((k, one.unit, "yes" if one.loss else "", one.about) for k, one in study.model.outcomes.items()),
                "loss",
            ),
        ]
    )


def _table(heading: str, rows: Iterable[tuple[str, str, str, str]], third: str) -> list[str]:
    lines = (f"| `{name}` | {unit} | {more} | {about} |" for name, unit, more, about in rows)
    return ["", f"## {heading}", "", f"| name | unit | {third} | meaning |", "|---|---|---|---|", *lines]


def _page(title: str, parts: Iterable[Any]) -> str:
    return f"# {title}\n\n" + "\n".join(f"::: {part.__module__}.{part.__qualname__}\n" for part in parts)
