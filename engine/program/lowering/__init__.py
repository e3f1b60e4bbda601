"""Equations to one list of operations on scalars, and the list to stages, pass by pass."""
