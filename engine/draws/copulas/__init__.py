"""Copulas: how the members of a group move together, one file a family of them."""
