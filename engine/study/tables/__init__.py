"""Readers of a study file's tables, one file per kind of table; each reports all problems of its tables."""
