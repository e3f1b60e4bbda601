"""Global warming after 1990 by the balance of energy, as it could be forecast then; `docs/warming-model.md` has the equations."""

from engine.models.warming.model import Warming

__all__ = ["Warming"]
