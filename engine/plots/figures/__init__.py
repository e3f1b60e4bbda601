"""Kinds of figure, one file each; `engine.plots.kinds` has a row for every one."""
