"""Conditioning on observations: a study's futures weighted by their likelihood, or moved to where it is high."""
