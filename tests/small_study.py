"""A small study by hand, its blocks and its summaries, for the tests of storage: no kernel, no study file."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from engine.draws.distributions.closed import Marginal
from engine.draws.factors import Input
from engine.draws.shocks import Shocks
from engine.modelling.cell_axis import cell_count, split_cells
from engine.modelling.folds import lowest, total
from engine.modelling.records import Factor, Lever, Outcome, PathModel, Yearly
from engine.risk.estimation.display import histogram
from engine.risk.estimation.flags import DETAILS, Reason
from engine.risk.estimation.measures import Variables
from engine.risk.estimation.summaries import Summaries
from engine.run_folder import cube, ledger, ownership, reading
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import FinishedPart
from engine.storage.locks import Holder
from engine.study.components import Event, Keep, Policy
from engine.study.study import BLOCK, Block, Study
from engine.study.tables.challenge import Challenge
from engine.study.tables.observed import Observed

LEVELS = {"mean": float("nan"), "VaR95": 0.95, "ES99": 0.99}
VERSIONS = {"rustbelt": "0.2.0", "jax": "0.10.2", "jaxlib": "0.10.2", "device_kind": "cpu"}


class Provinces(PathModel):
    dims = {"region": ("Liaoning", "Jilin"), "sector": ("steel", "coal", "cement")}
    factors = {"steel_recovery_years": Factor("year"), "fund": Factor("days")}
    levers = {"cut": Lever("share")}
    yearly = {
        "growth": Yearly("1", ("region",), about="growth of output"),
        "stock": Yearly("k persons", ("region", "sector"), loss=True),
        "price": Yearly("yuan/t", low=0.0),
    }
    outcomes = {
        "capital_shortfall_peak": Outcome("% of 2015 GDP", total("stock"), loss=True, about="capital shortfall"),
        "worst_two_year_growth": Outcome("1", lowest("growth")),
    }


def read_paths(folder: Path, study: Study, names: Iterable[str], n_paths: int) -> dict[str, np.ndarray]:
    """Stored outcomes by name, float32 [policy, path], of the first `n_paths` paths."""
    run = RunFolder(folder, study)
    return {name: reading._read(run, name, study.of_paths(n_paths).blocks()) for name in names}


PLAIN = {
    "precision": "float32",
    "program": "loop",
    "shocks": Shocks(),
    "headline": (),
    "nonfinite": 0.0,
    "labels": {},
    "author": "",
    "levels": (0.95, 0.99, 0.999),
    "lever_groups": {},
    "assumptions": (),
    "gates": {},
    "challenge": Challenge(),
    "observed": Observed(),
    "facts": None,
    "stated_dimensions": {},
    "of_policies": (),
    "until": (),
    "idle_targets": (),
    "triggers": {},
}
"""Fields of a study that states nothing beyond its model, policies and events."""


def make_study(paths: int, keep: Keep | None = None, **changes) -> Study:
    """The study with so many paths; both outcomes and the draws of 1,000 paths are kept unless `keep` is given."""
    given = {
        "name": "small",
        "question": "Old or reform?",
        "source": "small.toml",
        "document": {"name": "small", "run": {"paths": paths, "seed": 1}},
        "model": Provinces(),
        "model_name": "provinces",
        "model_digest": "0123456789abcdef" * 4,
        "seed": 1,
        "paths": paths,
        "sampler": "antithetic",
        "tile": 256,
        "years": (2016, 2017, 2018),
        "inputs": tuple(
            Input(name, factor.unit, "", Marginal("normal", (0.0, 1.0))) for name, factor in Provinces.factors.items()
        ),
        "groups": {},
        "policies": (Policy("old", "Old policies", {}, 2016), Policy("reform", "", {}, 2016)),
        "baseline": "old",
        "events": (Event(name="banks_wrecked", about="banks wrecked", outcome="capital_shortfall_peak", above=1.0),),
        "keep": keep or Keep(tuple(Provinces.outcomes), 1000, 512),
    }
    return Study(**{**PLAIN, **given, **changes})


def block_values(study: Study, block: Block) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Outcomes and draws of a block: pure functions of the path number."""
    rng = np.random.default_rng([study.seed, block.index])
    draws = {item.name: rng.standard_normal(BLOCK, np.float32)[: block.count] for item in study.inputs}
    noise = rng.standard_normal((2, 2, BLOCK), np.float32)[..., : block.count]
    return noise + draws["steel_recovery_years"], draws


@contextmanager
def entered(folder, study: Study, versions: Mapping[str, str] = VERSIONS, force: bool = False) -> Iterator[Holder]:
    """A `with` block in which the folder is claimed, entered and has a cube, as before a run's first block."""
    with ownership.claim(RunFolder(folder, study)) as holder:
        ownership.enter(RunFolder(folder, study), versions, force)
        cube.create(RunFolder(folder, study))
        yield holder


def commit_block(folder, study: Study, block: Block) -> None:
    """Writes and commits a block."""
    files = cube.block_files(study, block, *block_values(study, block))
    ledger.commit(
        RunFolder(folder, study), FinishedPart(block.index, block.first, block.count, (), ((0, 0), (0, 0))), files
    )


def is_whole(folder, study: Study) -> bool:
    """Whether the folder holds the whole of the study."""
    run = RunFolder(folder, study)
    return cube.is_finished(run, ledger.done_blocks(run))


def make_summaries(study: Study, outcomes: dict[str, np.ndarray]) -> Summaries:
    """Summaries of the right shapes; their numbers mean nothing but differ from cell to cell."""
    model, n_policies = study.model, len(study.policies)

    def numbered(*shape: int) -> np.ndarray:
        return np.arange(np.prod(shape), dtype=np.float64).reshape(shape)

    cells = split_cells(model, numbered(n_policies, 4, 3, len(study.years), cell_count(model)))
    by_outcome = {name: numbered(n_policies, 3, 4) for name in outcomes}
    short = {name: numbered(n_policies, 4) for name in outcomes}
    quantiles = (0.05, 0.5, 0.95)
    of_bins = {}
    for name, values in outcomes.items():
        counts, edges = histogram(Variables(values, 1, True).ascending())
        of_bins |= {name: counts.astype(np.int64), f"{name}_edges": edges}
    by_event = numbered(n_policies, 1, 4)
    return Summaries(
        levels=LEVELS,
        numbers={
            "risk": by_outcome,
            "events": {"probability": by_event, "difference": by_event},
            "risk/yearly": {name: np.moveaxis(array, 1, 2) for name, array in cells.items()},
            "comparison": by_outcome,
            "comparison/worse": short,
            "comparison/regret": short,
            "comparison/yearly": {name: array[:, :, 0] for name, array in cells.items()},
            "distribution": {name: array[:, 0] for name, array in cells.items()},
            "distribution/outcomes": of_bins,
            "moments": {name: array[:, :3, 0] for name, array in cells.items()},
            "diagnostics": {
                "nonfinite": np.zeros((n_policies, len(model.outcomes)), np.int64),
                "n_paths": np.array(study.paths),
                "n_units": np.array(study.paths // study.unit),
            },
            "diagnostics/bounds": {"price": numbered(n_policies, 2, len(study.years))},
        },
        quantiles=quantiles,
        yearly_sample=min(512, study.paths),
        reasons={"risk": {name: numbered(n_policies, 3, len(Reason), len(DETAILS)) for name in outcomes}},
    )
