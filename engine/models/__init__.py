"""Models that ship; `engine.modelling.catalogue` has their names."""
