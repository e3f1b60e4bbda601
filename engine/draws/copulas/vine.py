"""Vine copulas by pyvinecopulib (optional extra `vines`), on the host: the program calls back for each tile.

Nagler and Vatter, pyvinecopulib, doi:10.5281/zenodo.10435751. Dissmann, Brechmann, Czado and Kurowicka: Selecting and
estimating regular vine copulae, Comput. Statist. Data Anal. 59, 2013, doi:10.1016/j.csda.2012.08.010.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from engine.draws.copulas import rank_correlations
from engine.draws.copulas.contract import Copula, Implied, Scores, Shared
from engine.draws.limits import FARTHEST
from engine.errors import install, refusal

MOST_BYTES = 1 << 19
"""Greatest length of a vine's text, which is stored in the study file."""
_MOST = 64
_SIMULATED, _FAR = 1 << 16, 0.01
_PAIRS = {
    "Independence": (0, 0), "Gaussian": (1, 1), "Student": (2, 1), "Clayton": (1, 1), "Gumbel": (1, 1),
    "Frank": (1, 1), "Joe": (1, 1), "BB1": (2, 1), "BB6": (2, 1), "BB7": (2, 1), "BB8": (2, 1), "Tawn": (3, 1),
    "TLL": (30, 30),
}  # fmt: skip
"""Shape of the parameters of each family of pair copulas, by the family's name in the text."""


@dataclass(frozen=True)
class Vine(Copula):
    """A regular vine: inverse Rosenblatt transform of the members' own scores, in float64.

    The callback is part of the compiled program, so that every process has to compile it again.

    Args:
      members: in the order of the vine's variables.
      text: the vine as pyvinecopulib writes it (`Vinecop.to_json`).
    """

    members: tuple[str, ...]
    text: str

    family = "vine"
    latents = ()

    def parameters(self, dtype: type) -> Any:
        return {}

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        stacked = jax.lax.optimization_barrier(jnp.stack([own[name] for name in self.members]))
        wanted = jax.ShapeDtypeStruct(stacked.shape, stacked.dtype)
        joint = jax.pure_callback(functools.partial(_host, self.text), wanted, stacked, vmap_method="sequential")
        return {name: joint[k] for k, name in enumerate(self.members)}

    def implied(self, members: Sequence[str]) -> Implied:
        """Rank correlations and tail dependence by simulation; the latter as P(V < q | U < q) at q = 0.01."""
        order = [self.members.index(name) for name in members]
        own = np.asfortranarray(np.random.default_rng(1).random((_SIMULATED, len(self.members))))
        u = np.asarray(_vine(self.text).inverse_rosenblatt(own, num_threads=1))[:, order].T
        kendall = rank_correlations.kendall_of_rows(u)
        lower, upper = ((side @ side.T) / side.sum(axis=1) for side in (1.0 * (u < _FAR), 1.0 * (u > 1.0 - _FAR)))
        about = f"by simulation of {_SIMULATED:,} draws; tails: at {_FAR:g} and {1 - _FAR:g}"
        return Implied(kendall, np.corrcoef(u).reshape(kendall.shape), lower, upper, about)

    def describe(self) -> str:
        return f"{len(self.members)} members"


def is_available() -> bool:
    """Whether pyvinecopulib is installed."""
    return importlib.util.find_spec("pyvinecopulib") is not None


def refuse_unless_vine(place: str, text: str, n_members: int) -> None:
    """Raises a refusal unless the text is a vine of this number of continuous members."""
    if len(text) > MOST_BYTES:
        raise refusal(place, f"expected at most {MOST_BYTES} bytes, got {len(text)}.")
    if not is_available():
        raise refusal(place, f"vine copulas need pyvinecopulib: {install('vines')}.")
    try:
        vine = _vine(text)
    except (RuntimeError, ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        # a failed look-up names a word of the file, which messages do not repeat
        line = "" if isinstance(error, LookupError | TypeError) else (str(error).splitlines() or [""])[0]
        line = "nested too deeply" if isinstance(error, RecursionError) else line
        expected = "a vine as `pyvinecopulib.Vinecop.to_json` writes it"
        reason = f" ({line[:120]})" if line else ""
        raise refusal(place, f"expected {expected}, got another text{reason}.") from error
    if vine.dim != n_members:
        raise refusal(
            place, f"expected a vine of {n_members} variables, one for each of `members`, got one of {vine.dim}."
        )


@functools.lru_cache(maxsize=16)
def _vine(text: str) -> Any:
    """The vine of a text, built from checked parts, as the library does not check JSON that it reads itself."""
    import pyvinecopulib as library

    document = json.loads(text)
    order, array = document["structure"]["order"], document["structure"]["array"]
    size, trees, rows = (array[key] for key in ("d", "t", "data"))
    if not (isinstance(size, int) and 2 <= size <= _MOST and isinstance(trees, int) and 1 <= trees < size):
        raise ValueError(f"expected 2 to {_MOST} variables and a tree at least")
    if [len(row) for row in rows] != [size - 1 - k for k in range(trees)]:
        raise ValueError("its structure is no triangle")
    if set(document["var_types"]) != {"c"}:
        raise ValueError("expected continuous variables")
    pairs = document["pair copulas"]
    structure = library.RVineStructure.from_struct_array(order, rows, natural_order=True, check=True)
    copulas = [
        [_pair(library, pairs[f"tree{tree}"][f"pc{edge}"]) for edge in range(size - 1 - tree)] for tree in range(trees)
    ]
    vine = library.Vinecop.from_structure(structure=structure, pair_copulas=copulas)
    middle = vine.inverse_rosenblatt(np.full((1, vine.dim), 0.5), num_threads=1)
    if vine.dim != size or not np.isfinite(middle).all():
        raise ValueError("it gives no finite numbers")
    return vine


def _pair(library: Any, document: Any) -> Any:
    name, parameters = document["fam"], document["par"]
    shape = tuple(parameters["shape"])
    if shape != _PAIRS[name]:
        raise ValueError(f"expected {_PAIRS[name]} parameters of {name}")
    values = np.array(parameters["data"], np.float64)
    if values.shape != (shape[0] * shape[1],) or not np.isfinite(values).all():
        raise ValueError(f"expected {shape} finite parameters of {name}")
    family = getattr(library.BicopFamily, {"Independence": "indep"}.get(name, name.lower()))
    return library.Bicop.from_family(family, document["rot"], values.reshape(shape, order="F"))


def _host(text: str, scores: Any) -> np.ndarray:
    """Dependent scores [member, ...] from independent ones, on the host."""
    given = np.asarray(scores)
    own = np.asfortranarray(special.ndtr(given.reshape(len(given), -1).astype(np.float64)).T)
    joint = np.clip(special.ndtri(_vine(text).inverse_rosenblatt(own, num_threads=1)), -FARTHEST, FARTHEST)
    return np.ascontiguousarray(joint.T).reshape(given.shape).astype(given.dtype)
