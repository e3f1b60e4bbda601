"""Lowers equations to a list of scalar operations, and the list, pass by pass, to stages of code."""
