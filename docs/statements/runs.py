"""The runs and answers that numbers of pages come from, and numbers from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from click.testing import CliRunner

import engine
from engine.cli import main


class Runs:
    """The studies, runs and answers that the statements take their numbers from; each is computed once.

    Args:
      folder: where runs are put.
    """

    def __init__(self, folder: Path):
        self.folder, self._answers = folder, dict[tuple[str, ...], Mapping[str, Any]]()

    def tables(self, *words: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The rows of the tables that a command answers with, by table."""
        if words not in self._answers:
            ended = CliRunner().invoke(main, [*words, "--json", "--quiet"])
            if ended.exit_code:
                raise RuntimeError(f"rustbelt {' '.join(words)}: {ended.output}")
            self._answers[words] = {name: of["rows"] for name, of in json.loads(ended.stdout)["tables"].items()}
        return self._answers[words]

    def cube(self, name: str, study: engine.Study) -> engine.Cube:
        """The cube of a run of a study."""
        return engine.open_cube(engine.run(study, out=self.folder / name).folder)

    @cached_property
    def study(self) -> engine.Study:
        """The shipped study."""
        return engine.load_study("rustbelt")

    @cached_property
    def readings_study(self) -> engine.Study:
        """The study of other readings."""
        return engine.load_study("rustbelt_readings")

    @cached_property
    def shipped(self) -> engine.Cube:
        """The shipped study with all its paths."""
        return self.cube("shipped", self.study)

    @cached_property
    def readings(self) -> engine.Cube:
        """The study of other readings with all its paths."""
        return self.cube("readings", self.readings_study)

    @cached_property
    def views(self) -> tuple[engine.Cube, ...]:
        """The runs of the shipped priors, of those of 2016, and of their posterior given the figures to 2018."""
        posterior = engine.load_study("rustbelt_2016", paths=1 << 16, settings=["facts.until=2018"])
        before = engine.load_study("rustbelt_2016")
        return self.shipped, self.cube("before", before), self.cube("given", posterior)

    @cached_property
    def policies(self) -> engine.Cube:
        """All policies of the shipped study, with 131,072 paths."""
        names = [*self.study.document["policies"]]
        return self.cube("policies", engine.load_study("rustbelt", paths=1 << 17, policies=names))

    def without(self, *factors: str, **others: Any) -> engine.Cube:
        """The shipped study with some factors at 0 and other tables of factors, with 131,072 paths."""
        tables = {name: {"family": "fixed", "value": 0} for name in factors} | others
        study = engine.load_study({"name": "without", "extends": "rustbelt", "factors": tables}, paths=1 << 17)
        return self.cube("_".join((*factors, *others)), study)

    def energy_without_noise(self, study: str) -> float:
        """The energy score of a study in which provincial shares and the pace of urbanisation have no noise."""
        file = self.folder / f"still_{study}.toml"
        still = 'share_volatility = { family = "fixed", value = 0 }'
        text = f'name = "still"\nextends = "{study}"\nfactors.{still}\nconstants.urbanisation_noise = 0\n'
        file.write_text(text, encoding="utf-8")
        return together(self.tables("backtest", str(file)))["energy score"]["value"]


def together(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Mapping[str, Any]]:
    """The scores of all figures together by name, in the first reading."""
    rows = tables["together"]
    return {row["number"]: row for row in rows if row["reading"] == rows[0]["reading"]}


def chances(cube: engine.Cube, event: str, *policies: str) -> list[float]:
    """Probabilities of an event under policies, old policies and reform if none are given [%]."""
    return _under(cube["events"]["probability"].sel(event=event), policies, 100.0)


def means(cube: engine.Cube, outcome: str, *policies: str, measure: str = "mean") -> list[float]:
    """A measure of an outcome under policies, old policies and reform if none are given."""
    return _under(cube["risk"][outcome].sel(measure=measure), policies, 1.0)


def _under(of: Any, policies: Sequence[str], scale: float) -> list[float]:
    return [scale * float(of.sel(stat="estimate", policy=one)) for one in policies or ("old", "reform")]
