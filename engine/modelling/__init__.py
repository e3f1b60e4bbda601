"""The interface for authors of models, and the checks of a model."""
