"""Studies whose pages are looked at, their numbers as a cube, and a reader of the page."""

from __future__ import annotations

import functools
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import xarray as xr

from engine.draws.distributions.closed import Marginal
from engine.draws.factors import Input
from engine.modelling.folds import lowest, total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, StaticModel, Yearly
from engine.report.page import page
from engine.report.records import records_of
from engine.risk.estimation.summaries import summarise
from engine.risk.estimation.tables import Tables, tables_of_paths
from engine.risk.estimation.yearly_sample import of_parts
from engine.run_folder.cube_groups import groups
from engine.study.components import Event, Keep, Policy
from engine.study.study import Study
from tests.small_study import PLAIN

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&<!--"
LABELS = ("Liaoning", EVIL)


class Farms(PathModel):
    dims = {"region": LABELS, "crop": ("rye", "oats")}
    factors = {"rain": Factor(EVIL, EVIL)}
    levers = {"quota": Lever(EVIL, 1.0, (), EVIL), "price": Lever("1", 2.0, ("region",))}
    yearly = {
        "stock": Yearly(EVIL, ("region",), about=EVIL),
        "harvest": Yearly("kt", ("region", "crop"), loss=True),
        "gdp": Yearly("1"),
    }
    outcomes = {
        "shortage": Outcome("kt", total("harvest"), loss=True, about=EVIL),
        "gdp_index": Outcome(EVIL, lowest("gdp"), about="lowest GDP"),
    }


class Plain(StaticModel):
    factors = {"rain": Factor("1")}
    levers = {"quota": Lever("1", 1.0)}
    outcomes = {"shortage": Outcome("kt", loss=True)}


def make_study(model, paths: int, policies: tuple[str, ...], text: str = "", **changes) -> Study:
    """A study by hand, every text of which is the one given."""
    years = (2016, 2017, 2018) if isinstance(model, PathModel) else ()
    levers = {
        name: np.full((max(len(years), 1), *(len(model.dims[d]) for d in lever.dims)), lever.default)
        for name, lever in model.levers.items()
    }
    varied = [{**levers, "quota": levers["quota"] + k} for k in range(len(policies))]
    given = {
        "name": "farms",
        "question": text or "Which?",
        "source": "farms.toml",
        "model": model,
        "model_name": "Farms",
        "document": {"name": "farms", "run": {"paths": paths, "seed": 1}},
        "model_digest": "0123456789abcdef" * 4,
        "seed": 1,
        "paths": paths,
        "sampler": "random",
        "tile": 64,
        "years": years,
        "baseline": policies[0],
        "inputs": (Input("rain", text or "mm", text, Marginal("normal", (0.0, 1.0)), None, text, (), "normal", text),),
        "groups": {},
        "policies": tuple(
            Policy(name, text, found, years[0] if years else 0) for name, found in zip(policies, varied, strict=True)
        ),
        "headline": tuple(model.outcomes),
        "events": (Event(name="ruin", about=text, outcome="shortage", above=1.0),),
        "keep": Keep(tuple(model.outcomes), 0, 64 if years else 0),
    }
    return Study(**{**PLAIN, **given, **changes})


def make_tree(study: Study, values: np.ndarray) -> xr.DataTree:
    """The cube of the study with these outcomes [outcome, policy, path], and yearly values made up."""
    paths = dict(zip(study.model.outcomes, values.astype(np.float32), strict=True))
    rng = np.random.default_rng(3)
    cells = sum(
        math.prod(len(study.model.dims[d]) for d in entry.dims) for entry in getattr(study.model, "yearly", {}).values()
    )
    shape = (len(study.policies), len(study.years), cells, min(study.keep.yearly, study.paths))
    yearly = of_parts(study, shape[-1], [rng.standard_normal(shape).astype(np.float32)]) if study.has_yearly else {}
    found: Tables = tables_of_paths(study, paths)
    told = summarise(study, found, paths, yearly, np.zeros((len(study.policies), len(paths)), np.int64))
    parts = {name: xr.Dataset(*group) for name, group in groups(study, told) if group.data_vars}
    labels = {"labels": [study.title("policies", name) for name in study.policy_names], "baseline": study.baseline}
    policy = ("policy", [str(name) for name in study.policy_names], labels)
    about = {
        name: {
            "long_name": study.title("outcomes", name),
            "unit_name": entry.unit,
            "worse": "high" if entry.loss else "low",
        }
        for name, entry in study.model.outcomes.items()
    }
    parts["paths"] = xr.Dataset(
        {name: (("policy", "path"), array, about[name]) for name, array in paths.items()}, {"policy": policy}
    )
    parts["/"] = xr.Dataset(attrs={"status": "complete", "paths": study.paths, "independent_unit": study.unit})
    return xr.DataTree.from_dict(parts)


def normal(study: Study, shift: float = 1.0) -> np.ndarray:
    """Normal outcomes, every policy a little further down."""
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((len(study.model.outcomes), len(study.policies), study.paths))
    return noise - shift * np.arange(len(study.policies))[None, :, None]


def made(study: Study, values: np.ndarray | None = None, **more) -> str:
    """The page of a study."""
    tree = make_tree(study, normal(study) if values is None else values)
    return page(records_of(study, tree, **more)).decode()


@functools.cache
def page_of(paths: int = 2000, policies: tuple[str, ...] = ("old", "new")) -> str:
    """The page of the farms as they are."""
    return made(make_study(Farms(), paths, policies))


VOID = {"meta", "link", "input", "br", "line"}


class Reader(HTMLParser):
    """What a browser makes of the page: elements, identifiers, links, text outside of scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self._open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self._open):
            self.words.append(data)

    def of(self, tag: str) -> list[dict]:
        """Attributes of all elements of a kind."""
        return [attrs for name, attrs in self.tags if name == tag]


def data_of(text: str) -> dict:
    """What the page's charts draw."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def column_of(held: list | dict) -> list:
    """The values of a column, whose texts the page holds once each."""
    return held if isinstance(held, list) else [held["of"][k] for k in held["at"]]


def rows_of(chart: dict) -> list[dict]:
    """The rows of the largest table that a chart draws."""
    tables = [{name: column_of(held) for name, held in one.items()} for one in chart["datasets"].values()]
    table = max(tables, key=lambda columns: max(map(len, columns.values()), default=0))
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
