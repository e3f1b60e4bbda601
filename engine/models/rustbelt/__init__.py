"""China's northeast in transition, 2016-2030. One file per block of the equations; `docs/rustbelt-model.md` beside it."""

from engine.models.rustbelt.model import Rustbelt

__all__ = ["Rustbelt"]
