"""Figures of a run: the tables that they show, and one Altair chart of each."""
