"""Traces a model's methods to flat lists of equations, and makes the arrays that a program is fed with."""
