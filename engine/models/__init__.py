"""Models that ship with the engine, by the name a study gives them."""

from engine.model import Model
from engine.models.rustbelt import Rustbelt

SHIPPED: dict[str, type[Model]] = {"rustbelt": Rustbelt}
