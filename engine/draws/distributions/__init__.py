"""Distributions of single numbers, from which a study may draw factors and shocks."""
