"""Copulas: dependence between the members of a group, one file for each kind of copula."""
